"""What needs a person now, whichever job it lies in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from jobs.records import WAITING
from jobs.reports.conflicts import KINDS
from jobs.reports.deadlines import late_work
from jobs.tables import Finding, Job, Tally, Work

SOON = timedelta(hours=24)
STALLED = timedelta(hours=1)


@dataclass(frozen=True)
class Attention:
    """One thing to look at; ``at`` is when it is due, where it is.

    ``kind``: conflicts, unparsed, deadline, expiring, finding, work or stalled.
    """

    kind: str
    n: int
    job_id: int | None
    job: str
    message: str = ""
    at: datetime | None = None


def attention(session: Session, now: datetime, *, limit: int = 20) -> tuple[Attention, ...]:
    """Conflicts, unreadable answers, deadlines, findings, work given up or overdue."""
    conflict = Tally.key.in_([f"{kind} {state}" for kind in KINDS for state in WAITING])
    until = f"{now + SOON:%Y-%m-%d %H}"
    return (
        *_counted(session, "conflicts", (Tally.subject == "states") & conflict, limit),
        *_counted(session, "unparsed", Tally.subject == "unparsed", limit),
        *_deadlines(session, now, limit),
        *_counted(
            session,
            "expiring",
            (Tally.subject == "expiring") & (Tally.key <= until) & (Job.state == "running"),
            limit,
        ),
        *_findings(session, limit),
        *_stuck_work(session, now, limit),
    )


def _counted(
    session: Session, kind: str, places: ColumnElement[bool], limit: int
) -> Iterator[Attention]:
    """One line a job: the sum of its counts at these places."""
    n = func.sum(Tally.n)
    rows = session.execute(
        select(Job.id, Job.name, n)
        .join(Tally, Tally.owner_id == Job.id)
        .where(places)
        .group_by(Job.id, Job.name)
        .having(n > 0)
        .order_by(Job.id)
        .limit(limit)
    )
    for job_id, name, count in rows:
        yield Attention(kind, int(count), job_id, name)


def _deadlines(session: Session, now: datetime, limit: int) -> Iterator[Attention]:
    """One line a job: how much work its venue will pay unasked, and from when on."""
    late = late_work(session, now)
    names = select(Job.id, Job.name).where(Job.id.in_({one.job_id for one in late}))
    for job_id, name in session.execute(names.order_by(Job.id).limit(limit)):
        due = [one.paid_at for one in late if one.job_id == job_id]
        yield Attention("deadline", len(due), job_id, name, at=min(due))


def _findings(session: Session, limit: int) -> Iterator[Attention]:
    rows = session.execute(
        select(Finding.job_id, Job.name, Finding.message)
        .outerjoin(Job, Job.id == Finding.job_id)
        .where(Finding.state == "open")
        .order_by(Finding.id)
        .limit(limit)
    )
    for job_id, job, message in rows:
        yield Attention("finding", 1, job_id, job or "", message)


def _stuck_work(session: Session, now: datetime, limit: int) -> Iterator[Attention]:
    """Rows that gave up, and rows due for so long that nobody seems to run them."""
    given_up = select(Work.key, Work.error).where(Work.state == "needs_person")
    for key, error in session.execute(given_up.order_by(Work.id).limit(limit)):
        yield Attention("work", 1, None, key, error)
    overdue = (Work.state == "ready") & (Work.next_try_at <= now - STALLED)
    n_overdue, oldest = session.execute(
        select(func.count(), func.min(Work.next_try_at)).where(overdue)
    ).one()
    if n_overdue:
        yield Attention("stalled", n_overdue, None, "", f"{now - oldest}".partition(".")[0])
