"""Services: what a venue says of an assignment or HIT, written into our books once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import findings, intents
from jobs.providers import Provider
from jobs.records import HitSpec, Submission
from jobs.specs.hit_specs import RouteContext
from jobs.spending import ledger
from jobs.spending.ledger import Reason
from jobs.tables import Assignment, Extension, Hit, RawSubmission

VENUE = "venue"


def record_state(
    session: Session,
    assignment: Assignment,
    state: str,
    context: RouteContext,
    *,
    cost_micros: int,
    fee_micros: int,
    actor: str,
    now: datetime,
    request_id: str = "",
) -> bool:
    """Take over the state that the venue holds, and spend the money if it is Approved.

    The venue's word counts: work it approved at its deadline is paid, whatever was meant to
    be decided. False when nothing was new.
    """
    if state == assignment.state or state == "Submitted":
        return False
    wanted = {"approve": "Approved", "reject": "Rejected"}.get(assignment.decision or "")
    if wanted != state:
        _surprise(session, assignment, state, context, now)
    assignment.state = state
    intent_id = intents.finish_decision(session, assignment.id, state, now, request_id)
    if state == "Approved":
        bought = intents.of_hit(session, assignment.hit_id)
        reason = Reason(
            actor,
            route_id=context.route.id,
            hit_id=assignment.hit_id,
            assignment_id=assignment.id,
            worker_id=assignment.worker_id,
            intent_id=intent_id or (bought.id if bought else None),
            request_id=request_id,
        )
        spent = {"reward": cost_micros, "fee": fee_micros}
        key = f"settle:assignment:{assignment.id}"
        ledger.settle(session, context.job.id, spent, key=key, reason=reason, now=now)
        assignment.cost_micros, assignment.fee_micros = cost_micros, fee_micros
    session.flush()
    return True


def price(provider: Provider, spec: HitSpec, raw: RawSubmission) -> tuple[int, int]:
    """Cost and fee of one approved submission."""
    submission = Submission(
        provider_assignment_id=raw.provider_assignment_id,
        provider_worker_id=raw.provider_worker_id,
        provider_hit_id="",
        raw="",
        state="Submitted",
        accepted_at=raw.accepted_at,
        submitted_at=raw.submitted_at,
    )
    cost = provider.cost_of_work(spec, submission)
    return cost, provider.fee_of(spec, cost)


def release_when_settled(
    session: Session, hit: Hit, context: RouteContext, actor: str, now: datetime
) -> bool:
    """Give back what a closed HIT still holds once all its work is decided; True when it is.

    ``closed`` means that the venue gives it to nobody and nobody works on it, so that only
    decisions can still cost money.
    """
    if hit.state != "closed":
        return False
    undecided = select(func.count()).where(
        Assignment.hit_id == hit.id, Assignment.state == "Submitted"
    )
    if session.scalar(undecided):
        return False
    if hit.held_micros:
        bought = intents.of_hit(session, hit.id)
        reason = Reason(
            actor,
            route_id=context.route.id,
            hit_id=hit.id,
            intent_id=bought.id if bought else None,
            request_id=bought.request_id if bought else "",
        )
        key = f"release:hit:{hit.id}:{hit.max_assignments}{_round(session, hit)}"
        ledger.release(session, context.job.id, hit.held_micros, key=key, reason=reason, now=now)
    return True


def _round(session: Session, hit: Hit) -> str:
    """Tells a HIT's releases apart: one that is opened again may hold and release once more.

    An order opened it, or a restored backup found it open, which gives our name a new ending.
    """
    done = select(func.count()).where(Extension.hit_id == hit.id, Extension.state == "done")
    n_done = session.scalar(done) or 0
    _, _, ending = intents.installation(session).partition(".")
    return (f":{n_done}" if n_done else "") + (f":{ending}" if ending else "")


def _surprise(
    session: Session, assignment: Assignment, state: str, context: RouteContext, now: datetime
) -> None:
    """The venue decided first: by its deadline, or by someone else's hand."""
    if assignment.decision is not None:
        findings.report(
            session,
            f"decision:assignment:{assignment.id}",
            f"assignment {assignment.id}: {assignment.decided_by} decided to "
            f"{assignment.decision} it, and the venue holds it as {state}",
            now,
            context.job.id,
        )
        return
    assignment.decision = "approve" if state == "Approved" else "reject"
    assignment.decided_by, assignment.decided_at = VENUE, now
    assignment.decision_reason = f"{state} at the venue before anyone decided here"
