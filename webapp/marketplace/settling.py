"""What time alone brings about: abandoned work, auto-approval, expiry, the end of retention."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock

from sqlalchemy import Select, and_, delete, exists, literal, or_, select, union_all
from sqlalchemy.orm import Session

from webapp.marketplace import decisions, notices, policies, qualifying
from webapp.marketplace.dial import DAY
from webapp.marketplace.lifecycle import dispose, locked_assignment, locked_hit, refresh
from webapp.marketplace.market import Market
from webapp.marketplace.store import reading, write
from webapp.marketplace.tables.qualifications import QualificationType
from webapp.marketplace.tables.traffic import RequestToken
from webapp.marketplace.tables.work import Assignment, Hit, HitType

_BATCH = 200
_PAUSE = 500
_OPEN = ("Assignable", "Unassignable")


class Sweeper:
    """Runs the sweep when half a second has gone by on the dial, or when it is told to."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._swept_at: int | None = None
        self._lock = Lock()

    def sweep_if_due(self) -> None:
        """Sweep, unless one has just been made or is being made."""
        now = self._market.dial.now()
        if self._swept_at is not None and 0 <= now - self._swept_at < _PAUSE:
            return
        if self._lock.acquire(blocking=False):
            try:
                self._swept_at = now
                sweep(self._market)
            finally:
                self._lock.release()


def settle(session: Session, hit: Hit, now: int) -> None:
    """Bring status and money up to date after something happened; a finished HIT is reviewed."""
    if refresh(session, hit, now):
        policies.review_hit(session, hit, now)


def sweep(market: Market) -> int:
    """Do all that has become due; gives how many things were done. Doing it twice does no more.

    What one act makes due (an end of retention after an approval) is found by the next look.
    """
    now, done = market.dial.now(), 0
    looks = _looks(now, now - market.options.retention_days * DAY)
    last: list[list[int]] = []
    while True:
        with reading(market.sessions) as session:
            due = _due(session, looks)
        if due == last or not any(due):
            return done
        for look, ids in zip(looks, due, strict=True):
            if ids:
                write(market.sessions, partial(_act_on, ids=sorted(ids), act=look.act))
                done += len(ids)
        last = due


@dataclass(frozen=True)
class _Look:
    """A query for what is due, and what to do with each row's id."""

    query: Select[int]
    act: Callable[[Session, int], object]


def _due(session: Session, looks: Sequence[_Look]) -> list[list[int]]:
    """The first ids that each look finds, in one query: a sweep goes before most requests."""
    numbered = []
    for number, look in enumerate(looks):
        found = look.query.limit(_BATCH).subquery()
        numbered.append(select(literal(number), found.c.id))
    due: list[list[int]] = [[] for _ in looks]
    for number, pk in session.execute(union_all(*numbered)):
        due[number].append(pk)
    return due


def _looks(now: int, oldest: int) -> tuple[_Look, ...]:
    """All that time brings about, in the order in which it is done."""
    return (
        _Look(_overdue(now), lambda session, pk: abandon(session, pk, now)),
        _Look(_auto_approvable(now), lambda session, pk: _auto_approve(session, pk, now)),
        _Look(_expired(now), lambda session, pk: _expire(session, pk, now)),
        _Look(_outlived(oldest), lambda session, pk: _retire(session, pk, now)),
        _Look(_unused_types(oldest), _drop_type),
        _Look(_ending(oldest), lambda session, pk: _end_qualification(session, pk, now)),
        _Look(_stale_tokens(now), _drop_token),
    )


def abandon(session: Session, assignment_pk: int, now: int) -> None:
    """Take back an accepted assignment whose deadline has passed."""
    assignment = locked_assignment(session, assignment_pk)
    if assignment.state != "Accepted" or assignment.deadline > now:
        return
    assignment.state, assignment.ended_at = "Abandoned", now
    assignment.hit.n_pending -= 1
    notices.record(session, assignment.hit, "AssignmentAbandoned", now, assignment)
    settle(session, assignment.hit, now)


def _auto_approve(session: Session, assignment_pk: int, now: int) -> None:
    assignment = locked_assignment(session, assignment_pk)
    due = assignment.auto_approves_at
    if assignment.state == "Submitted" and due is not None and due <= now:
        decisions.approve(session, assignment, due)


def _expire(session: Session, hit_pk: int, now: int) -> None:
    settle(session, locked_hit(session, hit_pk), now)


def _retire(session: Session, hit_pk: int, now: int) -> None:
    hit = locked_hit(session, hit_pk)
    if hit.n_submitted == 0 and hit.status in ("Reviewable", "Reviewing"):
        dispose(session, hit, now)


def _overdue(now: int) -> Select[int]:
    return select(Assignment.id).where(Assignment.state == "Accepted", Assignment.deadline <= now)


def _auto_approvable(now: int) -> Select[int]:
    return select(Assignment.id).where(
        Assignment.state == "Submitted", Assignment.auto_approves_at <= now
    )


def _expired(now: int) -> Select[int]:
    return select(Hit.id).where(
        Hit.status.in_(_OPEN), Hit.expires_at <= now, Hit.told_expired.is_(False)
    )


def _outlived(oldest: int) -> Select[int]:
    return select(Hit.id).where(
        Hit.status.in_(("Reviewable", "Reviewing")),
        Hit.n_submitted == 0,
        or_(Hit.reviewable_at <= oldest, Hit.reviewable_at.is_(None)),
        Hit.created_at <= oldest,
    )


def _unused_types(oldest: int) -> Select[int]:
    alive = exists().where(Hit.type_id == HitType.id, Hit.status != "Disposed")
    return select(HitType.id).where(
        HitType.used_at <= oldest, HitType.is_deleted.is_(False), ~alive
    )


def _drop_type(session: Session, type_pk: int) -> None:
    session.get_one(HitType, type_pk).is_deleted = True


def _ending(oldest: int) -> Select[int]:
    """Qualification types being disposed of, and those nobody has used for the retention time."""
    unused = and_(
        QualificationType.status.in_(("Active", "Inactive")),
        QualificationType.used_at <= oldest,
        QualificationType.for_staff.is_(False),
    )
    return select(QualificationType.id).where(or_(QualificationType.status == "Disposing", unused))


def _end_qualification(session: Session, type_pk: int, now: int) -> None:
    row = session.get_one(QualificationType, type_pk)
    if row.status == "Disposing":
        qualifying.finish_disposing(session, row, now)
    else:
        qualifying.start_disposing(session, row, now)


def _stale_tokens(now: int) -> Select[int]:
    return select(RequestToken.id).where(RequestToken.used_at <= now - DAY)


def _drop_token(session: Session, pk: int) -> None:
    session.execute(delete(RequestToken).where(RequestToken.id == pk))


def _act_on(session: Session, ids: Iterable[int], act: Callable[[Session, int], object]) -> None:
    for pk in ids:
        act(session, pk)
