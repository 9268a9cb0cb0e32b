"""How spending grew, route by route."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.reports.money import SPENT_ACCOUNTS
from jobs.tables import LedgerEntry, LedgerTransaction, Route

N_POINTS = 120


@dataclass(frozen=True)
class Spending:
    """What a route (or, with an empty provider, the job) had spent at each of its times."""

    route_id: int | None
    provider: str
    kind: str
    points: tuple[tuple[datetime, int], ...]


def spending(session: Session, job_id: int) -> tuple[Spending, ...]:
    """The job's spending over time, then each route's; at most N_POINTS times each.

    Times are read off stretches of transaction ids, which rise with time: one grouped
    query however long the ledger.
    """
    first, last = session.execute(
        select(func.min(LedgerTransaction.id), func.max(LedgerTransaction.id)).where(
            LedgerTransaction.job_id == job_id
        )
    ).one()
    if first is None:
        return ()
    stretch = (last - first) // N_POINTS + 1
    place = (LedgerTransaction.id - first) // stretch
    rows = session.execute(
        select(
            place.label("place"),
            LedgerTransaction.route_id,
            Route.provider,
            Route.kind,
            func.max(LedgerTransaction.at),
            func.sum(LedgerEntry.amount_micros),
        )
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .outerjoin(Route, Route.id == LedgerTransaction.route_id)
        .where(
            LedgerTransaction.job_id == job_id,
            LedgerEntry.account.in_(SPENT_ACCOUNTS),
        )
        .group_by("place", LedgerTransaction.route_id, Route.provider, Route.kind)
        .order_by("place", LedgerTransaction.route_id)
    ).all()
    growth: dict[tuple[int | None, str, str], list[tuple[datetime, int]]] = defaultdict(list)
    for _, route_id, provider, kind, at, amount in rows:
        _grow(growth[None, "", ""], at, int(amount))
        if route_id is not None:
            _grow(growth[route_id, provider, kind], at, int(amount))
    return tuple(
        Spending(route_id, provider, kind, tuple(points))
        for (route_id, provider, kind), points in growth.items()
    )


def _grow(points: list[tuple[datetime, int]], at: datetime, amount: int) -> None:
    so_far = points[-1][1] if points else 0
    points.append((max(at, points[-1][0]) if points else at, so_far + amount))
