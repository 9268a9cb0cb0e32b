"""The HITs of a job by batch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.errors import NotFound
from jobs.tables import Assignment, Batch, Hit, Job, Route


@dataclass(frozen=True)
class BatchRow:
    """A batch: ``n_wanted`` assignments over all HITs, ``n_assignments`` submitted so far."""

    id: int
    name: str
    provider: str
    kind: str
    state: str
    n_hits: int
    n_posted: int
    n_closed: int
    n_wanted: int
    n_assignments: int
    created_at: datetime


def batch_list(session: Session, job_id: int) -> tuple[BatchRow, ...]:
    """The job's batches, oldest first. NotFound when there is no such job."""
    if session.get(Job, job_id) is None:
        raise NotFound(f"job {job_id}: there is none")
    hits = (
        select(
            Hit.batch_id,
            func.count().label("n"),
            func.count().filter(Hit.state == "posted").label("n_posted"),
            func.count().filter(Hit.state == "closed").label("n_closed"),
            func.coalesce(func.sum(Hit.max_assignments), 0).label("n_wanted"),
        )
        .group_by(Hit.batch_id)
        .subquery()
    )
    submitted = (
        select(Hit.batch_id, func.count(Assignment.id).label("n"))
        .join(Assignment, Assignment.hit_id == Hit.id)
        .group_by(Hit.batch_id)
        .subquery()
    )
    rows = session.execute(
        select(Batch, Route, hits, submitted.c.n.label("n_assignments"))
        .join(Route, Route.id == Batch.route_id)
        .outerjoin(hits, hits.c.batch_id == Batch.id)
        .outerjoin(submitted, submitted.c.batch_id == Batch.id)
        .where(Batch.job_id == job_id)
        .order_by(Batch.id)
    )
    return tuple(
        BatchRow(
            id=row.Batch.id,
            name=row.Batch.name,
            provider=row.Route.provider,
            kind=row.Route.kind,
            state=row.Batch.state,
            n_hits=row.n or 0,
            n_posted=row.n_posted or 0,
            n_closed=row.n_closed or 0,
            n_wanted=int(row.n_wanted or 0),
            n_assignments=row.n_assignments or 0,
            created_at=row.Batch.created_at,
        )
        for row in rows
    )
