"""Service: who is looking at which question, so that two people do not decide it unknowingly.

A reservation is a courtesy with an end: it holds for three minutes and is renewed while the
page is open. What keeps decisions apart is the version that each one names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from jobs.adjudication.rounds import Decider
from jobs.errors import NotFound
from jobs.reports.conflicts import ConflictRow, Queue, conflicts
from jobs.tables import Consensus, Reservation, User

LEASE = timedelta(minutes=3)
_AT_A_LOOK = 5


@dataclass(frozen=True)
class Look:
    """Who looks at a question, and until when that holds; ``name`` is for people to read."""

    actor: str
    name: str
    until: datetime
    is_mine: bool


def reserve(
    session: Session,
    job_id: int,
    item_id: int,
    kind: str,
    *,
    by: Decider,
    now: datetime,
    is_taken_over: bool = False,
) -> Look:
    """Who has the question now: this person, unless somebody else is looking at it.

    Asking again renews it. ``is_taken_over`` takes it from somebody who is still looking.
    """
    consensus_id = _question_id(session, job_id, item_id, kind)
    _take(session, consensus_id, by, now, is_taken_over=is_taken_over)
    row = session.get_one(Reservation, consensus_id, populate_existing=True)
    return Look(row.actor, _name(session, row.actor), row.until, row.actor == by.name)


def release(session: Session, job_id: int, item_id: int, kind: str, *, by: Decider) -> None:
    """The question is free again if this person had it; a repeat changes nothing."""
    consensus_id = _question_id(session, job_id, item_id, kind)
    session.execute(
        delete(Reservation).where(
            Reservation.consensus_id == consensus_id, Reservation.actor == by.name
        )
    )


def take_next(
    session: Session,
    queue: Queue,
    *,
    by: Decider,
    now: datetime,
    after: tuple[float, int] | None = None,
) -> ConflictRow | None:
    """The worst question after this place that nobody looks at and this person may decide.

    It is theirs from now on; None only when there is no further one. However many ask at once,
    each gets another question: where somebody was quicker, theirs is seen at the next look, so
    every look that gives nothing means that others got something. On SQLite one looks at a time.
    """
    mine = replace(queue, free_for=by.name)
    while rows := conflicts(session, mine, after=after, limit=_AT_A_LOOK, now=now):
        for row in rows:
            consensus_id = _question_id(session, row.job_id, row.item_id, row.kind)
            if _take(session, consensus_id, by, now):
                return row
    return None


def looking(
    session: Session, job_id: int, item_id: int, kind: str, *, by: Decider, now: datetime
) -> Look | None:
    """Who has the question now, if anybody."""
    row = session.get(Reservation, _question_id(session, job_id, item_id, kind))
    if row is None or row.until <= now:
        return None
    return Look(row.actor, _name(session, row.actor), row.until, row.actor == by.name)


def _take(
    session: Session, consensus_id: int, by: Decider, now: datetime, *, is_taken_over: bool = False
) -> bool:
    """Whether it is this person's now; decided by the database, whoever asks at once."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {
        "consensus_id": consensus_id,
        "actor": by.name,
        "taken_at": now,
        "until": now + LEASE,
    }
    statement = insert(Reservation).values(**values)
    free = or_(Reservation.actor == by.name, Reservation.until <= now)
    statement = statement.on_conflict_do_update(
        index_elements=[Reservation.consensus_id],
        set_={"actor": by.name, "taken_at": now, "until": now + LEASE},
        where=None if is_taken_over else free,
    )
    return session.scalar(statement.returning(Reservation.consensus_id)) is not None


def _question_id(session: Session, job_id: int, item_id: int, kind: str) -> int:
    found = session.scalar(
        select(Consensus.id).where(
            Consensus.job_id == job_id, Consensus.item_id == item_id, Consensus.kind == kind
        )
    )
    if found is None:
        raise NotFound(f"job {job_id} asks no {kind} question about item {item_id}")
    return found


def _name(session: Session, actor: str) -> str:
    return session.scalar(select(User.name).where(User.email == actor)) or actor
