"""Differences with the venues, the switch they turn, and when they were last looked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.findings import RESOLVED_BY
from jobs.intents import PAUSE
from jobs.tables import Finding, Job, Switch, Work


@dataclass(frozen=True)
class FindingRow:
    """One finding: what was found, where, and whether somebody has looked into it.

    ``note`` says who resolved it with what they found out; empty while it is open.
    """

    id: int
    key: str
    job_id: int | None
    job: str
    message: str
    state: str
    found_at: datetime
    resolved_at: datetime | None
    note: str = ""


@dataclass(frozen=True)
class PauseSwitch:
    """The switch that stops every paid call: who turned it last, when and why."""

    is_on: bool
    reason: str
    actor: str
    changed_at: datetime | None


@dataclass(frozen=True)
class LastLook:
    """The comparison with the venues in the background; ``state`` is empty before the first."""

    state: str
    finished_at: datetime | None
    due_at: datetime | None
    error: str


def finding_list(session: Session, state: str, *, limit: int = 200) -> tuple[FindingRow, ...]:
    """Findings that are ``open``, oldest first, or ``resolved``, the latest first."""
    order = Finding.id if state == "open" else Finding.resolved_at.desc()
    rows = session.execute(
        select(Finding, Job.name)
        .outerjoin(Job, Job.id == Finding.job_id)
        .where(Finding.state == state)
        .order_by(order)
        .limit(limit)
    )
    return tuple(_row(row, job or "") for row, job in rows)


def _row(row: Finding, job: str) -> FindingRow:
    message, _, note = row.message.partition(RESOLVED_BY)
    return FindingRow(
        id=row.id,
        key=row.key,
        job_id=row.job_id,
        job=job,
        message=message,
        state=row.state,
        found_at=row.created_at,
        resolved_at=row.resolved_at,
        note=note,
    )


def pause_switch(session: Session) -> PauseSwitch:
    """How the switch stands; off when nobody has ever turned it."""
    row = session.get(Switch, PAUSE)
    if row is None:
        return PauseSwitch(False, "", "", None)
    return PauseSwitch(row.is_on, row.reason, row.actor, row.changed_at)


def last_look(session: Session) -> LastLook:
    """When the background compared our records with the venues, and when it will again."""
    row = session.scalars(select(Work).where(Work.key == "reconcile:0")).first()
    if row is None:
        return LastLook("", None, None, "")
    due_at = row.next_try_at if row.state == "ready" else None
    return LastLook(row.state, row.finished_at, due_at, row.error)
