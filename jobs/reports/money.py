"""Where the money of a job lies, told from the ledger's entries alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from jobs.combining import tallies
from jobs.records import SETTLED
from jobs.reports.prices import tagger_of
from jobs.tables import Batch, LedgerEntry, LedgerTransaction, Route, Worker


@dataclass(frozen=True)
class RouteCost:
    """What one route has cost and still holds, in micro-dollars.

    ``n_labels`` counts the final labels of the route's kind of question, whoever answered;
    ``tagger`` is empty where people answer.
    """

    route_id: int
    position: int
    provider: str
    tagger: str
    kind: str
    redundancy: int
    n_assignments: int
    n_approved: int
    n_rejected: int
    n_labels: int
    reward_micros: int
    fee_micros: int
    bonus_micros: int
    held_micros: int

    @property
    def spent_micros(self) -> int:
        return self.reward_micros + self.fee_micros + self.bonus_micros

    @property
    def cost_per_label_micros(self) -> int | None:
        """What this route added to the cost of each final label of its kind."""
        return self.spent_micros // self.n_labels if self.n_labels else None


@dataclass(frozen=True)
class LedgerFilter:
    """Which transactions are wanted; whatever is empty leaves out none. Days are UTC's."""

    route_id: int | None = None
    worker: str = ""
    first_day: date | None = None
    last_day: date | None = None


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


_ALL = LedgerFilter()


def cost_by_route(session: Session, job_id: int) -> tuple[RouteCost, ...]:
    """Each route of the job in its order, with what the ledger says it cost."""
    counts = tallies.read(session, [job_id], "money", "assignments", "states")[job_id]
    n_labels: dict[str, int] = defaultdict(int)
    for place, n in counts.by_key("states").items():
        kind, _, state = place.partition(" ")
        n_labels[kind] += n if state in SETTLED else 0
    work: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    batches = session.execute(select(Batch.id, Batch.route_id).where(Batch.job_id == job_id))
    route_of = dict(batches.all())
    for (batch_id, state), n in counts.by_subject.get("assignments", {}).items():
        work[route_of[batch_id]][state] += n
    routes = session.scalars(select(Route).where(Route.job_id == job_id).order_by(Route.position))
    return tuple(
        _route_cost(route, counts.of_part("money", route.id), work[route.id], n_labels[route.kind])
        for route in routes
    )


def _route_cost(
    route: Route, money: dict[str, int], counts: dict[str, int], n_labels: int
) -> RouteCost:
    return RouteCost(
        route_id=route.id,
        position=route.position,
        provider=route.provider,
        tagger=tagger_of(route),
        kind=route.kind,
        redundancy=route.redundancy,
        n_assignments=sum(counts.values()),
        n_approved=counts.get("Approved", 0),
        n_rejected=counts.get("Rejected", 0),
        n_labels=n_labels,
        reward_micros=money.get("reward", 0),
        fee_micros=money.get("fee", 0),
        bonus_micros=money.get("bonus", 0),
        held_micros=money.get("held", 0),
    )


def ledger_page(
    session: Session,
    job_id: int,
    *,
    after: int | None = None,
    limit: int = 100,
    only: LedgerFilter = _ALL,
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
    query = _filtered(query, only)
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


def _filtered(
    query: Select[LedgerTransaction, str, str], only: LedgerFilter
) -> Select[LedgerTransaction, str, str]:
    if only.route_id is not None:
        query = query.where(LedgerTransaction.route_id == only.route_id)
    if only.worker:
        query = query.where(Worker.provider_worker_id == only.worker)
    if only.first_day is not None:
        query = query.where(LedgerTransaction.at >= _midnight(only.first_day))
    if only.last_day is not None:
        query = query.where(LedgerTransaction.at < _midnight(only.last_day) + timedelta(days=1))
    return query


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
