"""What needs a person now, whichever job it lies in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.tables import Assignment, Batch, Consensus, Finding, Hit, Job, Work

SOON = timedelta(hours=24)


@dataclass(frozen=True)
class Attention:
    """One thing to look at. ``kind``: conflicts, finding, work, expiring or unparsed."""

    kind: str
    n: int
    job_id: int | None
    job: str
    message: str = ""


def attention(session: Session, now: datetime, *, limit: int = 20) -> tuple[Attention, ...]:
    """Conflicts, findings, stalled work, HITs that expire soon and unreadable answers."""
    found: list[Attention] = []
    for kind, query in (
        (
            "conflicts",
            select(Job.id, Job.name, func.count())
            .join(Consensus)
            .where(Consensus.state == "conflict"),
        ),
        (
            "unparsed",
            select(Job.id, Job.name, func.count())
            .join(Batch)
            .join(Hit)
            .join(Assignment)
            .where(Assignment.parse_state == "unparsed"),
        ),
        (
            "expiring",
            select(Job.id, Job.name, func.count())
            .join(Batch)
            .join(Hit)
            .where(Job.state == "running", Hit.state == "posted", Hit.expires_at <= now + SOON),
        ),
    ):
        rows = session.execute(query.group_by(Job.id, Job.name).order_by(Job.id).limit(limit))
        found += [Attention(kind, n, job_id, name) for job_id, name, n in rows]
    findings = session.execute(
        select(Finding.job_id, Job.name, Finding.message)
        .outerjoin(Job, Job.id == Finding.job_id)
        .where(Finding.state == "open")
        .order_by(Finding.id)
        .limit(limit)
    )
    found += [Attention("finding", 1, job_id, job or "", text) for job_id, job, text in findings]
    stalled = session.execute(
        select(Work.key, Work.error)
        .where(Work.state == "needs_person")
        .order_by(Work.id)
        .limit(limit)
    )
    found += [Attention("work", 1, None, key, error) for key, error in stalled]
    return tuple(found)
