"""Whose answers do not vote: workers kept out of the account at which a job meets them.

An exclusion holds for one account: the environment of a venue, or the local marketplace for
staff. So nobody is silenced in production for what they did in the sandbox.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, case, select
from sqlalchemy.orm import Session

from jobs import work
from jobs.providers import HOME, STAFF
from jobs.tables import Assignment, Batch, Exclusion, Hit, Job, Worker

EXCLUSION = "HITworks: not invited"  # the qualification that new HITs ask workers not to have

_ACCOUNT = case((Worker.provider == STAFF, HOME), else_=Job.environment)


def silenced(job_id: int) -> Select[int]:
    """A query for the ids of workers whose answers to the job do not vote."""
    return (
        select(Exclusion.worker_id)
        .join(Worker, Worker.id == Exclusion.worker_id)
        .join(Job, Exclusion.environment == _ACCOUNT)
        .where(Job.id == job_id)
    )


def is_excluded(session: Session, worker_id: int, environment: str) -> bool:
    """Whether the worker is kept out of the account."""
    return session.get(Exclusion, (worker_id, environment), populate_existing=True) is not None


def shut_out(
    session: Session, worker: Worker, environment: str, job_id: int, now: datetime
) -> None:
    """Let the worker's answers vote no more in jobs of the account; a repeat changes nothing."""
    if not is_excluded(session, worker.id, environment):
        session.add(Exclusion(worker_id=worker.id, environment=environment))
        _combine_anew(session, worker, environment, job_id, now)


def let_in(session: Session, worker: Worker, environment: str, job_id: int, now: datetime) -> None:
    """Let the worker's answers vote again in jobs of the account; a repeat changes nothing."""
    row = session.get(Exclusion, (worker.id, environment), populate_existing=True)
    if row is not None:
        session.delete(row)
        _combine_anew(session, worker, environment, job_id, now)


def _combine_anew(
    session: Session, worker: Worker, environment: str, job_id: int, now: datetime
) -> None:
    """Beside the job it was decided in only running ones: what is finished stays."""
    session.flush()
    running = (
        select(Job.id)
        .join(Batch, Batch.job_id == Job.id)
        .join(Hit, Hit.batch_id == Batch.id)
        .join(Assignment, Assignment.hit_id == Hit.id)
        .where(Assignment.worker_id == worker.id, Job.state == "running")
    )
    if worker.provider != STAFF:
        running = running.where(Job.environment == environment)
    for touched in sorted({job_id, *session.scalars(running.distinct())}):
        work.enqueue(session, "advance_job", touched, now)
