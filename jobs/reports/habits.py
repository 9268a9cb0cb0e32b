"""How one worker answers in a job: what they take for what, and what speaks against their work.

Everything is read off the pictures they answered last, so that it costs the same in a job
of ten thousand answers and of ten million.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.combining.comparing import corners
from jobs.errors import NotFound
from jobs.records import BOXES, SETTLED
from jobs.reports.workers import WorkerRow
from jobs.specs.job_specs import Policy, ReviewPolicy
from jobs.tables import Answer, Consensus, Job, Task, Worker, WorkerScore
from jobs.workers import evidence
from jobs.workers.evidence import Evidence
from quality.boxes import match

FEWEST_PACES, FEWEST_ANSWERS = 3, 8
QUICK_PART = 1 / 3  # of the median pace: see quality.worker_flags
NOTHING = ""  # a box that the other side does not have, an option that it does not choose


@dataclass(frozen=True)
class Confusion:
    """What a worker said where the settled answer is known.

    ``rows[i][j]`` counts ``names[i]`` answered as ``names[j]``; NOTHING is the last name.
    """

    title: str
    names: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]

    @property
    def n(self) -> int:
        return sum(map(sum, self.rows))

    @property
    def n_right(self) -> int:
        return sum(row[place] for place, row in enumerate(self.rows))


@dataclass(frozen=True)
class Habits:
    """One worker's habits with one kind of question, over their last answers to settled ones.

    ``evidence`` speaks in the words that the worker would be told. ``details`` are what the
    consensus method learned: for boxes the bias and spread of each side, in parts of the box.
    """

    kind: str
    n_looked_at: int
    confusions: tuple[Confusion, ...]
    evidence: tuple[Evidence, ...]
    details: dict[str, Any]


def signs(
    session: Session, job_id: int, rows: Sequence[WorkerRow]
) -> dict[tuple[int, str], tuple[Evidence, ...]]:
    """What speaks against each of these (worker, kind), told from the job's numbers alone."""
    review = _review_policy(session, job_id)
    paces = defaultdict(list)
    people = select(WorkerScore.kind, WorkerScore.mean_seconds).join(
        Worker, Worker.id == WorkerScore.worker_id
    )
    for kind, seconds in session.execute(
        people.where(WorkerScore.job_id == job_id, Worker.provider != "model")
    ):
        paces[kind].append(seconds)
    usual = {kind: median(found) for kind, found in paces.items() if len(found) >= FEWEST_PACES}
    return {
        (row.worker_id, row.kind): (*evidence.of_score(review, row), *_pace(row, usual))
        for row in rows
    }


def _pace(row: WorkerRow, usual: dict[str, float]) -> Iterator[Evidence]:
    middle = usual.get(row.kind)
    is_quick = middle is not None and row.mean_seconds < QUICK_PART * middle
    if middle and is_quick and row.provider != "model" and row.n_answers >= FEWEST_ANSWERS:
        text = f"An answer takes them {row.mean_seconds:.1f} s, half of the workers {middle:.1f} s."
        yield Evidence(evidence.SPEED, text)


def worker_habits(session: Session, job_id: int, worker_id: int) -> tuple[Habits, ...]:
    """The worker's habits by kind of question. NotFound when there is no such job."""
    review = _review_policy(session, job_id)
    here = (WorkerScore.job_id == job_id, WorkerScore.worker_id == worker_id)
    scores = session.scalars(select(WorkerScore).where(*here).order_by(WorkerScore.kind))
    return tuple(_habits(session, review, score) for score in scores.all())


def _habits(session: Session, review: ReviewPolicy, score: WorkerScore) -> Habits:
    where = (session, score.job_id, score.kind, score.worker_id)
    n_looked_at, confusions = _confusions(*where)
    return Habits(
        kind=score.kind,
        n_looked_at=n_looked_at,
        confusions=confusions,
        evidence=(*evidence.of_score(review, score), *evidence.of_worker(*where)),
        details=score.details,
    )


def _review_policy(session: Session, job_id: int) -> ReviewPolicy:
    policy = session.scalar(select(Job.policy).where(Job.id == job_id))
    if policy is None:
        raise NotFound(f"job {job_id} does not exist")
    return Policy.model_validate(policy).review


def _confusions(
    session: Session, job_id: int, kind: str, worker_id: int
) -> tuple[int, tuple[Confusion, ...]]:
    """How many answers were read, and how they compare by attribute, or by class for boxes."""
    rows = session.execute(
        select(Answer.value, Consensus.value, Task.tile)
        .join(Task, Task.id == Answer.task_id)
        .join(
            Consensus,
            (Consensus.job_id == Task.job_id)
            & (Consensus.item_id == Task.item_id)
            & (Consensus.kind == Task.kind),
        )
        .where(
            Answer.worker_id == worker_id, Task.job_id == job_id, Task.kind == kind,
            Task.repeat_of.is_(None), Consensus.state.in_(SETTLED),
        )
        .order_by(Answer.task_id.desc())  # as the index of a worker's answers has them
        .limit(evidence.N_LAST)
    ).all()  # fmt: skip
    pairs: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for answer, settled, tile in rows:
        found = _of_boxes(answer, settled, tile) if kind == BOXES else _of_tags(answer, settled)
        for title, pair in found:
            pairs[title][pair] += 1
    return len(rows), tuple(confusion(title, pairs[title]) for title in sorted(pairs))


def confusion(title: str, pairs: Counter[tuple[str, str]]) -> Confusion:
    """The table of (settled, said) pairs, names in order, NOTHING last."""
    names = sorted({name for pair in pairs for name in pair}, key=lambda name: (not name, name))
    rows = tuple(tuple(pairs[row, column] for column in names) for row in names)
    return Confusion(title, tuple(names), rows)


def _of_boxes(
    answer: dict[str, Any], settled: dict[str, Any], tile: Sequence[float] | None
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Boxes matched by place alone, so that a wrong class shows as one."""
    drawn, said = corners(answer)
    known, right = corners(settled)
    if tile is not None:
        x, y = (known[:, 0] + known[:, 2]) / 2, (known[:, 1] + known[:, 3]) / 2
        inside = (x >= tile[0]) & (x < tile[2]) & (y >= tile[1]) & (y < tile[3])
        known, right = (
            known[inside],
            [name for name, kept in zip(right, inside, strict=True) if kept],
        )
    mine, theirs, _ = match(drawn, known, 0.5)
    for i, j in zip(mine.tolist(), theirs.tolist(), strict=True):
        yield "class", (right[j], said[i])
    for j in sorted(set(range(len(right))) - set(theirs.tolist())):
        yield "class", (right[j], NOTHING)
    for i in sorted(set(range(len(said))) - set(mine.tolist())):
        yield "class", (NOTHING, said[i])


def _of_tags(
    answer: dict[str, Any], settled: dict[str, Any]
) -> Iterator[tuple[str, tuple[str, str]]]:
    for name, said in answer.get("tags", {}).items():
        known = settled.get("tags", {}).get(name)
        if known is None:
            continue
        if isinstance(said, list) or isinstance(known, list):
            mine, theirs = _options(said), _options(known)
            for option in sorted(mine | theirs):
                pair = (
                    option if option in theirs else NOTHING,
                    option if option in mine else NOTHING,
                )
                yield name, pair
        else:
            yield name, (str(known), str(said))


def _options(value: Any) -> set[str]:
    return {str(option) for option in value} if isinstance(value, list) else {str(value)}
