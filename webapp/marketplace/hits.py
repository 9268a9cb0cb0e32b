"""HITs: make, extend, expire, re-type, dispose. Money is held in the same transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from webapp.marketplace import books, fees, notices
from webapp.marketplace.dial import DAY, SECOND, as_datetime
from webapp.marketplace.hit_types import (
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    checked_number,
    checked_text,
)
from webapp.marketplace.identifiers import new_id
from webapp.marketplace.lifecycle import dispose, refresh
from webapp.marketplace.options import Options
from webapp.marketplace.policy_parameters import KNOWN_ANSWERS, PLURALITY, checked_policy
from webapp.marketplace.questions.asked import read_question
from webapp.marketplace.refusals import (
    bad_value,
    hit_has_work,
    hit_settling,
    hit_state,
    maximum_increase,
)
from webapp.marketplace.settling import settle
from webapp.marketplace.tables.work import Hit, HitType

_MOST_ASSIGNMENTS = 1_000_000_000
_FEE_STEP = 10


def make(
    session: Session, hit_type: HitType, question: str, args: dict[str, Any], options: Options,
    now: int,
) -> Hit:  # fmt: skip
    """A new Assignable HIT with its whole price held.

    Raises:
        Refusal: a value or question the service refuses; InsufficientFunds.

    """
    asked = read_question(question, options)
    n_assignments = checked_number(args, "MaxAssignments", 1, _MOST_ASSIGNMENTS, 1)
    lifetime = checked_number(args, "LifetimeInSeconds", SHORTEST_SECONDS, LONGEST_SECONDS)
    hit = Hit(
        hit_id=new_id(), hit_type=hit_type, requester_id=hit_type.requester_id,
        question=question, question_kind=asked.kind, status="Assignable",
        annotation=checked_text(args, "RequesterAnnotation", 255, blank=True),
        max_assignments=n_assignments, created_max_assignments=n_assignments,
        n_pending=0, n_submitted=0, n_approved=0, n_rejected=0, n_held=0,
        unit_reward_cents=hit_type.reward_cents, unit_fee_cents=_unit_fee(hit_type, n_assignments),
        layout_id=args.get("HITLayoutId", ""),
        assignment_policy=checked_policy(args, "AssignmentReviewPolicy", KNOWN_ANSWERS),
        hit_policy=checked_policy(args, "HITReviewPolicy", PLURALITY),
        created_at=now, expires_at=now + lifetime * SECOND, told_expired=False,
    )  # fmt: skip
    session.add(hit)
    session.flush()
    refresh(session, hit, now)
    notices.record(session, hit, "HITCreated", now)
    return hit


def add_assignments(session: Session, hit: Hit, n_more: int, options: Options, now: int) -> None:
    """Open more slots; their price is held.

    Raises:
        Refusal: InvalidMaximumAssignmentsIncrease, InsufficientFunds, ParameterOutOfRange.

    """
    check_settled(hit, options, now)
    if n_more < 1 or hit.max_assignments + n_more > _MOST_ASSIGNMENTS:
        raise bad_value("NumberOfAdditionalAssignments", n_more)
    if hit.created_max_assignments < _FEE_STEP <= hit.max_assignments + n_more:
        raise maximum_increase(hit.hit_id)
    hit.max_assignments += n_more
    settle(session, hit, now)
    notices.record(session, hit, "HITExtended", now)


def change_expiration(
    session: Session, hit: Hit, expire_at: int, options: Options, now: int
) -> None:
    """Expire the HIT now (a past time, or 0), or let it live longer.

    Raises:
        Refusal: a time that would shorten a running HIT's life, or is too far away.

    """
    if expire_at <= now:
        hit.expires_at = expire_at if expire_at > hit.created_at - DAY else now
        hit.told_expired = hit.told_expired and hit.status in ("Reviewable", "Reviewing")
        settle(session, hit, now)
        return
    check_settled(hit, options, now)
    shortens = expire_at < hit.expires_at and hit.expires_at > now
    too_far = expire_at > now + LONGEST_SECONDS * SECOND
    if too_far or (shortens and not options.may_shorten_expiration):
        raise bad_value("ExpireAt", as_datetime(expire_at).isoformat())
    hit.expires_at, hit.told_expired = expire_at, False
    settle(session, hit, now)
    notices.record(session, hit, "HITExtended", now)


def change_type(session: Session, hit: Hit, hit_type: HitType, options: Options, now: int) -> None:
    """Give the HIT another type; what is held follows the new reward.

    Raises:
        Refusal: InvalidHITState once it was accepted; InsufficientFunds.

    """
    check_settled(hit, options, now)
    if hit.n_pending or hit.n_submitted or hit.n_approved or hit.n_rejected:
        raise hit_has_work(hit.hit_id, "accepted or submitted")
    books.set_hold(session, hit, 0, now)
    hit.hit_type = hit_type
    hit_type.used_at = now
    hit.unit_reward_cents = hit_type.reward_cents
    hit.unit_fee_cents = _unit_fee(hit_type, hit.created_max_assignments)
    refresh(session, hit, now)


def mark_reviewing(hit: Hit, *, revert: bool) -> None:
    """Reviewable to Reviewing, or back.

    Raises:
        Refusal: InvalidHITState.

    """
    needed, new = ("Reviewing", "Reviewable") if revert else ("Reviewable", "Reviewing")
    if hit.status != needed:
        raise hit_state(hit.status, needed)
    hit.status = new


def delete(session: Session, hit: Hit, now: int) -> None:
    """Dispose of a HIT whose work is all decided.

    Raises:
        Refusal: InvalidHITState.

    """
    allowed = hit.status in ("Reviewable", "Reviewing")
    if not allowed or hit.n_submitted or hit.n_pending:
        raise hit_state(hit.status, "Reviewing, Reviewable")
    dispose(session, hit, now)


def check_settled(hit: Hit, options: Options, now: int) -> None:
    """Nothing, once the first seconds of the HIT are over.

    Raises:
        Refusal: InvalidHITState.

    """
    if now - hit.created_at < options.settling_seconds * SECOND:
        raise hit_settling(hit.hit_id)


def expiration_token(hit: Hit, expire_at: int) -> str:
    """What the service takes for the idempotency token of UpdateExpirationForHIT."""
    return hit.hit_id + as_datetime(expire_at).strftime("%a %b %d %H:%M:%S UTC %Y")


def _unit_fee(hit_type: HitType, n_assignments: int) -> int:
    for_masters = any(
        row["QualificationTypeId"] in fees.MASTERS_TYPE_IDS and row["Comparator"] == "Exists"
        for row in hit_type.requirements
    )
    return fees.assignment_fee(
        hit_type.reward_cents, n_assignments, for_masters=for_masters,
        account_kind=hit_type.requester.kind,
    )  # fmt: skip
