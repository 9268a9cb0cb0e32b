"""The HITs of a job by batch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.combining import tallies
from jobs.errors import NotFound
from jobs.tables import Batch, Job, Route


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
    counts = tallies.read(session, [job_id], "hits", "wanted", "assignments")[job_id]
    wanted, submitted = counts.by_part("wanted"), counts.by_part("assignments")
    rows = session.execute(
        select(Batch, Route)
        .join(Route, Route.id == Batch.route_id)
        .where(Batch.job_id == job_id)
        .order_by(Batch.id)
    )
    hits: dict[int, dict[str, int]] = defaultdict(dict)
    for (batch_id, state), n in counts.by_subject.get("hits", {}).items():
        hits[batch_id][state] = n
    return tuple(
        BatchRow(
            id=batch.id,
            name=batch.name,
            provider=route.provider,
            kind=route.kind,
            state=batch.state,
            n_hits=sum(hits[batch.id].values()),
            n_posted=hits[batch.id].get("posted", 0),
            n_closed=hits[batch.id].get("closed", 0),
            n_wanted=wanted.get(batch.id, 0),
            n_assignments=submitted.get(batch.id, 0),
            created_at=batch.created_at,
        )
        for batch, route in rows
    )
