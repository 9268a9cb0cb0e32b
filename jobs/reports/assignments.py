"""Submitted work one by one: who did it, where its decision stands, what speaks for or against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from jobs.errors import NotFound
from jobs.tables import Assignment, Batch, Hit, Job, RawSubmission, Route, Worker, WorkerScore


@dataclass(frozen=True)
class AssignmentRow:
    """One assignment; accuracies are the worker's in this job, in [0, 1] with 95 % intervals."""

    id: int
    job_id: int
    hit_id: int
    provider: str
    worker_id: int
    provider_worker_id: str
    kind: str
    state: str
    parse_state: str
    parse_error: str
    decision: str
    decision_reason: str
    decided_by: str
    reward_micros: int
    work_seconds: float
    submitted_at: datetime
    auto_approval_at: datetime | None
    n_answers: int
    n_gold: int
    gold_accuracy: float | None
    gold_low: float | None
    gold_high: float | None
    consensus_accuracy: float | None
    consensus_low: float | None
    consensus_high: float | None


@dataclass(frozen=True)
class Affected:
    """Whom a decision about one assignment touches, and how the worker fared in this job."""

    assignment: AssignmentRow
    n_submitted: int
    n_approved: int
    n_rejected: int


def assignment_list(
    session: Session,
    job_id: int,
    *,
    is_waiting: bool = False,
    state: str = "",
    worker_id: int | None = None,
    after: int = 0,
    limit: int = 100,
) -> tuple[AssignmentRow, ...]:
    """The job's assignments with an id over ``after``, or those nobody has decided yet.

    ``state`` and ``worker_id`` leave out all others when they are given.

    Raises:
        NotFound: when there is no such job.

    """
    if session.get(Job, job_id) is None:
        raise NotFound(f"job {job_id}: no such job")
    found = _rows().where(Batch.job_id == job_id, Assignment.id > after)
    if is_waiting:
        found = found.where(Assignment.state == "Submitted", Assignment.decision.is_(None))
    if state:
        found = found.where(Assignment.state == state)
    if worker_id is not None:
        found = found.where(Assignment.worker_id == worker_id)
    return tuple(_read(session, found.order_by(Assignment.id).limit(limit)))


def affected(session: Session, assignment_id: int) -> Affected:
    """The assignment and its worker's standing in the job; NotFound when there is none."""
    row = next(_read(session, _rows().where(Assignment.id == assignment_id)), None)
    if row is None:
        raise NotFound(f"assignment {assignment_id}: no such assignment")
    states = session.execute(
        select(Assignment.state, func.count())
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .where(Batch.job_id == row.job_id, Assignment.worker_id == row.worker_id)
        .group_by(Assignment.state)
    )
    counts = {str(row[0]): int(row[1]) for row in states}
    n_approved, n_rejected = counts.get("Approved", 0), counts.get("Rejected", 0)
    return Affected(row, sum(counts.values()), n_approved, n_rejected)


def _rows() -> Select[Assignment, datetime, Worker, Route, WorkerScore]:
    return (
        select(Assignment, RawSubmission.submitted_at, Worker, Route, WorkerScore)
        .join(RawSubmission, RawSubmission.id == Assignment.raw_submission_id)
        .join(Worker, Worker.id == Assignment.worker_id)
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .join(Route, Route.id == Batch.route_id)
        .outerjoin(
            WorkerScore,
            (WorkerScore.worker_id == Assignment.worker_id)
            & (WorkerScore.job_id == Batch.job_id)
            & (WorkerScore.kind == Route.kind),
        )
    )


def _read(
    session: Session, found: Select[Assignment, datetime, Worker, Route, WorkerScore]
) -> Iterator[AssignmentRow]:
    for work, submitted_at, worker, route, score in session.execute(found):
        yield AssignmentRow(
            id=work.id,
            job_id=route.job_id,
            hit_id=work.hit_id,
            provider=worker.provider,
            worker_id=worker.id,
            provider_worker_id=worker.provider_worker_id,
            kind=route.kind,
            state=work.state,
            parse_state=work.parse_state,
            parse_error=work.parse_error,
            decision=work.decision or "",
            decision_reason=work.decision_reason,
            decided_by=work.decided_by,
            reward_micros=route.reward_micros,
            work_seconds=work.work_seconds,
            submitted_at=submitted_at,
            auto_approval_at=work.auto_approval_at,
            n_answers=score.n_answers if score else 0,
            n_gold=score.n_gold if score else 0,
            gold_accuracy=score.gold_accuracy if score else None,
            gold_low=score.gold_low if score else None,
            gold_high=score.gold_high if score else None,
            consensus_accuracy=score.consensus_accuracy if score else None,
            consensus_low=score.consensus_low if score else None,
            consensus_high=score.consensus_high if score else None,
        )
