"""Services: a rejection taken back within 30 days, the work paid once.

The money is held again before the venue is asked. Approving work that is approved already
changes nothing at a venue, so a lost reply is answered by asking again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import findings, intents, work
from jobs.blobs import Blobs
from jobs.db import reading, transaction
from jobs.errors import Conflict, NotFound, ProviderError
from jobs.reasons import checked_reason
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.specs.hit_specs import RouteContext, Venues
from jobs.spending import ledger, settling
from jobs.spending.ledger import Reason
from jobs.tables import Assignment, Hit, Intent, RawSubmission, Reversal, Worker
from jobs.work import Progress

REVERSIBLE_FOR = timedelta(days=30)
LONGEST_REASON = 1024
TASK = "reverse_rejection"


@dataclass(frozen=True)
class ReversalPreview:
    """What taking one rejection back does: whom it pays, how much, and until when it can."""

    assignment_id: int
    job_id: int
    provider: str
    provider_worker_id: str
    rejected_by: str
    rejection_reason: str
    reward_micros: int
    fee_micros: int
    budget_left_micros: int
    possible_until: datetime


@dataclass(frozen=True)
class _Rejected:
    """A rejected assignment with what it takes to pay it."""

    assignment: Assignment
    raw: RawSubmission
    context: RouteContext
    reward_micros: int
    fee_micros: int

    @property
    def possible_until(self) -> datetime:
        return self.raw.submitted_at + REVERSIBLE_FOR


def preview_reversal(
    session: Session, assignment_id: int, venues: Venues, blobs: Blobs, now: datetime
) -> ReversalPreview:
    """What ``reverse`` would do. Changes nothing.

    Raises:
        NotFound: when there is no such assignment.
        Conflict: when it is not rejected, or was submitted more than 30 days ago.

    """
    found = _rejected(session, assignment_id, venues, blobs, now)
    job, row = found.context.job, found.assignment
    worker = session.get_one(Worker, row.worker_id)
    return ReversalPreview(
        assignment_id=assignment_id,
        job_id=job.id,
        provider=worker.provider,
        provider_worker_id=worker.provider_worker_id,
        rejected_by=row.decided_by,
        rejection_reason=row.decision_reason,
        reward_micros=found.reward_micros,
        fee_micros=found.fee_micros,
        budget_left_micros=job.budget_micros - job.held_micros - job.spent_micros,
        possible_until=found.possible_until,
    )


def intent_of(session: Session, assignment_id: int) -> int | None:
    """The id of the intent that takes the rejection back; None when none does, or it failed."""
    return session.scalar(
        select(Intent.id)
        .join(Reversal, Reversal.intent_id == Intent.id)
        .where(Reversal.assignment_id == assignment_id, Intent.state != "failed")
    )


def reverse(
    session: Session,
    assignment_id: int,
    venues: Venues,
    blobs: Blobs,
    now: datetime,
    *,
    reason: str,
    actor: str,
) -> int:
    """Hold the money again and have the rejected work approved; the id of the intent.

    Asking twice does it once. The answer votes again as soon as the venue has approved it.

    Raises:
        InvalidInput: for a reason that cannot be sent to the worker.
        NotFound: when there is no such assignment.
        Conflict: when it is not rejected, or was submitted more than 30 days ago.
        BudgetExceeded: when the job's budget does not cover it, with the missing amount.

    """
    reason = checked_reason(reason, LONGEST_REASON)
    before = intent_of(session, assignment_id)
    if before is not None:
        return before
    found = _rejected(session, assignment_id, venues, blobs, now)
    call = intents.Call(
        key=f"reverse:assignment:{assignment_id}",
        job_id=found.context.job.id,
        operation="ApproveAssignment",
        parameters={
            "assignment": found.raw.provider_assignment_id,
            "override_rejection": True,
            "reward_micros": found.reward_micros,
            "fee_micros": found.fee_micros,
        },
        actor=actor,
    )
    intent, is_new = intents.begin(session, call, now)
    if is_new:
        why = _why(intent, found.assignment, found.context)
        amount = found.reward_micros + found.fee_micros
        key = f"hold:intent:{intent.id}:{intent.window}"
        ledger.hold(session, found.context.job.id, amount, key=key, reason=why, now=now)
        _write_down(session, found.assignment, intent, reason, actor, now)
        work.enqueue(session, TASK, intent.id, now)
    return intent.id


def carry_out(resources: Resources, intent_id: int, progress: Progress) -> None:
    """Approve the rejected work at its venue, however often it is tried.

    Raises:
        ProviderError: when the venue does not answer; the money stays held.
        Paused: while the pause switch is on.

    """
    with reading(resources.sessions) as session:
        intent = session.get_one(Intent, intent_id)
        assignment, raw, reversal, context = _open_reversal(session, intent)
    if intent.state not in intents.OPEN:
        return
    progress(0, 1)
    before = (intent.last_sent_at or intent.first_sent_at) if intent.attempts else None
    provider = context.provider(resources.venues)
    with transaction(resources.sessions) as session:
        intents.refuse_when_paused(session, context.job.id)
        intent = intents.stamp_attempt(session, intent_id, resources.clock())
    provider.trace.clear()
    try:
        state = provider.reverse(raw.provider_assignment_id, reversal.reason)
    except ProviderError as error:
        if not error.permanent:
            with transaction(resources.sessions) as session:
                if error.outcome_unknown:
                    now = resources.clock()
                    intents.finish(session, intent_id, "unknown", now, error=str(error))
            raise
        _give_up(resources, intent, before, assignment, context, str(error))
        return
    if state == "Approved":
        request_id = provider.trace.latest
        _confirm(resources, intent, assignment, reversal, context, request_id)
    else:
        why_not = f"the venue holds it as {state}"
        _give_up(resources, intent, before, assignment, context, why_not)


def _rejected(
    session: Session, assignment_id: int, venues: Venues, blobs: Blobs, now: datetime
) -> _Rejected:
    row = session.get(Assignment, assignment_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(f"assignment {assignment_id}: no such assignment")
    if row.state != "Rejected":
        more = " and its rejection is being carried out" if row.decision == "reject" else ""
        raise Conflict(f"assignment {assignment_id} is {row.state}{more}: expected Rejected")
    raw = session.get_one(RawSubmission, row.raw_submission_id)
    if now > raw.submitted_at + REVERSIBLE_FOR:
        raise Conflict(
            f"assignment {assignment_id} was submitted on {raw.submitted_at:%Y-%m-%d}: a "
            f"rejection can be taken back for {REVERSIBLE_FOR.days} days after that; "
            "pay the worker with a bonus instead"
        )
    hit = session.get_one(Hit, row.hit_id)
    context = hit_specs.batch_context(session, hit.batch_id)
    spec = hit_specs.hit_spec(context, hit, hit_specs.task_specs(session, blobs, hit.id))
    reward, fee = settling.price(context.provider(venues), spec, raw)
    return _Rejected(row, raw, context, reward, fee)


def _write_down(
    session: Session,
    assignment: Assignment,
    intent: Intent,
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    """The rejection as it was: the assignment's own columns will say that it was approved."""
    row = session.scalar(select(Reversal).where(Reversal.assignment_id == assignment.id))
    if row is None:
        row = Reversal(
            assignment_id=assignment.id,
            intent_id=intent.id,
            rejected_by=assignment.decided_by,
            rejected_at=assignment.decided_at,
            rejection_reason=assignment.decision_reason,
        )
        session.add(row)
    row.reason, row.actor, row.created_at = reason, actor, now
    session.flush()


def _open_reversal(
    session: Session, intent: Intent
) -> tuple[Assignment, RawSubmission, Reversal, RouteContext]:
    assignment, raw, reversal, hit = session.execute(
        select(Assignment, RawSubmission, Reversal, Hit)
        .join(Reversal, Reversal.assignment_id == Assignment.id)
        .join(RawSubmission, RawSubmission.id == Assignment.raw_submission_id)
        .join(Hit, Hit.id == Assignment.hit_id)
        .where(Reversal.intent_id == intent.id)
    ).one()
    return assignment, raw, reversal, hit_specs.batch_context(session, hit.batch_id)


def _confirm(
    resources: Resources,
    intent: Intent,
    assignment: Assignment,
    reversal: Reversal,
    context: RouteContext,
    request_id: str,
) -> None:
    now = resources.clock()
    spent = {
        "reward": int(intent.parameters["reward_micros"]),
        "fee": int(intent.parameters["fee_micros"]),
    }
    with transaction(resources.sessions) as session:
        if not intents.finish(
            session, intent.id, "done", now, reference="Approved", request_id=request_id
        ):
            return
        row = session.get_one(Assignment, assignment.id, with_for_update=True)
        row.state, row.decision = "Approved", "approve"
        row.decided_by, row.decided_at = reversal.actor, now
        row.decision_reason = reversal.reason
        row.cost_micros, row.fee_micros = spent["reward"], spent["fee"]
        key = f"settle:assignment:{row.id}"
        why = replace(_why(intent, row, context), request_id=request_id)
        ledger.settle(session, context.job.id, spent, key=key, reason=why, now=now)
        work.enqueue(session, "advance_job", context.job.id, now)


def _give_up(
    resources: Resources,
    intent: Intent,
    before: datetime | None,
    assignment: Assignment,
    context: RouteContext,
    error: str,
) -> None:
    """The venue refuses: the money comes back, unless an earlier attempt may have been paid.

    Raises:
        ProviderError: when the try ``before`` is so young that it may still arrive.

    """
    now = resources.clock()
    if intents.may_be_unlisted(before, now):
        raise ProviderError(f"{error}; its last try may still arrive", permanent=False)
    with transaction(resources.sessions) as session:
        message = f"the rejection of assignment {assignment.id} could not be taken back: {error}"
        key = f"irreversible:assignment:{assignment.id}"
        findings.report(session, key, message, now, context.job.id)
        if intent.attempts > 1 and "holds it as Rejected" not in error:
            intents.finish(session, intent.id, "unknown", now, error=error)
            return
        if intents.finish(session, intent.id, "failed", now, error=error):
            ledger.void(session, intent, _why(intent, assignment, context), now)


def _why(intent: Intent, assignment: Assignment, context: RouteContext) -> Reason:
    """Not booked on the HIT: what it holds is given back when it closes."""
    return Reason(
        intent.actor,
        route_id=context.route.id,
        assignment_id=assignment.id,
        worker_id=assignment.worker_id,
        intent_id=intent.id,
    )
