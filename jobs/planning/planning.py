"""Services: a job from its file, what it will cost, and its launch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import events, intents, providers, work
from jobs.blobs import Blobs
from jobs.errors import BudgetExceeded, Conflict, InvalidInput, NotFound, Paused
from jobs.hits import batches, planned_rows
from jobs.money import format_usd
from jobs.planning.estimating import Estimate, estimate
from jobs.records import BOXES, LabelSchema
from jobs.specs import hit_specs, saved_templates
from jobs.specs.hit_specs import RouteContext, Venues
from jobs.specs.job_specs import JobSpec, RouteSpec
from jobs.specs.label_schemas import load_schema
from jobs.spending import ledger, limits
from jobs.spending.ledger import Reason
from jobs.tables import Dataset, Item, Job, Route, SchemaVersion
from jobs.work import Progress
from quality.consensus import boxes as box_methods
from quality.consensus import tags as tag_methods

TASKS_A_PAGE = 2_000  # that a launch writes at once
_FIRST_RECONCILE = timedelta(minutes=30)


def _nobody(_n_done: int, _n_total: int) -> None:
    """Nobody looks on."""


def create_job(session: Session, spec: JobSpec, now: datetime, actor: str = "system") -> Job:
    """A draft of the job; nothing is posted and nothing held.

    Raises:
        InvalidInput: for a dataset or schema that does not exist or has no items; a
            provider, its options, an attribute, template or method the job cannot use.
        Conflict: when a job of this name exists.

    """
    dataset = session.scalar(select(Dataset).where(Dataset.name == spec.dataset))
    if dataset is None:
        raise InvalidInput(f"dataset {spec.dataset!r}: no such dataset")
    if not session.scalar(select(func.count()).where(Item.dataset_id == dataset.id)):
        raise InvalidInput(f"dataset {spec.dataset!r}: expected at least one item, it has none")
    version = asked_schema(session, spec)
    schema = load_schema(version)
    check_plan(session, spec, schema)
    if session.scalar(select(Job.id).where(Job.name == spec.name)) is not None:
        raise Conflict(f"job {spec.name!r}: a job of this name exists already")
    job = Job(
        name=spec.name,
        dataset_id=dataset.id,
        schema_id=version.id,
        environment=spec.environment,
        state="draft",
        seed=spec.seed,
        policy=spec.policy().model_dump(mode="json"),
        budget_micros=spec.budget,
        held_micros=0,
        spent_micros=0,
        created_at=now,
    )
    session.add(job)
    session.flush()
    session.add_all(
        route_row(job.id, position, route, schema) for position, route in enumerate(spec.routes)
    )
    key = f"budget:job:{job.id}:first"
    ledger.set_budget(session, job.id, spec.budget, key=key, reason=Reason(actor), now=now)
    return job


def asked_schema(session: Session, spec: JobSpec) -> SchemaVersion:
    """The schema a job names; InvalidInput when there is none: the job's text is wrong."""
    try:
        return find_schema(session, spec.schema_name)
    except NotFound as error:
        raise InvalidInput(str(error)) from error


def find_schema(session: Session, name: str) -> SchemaVersion:
    """The newest version of the schema ``name``, or the one that ``name@version`` says."""
    plain, _, version = name.partition("@")
    found = select(SchemaVersion).where(SchemaVersion.name == plain)
    if version:
        if not version.isascii() or not version.isdigit() or len(version) > 9:
            raise InvalidInput(f"schema {name!r:.240}: expected a whole number after the @")
        found = found.where(SchemaVersion.version == int(version))
    row = session.scalars(found.order_by(SchemaVersion.version.desc()).limit(1)).first()
    if row is None:
        raise NotFound(f"schema {name!r}: no such schema")
    return row


def launch(
    session: Session,
    job_id: int,
    venues: Venues,
    blobs: Blobs,
    now: datetime,
    actor: str,
    *,
    confirmed: str = "",
    progress: Progress = _nobody,
) -> Estimate:
    """Slice the job and hand its batches to the background; all of it or nothing.

    A second launch is refused, so a double click posts once. In production, where workers
    are paid real money, ``confirmed`` is the job's name as a person typed it. ``progress``
    hears how many HITs are planned, of how many.

    Raises:
        InvalidInput: when a production job's name was not typed.
        BudgetExceeded: when the budget, or what is left under the cap of its environment, is
            under the worst case; with the missing amount.
        Conflict: when the job is not a draft.
        Paused: when a backup was restored and the venues have not been read since.

    """
    job = lock_job(session, job_id)
    if job.state != "draft":
        raise Conflict(f"job {job_id} is {job.state}: expected a draft")
    check_confirmed(job.environment, job.name, confirmed)
    cost = check_cost(session, job, venues, blobs, now)
    job.launched_at = now
    contexts = routes_at_once(session, job_id)
    n_total, n_done = count_hits(session, contexts), 0
    progress(n_done, n_total)
    for context in contexts:
        left = planned_rows.rows_left(session, context)
        batch = batches.open_batch(session, context, now)
        for page in planned_rows.pages(left.hits, TASKS_A_PAGE):
            planned_rows.write(session, context, batch.id, page, left.known)
            n_done += len(page)
            progress(n_done, n_total)
        planned_rows.publish_first(session, context, now)
    start(session, job, now)
    return cost


def lock_job(session: Session, job_id: int) -> Job:
    """The job as it is now, held until the end of the transaction, where it may be launched.

    Raises:
        NotFound: when there is no such job.
        Paused: when a backup was restored and the venues have not been read since.

    """
    if intents.is_restored(session):
        raise Paused("a backup was restored: before a launch, run: hitworks ledger reconcile")
    job = session.get(Job, job_id, with_for_update=True, populate_existing=True)
    if job is None:
        raise NotFound(f"job {job_id}: no such job")
    return job


def check_cost(session: Session, job: Job, venues: Venues, blobs: Blobs, now: datetime) -> Estimate:
    """The estimate that the budget and the cap of the environment cover; pins page versions.

    Raises:
        BudgetExceeded: with the missing amount.

    """
    saved_templates.freeze(session, _routes(session, job.id))
    cost = estimate(session, job.id, venues, blobs)
    if cost.missing_micros:
        raise BudgetExceeded(
            f"job {job.id}: it can cost {format_usd(cost.worst_micros)} and the budget is "
            f"{format_usd(job.budget_micros)}: {format_usd(cost.missing_micros)} is missing",
            cost.missing_micros,
        )
    left = limits.limits_of(session, job.environment, now).left_micros
    if left is not None and left < cost.worst_micros:
        raise BudgetExceeded(
            f"job {job.id}: it can cost {format_usd(cost.worst_micros)} and {format_usd(left)} is "
            f"left under the cap of all {job.environment} jobs: "
            f"{format_usd(cost.worst_micros - left)} is missing",
            cost.worst_micros - left,
        )
    return cost


def routes_at_once(session: Session, job_id: int) -> list[RouteContext]:
    """The routes that are asked from the launch on, in their order."""
    return [
        hit_specs.route_context(session, route.id)
        for route in _routes(session, job_id)
        if route.options["when"] == "always"
    ]


def count_hits(session: Session, contexts: Sequence[RouteContext]) -> int:
    """How many HITs the plans of these routes have."""
    return sum(batches.count_route(session, context).n_hits for context in contexts)


def start(session: Session, job: Job, now: datetime) -> None:
    """The job runs from now on: its rows are written."""
    job.state = "running"
    events.tell(session, "job.launched", str(job.id), now, job_id=job.id, name=job.name)
    work.enqueue(session, "advance_job", job.id, now)
    work.enqueue(session, "reconcile", 0, now, at=now + _FIRST_RECONCILE)


def check_confirmed(environment: str, name: str, typed: str) -> None:
    """Refuse, in production, anything but the job's name as a person typed it."""
    if environment == "production" and typed != name:
        raise InvalidInput(
            f"confirm: this job spends real money: expected its name, {name!r}, got {typed!r:.200}"
        )


def check_plan(session: Session, spec: JobSpec, schema: LabelSchema) -> None:
    """Refuse a plan that could be made but never carried out.

    Raises:
        InvalidInput: for a consensus method, provider, option, template or attribute that
            does not exist, or a question that the schema does not ask.

    """
    quality = spec.quality
    for name, asked, methods in (
        ("tag_method", quality.tag_method, tag_methods.names()),
        ("box_method", quality.box_method, box_methods.names()),
    ):
        if asked not in methods:
            raise InvalidInput(
                f"quality.{name}: expected one of {', '.join(methods)}, got {asked!r}"
            )
    _check_routes(spec.routes, schema)
    saved_templates.check_routes(session, spec.routes, schema)


def _refuse_double_asking(routes: Sequence[RouteSpec], position: int, known: list[str]) -> None:
    """Two routes at once to one crowd: a worker could be paid for both and counts once."""
    one = routes[position]
    if one.provider == "model" or one.when != "always":
        return
    for before, other in enumerate(routes[:position]):
        asked = set(one.attributes or known) & set(other.attributes or known)
        is_same = (other.provider, other.kind, other.when) == (one.provider, one.kind, one.when)
        if is_same and (one.kind == BOXES or asked):
            raise InvalidInput(
                f"routes.{position}: expected another question than routes.{before} asks "
                f"{one.provider} at the same time: raise its redundancy, or ask with when: unsure"
            )


def _check_routes(routes: Sequence[RouteSpec], schema: LabelSchema) -> None:
    known = [attribute.name for attribute in schema.attributes]
    for position, route in enumerate(routes):
        where = f"routes.{position}"
        if route.provider not in providers.names():
            raise InvalidInput(
                f"{where}.provider: expected one of {', '.join(providers.names())}, "
                f"got {route.provider!r}"
            )
        if route.kind == BOXES and (route.attributes or not schema.classes):
            raise InvalidInput(
                f"{where}: boxes need a schema with classes (this one has "
                f"{len(schema.classes)}) and take no attributes (got {len(route.attributes)})"
            )
        if route.kind != BOXES and not known:
            raise InvalidInput(f"{where}: schema {schema.name!r} has no attributes to tag")
        for name in route.attributes:
            if name not in known:
                raise InvalidInput(
                    f"{where}.attributes: expected some of {', '.join(known)}, got {name!r}"
                )
        if len(set(route.attributes)) != len(route.attributes):
            raise InvalidInput(f"{where}.attributes: each name once, got {route.attributes}")
        _refuse_double_asking(routes, position, known)
        try:
            providers.check_options(route.provider, route.options)
        except InvalidInput as error:
            raise InvalidInput(f"{where}: {error}") from error


def route_row(job_id: int, position: int, spec: RouteSpec, schema: LabelSchema) -> Route:
    every = [] if spec.kind == BOXES else [attribute.name for attribute in schema.attributes]
    return Route(
        job_id=job_id,
        position=position,
        provider=spec.provider,
        kind=spec.kind,
        attributes=list(spec.attributes) or every,
        redundancy=spec.redundancy,
        reward_micros=spec.reward,
        tasks_per_hit=spec.tasks_per_hit,
        options={
            "when": spec.when,
            "hit": spec.hit.model_dump(mode="json"),
            "venue": spec.options,
        },
    )


def _routes(session: Session, job_id: int) -> list[Route]:
    found = select(Route).where(Route.job_id == job_id).order_by(Route.position)
    return list(session.scalars(found))
