"""How long people took for what was asked before: what a reward amounts to in an hour."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from jobs.records import QuestionKind
from jobs.tables import Assignment, Batch, Hit, Job, Route, SchemaVersion

ASSUMED_SECONDS = {"boxes": 25.0, "tags": 8.0}
"""For an image, where nothing was measured."""
_LEAST = 20
_BATCHES, _MOST = 5, 500


@dataclass(frozen=True)
class Pace:
    """Seconds for an image: the median of ``n_answered`` assignments; assumed where that is 0."""

    seconds: float
    n_answered: int = 0


def pace_of(session: Session, kind: QuestionKind, schema_name: str) -> Pace:
    """The pace of the crowd at this question, else at any of its kind, else an assumed one.

    The newest assignments are looked at, a few hundred at most, whatever there is.
    """
    of_kind = (
        select(Batch.id)
        .join(Route, Route.id == Batch.route_id)
        .join(Job, Job.id == Batch.job_id)
        .where(Route.kind == kind, Route.provider == "mturk", Batch.state != "planned")
        .order_by(Batch.id.desc())
        .limit(_BATCHES)
    )
    of_question = of_kind.join(SchemaVersion, SchemaVersion.id == Job.schema_id).where(
        SchemaVersion.name == schema_name
    )
    for batches in (of_question, of_kind):
        seconds = _seconds(session, batches)
        if len(seconds) >= _LEAST:
            return Pace(median(seconds), len(seconds))
    return Pace(ASSUMED_SECONDS[kind])


def _seconds(session: Session, batches: Select[Any]) -> list[float]:
    """Seconds an image, one number an assignment."""
    ids = list(session.scalars(batches))
    found = session.execute(
        select(Assignment.work_seconds, Route.tasks_per_hit)
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .join(Route, Route.id == Batch.route_id)
        .where(Hit.batch_id.in_(ids), Assignment.work_seconds > 0)
        .limit(_MOST)
    )
    return [seconds / n_tasks for seconds, n_tasks in found]
