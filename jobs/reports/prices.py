"""What answers cost by route: rewards, wages and computing of jobs that are under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.providers import inhouse, model
from jobs.tables import Job, Route

ALIVE = ("running", "paused")


@dataclass(frozen=True)
class Price:
    """One route: ``reward_micros`` a HIT, or in ``each`` what a wage or computing costs."""

    job_id: int
    job: str
    provider: str
    tagger: str
    kind: str
    reward_micros: int
    each: str


def prices(session: Session, *, limit: int = 50) -> tuple[Price, ...]:
    """The routes of the newest jobs that run or are paused."""
    rows = session.execute(
        select(Route, Job.name)
        .join(Job, Job.id == Route.job_id)
        .where(Job.state.in_(ALIVE))
        .order_by(Job.id.desc(), Route.position)
        .limit(limit)
    )
    return tuple(
        Price(
            route.job_id,
            job,
            route.provider,
            tagger_of(route),
            route.kind,
            route.reward_micros,
            _each(route),
        )
        for route, job in rows
    )


def tagger_of(route: Route) -> str:
    """The tagger that answers on a route; empty where people do."""
    return str(route.options.get("venue", {}).get("tagger", ""))


def _each(route: Route) -> str:
    venue: dict[str, Any] = route.options.get("venue", {})
    if route.provider == "inhouse":
        wage = venue.get("wage", inhouse.Options.model_fields["wage"].default)
        return f"${wage} an hour worked"
    if route.provider == "model":
        cost = venue.get("cost_per_item", model.Options.model_fields["cost_per_item"].default)
        return f"${cost} a picture"
    return ""
