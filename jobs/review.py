"""Service with outside effects: each submission approved or rejected once, by a stated policy.

A decision is a compare-and-set; the call follows, then the venue's own word is recorded.
Nobody is rejected on one kind of evidence, and work that is no answer waits for a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from jobs import findings, hit_specs, intents, settling, work
from jobs.db import reading, transaction
from jobs.errors import Conflict, InvalidInput, NotFound, ProviderError
from jobs.hit_specs import RouteContext
from jobs.job_specs import Policy, ReviewPolicy
from jobs.providers import Provider
from jobs.records import HitSpec
from jobs.resources import Resources
from jobs.tables import Assignment, Batch, Hit, Job, RawSubmission, Route, WorkerScore
from jobs.work import Progress

POLICY = "policy"
DECISIONS = ("approve", "reject")


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
        n_waiting = _decide_by_policy(session, job_id, resources.clock())
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
        counts["Approved"], counts["Rejected"], counts.get("Submitted", 0), n_waiting
    )


def verdict(policy: ReviewPolicy, score: WorkerScore | None) -> Verdict:
    """The policy's word on parsed work of a worker with this score.

    Rejection needs both: gold *and* agreement, each from enough answers, each with the
    whole interval under its bound.
    """
    if policy.mode == "screen" and score is not None:
        gold_is_low = (
            score.n_gold >= policy.min_gold
            and score.gold_high is not None
            and score.gold_high < policy.gold_below
        )
        agreement_is_low = (
            score.n_answers >= policy.min_answers
            and score.consensus_high is not None
            and score.consensus_high < policy.agreement_below
        )
        if gold_is_low and agreement_is_low:
            return Verdict(
                "reject",
                f"Your answers to {score.n_gold} known pictures were right in "
                f"{score.gold_accuracy or 0:.0%} of cases, and {score.consensus_accuracy or 0:.0%} "
                f"of your {score.n_answers} answers agree with those of other workers. "
                "Please write to us if you think this is a mistake.",
            )
    return Verdict("approve", "")


def decide(
    session: Session, assignment_id: int, decision: str, reason: str, actor: str, now: datetime
) -> None:
    """A person's decision, carried out by the background at once.

    Raises:
        InvalidInput: for another word, or a rejection without a reason for the worker.
        Conflict: when it is decided already; the message names who was first.

    """
    if decision not in DECISIONS:
        raise InvalidInput(f"decision: expected approve or reject, got {decision!r:.40}")
    if decision == "reject" and not reason.strip():
        raise InvalidInput("reason: a rejected worker must be told why")
    job_id = session.scalar(
        select(Batch.job_id)
        .join(Hit, Hit.batch_id == Batch.id)
        .join(Assignment, Assignment.hit_id == Hit.id)
        .where(Assignment.id == assignment_id)
    )
    if job_id is None:
        raise NotFound(f"assignment {assignment_id}: no such assignment")
    if not _set_decision(session, assignment_id, Verdict(decision, reason.strip()), actor, now):
        row = session.get_one(Assignment, assignment_id, populate_existing=True)
        raise Conflict(
            f"assignment {assignment_id}: {row.decided_by or 'the venue'} has decided to "
            f"{row.decision or row.state} it already"
        )
    work.enqueue(session, "advance_job", job_id, now)


def _decide_by_policy(session: Session, job_id: int, now: datetime) -> int:
    """Set the policy's decisions; the number of submissions that wait for a person."""
    policy = Policy.model_validate(session.get_one(Job, job_id).policy).review
    rows = session.execute(
        select(Assignment, Hit.state, WorkerScore)
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .outerjoin(
            WorkerScore,
            (WorkerScore.worker_id == Assignment.worker_id)
            & (WorkerScore.job_id == Batch.job_id)
            & (WorkerScore.kind == _kind_of_batch()),
        )
        .where(Batch.job_id == job_id, Assignment.state == "Submitted")
        .where(Assignment.decision.is_(None))
        .order_by(Assignment.id)
    ).all()
    n_waiting = 0
    for assignment, hit_state, score in rows:
        if assignment.parse_state != "parsed":
            n_waiting += assignment.parse_state == "unparsed"
        elif policy.mode == "approve" or hit_state == "closed":
            _set_decision(session, assignment.id, verdict(policy, score), POLICY, now)
    return n_waiting


def _kind_of_batch() -> Any:
    from_route = select(Route.kind).where(Route.id == Batch.route_id)
    return from_route.correlate(Batch).scalar_subquery()


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
        intent = intents.stamp_attempt(session, intent.id)
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
