"""Service: what time alone would lose, found while it can still be saved.

A venue pays undecided work by itself after a while, and disposes of a HIT, answers and all,
120 days after its last use. Whatever nears either is worked on at once, and what still waits
for a person becomes a finding until it is decided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from jobs import findings, work
from jobs.db import transaction
from jobs.resources import Resources
from jobs.review import decide_by
from jobs.tables import Assignment, Batch, Finding, Hit, Job, RawSubmission, Route
from jobs.work import Progress

TASK = "watch_deadlines"
LOOK_EVERY = timedelta(hours=1)
RETENTION = timedelta(days=120)
RETENTION_NOTICE = timedelta(days=14)
DECISION_NOTICE = timedelta(hours=24)
_STALE = timedelta(days=1)
_MODEL = "model"


@dataclass(frozen=True)
class Undecided:
    """A submission that the venue will pay by itself at ``paid_at``."""

    assignment_id: int
    job_id: int
    parse_state: str
    decision: str | None
    submitted_at: datetime
    paid_at: datetime

    def is_late(self, now: datetime) -> bool:
        """Whether it should have been decided, or needs a person within a day."""
        if self.decision is None and self.parse_state == "unparsed":
            return now >= self.paid_at - min(
                DECISION_NOTICE, (self.paid_at - self.submitted_at) / 2
            )
        due_at = decide_by(self.submitted_at, self.paid_at)
        return now >= due_at + (self.paid_at - due_at) / 2


def ask_to_watch(session: Session, now: datetime) -> None:
    """Have the deadlines looked at within the hour; asking often is asking once."""
    work.enqueue(session, TASK, 0, now, at=now + LOOK_EVERY)


def watch(resources: Resources, progress: Progress) -> datetime | None:
    """Wake the work that nears a deadline and report it; the time of the next look, if any.

    A repeat finds the same and writes nothing twice; a finding closes once its cause is gone.
    """
    progress(0, 1)
    now = resources.clock()
    with transaction(resources.sessions) as session:
        late = [one for one in soon_paid(session, now + DECISION_NOTICE) if one.is_late(now)]
        told = set(_report_late(session, late, now))
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


def soon_paid(session: Session, until: datetime) -> list[Undecided]:
    """Submissions that the venue pays by itself by ``until``, the first of them first."""
    rows = session.execute(
        select(
            Assignment.id,
            Batch.job_id,
            Assignment.parse_state,
            Assignment.decision,
            RawSubmission.submitted_at,
            Assignment.auto_approval_at,
        )
        .join(RawSubmission, RawSubmission.id == Assignment.raw_submission_id)
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .where(Assignment.state == "Submitted", Assignment.auto_approval_at <= until)
        .order_by(Assignment.auto_approval_at, Assignment.id)
    ).all()
    return [
        Undecided(number, job_id, parsed, decision, submitted_at, paid_at)
        for number, job_id, parsed, decision, submitted_at, paid_at in rows
        if paid_at is not None
    ]


def _report_late(session: Session, late: Iterable[Undecided], now: datetime) -> Iterable[str]:
    by_job: dict[int, list[Undecided]] = defaultdict(list)
    for one in late:
        by_job[one.job_id].append(one)
    for job_id, several in by_job.items():
        work.enqueue(session, "advance_job", job_id, now)
        key = f"deadline:undecided:job:{job_id}"
        name = session.scalars(select(Job.name).where(Job.id == job_id)).one()
        message = (
            f"job {name!r}: {len(several)} submissions are not decided, and the venue pays them "
            f"by itself from {several[0].paid_at:%Y-%m-%d %H:%M} UTC on; "
            f"see: hitworks assignment list {job_id} --waiting"
        )
        findings.report(session, key, message, now, job_id)
        yield key


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
