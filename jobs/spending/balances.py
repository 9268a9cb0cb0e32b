"""Service: what a venue account has left, against what our books say we took from it.

All money that was ever on the account is its balance and what was spent from it; a venue
may or may not have set aside what we hold. So each reading gives a lower bound (balance and
spent) and an upper one (and held). Readings agree as long as their bounds meet; what is held
shrinks to nothing as work is decided, so that in the end every cent is compared. Bounds that
miss each other mean that money came in, or left for something that is not in our books.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import fees
from jobs.db import reading, transaction
from jobs.money import format_usd
from jobs.providers import Provider
from jobs.records import PostedHit
from jobs.resources import Resources
from jobs.spending.ledger import SPENT_ACCOUNTS
from jobs.tables import Balance, Job, LedgerEntry, LedgerTransaction, Route

PAYS_BY_THE_HIT = "mturk"
WITHOUT_MONEY = "sandbox"  # its balance never changes, whatever is posted


def compare(
    resources: Resources,
    provider: Provider,
    environment: str,
    others: Sequence[PostedHit],
    notes: list[str],
) -> str:
    """The difference as a sentence, or an empty text; money that can be explained is noted.

    ``others`` are the account's HITs that are not ours. A difference is told once: the
    next reading starts from what was found.

    Raises:
        ProviderError: when the venue does not answer.

    """
    if provider.name != PAYS_BY_THE_HIT or environment == WITHOUT_MONEY:
        return ""
    with reading(resources.sessions) as session:
        before = _taken(session, provider.name, environment)
    balance = provider.balance()
    if balance is None:
        return ""
    now = resources.clock()
    with transaction(resources.sessions) as session:
        after = _taken(session, provider.name, environment)
        low = balance + min(before[0], after[0])
        high = balance + max(sum(before), sum(after))
        row = session.get(Balance, f"{provider.name}:{environment}", with_for_update=True)
        if row is None:
            row = Balance(account=f"{provider.name}:{environment}", low_micros=low)
            row.high_micros = high
            session.add(row)
        left, came = row.low_micros - high, low - row.high_micros
        if left > 0 or came > 0:
            row.low_micros, row.high_micros = low, high
        else:
            row.low_micros = max(row.low_micros, low)
            row.high_micros = min(row.high_micros, high)
        row.balance_micros, row.read_at = balance, now
    if came > 0:
        notes.append(
            f"{environment}: at least {format_usd(came)} more is on the account than our books "
            "account for: money was paid in, or a charge was given back"
        )
    return _explain(environment, left, others, notes, now) if left > 0 else ""


def _explain(
    environment: str,
    left_micros: int,
    others: Sequence[PostedHit],
    notes: list[str],
    now: datetime,
) -> str:
    """Spending by other programs on the account is a note; without any, it is a difference."""
    most = sum(_most_it_can_cost(hit, now) for hit in others)
    what = f"{environment}: at least {format_usd(left_micros)} left the account beside our books"
    if left_micros <= most:
        notes.append(
            f"{what}; its {len(others)} HITs that are not ours can cost {format_usd(most)}"
        )
        return ""
    return (
        f"{what}, and its {len(others)} HITs that are not ours can cost only {format_usd(most)}"
        if others
        else f"{what}, and all its HITs are ours"
    )


def _most_it_can_cost(hit: PostedHit, now: datetime) -> int:
    n, table = max(1, hit.max_assignments), fees.table_on(now.date())
    return n * (hit.reward_micros + fees.highest_reward_fee(hit.reward_micros, n, True, table))


def _taken(session: Session, provider_name: str, environment: str) -> tuple[int, int]:
    """Spent and held at the account, by our entries."""
    rows = session.execute(
        select(LedgerEntry.account, func.sum(LedgerEntry.amount_micros))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .join(Route, Route.id == LedgerTransaction.route_id)
        .join(Job, Job.id == LedgerTransaction.job_id)
        .where(Route.provider == provider_name, Job.environment == environment)
        .where(LedgerEntry.account.in_((*SPENT_ACCOUNTS, "held")))
        .group_by(LedgerEntry.account)
    )
    sums = {account: int(amount) for account, amount in rows}
    return sum(sums.get(account, 0) for account in SPENT_ACCOUNTS), sums.get("held", 0)
