"""Double-entry money of a job: budget, hold, settle, release.

Every movement is one transaction of two or more legs that sum to 0, written once under its
``key`` and never changed. The job row carries the two sums the cap needs; each movement
changes them by a conditional UPDATE in the same database transaction, so no order of
concurrent calls passes the budget. Accounts: ``budget`` (negative: where the money comes
from), ``available``, ``held``, ``reward``, ``fee``, ``bonus``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Update, func, select, update
from sqlalchemy.orm import Session

from jobs import events, history
from jobs.errors import BudgetExceeded, Conflict, NotFound
from jobs.money import format_usd
from jobs.spending import limits
from jobs.tables import Hit, Intent, Job, LedgerEntry, LedgerTransaction

SPENT_ACCOUNTS = ("reward", "fee", "bonus")


@dataclass(frozen=True)
class Reason:
    """Why money moves: who caused it, and which rows it is about."""

    actor: str
    route_id: int | None = None
    hit_id: int | None = None
    assignment_id: int | None = None
    worker_id: int | None = None
    intent_id: int | None = None
    request_id: str = ""


def set_budget(
    session: Session, job_id: int, budget_micros: int, *, key: str, reason: Reason, now: datetime
) -> None:
    """Raise or lower the cap; ``key`` names the change, which a job under way remembers.

    Raises:
        BudgetExceeded: when more is already held and spent.

    """
    job = _locked(session, job_id)
    if _exists(session, key):
        return
    committed = Job.held_micros + Job.spent_micros
    change = update(Job).where(Job.id == job_id, committed <= budget_micros)
    if not _applied(session, change.values(budget_micros=budget_micros)):
        missing = job.held_micros + job.spent_micros - budget_micros
        raise BudgetExceeded(
            f"job {job_id}: {format_usd(job.held_micros + job.spent_micros)} is held or spent, "
            f"so the budget cannot be {format_usd(budget_micros)}",
            missing,
        )
    difference = budget_micros + _budget_leg(session, job_id)
    _write(
        session, job, key, "budget", {"budget": -difference, "available": difference}, reason, now
    )
    if job.state != "draft" and difference:
        told = (history.BUDGET, str(budget_micros - difference), str(budget_micros))
        history.note(session, job_id, [told], reason.actor, now)


def hold(
    session: Session, job_id: int, amount_micros: int, *, key: str, reason: Reason, now: datetime
) -> bool:
    """Reserve money under the cap; False when ``key`` has been held before.

    Raises:
        BudgetExceeded: with the missing amount; nothing is written. The cap of the job's
            environment is kept by the same transaction.
        Paused: when the environment's limit for this hour is used up.

    """
    job = _locked(session, job_id)
    if _exists(session, key):
        return False
    fits = Job.held_micros + Job.spent_micros + amount_micros <= Job.budget_micros
    change = update(Job).where(Job.id == job_id, fits)
    if not _applied(session, change.values(held_micros=Job.held_micros + amount_micros)):
        left = job.budget_micros - job.held_micros - job.spent_micros
        raise BudgetExceeded(
            f"job {job_id}: {format_usd(amount_micros)} is needed and {format_usd(left)} of the "
            f"budget is left: {format_usd(amount_micros - left)} is missing",
            amount_micros - left,
        )
    _change_hit(session, reason.hit_id, amount_micros)
    _write(
        session, job, key, "hold", {"available": -amount_micros, "held": amount_micros}, reason, now
    )
    limits.commit_more(session, job, amount_micros, now)
    return True


def settle(
    session: Session,
    job_id: int,
    spent: Mapping[str, int],
    *,
    key: str,
    reason: Reason,
    now: datetime,
) -> bool:
    """Spend held money on ``spent`` (reward, fee, bonus); False when ``key`` is settled already.

    Raises:
        Conflict: when less is held; a venue never charges more than was reserved.

    """
    unknown = set(spent) - set(SPENT_ACCOUNTS)
    if unknown or any(amount < 0 for amount in spent.values()):
        raise ValueError(f"expected amounts of {SPENT_ACCOUNTS}, got {dict(spent)}")
    total = sum(spent.values())
    job = _locked(session, job_id)
    if _exists(session, key):
        return False
    change = update(Job).where(Job.id == job_id, Job.held_micros >= total)
    values = {"held_micros": Job.held_micros - total, "spent_micros": Job.spent_micros + total}
    if not _applied(session, change.values(values)):
        raise Conflict(
            f"job {job_id}: {format_usd(total)} is due for {key}, only "
            f"{format_usd(job.held_micros)} is held"
        )
    _change_hit(session, reason.hit_id, -total)
    _write(session, job, key, "settle", {"held": -total, **spent}, reason, now)
    limits.move(session, job, held_micros=-total, spent_micros=total)
    events.tell_if_nearly_spent(
        session,
        job_id,
        budget_micros=job.budget_micros,
        spent_micros=job.spent_micros,
        now=now,
    )
    return True


def release(
    session: Session, job_id: int, amount_micros: int, *, key: str, reason: Reason, now: datetime
) -> bool:
    """Give held money back to the budget; False when ``key`` has been released before.

    The caller has made sure that the venue can charge no more.
    """
    job = _locked(session, job_id)
    if _exists(session, key):
        return False
    change = update(Job).where(Job.id == job_id, Job.held_micros >= amount_micros)
    if not _applied(session, change.values(held_micros=Job.held_micros - amount_micros)):
        raise Conflict(
            f"job {job_id}: {format_usd(amount_micros)} was to be released for {key}, only "
            f"{format_usd(job.held_micros)} is held"
        )
    _change_hit(session, reason.hit_id, -amount_micros)
    legs = {"held": -amount_micros, "available": amount_micros}
    _write(session, job, key, "release", legs, reason, now)
    limits.move(session, job, held_micros=-amount_micros, spent_micros=0)
    return True


def void(session: Session, intent: Intent, reason: Reason, now: datetime) -> bool:
    """Give back what the present window of ``intent`` holds: its call had no effect.

    False when it held nothing, or was voided before.
    """
    window = f"intent:{intent.id}:{intent.window}"
    held = session.scalar(
        select(LedgerEntry.amount_micros)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(LedgerTransaction.key == f"hold:{window}", LedgerEntry.account == "held")
    )
    if not held:
        return False
    return release(session, intent.job_id, held, key=f"void:{window}", reason=reason, now=now)


def balances(session: Session, job_id: int) -> dict[str, int]:
    """Micro-dollars by account, folded from the entries; accounts never used are absent."""
    rows = session.execute(
        select(LedgerEntry.account, func.sum(LedgerEntry.amount_micros))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(LedgerTransaction.job_id == job_id)
        .group_by(LedgerEntry.account)
    )
    return {account: int(amount) for account, amount in rows}


def differences(session: Session) -> list[str]:
    """Where entries, transactions and the jobs' sums disagree; empty when the books are right."""
    found = [
        f"ledger transaction {number}: legs sum to {total} instead of 0"
        for number, total in session.execute(
            select(LedgerEntry.transaction_id, func.sum(LedgerEntry.amount_micros))
            .group_by(LedgerEntry.transaction_id)
            .having(func.sum(LedgerEntry.amount_micros) != 0)
        )
    ]
    for job in session.scalars(select(Job).order_by(Job.id)):
        book = balances(session, job.id)
        spent = sum(book.get(account, 0) for account in SPENT_ACCOUNTS)
        left = job.budget_micros - job.held_micros - job.spent_micros
        for name, ours, folded in (
            ("held", job.held_micros, book.get("held", 0)),
            ("spent", job.spent_micros, spent),
            ("left", left, book.get("available", 0)),
        ):
            if ours != folded:
                found.append(f"job {job.id}: {name} is {ours}, its entries say {folded}")
        found.extend(_hit_differences(session, job))
    return found + limits.differences(session)


def _hit_differences(session: Session, job: Job) -> list[str]:
    held = (
        select(LedgerTransaction.hit_id, func.sum(LedgerEntry.amount_micros).label("held"))
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.job_id == job.id, LedgerEntry.account == "held")
        .where(LedgerTransaction.hit_id.is_not(None))
        .group_by(LedgerTransaction.hit_id)
        .subquery()
    )
    rows = session.execute(
        select(Hit.id, Hit.held_micros, held.c.held).join(held, held.c.hit_id == Hit.id)
    )
    return [
        f"HIT {hit}: held is {ours}, its entries say {folded}"
        for hit, ours, folded in rows
        if ours != folded
    ]


def _locked(session: Session, job_id: int) -> Job:
    session.flush()
    # Not FOR UPDATE: rows that refer to the job hold its key, and two such would wait in a circle.
    job = session.get(Job, job_id, populate_existing=True, with_for_update={"key_share": True})
    if job is None:
        raise NotFound(f"job {job_id}: no such job")
    return job


def _exists(session: Session, key: str) -> bool:
    found = select(LedgerTransaction.id).where(LedgerTransaction.key == key)
    return session.scalar(found) is not None


def _applied(session: Session, change: Update) -> bool:
    quiet = change.execution_options(synchronize_session=False)
    return cast(CursorResult[Any], session.execute(quiet)).rowcount == 1


def _budget_leg(session: Session, job_id: int) -> int:
    return balances(session, job_id).get("budget", 0)


def _change_hit(session: Session, hit_id: int | None, amount_micros: int) -> None:
    if hit_id is None:
        return
    enough = Hit.held_micros + amount_micros >= 0
    change = update(Hit).where(Hit.id == hit_id, enough)
    if not _applied(session, change.values(held_micros=Hit.held_micros + amount_micros)):
        raise Conflict(f"HIT {hit_id}: less than {format_usd(-amount_micros)} is held for it")


def _write(
    session: Session,
    job: Job,
    key: str,
    kind: str,
    legs: Mapping[str, int],
    reason: Reason,
    now: datetime,
) -> None:
    movement = LedgerTransaction(
        key=key,
        job_id=job.id,
        kind=kind,
        at=now,
        actor=reason.actor,
        route_id=reason.route_id,
        hit_id=reason.hit_id,
        assignment_id=reason.assignment_id,
        worker_id=reason.worker_id,
        intent_id=reason.intent_id,
        request_id=reason.request_id,
    )
    session.add(movement)
    session.flush()
    session.add_all(
        LedgerEntry(transaction_id=movement.id, account=account, amount_micros=amount)
        for account, amount in legs.items()
    )
    session.flush()
    session.refresh(job)
    if reason.hit_id is not None:
        session.get_one(Hit, reason.hit_id, populate_existing=True)
