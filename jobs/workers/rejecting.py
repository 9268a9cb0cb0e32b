"""Service: whom a rejection would touch, before anybody is rejected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.errors import InvalidInput, NotFound
from jobs.specs.job_specs import Policy
from jobs.tables import Assignment, Batch, Hit, Job, Route, Worker, WorkerScore
from jobs.workers.evidence import UNREADABLE, Evidence, of_score, of_worker

MOST_ASSIGNMENTS = 10_000


@dataclass(frozen=True)
class RejectedWorker:
    """What rejections do to one worker. Rates are of all work we have decided, in [0, 1]."""

    worker_id: int
    provider: str
    provider_worker_id: str
    assignment_ids: tuple[int, ...]
    lost_micros: int
    n_approved: int
    n_rejected: int
    evidence: tuple[Evidence, ...]

    @property
    def rate_before(self) -> float | None:
        """The share approved until now; None where nothing was decided."""
        n = self.n_approved + self.n_rejected
        return self.n_approved / n if n else None

    @property
    def rate_after(self) -> float:
        """The share approved once these are rejected."""
        return self.n_approved / (self.n_approved + self.n_rejected + len(self.assignment_ids))


@dataclass(frozen=True)
class RejectionPreview:
    """Workers, assignments and money that a rejection touches; ``decided`` is left alone.

    ``without_evidence`` are assignments against which nothing measured speaks: rejecting
    those takes more than a look.
    """

    workers: tuple[RejectedWorker, ...]
    n_assignments: int
    lost_micros: int
    decided: tuple[int, ...]
    without_evidence: tuple[int, ...]


def preview_rejection(session: Session, assignment_ids: Sequence[int]) -> RejectionPreview:
    """What rejecting these assignments would do. Changes nothing.

    Raises:
        InvalidInput: for none, or too many at once.
        NotFound: for an assignment that does not exist.

    """
    wanted = sorted(set(assignment_ids))
    if not 1 <= len(wanted) <= MOST_ASSIGNMENTS:
        raise InvalidInput(f"assignments: expected 1 to {MOST_ASSIGNMENTS:,}, got {len(wanted):,}")
    rows = {
        row[0].id: (row[0], row[1], row[2])
        for row in session.execute(
            select(Assignment, Worker, Route)
            .join(Worker, Worker.id == Assignment.worker_id)
            .join(Hit, Hit.id == Assignment.hit_id)
            .join(Batch, Batch.id == Hit.batch_id)
            .join(Route, Route.id == Batch.route_id)
            .where(Assignment.id.in_(wanted))
        )
    }
    missing = [one for one in wanted if one not in rows]
    if missing:
        raise NotFound(f"assignment {missing[0]}: no such assignment")
    is_open = {
        number: row.state == "Submitted" and row.decision is None
        for number, (row, _, _) in rows.items()
    }
    evidence = evidence_of(session, [number for number in wanted if is_open[number]])
    touched: dict[int, list[int]] = defaultdict(list)
    for number in wanted:
        if is_open[number]:
            touched[rows[number][1].id].append(number)
    workers = tuple(
        _worker(session, rows[ids[0]][1], ids, [rows[one][2] for one in ids], evidence)
        for ids in touched.values()
    )
    return RejectionPreview(
        workers=workers,
        n_assignments=sum(len(one.assignment_ids) for one in workers),
        lost_micros=sum(one.lost_micros for one in workers),
        decided=tuple(one for one in wanted if not is_open[one]),
        without_evidence=tuple(one for one in wanted if is_open[one] and not evidence[one]),
    )


def evidence_of(session: Session, assignment_ids: Sequence[int]) -> dict[int, list[Evidence]]:
    """All that speaks against each of these assignments: about its worker, and about itself."""
    found: dict[int, list[Evidence]] = {}
    behaviour: dict[tuple[int, str, int], list[Evidence]] = {}
    rows = session.execute(
        select(Assignment, Job, Route.kind, WorkerScore)
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .join(Route, Route.id == Batch.route_id)
        .join(Job, Job.id == Batch.job_id)
        .outerjoin(
            WorkerScore,
            (WorkerScore.worker_id == Assignment.worker_id)
            & (WorkerScore.job_id == Job.id)
            & (WorkerScore.kind == Route.kind),
        )
        .where(Assignment.id.in_(assignment_ids))
    )
    for assignment, job, kind, score in rows:
        whose = (job.id, kind, assignment.worker_id)
        if whose not in behaviour:
            behaviour[whose] = of_worker(session, *whose)
        policy = Policy.model_validate(job.policy).review
        seen = of_score(policy, score) + behaviour[whose]
        if assignment.parse_state == "unparsed":
            text = f"The answer could not be read: {assignment.parse_error}"
            seen.append(Evidence(UNREADABLE, text[:400]))
        found[assignment.id] = seen
    return found


def _worker(
    session: Session,
    worker: Worker,
    assignment_ids: Sequence[int],
    routes: Sequence[Route],
    evidence: dict[int, list[Evidence]],
) -> RejectedWorker:
    counted = session.execute(
        select(Assignment.state, func.count())
        .where(Assignment.worker_id == worker.id)
        .group_by(Assignment.state)
    )
    states = {str(row[0]): int(row[1]) for row in counted}
    about = dict.fromkeys(one for number in assignment_ids for one in evidence[number])
    return RejectedWorker(
        worker_id=worker.id,
        provider=worker.provider,
        provider_worker_id=worker.provider_worker_id,
        assignment_ids=tuple(assignment_ids),
        lost_micros=sum(route.reward_micros for route in routes),
        n_approved=states.get("Approved", 0),
        n_rejected=states.get("Rejected", 0),
        evidence=tuple(about),
    )
