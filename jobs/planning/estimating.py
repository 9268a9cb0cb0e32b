"""What a job will cost: likely, at most, and why, line by line. Asks no venue for anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.blobs import Blobs
from jobs.errors import NotFound
from jobs.hits import batches
from jobs.hits.ordering import FEWER_THAN_TEN
from jobs.money import format_usd
from jobs.pages import page_fields
from jobs.records import TaskSpec
from jobs.specs import hit_specs
from jobs.specs.hit_specs import RouteContext, Venues
from jobs.specs.job_specs import Policy
from jobs.specs.plan_counts import PlanCounts
from jobs.tables import Item, Job, Route


@dataclass(frozen=True)
class EstimateLine:
    """One line of what a job will cost at most.

    ``is_part`` marks a share of the lines above it, which the sum does not count again.
    """

    route_id: int
    provider: str
    kind: str
    text: str
    micros: int
    is_part: bool = False


@dataclass(frozen=True)
class Estimate:
    """What a job will likely cost, what it can cost at most, and why."""

    lines: tuple[EstimateLine, ...]
    n_tasks: int
    n_hits: int
    likely_micros: int
    worst_micros: int
    budget_micros: int

    @property
    def missing_micros(self) -> int:
        """What the budget lacks for the worst case."""
        return max(0, self.worst_micros - self.budget_micros)


@dataclass(frozen=True)
class _Quoted:
    """A route's plan and price."""

    route: Route
    planned: PlanCounts
    lines: tuple[EstimateLine, ...]
    likely_micros: int
    slot_micros: int  # the most that one assignment of its largest HIT costs

    @property
    def is_asked_at_once(self) -> bool:
        return bool(self.route.options["when"] == "always")


def estimate(session: Session, job_id: int, venues: Venues, blobs: Blobs) -> Estimate:
    """What the job would cost; also checks every route's page and options. Changes nothing.

    Raises:
        InvalidInput: for a page over the size a venue takes, or a question a model cannot answer.

    """
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"job {job_id}: no such job")
    n_items = batches.count_items(session, job)
    found = select(Route).where(Route.job_id == job_id).order_by(Route.position)
    quoted = [
        _quote_route(hit_specs.route_context(session, route.id), session, venues, blobs)
        for route in session.scalars(found)
    ]
    policy = Policy.model_validate(job.policy)
    lines = [line for one in quoted for line in one.lines]
    lines.extend(_ceiling_lines(quoted, policy.quality.max_extra_answers))
    lines.extend(_bonus_lines(policy.bonuses))
    return Estimate(
        tuple(lines),
        n_tasks=n_items * len({one.route.kind for one in quoted}),
        n_hits=sum(one.planned.n_hits for one in quoted if one.is_asked_at_once),
        likely_micros=sum(one.likely_micros for one in quoted if one.is_asked_at_once),
        worst_micros=sum(line.micros for line in lines if not line.is_part),
        budget_micros=job.budget_micros,
    )


def sample_page(session: Session, job_id: int, position: int, blobs: Blobs) -> str:
    """The page of a route's HIT as a worker will see it, with images of the dataset.

    Raises:
        NotFound: when the job has no such route, or the route asks no people.
        InvalidInput: for a page over the size a venue takes.

    """
    route = session.scalar(select(Route).where(Route.job_id == job_id, Route.position == position))
    if route is None or route.provider == "model":
        raise NotFound(f"job {job_id}: no route {position} that shows a page")
    context = hit_specs.route_context(session, route.id)
    return hit_specs.page(
        context, _sample_tasks(session, context, route.tasks_per_hit, blobs), blobs
    )


def _quote_route(context: RouteContext, session: Session, venues: Venues, blobs: Blobs) -> _Quoted:
    """The route's lines at worst, and its likely cost; HITs of one size are quoted once.

    A venue's price depends on how much a HIT holds, not on which images: so the counts of the
    plan make the amounts exact, and any images stand for the rest.
    """
    provider, route = context.provider(venues), context.route
    planned = batches.count_route(session, context)
    by_size = sorted(planned.n_hits_by_size.items())
    samples = _sample_tasks(session, context, max(planned.n_hits_by_size, default=0), blobs)
    lines: list[EstimateLine] = []
    likely = slot = 0
    for size, n_hits in by_size:
        spec = hit_specs.draft_spec(context, samples[:size], max_assignments=route.redundancy)
        if provider.has_pages:
            html = hit_specs.page(context, spec.tasks, blobs)
            page_fields.check_answers(html, context.kind, context.attributes)
        quote = provider.quote(spec)
        likely += n_hits * (quote.reward_micros + quote.fee_micros)
        slot = max(slot, -(-quote.worst_micros // route.redundancy))
        lines.extend(
            _line(route, f"{n_hits} HITs, each {text}", n_hits * micros)
            for text, micros in quote.lines
        )
    lines.extend(_known_lines(route, planned, sum(line.micros for line in lines)))
    return _Quoted(route, planned, tuple(lines), likely, slot)


def _line(route: Route, text: str, micros: int, *, is_part: bool = False) -> EstimateLine:
    return EstimateLine(route.id, route.provider, route.kind, text, micros, is_part)


def _known_lines(route: Route, planned: PlanCounts, micros: int) -> list[EstimateLine]:
    """The share of golds and of repeats, which the route's HITs pay for."""
    n_all = planned.n_tasks
    counts = (
        ("known pictures (golds)", planned.n_golds),
        ("hidden repeats", planned.n_repeats),
    )
    return [
        _line(
            route,
            f"of that: {count} of {n_all} questions are {name}",
            micros * count // n_all,
            is_part=True,
        )
        for name, count in counts
        if count
    ]


def _sample_tasks(
    session: Session, context: RouteContext, n_tasks: int, blobs: Blobs
) -> list[TaskSpec]:
    """Tasks as long on the page as the real ones: whole images stand for their tiles."""
    found = select(Item).where(Item.dataset_id == context.job.dataset_id).order_by(Item.id.desc())
    items = session.scalars(found.limit(max(n_tasks, 1))).all()
    return [
        TaskSpec(position, position, hit_specs.image_ref(blobs, item, None))
        for position, item in zip(range(n_tasks), cycle(items), strict=False)
    ]


def _ceiling_lines(quoted: Sequence[_Quoted], n_extra: int) -> list[EstimateLine]:
    """The adaptive ceiling: each HIT of the last route of people, extended as often as allowed."""
    if not n_extra:
        return []
    asked = {one.route.kind: one for one in quoted if one.route.provider != "model"}
    return [
        EstimateLine(
            0,
            "",
            kind,
            f"{_n_units(one, n_extra)} HITs × up to {n_extra} more answers where people "
            f"disagree, each at most {format_usd(one.slot_micros)}",
            _n_units(one, n_extra) * n_extra * one.slot_micros,
        )
        for kind, one in sorted(asked.items())
    ]


def _n_units(quoted: _Quoted, n_extra: int) -> int:
    """HITs that a further answer may be bought from.

    One from under ten assignments cannot grow to ten: its tasks may then need a HIT each.
    """
    redundancy = quoted.route.redundancy
    if redundancy < FEWER_THAN_TEN <= redundancy + n_extra:
        return quoted.planned.n_tasks
    return quoted.planned.n_hits


def _bonus_lines(bonus_micros: int) -> list[EstimateLine]:
    if not bonus_micros:
        return []
    return [
        EstimateLine(0, "", "", "bonuses and their fees, kept free in the budget", bonus_micros)
    ]
