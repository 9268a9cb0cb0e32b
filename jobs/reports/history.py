"""A job's history: what was changed of it while it was under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import UnaryExpression, select
from sqlalchemy.orm import Session

from jobs.tables import JobChange, User


@dataclass(frozen=True)
class ChangeRow:
    """One change; ``what`` is a term's name, budget_micros or state, ``name`` who changed it."""

    id: int
    what: str
    before: str
    after: str
    actor: str
    name: str
    created_at: datetime


def job_changes(
    session: Session, job_id: int, *, after: int = 0, limit: int = 100
) -> tuple[ChangeRow, ...]:
    """Up to ``limit`` changes of the job with id above ``after``, oldest first."""
    return _rows(session, job_id, after, JobChange.id.asc(), limit)


def newest_changes(session: Session, job_id: int, limit: int = 20) -> tuple[ChangeRow, ...]:
    """The last changes of the job, newest first."""
    return _rows(session, job_id, 0, JobChange.id.desc(), limit)


def _rows(
    session: Session, job_id: int, after: int, order: UnaryExpression[int], limit: int
) -> tuple[ChangeRow, ...]:
    rows = session.execute(
        select(JobChange, User.name)
        .outerjoin(User, User.email == JobChange.actor)
        .where(JobChange.job_id == job_id, JobChange.id > after)
        .order_by(order)
        .limit(limit)
    )
    return tuple(
        ChangeRow(
            id=row.id,
            what=row.what,
            before=row.before,
            after=row.after,
            actor=row.actor,
            name=name or row.actor,
            created_at=row.created_at,
        )
        for row, name in rows
    )
