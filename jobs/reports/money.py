"""Where the money of a job lies, told from the ledger's entries alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.tables import (
    Assignment,
    Batch,
    Hit,
    LedgerEntry,
    LedgerTransaction,
    Route,
    Worker,
)

SPENT_ACCOUNTS = ("reward", "fee", "bonus")


@dataclass(frozen=True)
class RouteCost:
    """What one route has cost and still holds, in micro-dollars."""

    route_id: int
    position: int
    provider: str
    kind: str
    redundancy: int
    n_assignments: int
    n_approved: int
    n_rejected: int
    reward_micros: int
    fee_micros: int
    bonus_micros: int
    held_micros: int

    @property
    def spent_micros(self) -> int:
        return self.reward_micros + self.fee_micros + self.bonus_micros


@dataclass(frozen=True)
class LedgerLine:
    """One transaction of the ledger with its legs, account by account."""

    id: int
    at: datetime
    kind: str
    key: str
    provider: str
    worker: str
    actor: str
    request_id: str
    legs: dict[str, int]


def cost_by_route(session: Session, job_id: int) -> tuple[RouteCost, ...]:
    """Each route of the job in its order, with what the ledger says it cost."""
    sums = session.execute(
        select(LedgerTransaction.route_id, LedgerEntry.account, func.sum(LedgerEntry.amount_micros))
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.job_id == job_id)
        .group_by(LedgerTransaction.route_id, LedgerEntry.account)
    )
    money: dict[int | None, dict[str, int]] = defaultdict(dict)
    for route_id, account, amount in sums:
        money[route_id][account] = int(amount)
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    states = session.execute(
        select(Batch.route_id, Assignment.state, func.count())
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .where(Batch.job_id == job_id)
        .group_by(Batch.route_id, Assignment.state)
    )
    for route_id, state, count in states:
        counts[route_id][state] = count
    routes = session.scalars(select(Route).where(Route.job_id == job_id).order_by(Route.position))
    return tuple(_route_cost(route, money[route.id], counts[route.id]) for route in routes)


def _route_cost(route: Route, money: dict[str, int], counts: dict[str, int]) -> RouteCost:
    return RouteCost(
        route_id=route.id,
        position=route.position,
        provider=route.provider,
        kind=route.kind,
        redundancy=route.redundancy,
        n_assignments=sum(counts.values()),
        n_approved=counts.get("Approved", 0),
        n_rejected=counts.get("Rejected", 0),
        reward_micros=money.get("reward", 0),
        fee_micros=money.get("fee", 0),
        bonus_micros=money.get("bonus", 0),
        held_micros=money.get("held", 0),
    )


def ledger_page(
    session: Session, job_id: int, *, after: int | None = None, limit: int = 100
) -> tuple[LedgerLine, ...]:
    """The newest transactions before id ``after`` (None: from the newest), newest first."""
    query = (
        select(LedgerTransaction, Route.provider, Worker.provider_worker_id)
        .outerjoin(Route, Route.id == LedgerTransaction.route_id)
        .outerjoin(Worker, Worker.id == LedgerTransaction.worker_id)
        .where(LedgerTransaction.job_id == job_id)
        .order_by(LedgerTransaction.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(LedgerTransaction.id < after)
    rows = session.execute(query).all()
    legs: dict[int, dict[str, int]] = defaultdict(dict)
    entries = session.execute(
        select(LedgerEntry.transaction_id, LedgerEntry.account, func.sum(LedgerEntry.amount_micros))
        .where(LedgerEntry.transaction_id.in_([row[0].id for row in rows]))
        .group_by(LedgerEntry.transaction_id, LedgerEntry.account)
    )
    for transaction_id, account, amount in entries:
        legs[transaction_id][account] = int(amount)
    return tuple(
        LedgerLine(
            id=transaction.id,
            at=transaction.at,
            kind=transaction.kind,
            key=transaction.key,
            provider=provider or "",
            worker=worker or "",
            actor=transaction.actor,
            request_id=transaction.request_id,
            legs=legs[transaction.id],
        )
        for transaction, provider, worker in rows
    )
