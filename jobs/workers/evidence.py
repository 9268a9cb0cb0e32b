"""What speaks against a worker's work in a job, each kind from another source.

One kind alone proves little: gold may be wrong, the crowd may be wrong, quick hands may be
honest. Whoever decides needs two.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from jobs.combining.box_consensus import SIDES
from jobs.combining.votes import index_of
from jobs.records import BOXES
from jobs.specs.job_specs import ReviewPolicy
from jobs.tables import Answer, Item, Task
from quality.box_flags import copied_boxes
from quality.consensus.shapes import BoxAnswers, TagAnswers
from quality.worker_flags import Flag, flags, too_fast

GOLD, AGREEMENT, SPEED, COPIES, UNREADABLE = (
    "known pictures",
    "agreement",
    "speed",
    "copies",
    "unreadable",
)
N_LAST = 500  # of a worker's newest answers
LEAST_DRAWINGS = 8
LEAST_CROWD = 5  # answers a question: two alike, and three others who tell what is usual
SAME_SHARE = 0.8


@dataclass(frozen=True)
class Evidence:
    """One kind of evidence; ``told`` says it to the worker in plain words."""

    kind: str
    told: str


@dataclass(frozen=True)
class _Row:
    """One answer as evidence needs it."""

    task_id: int
    item_id: int
    worker_id: int
    value: dict[str, Any]
    seconds: float
    width: int
    height: int


class Scored(Protocol):
    """A worker's accuracies in a job, as a row of the table or of a report."""

    @property
    def n_answers(self) -> int: ...
    @property
    def n_gold(self) -> int: ...
    @property
    def gold_accuracy(self) -> float | None: ...
    @property
    def gold_high(self) -> float | None: ...
    @property
    def consensus_accuracy(self) -> float | None: ...
    @property
    def consensus_high(self) -> float | None: ...


def of_score(policy: ReviewPolicy, score: Scored | None) -> list[Evidence]:
    """Accuracy on known pictures, and agreement with others, where each is surely low.

    Surely: from enough answers, and with the whole 95 % interval under the policy's bound.
    """
    if score is None:
        return []
    found = []
    if (
        score.n_gold >= policy.min_gold
        and score.gold_high is not None
        and score.gold_high < policy.gold_below
    ):
        share = score.gold_accuracy or 0
        known = f"Your answers to {score.n_gold} known pictures were right"
        found.append(Evidence(GOLD, f"{known} in {share:.0%} of cases."))
    if (
        score.n_answers >= policy.min_answers
        and score.consensus_high is not None
        and score.consensus_high < policy.agreement_below
    ):
        share = score.consensus_accuracy or 0
        text = f"{share:.0%} of your {score.n_answers} answers agree with those of other workers."
        found.append(Evidence(AGREEMENT, text))
    return found


def of_worker(session: Session, job_id: int, kind: str, worker_id: int) -> list[Evidence]:
    """Speed and copying of one worker, among all who answered their ``N_LAST`` newest pictures.

    What is found there costs the same in a job of a million answers.
    """
    theirs = (
        select(Task.item_id)
        .join(Answer, Answer.task_id == Task.id)
        .where(Answer.worker_id == worker_id, Task.job_id == job_id, Task.kind == kind)
        .order_by(Answer.task_id.desc())
        .limit(N_LAST)
    )
    items = select(theirs.subquery().c.item_id)
    asked = _answers(job_id, kind).where(Task.item_id.in_(items))
    return _behaviour(session, asked, kind)[worker_id]


_Columns = Select[int, int, int, dict[str, Any], float, int, int]


def _answers(job_id: int, kind: str) -> _Columns:
    return (
        select(
            Task.id,
            Task.item_id,
            Answer.worker_id,
            Answer.value,
            Answer.seconds,
            Item.width,
            Item.height,
        )
        .join(Answer, Answer.task_id == Task.id)
        .join(Item, Item.id == Task.item_id)
        .where(Task.job_id == job_id, Task.kind == kind, Task.repeat_of.is_(None))
        .order_by(Answer.id)
    )


def _behaviour(
    session: Session, answers_asked: _Columns, kind: str
) -> defaultdict[int, list[Evidence]]:
    rows = [_Row(*row) for row in session.execute(answers_asked)]
    found: defaultdict[int, list[Evidence]] = defaultdict(list)
    if not rows:
        return found
    answers, worker_ids = _as_labels(rows)
    is_crowd = len(rows) >= LEAST_CROWD * answers.n_items
    flagged = _of_boxes(answers, rows, worker_ids) if kind == BOXES else flags(answers)
    for flag in flagged:
        if flag.kind == "near-identical" and not is_crowd:
            continue  # beside one spammer two honest workers look like a pair of copiers
        is_speed = flag.kind == "too fast"
        evidence = Evidence(SPEED if is_speed else COPIES, f"Of your work, {flag.evidence}.")
        found[worker_ids[flag.worker]].append(evidence)
    if kind == BOXES:
        for worker_id, evidence in _repeated_drawings(rows):
            found[worker_id].append(evidence)
    return found


def _of_boxes(
    answers: TagAnswers, rows: Sequence[_Row], worker_ids: Sequence[int]
) -> tuple[Flag, ...]:
    return (*too_fast(answers), *copied_boxes(_as_boxes(rows, worker_ids)))


def kinds(evidence: Sequence[Evidence]) -> set[str]:
    """The different kinds among the evidence."""
    return {one.kind for one in evidence}


def reason_for_worker(evidence: Sequence[Evidence]) -> str:
    """Why work is not accepted, in plain words, at most 1,024 characters."""
    told = " ".join(dict.fromkeys(one.told for one in evidence))
    return f"{told[:960]} Please write to us if you think this is a mistake."


def _as_labels(rows: Sequence[_Row]) -> tuple[TagAnswers, list[int]]:
    """Each whole answer as one label, so that equal answers are equal labels."""
    items, item = index_of([row.item_id for row in rows])
    workers, worker = index_of([row.worker_id for row in rows])
    labels: dict[str, int] = {}
    label = [labels.setdefault(_text(row.value), len(labels)) for row in rows]
    answers = TagAnswers(
        item=item,
        worker=worker,
        label=np.asarray(label, dtype=np.int64),
        n_items=len(items),
        n_workers=len(workers),
        n_labels=len(labels),
        seconds=np.asarray([row.seconds for row in rows], dtype=float),
    )
    return answers, workers


def _as_boxes(rows: Sequence[_Row], worker_ids: Sequence[int]) -> BoxAnswers:
    """The drawings as columns, each task a picture of its own: a tile is one, too."""
    tasks, seen = index_of([row.task_id for row in rows])
    place = {worker_id: number for number, worker_id in enumerate(worker_ids)}
    worker = np.asarray([place[row.worker_id] for row in rows], dtype=np.int64)
    size = np.empty((len(tasks), 2))
    size[seen] = [(row.width, row.height) for row in rows]
    labels: dict[str, int] = {}
    drawn = [(number, box) for number, row in enumerate(rows) for box in row.value["boxes"]]
    response = np.asarray([number for number, _ in drawn], dtype=np.int64)
    label = [labels.setdefault(box["label"], len(labels)) for _, box in drawn]
    return BoxAnswers(
        response_item=seen,
        response_worker=worker,
        item=seen[response],
        worker=worker[response],
        label=np.asarray(label, dtype=np.int64),
        xyxy=np.asarray([[box[side] for side in SIDES] for _, box in drawn], float).reshape(-1, 4),
        size=size,
        n_items=len(tasks),
        n_workers=len(worker_ids),
        n_labels=max(1, len(labels)),
    )


def _repeated_drawings(rows: Sequence[_Row]) -> Iterator[tuple[int, Evidence]]:
    """Workers who draw the same boxes on many pictures, to the last digit."""
    drawn: dict[int, dict[int, str]] = defaultdict(dict)
    for row in rows:
        if row.value.get("boxes"):
            drawn[row.worker_id].setdefault(row.item_id, _text(row.value))
    for worker_id, drawings in sorted(drawn.items()):
        most = Counter(drawings.values()).most_common(1)[0][1]
        if len(drawings) >= LEAST_DRAWINGS and most >= SAME_SHARE * len(drawings):
            text = f"{most} of your {len(drawings)} drawings are the same boxes on other pictures."
            yield worker_id, Evidence(COPIES, text)


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)
