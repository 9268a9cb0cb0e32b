"""Submitted work that its venue will soon pay by itself, decided or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.tables import Assignment, Batch, Hit, RawSubmission

DECISION_NOTICE = timedelta(hours=24)
LONGEST_MARGIN = timedelta(hours=6)


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
        """Whether it needs a person within a day, or should have been decided or carried out."""
        if self.decision is None and self.parse_state == "unparsed":
            notice = min(DECISION_NOTICE, (self.paid_at - self.submitted_at) / 2)
            return now >= self.paid_at - notice
        due_at = decide_by(self.submitted_at, self.paid_at)
        return now >= due_at + (self.paid_at - due_at) / 2


def decide_by(submitted_at: datetime, paid_at: datetime) -> datetime:
    """When screening decides by what is known: the venue pays by itself a little later."""
    return paid_at - min(LONGEST_MARGIN, (paid_at - submitted_at) / 4)


def late_work(session: Session, now: datetime) -> list[Undecided]:
    """Work about to be paid unasked, the first of it first."""
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
        .where(
            Assignment.state == "Submitted", Assignment.auto_approval_at <= now + DECISION_NOTICE
        )
        .order_by(Assignment.auto_approval_at, Assignment.id)
    ).all()
    waiting = [
        Undecided(number, job_id, parsed, decision, submitted_at, paid_at)
        for number, job_id, parsed, decision, submitted_at, paid_at in rows
        if paid_at is not None
    ]
    return [one for one in waiting if one.is_late(now)]
