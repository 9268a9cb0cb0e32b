"""The state of a HIT as a function of its counters and the time."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, lazyload
from sqlalchemy.orm.attributes import set_committed_value

from webapp.marketplace import books, notices
from webapp.marketplace.tables.work import Assignment, Hit

_ONE_HIT = (
    select(Hit)
    .where(Hit.id == bindparam("pk"))
    .with_for_update(of=Hit)
    .execution_options(populate_existing=True)
)
_HIT_OF_ASSIGNMENT = (
    select(Hit)
    .where(
        Hit.id
        == select(Assignment.hit_id).where(Assignment.id == bindparam("pk")).scalar_subquery()
    )
    .with_for_update(of=Hit)
    .execution_options(populate_existing=True)
)
_ONE_ASSIGNMENT = (
    select(Assignment)
    .where(Assignment.id == bindparam("pk"))
    .options(lazyload(Assignment.hit))
    .with_for_update(of=Assignment)
    .execution_options(populate_existing=True)
)


def open_slots(hit: Hit) -> int:
    """Slots nobody holds; expiry does not change the count, as on the service."""
    return hit.max_assignments - hit.n_pending - hit.n_submitted - hit.n_approved - hit.n_rejected


def is_expired(hit: Hit, now: int) -> bool:
    """Whether the HIT takes no new workers any more.

    What was once seen expired stays so until its life is made longer: a call that waited
    for the HIT's lock comes with an older time.
    """
    return hit.told_expired or hit.expires_at <= now


def status_of(hit: Hit, now: int) -> str:
    """The HITStatus that the counters and the time give.

    An expired HIT with accepted work outstanding is Unassignable until that work is
    resolved; a HIT under review stays so until slots open again.
    """
    if hit.status == "Disposed":
        return "Disposed"
    if not is_expired(hit, now) and open_slots(hit) > 0:
        return "Assignable"
    if hit.n_pending > 0:
        return "Unassignable"
    return "Reviewing" if hit.status == "Reviewing" else "Reviewable"


def refresh(session: Session, hit: Hit, now: int) -> bool:
    """Bring status and held money up to date; True when the HIT has just become Reviewable.

    Raises:
        Refusal: InsufficientFunds, when slots opened that the account cannot pay.

    """
    if hit.status == "Disposed":
        return False
    before, hit.status = hit.status, status_of(hit, now)
    if is_expired(hit, now) and not hit.told_expired:
        hit.told_expired = True
        if open_slots(hit) > 0 or hit.n_pending > 0:
            notices.record(session, hit, "HITExpired", now)
    books.set_hold(session, hit, _units_to_hold(hit, now), now)
    became_reviewable = hit.status == "Reviewable" and before not in ("Reviewable", "Reviewing")
    if became_reviewable:
        hit.reviewable_at = now
        notices.record(session, hit, "HITReviewable", now)
    return became_reviewable


def dispose(session: Session, hit: Hit, now: int) -> None:
    """End the HIT's life: money still held is released, nothing about it can change."""
    books.set_hold(session, hit, 0, now)
    hit.status = "Disposed"
    hit.disposed_at = now
    notices.record(session, hit, "HITDisposed", now)


def locked_hit(session: Session, pk: int) -> Hit:
    """The HIT's newest row, which no other transaction changes until this one ends."""
    return session.scalars(_ONE_HIT, {"pk": pk}).one()


def locked_assignment(session: Session, pk: int) -> Assignment:
    """The assignment's newest row, locked, its HIT locked first (the same order everywhere)."""
    hit = session.scalars(_HIT_OF_ASSIGNMENT, {"pk": pk}).one()
    assignment = session.scalars(_ONE_ASSIGNMENT, {"pk": pk}).one()
    set_committed_value(assignment, "hit", hit)
    return assignment


def _units_to_hold(hit: Hit, now: int) -> int:
    """Assignments that may still have to be paid."""
    coming = 0 if is_expired(hit, now) else open_slots(hit)
    return hit.n_pending + hit.n_submitted + coming
