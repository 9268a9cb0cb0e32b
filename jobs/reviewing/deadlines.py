"""Service: what time alone would lose, found while it can still be saved.

A venue pays undecided work by itself after a while, and disposes of a HIT, answers and all,
120 days after its last use. Whatever nears either is worked on at once. What waits for a
person is shown by ``reports.attention``; HITs nobody reads are a finding until they are read.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from jobs import findings, work
from jobs.db import transaction
from jobs.reports.deadlines import late_work
from jobs.resources import Resources
from jobs.tables import Assignment, Batch, Finding, Hit, Job, Route
from jobs.work import Progress

TASK = "watch_deadlines"
LOOK_EVERY = timedelta(hours=1)
RETENTION = timedelta(days=120)
RETENTION_NOTICE = timedelta(days=14)
_STALE = timedelta(days=1)
_MODEL = "model"


def ask_to_watch(session: Session, now: datetime) -> None:
    """Have the deadlines looked at within the hour; asking often is asking once."""
    work.enqueue(session, TASK, 0, now, at=now + LOOK_EVERY)


def watch(resources: Resources, progress: Progress) -> datetime | None:
    """Wake the work that nears a deadline; the time of the next look, if any.

    A repeat finds the same and writes nothing twice; a finding closes once its cause is gone.
    """
    progress(0, 1)
    now = resources.clock()
    with transaction(resources.sessions) as session:
        for late_job in sorted({one.job_id for one in late_work(session, now)}):
            work.enqueue(session, "advance_job", late_job, now)
        told = set()
        for job_id, job_name, batches, n_hits in _uncollected(session, now):
            for batch_id in batches:
                work.enqueue(session, "collect_batch", batch_id, now)
            key = f"deadline:retention:job:{job_id}"
            told.add(key)
            days = (RETENTION - RETENTION_NOTICE).days
            message = (
                f"job {job_name!r}: {n_hits} HITs were posted over {days} days ago and have not "
                f"been read for a day; the venue disposes of HITs after {RETENTION.days} days, "
                "with every answer in them. They are being collected now"
            )
            findings.report(session, key, message, now, job_id)
        _close_others(session, told, now)
        is_out = session.scalar(
            select(Hit.id).where(Hit.state.in_(("posted", "extending"))).limit(1)
        )
        is_waiting = session.scalar(
            select(Assignment.id).where(Assignment.state == "Submitted").limit(1)
        )
    return now + LOOK_EVERY if is_out or is_waiting else None


def _uncollected(session: Session, now: datetime) -> list[tuple[int, str, tuple[int, ...], int]]:
    """(job, its name, batches, HITs) of HITs that are old and have not been read for a day."""
    rows = session.execute(
        select(Job.id, Job.name, Batch.id)
        .join(Batch, Batch.job_id == Job.id)
        .join(Route, Route.id == Batch.route_id)
        .join(Hit, Hit.batch_id == Batch.id)
        .where(Hit.state.in_(("posted", "extending")), Route.provider != _MODEL)
        .where(Hit.posted_at <= now - (RETENTION - RETENTION_NOTICE))
        .where(or_(Hit.collected_at.is_(None), Hit.collected_at <= now - _STALE))
        .order_by(Job.id, Batch.id)
    ).all()
    found: dict[tuple[int, str], list[int]] = defaultdict(list)
    for job_id, name, batch_id in rows:
        found[job_id, name].append(batch_id)
    return [
        (job_id, name, tuple(dict.fromkeys(batches)), len(batches))
        for (job_id, name), batches in found.items()
    ]


def _close_others(session: Session, told: set[str], now: datetime) -> None:
    found = select(Finding).where(
        Finding.state == "open", Finding.key.startswith("deadline:", autoescape=True)
    )
    for row in session.scalars(found):
        if row.key not in told:
            findings.resolve(session, row.id, now)
