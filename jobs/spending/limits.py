"""What all jobs of an environment together may commit, and how much of it in an hour.

The row of an environment carries the sums of its jobs. Each movement of money changes it by
a conditional UPDATE in the same transaction as the job's own, so no order of concurrent
calls passes the cap. The movement that crosses the limit of an hour turns the pause switch
on and writes a finding, in the same transaction; none follows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Update, case, or_, select, update
from sqlalchemy.orm import Session

from jobs import findings, intents
from jobs.errors import BudgetExceeded, InvalidInput, Paused
from jobs.money import format_usd
from jobs.tables import Account, Job

ENVIRONMENTS = ("local", "sandbox", "production")
ACTOR = "hourly limit"
_WRONG_CLOCK = timedelta(days=1)  # an hour further ahead was counted by a clock that was wrong


@dataclass(frozen=True)
class Limits:
    """An environment's limits (None: none) and how much of them is used."""

    environment: str
    cap_micros: int | None
    hourly_micros: int | None
    held_micros: int
    spent_micros: int
    hour_micros: int

    @property
    def left_micros(self) -> int | None:
        """What can still be held under the cap; None without one."""
        if self.cap_micros is None:
            return None
        return self.cap_micros - self.held_micros - self.spent_micros


def set_limits(
    session: Session,
    environment: str,
    *,
    cap_micros: int | None,
    hourly_micros: int | None,
    actor: str,
    now: datetime,
) -> Limits:
    """Both limits of an environment; None takes one away.

    Raises:
        InvalidInput: for another environment.
        BudgetExceeded: for a cap under what is already held and spent.

    """
    _check(environment)
    committed = Account.held_micros + Account.spent_micros
    change = update(Account).where(Account.environment == environment)
    if cap_micros is not None:
        change = change.where(committed <= cap_micros)
    values = {"cap_micros": cap_micros, "hourly_micros": hourly_micros}
    if not _applied(session, change.values(**values, actor=actor, changed_at=now)):
        used = limits_of(session, environment, now)
        total = used.held_micros + used.spent_micros
        raise BudgetExceeded(
            f"{environment}: {format_usd(total)} is held or spent by its jobs, so the cap "
            f"cannot be {format_usd(cap_micros or 0)}",
            total - (cap_micros or 0),
        )
    return limits_of(session, environment, now)


def limits_of(session: Session, environment: str, now: datetime) -> Limits:
    """The limits of an environment; InvalidInput when there is no such environment."""
    _check(environment)
    row = session.get_one(Account, environment, populate_existing=True)
    return Limits(
        environment,
        row.cap_micros,
        row.hourly_micros,
        row.held_micros,
        row.spent_micros,
        row.hour_micros if row.hour and _is_counted(row.hour, hour_of(now)) else 0,
    )


def commit_more(session: Session, job: Job, amount_micros: int, now: datetime) -> None:
    """Count money newly held for ``job``; the first to cross the hour's limit stops the rest.

    One whose clock lags behind counts into the newer hour, and never begins it anew.

    Raises:
        BudgetExceeded: when the environment's cap does not cover it.
        Paused: when this hour's limit was crossed before.

    """
    hour = hour_of(now)
    is_counted = Account.hour.between(hour, hour + _WRONG_CLOCK)
    counted = case((is_counted, Account.hour_micros), else_=0)
    committed = Account.held_micros + Account.spent_micros + amount_micros
    change = update(Account).where(
        Account.environment == job.environment,
        or_(Account.cap_micros.is_(None), committed <= Account.cap_micros),
        or_(Account.hourly_micros.is_(None), counted <= Account.hourly_micros),
    )
    values = {
        "held_micros": Account.held_micros + amount_micros,
        "hour_micros": counted + amount_micros,
        "hour": case((is_counted, Account.hour), else_=hour),
    }
    if not _applied(session, change.values(values)):
        _refuse(session, job, amount_micros, now)
    found = limits_of(session, job.environment, now)
    if found.hourly_micros is not None and found.hour_micros > found.hourly_micros:
        _trip(session, found, job.id, now)


def move(session: Session, job: Job, *, held_micros: int, spent_micros: int) -> None:
    """Follow money of ``job`` that was held before: spent now, or given back."""
    change = update(Account).where(Account.environment == job.environment)
    values = {
        "held_micros": Account.held_micros + held_micros,
        "spent_micros": Account.spent_micros + spent_micros,
    }
    _applied(session, change.values(values))


def differences(session: Session) -> list[str]:
    """Where an environment's sums are not those of its jobs; empty when they are."""
    rows = session.execute(select(Job.environment, Job.held_micros, Job.spent_micros))
    sums = {environment: [0, 0] for environment in ENVIRONMENTS}
    for environment, held, spent in rows:
        sums[environment][0] += held
        sums[environment][1] += spent
    return [
        f"{account.environment}: held {account.held_micros} and spent {account.spent_micros}, "
        f"its jobs say {held} and {spent}"
        for account in session.scalars(select(Account).order_by(Account.environment))
        for held, spent in [sums[account.environment]]
        if (account.held_micros, account.spent_micros) != (held, spent)
    ]


def hour_of(now: datetime) -> datetime:
    """The beginning of the hour of the clock."""
    return now.replace(minute=0, second=0, microsecond=0)


def _is_counted(kept: datetime, hour: datetime) -> bool:
    """Whether the hour that is counted is this one, or a later one of a clock that is ahead."""
    return hour <= kept <= hour + _WRONG_CLOCK


def _refuse(session: Session, job: Job, amount_micros: int, now: datetime) -> None:
    found = limits_of(session, job.environment, now)
    left = found.left_micros
    if left is not None and amount_micros > left:
        raise BudgetExceeded(
            f"job {job.id}: {format_usd(amount_micros)} is needed and {format_usd(left)} is left "
            f"under the cap of {format_usd(found.cap_micros or 0)} for all {job.environment} "
            f"jobs: {format_usd(amount_micros - left)} is missing",
            amount_micros - left,
        )
    raise Paused(
        f"job {job.id}: {format_usd(found.hour_micros)} was held in this hour, over the limit of "
        f"{format_usd(found.hourly_micros or 0)} an hour for {job.environment} jobs"
    )


def _trip(session: Session, found: Limits, job_id: int, now: datetime) -> None:
    reason = (
        f"{format_usd(found.hour_micros)} was held for {found.environment} jobs in the hour from "
        f"{hour_of(now):%Y-%m-%d %H:%M} UTC, over the limit of "
        f"{format_usd(found.hourly_micros or 0)}"
    )
    key = f"hourly:{found.environment}:{hour_of(now):%Y-%m-%dT%H}"
    findings.report(session, key, reason, now, job_id)
    intents.set_pause(session, True, reason=reason, actor=ACTOR, now=now)


def _check(environment: str) -> None:
    if environment not in ENVIRONMENTS:
        raise InvalidInput(
            f"environment: expected one of {', '.join(ENVIRONMENTS)}, got {environment!r:.40}"
        )


def _applied(session: Session, change: Update) -> bool:
    quiet = change.execution_options(synchronize_session=False)
    return cast(CursorResult[Any], session.execute(quiet)).rowcount == 1
