"""The queue of record: rows with a lease. Whatever wakes a worker may lose or double the id.

``claim`` takes a row by one conditional UPDATE; every later write carries the owner and the
attempt, so that a run whose lease was taken over changes nothing. ``sweep`` finds what is
due, whoever forgot it. A row that fails again and again without progress waits for a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Update,
    and_,
    case,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from jobs.db import Sessions, insert_new, transaction
from jobs.errors import Conflict, NotFound
from jobs.tables import Sweep, Work

Clock = Callable[[], datetime]
Progress = Callable[[int, int], None]

MAX_FAILURES = 6
LONGEST_STEP = timedelta(hours=1)  # without a word of progress, such as one fit of all answers
_FIRST_DELAY = timedelta(seconds=2)
_LONGEST_DELAY = timedelta(minutes=5)


class LeaseLost(Conflict):
    """Another run owns the work now: stop before the next effect."""


@dataclass(frozen=True)
class Claim:
    """One run's right to a row: valid while owner and attempt still stand in it."""

    work_id: int
    task_name: str
    subject_id: int
    owner: str
    attempt: int


def enqueue(
    session: Session, task_name: str, subject_id: int, now: datetime, *, at: datetime | None = None
) -> Work:
    """The row of this work, due ``at`` (now by default); asking twice gives one row.

    A row that is running is asked to run once more; one that waits for a person is woken.
    """
    key = f"{task_name}:{subject_id}"
    due = at or now
    same = select(Work).where(Work.key == key).with_for_update()
    same = same.execution_options(populate_existing=True)  # as it is now, whatever was read before
    row = session.scalar(same)
    if row is None:  # for several who ask at once, one of them makes it
        new = {"key": key, "task_name": task_name, "subject_id": subject_id, "state": "ready"}
        insert_new(session, Work, {**new, "next_try_at": due, "created_at": now})
        row = session.scalars(same).one()
    if row.state == "running":
        row.run_again = True
    else:
        row.next_try_at = min(row.next_try_at, due) if row.state == "ready" else due
        row.error = "" if row.state == "done" else row.error
        row.state, row.finished_at = "ready", None
    session.flush()
    return row


def claim(
    session: Session, work_id: int, owner: str, now: datetime, lease_seconds: float
) -> Claim | None:
    """The claim on a due row, or None when it is not due, done, or another's."""
    free = or_(
        and_(Work.state == "ready", Work.next_try_at <= now),
        and_(Work.state == "running", Work.lease_until < now),
    )
    taken = (
        update(Work)
        .where(Work.id == work_id, free)
        .values(
            state="running",
            owner=owner,
            attempts=Work.attempts + 1,
            lease_until=now + timedelta(seconds=lease_seconds),
            run_again=False,
        )
        .returning(Work.task_name, Work.subject_id, Work.attempts)
        .execution_options(synchronize_session=False)
    )
    row = session.execute(taken).one_or_none()
    return Claim(work_id, row.task_name, row.subject_id, owner, row.attempts) if row else None


def renew(
    session: Session,
    claim: Claim,
    now: datetime,
    lease_seconds: float,
    n_done: int,
    n_total: int,
    *,
    forgives: bool = True,
) -> None:
    """Prolong the lease and note the progress; getting further ``forgives`` earlier failures.

    Raises:
        LeaseLost: when another run has taken the row.

    """
    if not _applied(
        session,
        _owned(claim),
        lease_until=now + timedelta(seconds=lease_seconds),
        n_done=n_done,
        n_total=n_total,
        failures=case((Work.n_done < n_done, 0), else_=Work.failures)
        if forgives
        else Work.failures,
    ):
        raise _lost(claim)


def finish(session: Session, claim: Claim, now: datetime, *, again_at: datetime | None) -> bool:
    """End the run: done, or ready again at ``again_at`` or when it was asked for meanwhile."""
    over = {"owner": "", "lease_until": None, "run_again": False, "failures": 0, "error": ""}
    unasked = _owned(claim).where(Work.run_again.is_(False))
    if again_at is None:
        is_over = _applied(session, unasked, state="done", finished_at=now, **over)
    else:
        is_over = _applied(
            session, unasked, state="ready", next_try_at=again_at, finished_at=None, **over
        )
    return is_over or _applied(
        session, _owned(claim), state="ready", next_try_at=now, finished_at=None, **over
    )


def fail(session: Session, claim: Claim, now: datetime, error: str, *, is_transient: bool) -> bool:
    """Note the failure and try again later; after too many in a row a person must look.

    A transient failure (the venue or a server does not answer) is tried for ever.
    """
    row = session.get(Work, claim.work_id, populate_existing=True, with_for_update=True)
    if row is None or not _is_owned(row, claim):
        return False
    row.failures += 1
    gives_up = row.failures >= MAX_FAILURES and not is_transient
    row.state = "needs_person" if gives_up else "ready"
    row.next_try_at = now + retry_delay(row.failures)
    row.owner, row.lease_until, row.error = "", None, error[:4000]
    session.flush()
    return True


def refuse(session: Session, claim: Claim, now: datetime, why: str) -> bool:
    """End the run for good without its effect; ``why`` stays until the work is asked for anew."""
    change = _owned(claim)
    return _applied(
        session, change, state="done", owner="", lease_until=None, run_again=False,
        failures=0, error=why[:4000], finished_at=now,
    )  # fmt: skip


def retry_delay(failures: int) -> timedelta:
    """Doubled with each failure in a row, up to five minutes."""
    return min(_LONGEST_DELAY, _FIRST_DELAY * (1 << min(failures - 1, 16)))


def due(session: Session, now: datetime, limit: int = 1000) -> list[Work]:
    """Rows that should run now, the longest waiting first."""
    waiting = and_(Work.state == "ready", Work.next_try_at <= now)
    dropped = and_(Work.state == "running", Work.lease_until < now)
    found = select(Work).where(or_(waiting, dropped)).order_by(Work.next_try_at, Work.id)
    fresh = found.limit(limit).execution_options(populate_existing=True)
    return list(session.scalars(fresh))


def unfinished(session: Session) -> list[Work]:
    """Rows that are ready, running or wait for a person, the next due first."""
    found = select(Work).where(Work.state != "done").order_by(Work.next_try_at, Work.id)
    return list(session.scalars(found))


def waits_for_person(session: Session, task_name: str, subject_id: int) -> bool:
    """Whether this work has been given up until somebody revives it, or asks for it anew."""
    waiting = Work.key == f"{task_name}:{subject_id}", Work.state == "needs_person"
    return session.scalar(select(Work.id).where(*waiting)) is not None


def sweep(
    session: Session,
    owner: str,
    now: datetime,
    lease_seconds: float,
    is_gone: Callable[[str], bool] = lambda _owner: False,
) -> list[Work] | None:
    """Due rows, for one sweeper at a time; None when another one has the lease.

    A run whose lease ended without a word counts as failed: a row that kills its process
    each time ends with a person instead of going on for ever. So does, without waiting for
    its lease, a run whose owner ``is_gone`` knows to be dead.
    """
    if not _take_sweep(session, owner, now, lease_seconds, is_gone):
        return None
    running = session.scalars(select(Work).where(Work.state == "running").order_by(Work.id))
    for row in list(running):
        if (row.lease_until and row.lease_until < now) or is_gone(row.owner):
            _end_run(session, row, now)
    return due(session, now)


def _end_run(session: Session, row: Work, now: datetime) -> None:
    """Count the run as failed, unless it has renewed its lease or ended since it was read."""
    failures = row.failures + 1
    seen = Claim(row.id, row.task_name, row.subject_id, row.owner, row.attempts)
    _applied(
        session,
        _owned(seen).where(Work.lease_until == row.lease_until),
        state="needs_person" if failures >= MAX_FAILURES else "ready",
        failures=failures,
        error=f"the run of {row.owner} ended without a word (attempt {row.attempts})",
        owner="",
        lease_until=None,
        next_try_at=now,
    )


def revive(session: Session, work_id: int, now: datetime) -> None:
    """Set work that waits for a person going again."""
    row = session.get(Work, work_id, with_for_update=True)
    if row is None:
        raise NotFound(f"work {work_id}: no such work")
    if row.state != "needs_person":
        raise Conflict(f"work {work_id} is {row.state}: expected it to wait for a person")
    row.state, row.failures, row.next_try_at = "ready", 0, now
    session.flush()


class Lease:
    """A run's hold on its row. Called with the progress it renews, or stops a run that lost it.

    ``watch`` hears of the progress after it is noted: a bar on a terminal, for one.
    """

    def __init__(self, sessions: Sessions, claim: Claim, clock: Clock, seconds: float) -> None:
        self.claim = claim
        self.seconds = seconds
        self.watch: Progress = _nobody
        self._sessions = sessions
        self._clock = clock
        self._told_at = clock()

    def __call__(self, n_done: int, n_total: int) -> None:
        self._renew(n_done, n_total, forgives=True)

    def note(self, n_done: int, n_total: int) -> None:
        """The same for a step that every run begins anew: that one came so far proves nothing.

        Else a run that always dies at the same place would be tried for ever.
        """
        self._renew(n_done, n_total, forgives=False)

    def _renew(self, n_done: int, n_total: int, *, forgives: bool) -> None:
        with transaction(self._sessions) as session:
            now = self._told_at = self._clock()
            renew(session, self.claim, now, self.seconds, n_done, n_total, forgives=forgives)
        self.watch(n_done, n_total)

    def fence(self, session: Session) -> None:
        """Keep the row until the end of the caller's transaction: nobody can take it over in it.

        Raises:
            LeaseLost: when another run has taken the row.

        """
        mine = select(Work.id).where(*_owner_is(self.claim)).with_for_update()
        if session.scalar(mine) is None:
            raise _lost(self.claim)

    def prolong(self) -> bool:
        """Keep the row during one long step; False when it is lost, or the step seems to hang."""
        now = self._clock()
        if now - self._told_at > LONGEST_STEP:
            return False
        until = now + timedelta(seconds=self.seconds)
        with transaction(self._sessions) as session:
            return _applied(session, _owned(self.claim), lease_until=until)


def _nobody(_n_done: int, _n_total: int) -> None:
    """Nobody watches the progress."""


def _take_sweep(
    session: Session,
    owner: str,
    now: datetime,
    lease_seconds: float,
    is_gone: Callable[[str], bool],
) -> bool:
    values = {
        "owner": owner,
        "last_swept_at": now,
        "lease_until": now + timedelta(seconds=lease_seconds),
    }
    free = or_(Sweep.lease_until <= now, Sweep.owner == owner)
    if _applied(session, update(Sweep).where(Sweep.id == 1, free), **values):
        return True
    other = session.get(Sweep, 1, with_for_update=True, populate_existing=True)
    if other is None:
        return insert_new(session, Sweep, {"id": 1, **values}) is not None
    return is_gone(other.owner) and _applied(
        session, update(Sweep).where(Sweep.id == 1, Sweep.owner == other.owner), **values
    )


def _lost(claim: Claim) -> LeaseLost:
    return LeaseLost(f"work {claim.work_id}: another run owns it since attempt {claim.attempt}")


def _owned(claim: Claim) -> Update:
    return update(Work).where(*_owner_is(claim))


def _owner_is(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return (
        Work.id == claim.work_id,
        Work.state == "running",
        Work.owner == claim.owner,
        Work.attempts == claim.attempt,
    )


def _is_owned(row: Work, claim: Claim) -> bool:
    return (row.state, row.owner, row.attempts) == ("running", claim.owner, claim.attempt)


def _applied(session: Session, change: Update, **values: Any) -> bool:
    quiet = change.values(**values).execution_options(synchronize_session=False)
    return cast(CursorResult[Any], session.execute(quiet)).rowcount == 1
