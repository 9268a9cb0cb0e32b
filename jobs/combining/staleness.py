"""Service: which questions of a job are to be combined anew, and when all of them are.

The skill of workers is learned from all answers while they are few, whenever they have grown
by a tenth, and once no HIT of the question is open; in between only the questions whose
answers changed are combined, beside a fixed sample of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.orm import Session

from jobs.combining import tallies
from jobs.combining.vote_pages import CLOSED_HITS
from jobs.errors import NotFound
from jobs.tables import Batch, Hit, Job, Refit, Route, StaleQuestion, Task

SMALL = 20_000
"""Answers up to which everything is combined each time."""
GROWTH = 1.1
MOST_STALE = 0.2
SAMPLE = 5_000
"""Questions combined beside the stale ones, so that workers are known."""
EVERY_ITEM = 0


@dataclass(frozen=True)
class Order:
    """What a combination is about: every question (``items`` None), or these items, rising."""

    n_answers: int
    items: Sequence[int] | None = None

    @property
    def is_full(self) -> bool:
        return self.items is None


def kinds_asked(session: Session, job_id: int) -> list[str]:
    """The kinds of question that the job's routes ask; notes about any other are dropped.

    Raises:
        NotFound: when there is no such job.

    """
    if session.get(Job, job_id) is None:
        raise NotFound(f"job {job_id} does not exist")
    kinds = sorted(set(session.scalars(select(Route.kind).where(Route.job_id == job_id))))
    session.execute(
        delete(StaleQuestion)
        .where(StaleQuestion.job_id == job_id, StaleQuestion.kind.not_in(kinds))
        .execution_options(synchronize_session=False)
    )
    return kinds


def take(session: Session, job_id: int, kind: str) -> Order:
    """What must be combined now; what changes from here on is noted for the next time.

    One that broke off is taken again, whole: its notes stay until ``settle``.
    """
    n_answers = _n_answers(session, job_id, kind)
    here = (StaleQuestion.job_id == job_id, StaleQuestion.kind == kind)
    if _wants_refit(session, job_id, kind, n_answers):
        session.execute(delete(StaleQuestion).where(*here))
        _note(session, job_id, kind, [EVERY_ITEM])
        return Order(n_answers)
    gone = delete(StaleQuestion).where(*here).returning(StaleQuestion.item_id)
    items = sorted(set(session.scalars(gone)))
    n_questions = tallies.read(session, [job_id], "questions")[job_id].by_key("questions")
    if EVERY_ITEM in items or len(items) > MOST_STALE * n_questions.get(kind, 0):
        _note(session, job_id, kind, [EVERY_ITEM])
        return Order(n_answers)
    _note(session, job_id, kind, items)
    return Order(n_answers, items)


def settle(session: Session, job_id: int, kind: str, order: Order, now: datetime) -> None:
    """The combination is complete; a full one is remembered as the last refit."""
    session.execute(
        delete(StaleQuestion).where(
            StaleQuestion.job_id == job_id, StaleQuestion.kind == kind, StaleQuestion.is_taken
        )
    )
    if order.is_full:
        row = Refit(job_id=job_id, kind=kind, n_answers=order.n_answers, fitted_at=now)
        session.merge(row)


def beside(session: Session, job_id: int, kind: str, items: Sequence[int]) -> list[int]:
    """The items and a sample of the question's others, rising: always the same sample."""
    n_questions = tallies.read(session, [job_id], "questions")[job_id].by_key("questions")
    step = max(1, n_questions.get(kind, 0) // SAMPLE)
    sample = session.scalars(
        select(Task.item_id)
        .where(Task.job_id == job_id, Task.kind == kind, Task.item_id % step == 0)
        .distinct()
    )
    return sorted({*items, *sample})


def _n_answers(session: Session, job_id: int, kind: str) -> int:
    return tallies.read(session, [job_id], "answers")[job_id].by_key("answers").get(kind, 0)


def _wants_refit(session: Session, job_id: int, kind: str, n_answers: int) -> bool:
    last = session.get(Refit, (job_id, kind))
    if last is None or n_answers < SMALL or n_answers >= GROWTH * last.n_answers:
        return True
    is_open = exists().where(
        Route.job_id == job_id,
        Route.kind == kind,
        Batch.route_id == Route.id,
        Hit.batch_id == Batch.id,
        Hit.state.not_in(CLOSED_HITS),
    )
    return not session.scalar(select(is_open))


def _note(session: Session, job_id: int, kind: str, items: Sequence[int]) -> None:
    rows = [
        {"job_id": job_id, "kind": kind, "item_id": item_id, "is_taken": True} for item_id in items
    ]
    if rows:
        session.execute(insert(StaleQuestion), rows)
