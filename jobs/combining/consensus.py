"""Service: the answers of a job combined, question by question, and its workers scored.

Answers are read a page of items at a time, twice: once to learn from all of them, once to
write what was learned, so that memory holds numbers only, however long the job is.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from jobs.combining import gold_results, staleness, tallies
from jobs.combining.box_consensus import BoxColumns, FittedBoxes, tiles_of
from jobs.combining.staleness import Order
from jobs.combining.tag_consensus import FittedTags, TagColumns
from jobs.combining.vote_pages import PAGE, Page, pages
from jobs.combining.votes import Combined, Vote, fingerprint
from jobs.combining.worker_scores import Habits, score_rows
from jobs.db import Sessions, reading, transaction
from jobs.records import BOXES, HELD, TAGS, Attribute
from jobs.specs.job_specs import Policy
from jobs.specs.label_schemas import load_schema
from jobs.tables import (
    Consensus,
    GoldAnswer,
    Item,
    Job,
    Route,
    SchemaVersion,
    WorkerScore,
)

Door = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True)
class CombineReport:
    """What one combination did: the questions it looked at, by the state they are in now."""

    n_open: int
    n_sure: int
    n_conflict: int
    n_changed: int


@dataclass(frozen=True)
class _Doors:
    """How a combination reaches the database: one session, or one for each page."""

    read: Door
    write: Door
    progress: Callable[[int, int], None]


@dataclass(frozen=True)
class _Question:
    """What a job asks of one kind, and how its answers are combined."""

    job_id: int
    kind: str
    method: str
    sure_at: float
    classes: Sequence[str]
    attributes: Sequence[Attribute]
    gold: dict[int, dict[str, Any]]


@dataclass(frozen=True)
class _Learned:
    """What the first reading brought: the fit, workers' habits, and which answers it knew."""

    fitted: FittedTags | FittedBoxes
    habits: Habits
    known: NDArray[np.int64]

    def counted(self, votes: Sequence[Vote]) -> list[Vote]:
        """The votes that the fit knew: others came in between, and are noted for the next time."""
        ids = np.array([vote.answer_id for vote in votes], dtype=np.int64)
        places = np.searchsorted(self.known, ids)
        ends = np.searchsorted(self.known, ids, side="right")
        return [vote for vote, n in zip(votes, ends - places, strict=True) if n]

    def combined(self, votes: Sequence[Vote]) -> Combined:
        if isinstance(self.fitted, FittedBoxes):
            return self.fitted.combined(votes, tiles_of(votes))
        return self.fitted.combined(votes)


def combine_job(session: Session, job_id: int, now: datetime) -> CombineReport:
    """Replaces the job's consensus rows and worker scores by what its answers say now.

    Depends on the answers alone, not on their order or on earlier combinations, so a
    repeat changes nothing. Rejected assignments and excluded workers do not vote; hidden
    repeats only tell how steady a worker is.
    """

    def same() -> AbstractContextManager[Session]:
        return nullcontext(session)

    return _combine(_Doors(same, same, lambda *_: None), job_id, now, in_full=True)


def combine_in_pages(
    sessions: Sessions,
    job_id: int,
    now: datetime,
    progress: Callable[[int, int], None],
    *,
    fence: Callable[[Session], None] = lambda _: None,
) -> CombineReport:
    """The same for the background, in short transactions: nobody waits while a long job combines.

    Only questions whose answers changed are combined, except when the skill of workers is
    learned anew (see ``jobs.combining.staleness``); the last combination of a job is a full
    one, so that its labels depend on the answers alone. One that breaks off is done again. Each
    writing transaction begins with ``fence``, so that a run that was taken over overwrites
    nothing.
    """

    @contextmanager
    def fenced() -> Iterator[Session]:
        with transaction(sessions) as session:
            fence(session)
            yield session

    doors = _Doors(lambda: reading(sessions), fenced, progress)
    return _combine(doors, job_id, now, in_full=False)


def _combine(doors: _Doors, job_id: int, now: datetime, *, in_full: bool) -> CombineReport:
    counts: dict[str, int] = defaultdict(int)
    with doors.write() as session:
        kinds = staleness.kinds_asked(session, job_id)
    for kind in kinds:
        with doors.write() as session:
            question = _question(session, job_id, kind)
            order = staleness.take(session, job_id, kind)
            order = Order(order.n_answers) if in_full else order
        learned = _learn(doors, question, order)
        for state, n in _write(doors, question, order, learned, now).items():
            counts[state] += n
        with doors.write() as session:
            if order.is_full:
                _replace_scores(session, question, learned, now)
            staleness.settle(session, job_id, kind, order, now)
    with doors.write() as session:
        gold_results.refresh(session, job_id)
        tallies.fold(session, job_id)
    return CombineReport(counts["open"], counts["sure"], counts["conflict"], counts["changed"])


def _question(session: Session, job_id: int, kind: str) -> _Question:
    job = session.get_one(Job, job_id)
    quality = Policy.model_validate(job.policy).quality
    schema = load_schema(session.get_one(SchemaVersion, job.schema_id))
    return _Question(
        job_id=job_id,
        kind=kind,
        method=quality.box_method if kind == BOXES else quality.tag_method,
        sure_at=quality.sure_at,
        classes=schema.classes,
        attributes=_attributes(session, job) if kind == TAGS else (),
        gold=_gold(session, job, kind),
    )


def _gold(session: Session, job: Job, kind: str) -> dict[int, dict[str, Any]]:
    rows = session.execute(
        select(GoldAnswer.item_id, GoldAnswer.value)
        .join(Item, Item.id == GoldAnswer.item_id)
        .where(Item.dataset_id == job.dataset_id, GoldAnswer.kind == kind)
    )
    return dict(rows.all())


def _attributes(session: Session, job: Job) -> list[Attribute]:
    """The attributes that the job's routes ask, in the schema's order."""
    routes = session.scalars(
        select(Route.attributes).where(Route.job_id == job.id, Route.kind == TAGS)
    ).all()
    schema = load_schema(session.get_one(SchemaVersion, job.schema_id))
    if not all(routes):  # a route that names none asks them all
        return list(schema.attributes)
    asked = {name for names in routes for name in names}
    return [attribute for attribute in schema.attributes if attribute.name in asked]


def _learn(doors: _Doors, question: _Question, order: Order) -> _Learned:
    """The first reading: every answer, or the changed questions and a sample, as columns."""
    items = order.items
    if items:
        with doors.read() as session:
            items = staleness.beside(session, question.job_id, question.kind, items)
    tags = TagColumns(question.attributes, question.gold)
    boxes = BoxColumns(question.classes, question.gold)
    habits, known = Habits(), array("q")
    for page in _pages(doors, question, items):
        for item_id, votes in sorted(page.votes.items()):
            if question.kind == BOXES:
                boxes.add(votes, page.sizes[item_id], tiles_of(votes))
            else:
                tags.add(votes)
            known.extend(vote.answer_id for vote in votes)
            habits.add(votes, page.repeats.get(item_id, ()))
    fitted: FittedTags | FittedBoxes
    if question.kind == BOXES:
        fitted = boxes.fit(question.method, doors.progress)
    else:
        fitted = tags.fit(question.method)
    return _Learned(fitted, habits, np.sort(np.array(known, dtype=np.int64)))


def _write(
    doors: _Doors, question: _Question, order: Order, learned: _Learned, now: datetime
) -> dict[str, int]:
    """The second reading: each page's combined answers stored; questions by state, and changed."""
    counts: dict[str, int] = defaultdict(int)
    for page in _pages(doors, question, order.items):
        found = [
            (one, _state(one, question.sure_at, page), sha256)
            for one, sha256 in _outcomes(question, page, learned)
        ]
        for _, state, _ in found:
            counts[state] += 1
        with doors.write() as session:
            counts["changed"] += _store(session, question, found, now)
            session.flush()
    return counts


def _pages(doors: _Doors, question: _Question, items: Sequence[int] | None) -> Iterator[Page]:
    for number, page in enumerate(pages(doors.read, question.job_id, question.kind, items)):
        yield page
        doors.progress(number, max(number + 1, len(items or ()) // PAGE))


def _outcomes(question: _Question, page: Page, learned: _Learned) -> Iterator[tuple[Combined, str]]:
    """Each item's combined answer and what it was made from.

    Questions whose HITs are all closed without an answer that counts are there too: a person
    must look at them.
    """
    empty: dict[str, Any] = {"boxes": []} if question.kind == BOXES else {"tags": {}}
    for item_id in page.asked:
        votes = page.votes.get(item_id, [])
        counted = learned.counted(votes)
        if counted:
            yield learned.combined(counted), fingerprint(counted)
        elif not votes and item_id not in page.waiting:
            nothing = Combined(item_id, empty, 0.0, None, 0, False, "none@1", {"voters": []})
            yield nothing, fingerprint([])


def _state(combined: Combined, sure_at: float, page: Page) -> str:
    if combined.item_id in page.waiting:
        return "open"
    return "sure" if combined.complete and combined.confidence >= sure_at else "conflict"


def _store(
    session: Session,
    question: _Question,
    found: Sequence[tuple[Combined, str, str]],
    now: datetime,
) -> int:
    """The number of rows that changed. A person's decision stays what it is."""
    here = (Consensus.job_id == question.job_id, Consensus.kind == question.kind)
    items = [combined.item_id for combined, _, _ in found]
    query = select(Consensus).where(*here, Consensus.item_id.in_(items))
    rows = {row.item_id: row for row in session.scalars(query)}
    n_changed = 0
    for combined, state, answers_sha256 in found:
        row = rows.get(combined.item_id)
        fresh = {
            "method": combined.method,
            "value": combined.value,
            "confidence": round(combined.confidence, 6),
            "agreement": combined.agreement,
            "n_answers": combined.n_answers,
            "answers_sha256": answers_sha256,
            "provenance": combined.provenance,
        }
        if row is None:
            place = {"job_id": question.job_id, "kind": question.kind}
            row = Consensus(**place, item_id=combined.item_id, combined_at=now)
            session.add(row)
        elif all(getattr(row, name) == value for name, value in fresh.items()):
            row.state = row.state if row.state in HELD else state
            continue
        for name, value in fresh.items():
            setattr(row, name, value)
        row.combined_at = now
        row.state = row.state if row.state in HELD else state
        n_changed += 1
    return n_changed


def _replace_scores(
    session: Session, question: _Question, learned: _Learned, now: datetime
) -> None:
    old = delete(WorkerScore).where(
        WorkerScore.job_id == question.job_id, WorkerScore.kind == question.kind
    )
    session.execute(old)
    scores = learned.fitted.scores
    session.add_all(score_rows(question.job_id, question.kind, scores, learned.habits, now))
