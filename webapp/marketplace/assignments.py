"""The worker's side of an assignment: accept, submit, return."""

from __future__ import annotations

from sqlalchemy import Select, bindparam, exists, func, select
from sqlalchemy.orm import Session

from webapp.marketplace import notices, policies
from webapp.marketplace.dial import SECOND
from webapp.marketplace.identifiers import new_id
from webapp.marketplace.lifecycle import is_expired, locked_assignment, locked_hit, open_slots
from webapp.marketplace.options import Options
from webapp.marketplace.refusals import Declined
from webapp.marketplace.settling import settle
from webapp.marketplace.standing import Standing, unmet
from webapp.marketplace.tables.people import Worker, WorkerBlock
from webapp.marketplace.tables.work import ACTIVE_STATES, Assignment, Hit, HitType

_BLOCKERS = select(WorkerBlock.requester_id).where(WorkerBlock.worker_id == bindparam("worker_id"))
_ACTIVE = select(Assignment).where(
    Assignment.hit_id == bindparam("hit"),
    Assignment.worker_id == bindparam("worker"),
    Assignment.state.in_(ACTIVE_STATES),
)
_N_HELD = (
    select(func.count())
    .select_from(Assignment)
    .where(Assignment.worker_id == bindparam("worker"), Assignment.state == "Accepted")
)


def accept(
    session: Session, worker: Worker, hit: Hit, standing: Standing, options: Options, now: int
) -> Assignment:
    """The worker's assignment of the locked HIT; accepting again gives the same one.

    Raises:
        Declined: the HIT is taken, over, done before, or not for this worker.

    """
    held = _active_assignment(session, worker, hit)
    if held and held.state == "Accepted" and held.deadline > now:
        return held
    if held and held.state == "Accepted":
        raise Declined("Your time for this HIT has run out. It goes back to the list.")
    if held:
        raise Declined("You have already done this HIT. Each worker does a HIT once.")
    check_allowed(session, worker, hit.hit_type, standing, "accept")
    if hit.status != "Assignable" or is_expired(hit, now) or open_slots(hit) < 1:
        raise Declined("This HIT is no longer available: others have taken it, or it has expired.")
    _check_hands_free(session, worker, options)
    assignment = Assignment(
        assignment_id=_next_assignment_id(session, hit, options),
        hit=hit,
        worker_id=worker.id,
        state="Accepted",
        accepted_at=now,
        deadline=now + hit.hit_type.duration_seconds * SECOND,
        answer="",
        feedback="",
    )
    session.add(assignment)
    hit.n_pending += 1
    session.flush()
    notices.record(session, hit, "AssignmentAccepted", now, assignment)
    settle(session, hit, now)
    return assignment


def submit(session: Session, assignment: Assignment, answer: str, now: int) -> None:
    """Store the answer of a locked, accepted assignment; the first that arrives is the only one.

    Raises:
        Declined: submitted before, returned, or after the deadline.

    """
    if assignment.state in ("Submitted", "Approved", "Rejected"):
        raise Declined(
            "This HIT was submitted before. Your first answer counts; nothing was changed.",
            title="Already submitted",
        )
    if assignment.state != "Accepted" or assignment.deadline <= now:
        raise Declined(
            "The time for this HIT ran out, or it was returned, so the answer was not taken.",
            title="Too late",
            status=410,
        )
    hit = assignment.hit
    assignment.state, assignment.submitted_at, assignment.answer = "Submitted", now, answer
    assignment.auto_approves_at = now + hit.hit_type.auto_approval_seconds * SECOND
    hit.n_pending -= 1
    hit.n_submitted += 1
    session.flush()
    notices.record(session, hit, "AssignmentSubmitted", now, assignment)
    policies.review_assignment(session, assignment, now)
    settle(session, hit, now)


def give_back(session: Session, worker: Worker, assignment_pk: int, now: int) -> None:
    """Return an accepted assignment; returning it twice does nothing more.

    Raises:
        Declined: it was submitted.

    """
    assignment = locked_assignment(session, assignment_pk)
    if assignment.state in ("Returned", "Abandoned"):
        return
    if assignment.state != "Accepted" or assignment.worker_id != worker.id:
        raise Declined("A HIT that was submitted cannot be returned.")
    assignment.state, assignment.ended_at = "Returned", now
    assignment.hit.n_pending -= 1
    notices.record(session, assignment.hit, "AssignmentReturned", now, assignment)
    settle(session, assignment.hit, now)


def check_allowed(
    session: Session, worker: Worker, hit_type: HitType, standing: Standing, action: str
) -> None:
    """Nothing, if the worker may discover, preview or accept HITs of this type.

    Raises:
        Declined: 404 where the worker may not even know of the HIT, else 403.

    """
    elsewhere = worker.only_hit_type_id not in ("", hit_type.hit_type_id)
    if elsewhere or unmet(hit_type.requirements, "discover", standing):
        raise Declined("There is no such HIT.", status=404, title="Not found")
    if hit_type.requester_id in blockers_of(session, worker):
        raise Declined("This requester does not take work from you any more.", status=403)
    lacking = unmet(hit_type.requirements, action, standing)
    if lacking:
        raise Declined(
            "You lack a qualification that this HIT asks for.", status=403, title="Not qualified"
        )


def blockers_of(session: Session, worker: Worker) -> set[int]:
    """Row ids of the requesters that have blocked the worker."""
    return set(session.scalars(_BLOCKERS, {"worker_id": worker.worker_id}))


def accept_in_group(
    session: Session, worker: Worker, hit_type: HitType, standing: Standing, options: Options,
    now: int, *, preferred_hit_id: str = "",
) -> Assignment:  # fmt: skip
    """An assignment of the preferred HIT, or, where others were faster, of the next in its group.

    Raises:
        Declined: nothing of the group is left for this worker.

    """
    preferred = preferred_hit_id and session.scalar(
        select(Hit.id).where(Hit.hit_id == preferred_hit_id, Hit.type_id == hit_type.id)
    )
    if preferred:
        hit = locked_hit(session, preferred)
        if _may_take(session, worker, hit, now):
            return accept(session, worker, hit, standing, options, now)
    found = next_hit(session, worker, hit_type.id, now, lock=True)
    if found is None:
        check_allowed(session, worker, hit_type, standing, "accept")
        raise Declined(
            "There is no HIT left for you in this group.", title="Nothing left", status=404
        )
    return accept(session, worker, found, standing, options, now)


def next_hit(
    session: Session, worker: Worker, type_pk: int, now: int, *, lock: bool = False
) -> Hit | None:
    """The oldest open HIT of the type the worker has not touched; then one they gave back.

    A locked one is its newest row; HITs that others have locked at this moment are passed over.
    """
    given = {"worker": worker.id, "type": type_pk, "now": now}
    for query in _LOCKED_NEXT if lock else _NEXT:
        found = session.scalar(query, given)
        if found is not None:
            return found
    return None


def _next(*, but_not: tuple[str, ...] = ()) -> Select[Hit]:
    """The oldest open HIT without an assignment of the worker (in the states ``but_not``)."""
    touched = exists().where(
        Assignment.hit_id == Hit.id, Assignment.worker_id == bindparam("worker")
    )
    if but_not:
        touched = touched.where(Assignment.state.in_(but_not))
    is_open = (Hit.status == "Assignable", Hit.expires_at > bindparam("now"))
    query = select(Hit).where(Hit.type_id == bindparam("type"), *is_open, ~touched)
    return query.order_by(Hit.id).limit(1)


_NEXT = (_next(), _next(but_not=ACTIVE_STATES))
_LOCKED_NEXT = tuple(
    query.with_for_update(of=Hit, skip_locked=True).execution_options(populate_existing=True)
    for query in _NEXT
)


def open_groups(session: Session, worker: Worker, now: int) -> list[tuple[HitType, int]]:
    """(HIT type, HITs the worker could take), the newest type first, requirements not looked at."""
    is_open = (Hit.status == "Assignable", Hit.expires_at > now)
    touched = select(Assignment.hit_id).where(
        Assignment.worker_id == worker.id, Assignment.state.in_(ACTIVE_STATES)
    )
    n_open = select(Hit.type_id, func.count()).where(*is_open).group_by(Hit.type_id)
    n_done = n_open.where(Hit.id.in_(touched))
    done = dict(session.execute(n_done).all())
    counts = {
        type_pk: total - done.get(type_pk, 0)
        for type_pk, total in session.execute(n_open)
        if total > done.get(type_pk, 0)
    }
    query = select(HitType).where(HitType.id.in_(counts)).order_by(HitType.id.desc())
    if worker.only_hit_type_id:
        query = query.where(HitType.hit_type_id == worker.only_hit_type_id)
    types = session.scalars(query)
    return [(hit_type, counts[hit_type.id]) for hit_type in types]


def accepted_by(session: Session, worker: Worker, now: int) -> list[Assignment]:
    """The worker's accepted assignments whose time still runs, the most urgent first."""
    return list(
        session.scalars(
            select(Assignment)
            .where(
                Assignment.worker_id == worker.id,
                Assignment.state == "Accepted",
                Assignment.deadline > now,
            )
            .order_by(Assignment.deadline)
        )
    )


def _may_take(session: Session, worker: Worker, hit: Hit, now: int) -> bool:
    """Whether the locked HIT is open, or in this worker's own hands already."""
    is_open = hit.status == "Assignable" and not is_expired(hit, now)
    return is_open or _active_assignment(session, worker, hit) is not None


def _active_assignment(session: Session, worker: Worker, hit: Hit) -> Assignment | None:
    return session.scalar(_ACTIVE, {"hit": hit.id, "worker": worker.id})


def _check_hands_free(session: Session, worker: Worker, options: Options) -> None:
    n_held = session.scalar(_N_HELD, {"worker": worker.id})
    if (n_held or 0) >= options.max_accepted_hits:
        raise Declined(f"You hold {n_held} HITs. Submit or return one before you accept another.")


def _next_assignment_id(session: Session, hit: Hit, options: Options) -> str:
    """A new id, or, where ids are reused, one of this HIT that its last holder gave up."""
    if options.reuse_assignment_ids:
        alive = select(Assignment.assignment_id).where(
            Assignment.hit_id == hit.id, Assignment.state.in_(ACTIVE_STATES)
        )
        given_up = session.scalar(
            select(Assignment.assignment_id)
            .where(Assignment.hit_id == hit.id, Assignment.assignment_id.not_in(alive))
            .order_by(Assignment.id.desc())
            .limit(1)
        )
        if given_up:
            return given_up
    return new_id()
