"""What stands at the top of every page about a job: few numbers, whatever its size."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.errors import NotFound
from jobs.reports.conflicts import n_conflicts
from jobs.reports.prices import tagger_of
from jobs.tables import Dataset, Job, Route, SchemaVersion, Worker, WorkerScore


@dataclass(frozen=True)
class JobHead:
    """A job's name, state and money, and how many questions want a person."""

    id: int
    name: str
    state: str
    environment: str
    dataset: str
    schema: str
    n_conflicts: int
    budget_micros: int
    held_micros: int
    spent_micros: int
    launched_at: datetime | None


@dataclass(frozen=True)
class WorkerName:
    """Someone who answered a job, for lists to choose from."""

    worker_id: int
    name: str


def worker_names(
    session: Session, job_id: int, *, chosen: int | None = None, most: int = 200
) -> tuple[WorkerName, ...]:
    """The ``most`` workers with most answers in the job, and ``chosen`` of it, by name."""
    n_answers = func.max(WorkerScore.n_answers)
    also = select(WorkerScore.worker_id).where(
        WorkerScore.job_id == job_id, WorkerScore.worker_id == chosen
    )
    busiest = (
        select(WorkerScore.worker_id)
        .where(WorkerScore.job_id == job_id)
        .group_by(WorkerScore.worker_id)
        .order_by(n_answers.desc(), WorkerScore.worker_id)
        .limit(most)
        .subquery()
    )
    rows = session.execute(
        select(Worker.id, Worker.name, Worker.provider_worker_id)
        .where(Worker.id.in_(select(busiest.c.worker_id)) | Worker.id.in_(also))
        .order_by(Worker.name, Worker.provider_worker_id)
    )
    return tuple(WorkerName(worker_id, name or known) for worker_id, name, known in rows)


@dataclass(frozen=True)
class RouteName:
    """A route of a job, for lists to choose from."""

    route_id: int
    provider: str
    tagger: str
    kind: str


def route_names(session: Session, job_id: int) -> tuple[RouteName, ...]:
    """The job's routes in their order."""
    routes = session.scalars(select(Route).where(Route.job_id == job_id).order_by(Route.position))
    return tuple(RouteName(one.id, one.provider, tagger_of(one), one.kind) for one in routes)


def job_head(session: Session, job_id: int) -> JobHead:
    """The head of one job. NotFound when there is none."""
    row = session.execute(
        select(Job, Dataset.name, SchemaVersion.name, SchemaVersion.version)
        .join(Dataset, Dataset.id == Job.dataset_id)
        .join(SchemaVersion, SchemaVersion.id == Job.schema_id)
        .where(Job.id == job_id)
    ).first()
    if row is None:
        raise NotFound(f"job {job_id} does not exist")
    job, dataset, schema, version = row
    return JobHead(
        id=job.id,
        name=job.name,
        state=job.state,
        environment=job.environment,
        dataset=dataset,
        schema=f"{schema} v{version}",
        n_conflicts=n_conflicts(session, job_id),
        budget_micros=job.budget_micros,
        held_micros=job.held_micros,
        spent_micros=job.spent_micros,
        launched_at=job.launched_at,
    )
