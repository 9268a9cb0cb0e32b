"""How spending grew, route by route."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.reports.growth import N_POINTS as N_POINTS
from jobs.reports.growth import stretches
from jobs.reports.prices import tagger_of
from jobs.tables import Route


@dataclass(frozen=True)
class Spending:
    """What a route (or, with an empty provider, the job) had spent at each of its times.

    It begins with nothing, one stretch of time before the first payment.
    """

    route_id: int | None
    provider: str
    tagger: str
    kind: str
    points: tuple[tuple[datetime, int], ...]


def spending(session: Session, job_id: int) -> tuple[Spending, ...]:
    """The job's spending over time, then each route's; at most N_POINTS payments each."""
    found = stretches(session, job_id, "spent")
    if not found.by_part:
        return ()
    routes = session.scalars(select(Route).where(Route.job_id == job_id).order_by(Route.position))
    return (
        Spending(None, "", "", "", _added_up(found.together(), found.length)),
        *(
            Spending(
                route.id,
                route.provider,
                tagger_of(route),
                route.kind,
                _added_up(found.by_part[route.id], found.length),
            )
            for route in routes
            if route.id in found.by_part
        ),
    )


def _added_up(sums: dict[datetime, int], length: timedelta) -> tuple[tuple[datetime, int], ...]:
    points, so_far = [(min(sums) - length, 0)], 0
    for at, amount in sorted(sums.items()):
        so_far += amount
        points.append((at, so_far))
    return tuple(points)
