"""Services: hold a job back and let it go on. What is out keeps coming in.

Who did it is written into the job's history.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from jobs import events, history, work
from jobs.errors import Conflict, NotFound
from jobs.tables import Job


def pause_job(session: Session, job_id: int, actor: str, now: datetime) -> None:
    """No paid call is made for the job from now on; Conflict when it is not running."""
    _move(session, job_id, "running", "paused", actor, now)
    events.tell(session, "job.paused", f"{job_id}:{now.isoformat()}", now, job_id=job_id)


def resume_job(session: Session, job_id: int, actor: str, now: datetime) -> None:
    """Paid calls go on, from where they stopped; Conflict when the job is not paused."""
    _move(session, job_id, "paused", "running", actor, now)
    work.enqueue(session, "advance_job", job_id, now)
    events.tell(session, "job.resumed", f"{job_id}:{now.isoformat()}", now, job_id=job_id)


def _move(session: Session, job_id: int, old: str, new: str, actor: str, now: datetime) -> None:
    """Compare and set, so that two people who press at once move it, and are noted, once."""
    change = update(Job).where(Job.id == job_id, Job.state == old).values(state=new)
    result = cast(CursorResult[Any], session.execute(change))
    if result.rowcount == 1:
        history.note(session, job_id, [(history.STATE, old, new)], actor, now)
        return
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"job {job_id} does not exist")
    raise Conflict(f"job {job_id} is {job.state}: expected {old}")
