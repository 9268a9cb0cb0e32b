"""What is changed of a job under way, written down in the transaction that changes it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from jobs.tables import JobChange

BUDGET = "budget_micros"
STATE = "state"


def note(
    session: Session,
    job_id: int,
    changes: Iterable[tuple[str, str, str]],
    actor: str,
    now: datetime,
) -> None:
    """Write a row for each (what, before, after); they stay as they are for good."""
    session.add_all(
        JobChange(job_id=job_id, what=what, before=before, after=after, actor=actor, created_at=now)
        for what, before, after in changes
    )
