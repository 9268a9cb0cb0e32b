"""What time alone brings about: abandoned work, auto-approval, expiry, the end of retention."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from threading import Lock

from sqlalchemy import (
    BigInteger,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    literal,
    or_,
    select,
    union_all,
)
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
    oldest = now - market.options.retention_days * DAY
    last: list[list[int]] = []
    while True:
        with reading(market.sessions) as session:
            due = _due(session, now, oldest)
        if due == last or not any(due):
            return done
        for look, ids in zip(_LOOKS, due, strict=True):
            if ids:
                write(market.sessions, partial(_act_on, ids=sorted(ids), act=look.act, now=now))
                done += len(ids)
        last = due


def _due(session: Session, now: int, oldest: int) -> list[list[int]]:
    """The first ids that each look finds, in one query: a sweep goes before most requests."""
    due: list[list[int]] = [[] for _ in _LOOKS]
    times = {"now": now, "oldest": oldest, "a_day_ago": now - DAY}
    for number, pk in session.execute(_ALL_LOOKS, times):
        due[number].append(pk)
    return due


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


def _drop_type(session: Session, type_pk: int, _now: int) -> None:
    session.get_one(HitType, type_pk).is_deleted = True


def _end_qualification(session: Session, type_pk: int, now: int) -> None:
    row = session.get_one(QualificationType, type_pk)
    if row.status == "Disposing":
        qualifying.finish_disposing(session, row, now)
    else:
        qualifying.start_disposing(session, row, now)


def _drop_token(session: Session, pk: int, _now: int) -> None:
    session.execute(delete(RequestToken).where(RequestToken.id == pk))


def _act_on(session: Session, ids: Iterable[int], act: Act, now: int) -> None:
    for pk in ids:
        act(session, pk, now)


Act = Callable[[Session, int, int], object]


@dataclass(frozen=True)
class _Look:
    """A query for what is due, and what to do with each row's id at which time."""

    query: Select[int]
    act: Act


_NOW = bindparam("now", type_=BigInteger)
_OLDEST = bindparam("oldest", type_=BigInteger)
_A_DAY_AGO = bindparam("a_day_ago", type_=BigInteger)
_LOOKS = (
    _Look(
        select(Assignment.id).where(Assignment.state == "Accepted", Assignment.deadline <= _NOW),
        abandon,
    ),
    _Look(
        select(Assignment.id).where(
            Assignment.state == "Submitted", Assignment.auto_approves_at <= _NOW
        ),
        _auto_approve,
    ),
    _Look(
        select(Hit.id).where(
            Hit.status.in_(_OPEN), Hit.expires_at <= _NOW, Hit.told_expired.is_(False)
        ),
        _expire,
    ),
    _Look(
        select(Hit.id).where(
            Hit.status.in_(("Reviewable", "Reviewing")),
            Hit.n_submitted == 0,
            or_(Hit.reviewable_at <= _OLDEST, Hit.reviewable_at.is_(None)),
            Hit.created_at <= _OLDEST,
        ),
        _retire,
    ),
    _Look(
        select(HitType.id).where(
            HitType.used_at <= _OLDEST,
            HitType.is_deleted.is_(False),
            ~exists().where(Hit.type_id == HitType.id, Hit.status != "Disposed"),
        ),
        _drop_type,
    ),
    _Look(  # those being disposed of, and those nobody has used for the retention time
        select(QualificationType.id).where(
            or_(
                QualificationType.status == "Disposing",
                and_(
                    QualificationType.status.in_(("Active", "Inactive")),
                    QualificationType.used_at <= _OLDEST,
                    QualificationType.for_staff.is_(False),
                ),
            )
        ),
        _end_qualification,
    ),
    _Look(select(RequestToken.id).where(RequestToken.used_at <= _A_DAY_AGO), _drop_token),
)
"""All that time brings about, in the order in which it is done."""
_FOUND = [look.query.limit(_BATCH).subquery() for look in _LOOKS]
_ALL_LOOKS = union_all(*(select(literal(n), one.c.id) for n, one in enumerate(_FOUND)))
