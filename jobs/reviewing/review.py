"""Service with outside effects: each submission approved or rejected once, by a stated policy.

A decision is a compare-and-set; the call follows, then the venue's own word is recorded.
Nobody is rejected on one kind of evidence, and work that is no answer waits for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from jobs import findings, intents, work
from jobs.db import reading, transaction
from jobs.errors import Conflict, InvalidInput, NotFound, ProviderError
from jobs.providers import Provider
from jobs.records import HitSpec
from jobs.reports.deadlines import decide_by
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.specs.hit_specs import RouteContext
from jobs.specs.job_specs import Policy, ReviewPolicy
from jobs.spending import settling
from jobs.tables import Assignment, Batch, Hit, Job, RawSubmission, Route, WorkerScore
from jobs.work import Progress
from jobs.workers import evidence, rejecting
from jobs.workers.evidence import Evidence

POLICY = "policy"
DECISIONS = ("approve", "reject")
LONGEST_REASON = 1024


@dataclass(frozen=True)
class Verdict:
    """What the policy says of one submission, and the reason the worker is told."""

    decision: str
    reason: str


@dataclass(frozen=True)
class ReviewReport:
    """Decisions carried out; those the venue will take a little later; those for a person."""

    n_approved: int
    n_rejected: int
    n_too_soon: int
    n_waiting: int
    look_at: datetime | None = None
    """When to look again, before the venue approves what still waits for other answers."""


@dataclass(frozen=True)
class _Decided:
    """One decided submission on its way to the venue."""

    assignment_id: int
    decision: str
    reason: str
    raw: RawSubmission


def review_job(resources: Resources, job_id: int, progress: Progress) -> ReviewReport:
    """Decide what the policy can decide and carry out every decision that is open.

    Any number of runs make each decision once; a call whose outcome was lost is asked of
    the venue again.

    Raises:
        ProviderError: when the venue does not answer; decisions stay and are carried out later.

    """
    with transaction(resources.sessions) as session:
        n_waiting, look_at = _decide_by_policy(session, job_id, resources.clock())
    with reading(resources.sessions) as session:
        hit_ids = _hits_with_open_decisions(session, job_id)
    counts = {"Approved": 0, "Rejected": 0}
    for number, hit_id in enumerate(hit_ids):
        with reading(resources.sessions) as session:
            hit = session.get_one(Hit, hit_id)
            context = hit_specs.batch_context(session, hit.batch_id)
            tasks = hit_specs.task_specs(session, resources.blobs, hit_id)
            spec = hit_specs.hit_spec(context, hit, tasks)
            decided = _open_decisions(session, hit_id)
        provider = context.provider(resources.venues)
        for one in decided:
            progress(number, len(hit_ids))
            state = _carry_out(resources, context, provider, spec, one)
            counts[state] = counts.get(state, 0) + 1
        with transaction(resources.sessions) as session:
            row = session.get_one(Hit, hit_id, with_for_update=True)
            settling.release_when_settled(session, row, context, POLICY, resources.clock())
    return ReviewReport(
        counts["Approved"], counts["Rejected"], counts.get("Submitted", 0), n_waiting, look_at
    )


def verdict(
    policy: ReviewPolicy, score: WorkerScore | None, behaviour: Sequence[Evidence] = ()
) -> Verdict:
    """The policy's word on parsed work of a worker with this score and behaviour.

    Rejection needs wrong answers to known pictures *and* a second kind of evidence: low
    agreement, implausible speed or copied answers.
    """
    if policy.mode == "screen":
        seen = [*evidence.of_score(policy, score), *behaviour]
        kinds = evidence.kinds(seen)
        if evidence.GOLD in kinds and len(kinds) >= 2:
            return Verdict("reject", evidence.reason_for_worker(seen))
    return Verdict("approve", "")


def decide(
    session: Session,
    assignment_id: int,
    decision: str,
    reason: str,
    actor: str,
    now: datetime,
    *,
    without_evidence: bool = False,
) -> None:
    """A person's decision, carried out by the background at once.

    A person's look is one kind of evidence; a rejection needs a second one that was measured,
    unless it is made ``without_evidence`` on purpose. See ``workers.rejecting`` for a preview.

    Raises:
        InvalidInput: for another word, or a rejection without a reason for the worker.
        Conflict: when it is decided already (the message names who was first), or nothing
            measured speaks against rejected work.

    """
    if decision not in DECISIONS:
        raise InvalidInput(f"decision: expected approve or reject, got {decision!r:.40}")
    if decision == "reject" and not reason.strip():
        raise InvalidInput("reason: a rejected worker must be told why")
    if len(reason) > LONGEST_REASON or not all(map(str.isprintable, reason.splitlines())):
        raise InvalidInput(f"reason: expected at most {LONGEST_REASON:,} printable characters")
    job_id = session.scalar(
        select(Batch.job_id)
        .join(Hit, Hit.batch_id == Batch.id)
        .join(Assignment, Assignment.hit_id == Hit.id)
        .where(Assignment.id == assignment_id)
    )
    if job_id is None:
        raise NotFound(f"assignment {assignment_id}: no such assignment")
    verdict = Verdict(decision, reason.strip())
    if decision == "reject" and not without_evidence:
        _need_evidence(session, assignment_id)
    if not _set_decision(session, assignment_id, verdict, actor, now):
        row = session.get_one(Assignment, assignment_id, populate_existing=True)
        raise Conflict(
            f"assignment {assignment_id}: {row.decided_by or 'the venue'} has decided to "
            f"{row.decision or row.state} it already"
        )
    work.enqueue(session, "advance_job", job_id, now)


def _need_evidence(session: Session, assignment_id: int) -> None:
    row = session.get_one(Assignment, assignment_id)
    is_open = row.state == "Submitted" and row.decision is None
    if is_open and not rejecting.evidence_of(session, [assignment_id])[assignment_id]:
        raise Conflict(
            f"assignment {assignment_id}: a rejection needs a second kind of evidence beside "
            "your own look, and no known picture, agreement, speed or copying speaks against "
            "this worker; pay the work, or reject it without evidence on purpose"
        )


def _decide_by_policy(session: Session, job_id: int, now: datetime) -> tuple[int, datetime | None]:
    """Set the policy's decisions; the number left for a person, and when to look again.

    Screening waits until all answers to a HIT are in, but not until the venue pays unasked.
    """
    policy = Policy.model_validate(session.get_one(Job, job_id).policy).review
    behaviour: dict[tuple[str, int], list[Evidence]] = {}
    n_waiting, looks = 0, []
    for row in _undecided(session, job_id):
        assignment = row.assignment
        if assignment.parse_state != "parsed":
            n_waiting += assignment.parse_state == "unparsed"
            continue
        limit = assignment.auto_approval_at
        due_at = decide_by(row.submitted_at, limit) if limit else None
        if policy.mode == "screen" and row.hit_state != "closed" and (not due_at or now < due_at):
            looks += [due_at] if due_at else []
            continue
        others: list[Evidence] = []
        if policy.mode == "screen" and evidence.of_score(policy, row.score):
            whose = (row.kind, assignment.worker_id)
            if whose not in behaviour:
                behaviour[whose] = evidence.of_worker(session, job_id, *whose)
            others = behaviour[whose]
        said = verdict(policy, row.score, others)
        _set_decision(session, assignment.id, said, POLICY, now)
    return n_waiting, min(looks, default=None)


@dataclass(frozen=True)
class _Undecided:
    """A submission nobody has decided, with what the policy looks at."""

    assignment: Assignment
    hit_state: str
    kind: str
    submitted_at: datetime
    score: WorkerScore | None


def _undecided(session: Session, job_id: int) -> list[_Undecided]:
    rows = session.execute(
        select(Assignment, Hit.state, Route.kind, RawSubmission.submitted_at, WorkerScore)
        .join(RawSubmission, RawSubmission.id == Assignment.raw_submission_id)
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .join(Route, Route.id == Batch.route_id)
        .outerjoin(
            WorkerScore,
            (WorkerScore.worker_id == Assignment.worker_id)
            & (WorkerScore.job_id == Batch.job_id)
            & (WorkerScore.kind == Route.kind),
        )
        .where(Batch.job_id == job_id, Assignment.state == "Submitted")
        .where(Assignment.decision.is_(None))
        .order_by(Assignment.id)
    )
    return [_Undecided(*row) for row in rows]


def _set_decision(
    session: Session, assignment_id: int, verdict: Verdict, actor: str, now: datetime
) -> bool:
    change = (
        update(Assignment)
        .where(
            Assignment.id == assignment_id,
            Assignment.decision.is_(None),
            Assignment.state == "Submitted",
        )
        .values(
            decision=verdict.decision,
            decision_reason=verdict.reason,
            decided_by=actor,
            decided_at=now,
        )
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], session.execute(change)).rowcount == 1


def _hits_with_open_decisions(session: Session, job_id: int) -> list[int]:
    found = (
        select(Hit.id)
        .join(Batch, Batch.id == Hit.batch_id)
        .join(Assignment, Assignment.hit_id == Hit.id)
        .where(Batch.job_id == job_id, Assignment.state == "Submitted")
        .where(Assignment.decision.is_not(None))
        .distinct()
        .order_by(Hit.id)
    )
    return list(session.scalars(found))


def _open_decisions(session: Session, hit_id: int) -> list[_Decided]:
    rows = session.execute(
        select(Assignment, RawSubmission)
        .join(RawSubmission, RawSubmission.id == Assignment.raw_submission_id)
        .where(Assignment.hit_id == hit_id, Assignment.state == "Submitted")
        .where(Assignment.decision.is_not(None))
        .order_by(Assignment.id)
    )
    return [
        _Decided(assignment.id, assignment.decision or "", assignment.decision_reason, raw)
        for assignment, raw in rows
    ]


def _carry_out(
    resources: Resources,
    context: RouteContext,
    provider: Provider,
    spec: HitSpec,
    decided: _Decided,
) -> str:
    """The state of the assignment after the decision was carried to the venue."""
    is_approval = decided.decision == "approve"
    call = intents.Call(
        key=intents.decision_key(decided.assignment_id),
        job_id=context.job.id,
        operation="ApproveAssignment" if is_approval else "RejectAssignment",
        parameters={
            "assignment": decided.raw.provider_assignment_id,
            "decision": decided.decision,
        },
        actor=POLICY,
        is_paid=is_approval,
    )
    with transaction(resources.sessions) as session:
        intent, _ = intents.begin(session, call, resources.clock())
        if intent.state == "done":
            return ""
        intent = intents.stamp_attempt(session, intent.id, resources.clock())
    provider.trace.clear()
    try:
        reference = decided.raw.provider_assignment_id
        if is_approval:
            state = provider.approve(reference, decided.reason)
        else:
            state = provider.reject(reference, decided.reason)
    except ProviderError as error:
        with transaction(resources.sessions) as session:
            _note_failure(session, intent.id, decided, context, error, resources.clock())
        if error.permanent:
            return ""
        raise
    cost, fee = settling.price(provider, spec, decided.raw)
    now = resources.clock()
    with transaction(resources.sessions) as session:
        if state == "Submitted":
            return state  # too soon for the venue: the next run asks again
        row = session.get_one(Assignment, decided.assignment_id, with_for_update=True)
        settling.record_state(
            session, row, state, context,
            cost_micros=cost, fee_micros=fee, actor=row.decided_by, now=now,
            request_id=provider.trace.latest,
        )  # fmt: skip
    return state


def _note_failure(
    session: Session,
    intent_id: int,
    decided: _Decided,
    context: RouteContext,
    error: ProviderError,
    now: datetime,
) -> None:
    if error.permanent:
        intents.finish(session, intent_id, "failed", now, error=str(error))
        message = f"assignment {decided.assignment_id} could not be decided: {error}"
        key = f"undecidable:assignment:{decided.assignment_id}"
        findings.report(session, key, message, now, context.job.id)
    elif error.outcome_unknown:
        intents.finish(session, intent_id, "unknown", now, error=str(error))
