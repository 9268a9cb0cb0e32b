"""Rows of the database as the value a venue needs: questions, pictures, page, times, price."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, case, select
from sqlalchemy.orm import Session

from jobs import images
from jobs.blobs import Blobs
from jobs.errors import NotFound
from jobs.exclusions import EXCLUSION
from jobs.pages import hit_page
from jobs.providers import HOME, STAFF, Provider
from jobs.records import (
    BOXES,
    Environment,
    HitSpec,
    ImageRef,
    LabelSchema,
    PageSource,
    QuestionKind,
    TaskSpec,
)
from jobs.specs import saved_templates
from jobs.specs.job_specs import HitSettings
from jobs.specs.label_schemas import load_schema, with_example_urls
from jobs.specs.slicing import Tile
from jobs.tables import (
    Batch,
    Hit,
    HitTask,
    Item,
    Job,
    OwnQualification,
    Route,
    SchemaVersion,
    Task,
)

Venues = Callable[[str, Environment, dict[str, Any]], Provider]
"""Gives the provider of a name, an environment and a route's own options."""


@dataclass(frozen=True)
class RouteContext:
    """What all HITs of a route share."""

    job: Job
    route: Route
    schema: LabelSchema
    hit: HitSettings
    template: PageSource | str | None
    """The page shown: one of ours by name, a requester's own as text, or the kind's default."""
    exclusion: OwnQualification | None = None
    """The account's qualification of workers whom it does not invite, once there are any."""

    @property
    def kind(self) -> QuestionKind:
        return cast(QuestionKind, self.route.kind)

    @property
    def attributes(self) -> tuple[str, ...]:
        return tuple(self.route.attributes)

    def provider(self, venues: Venues) -> Provider:
        """The route's venue, connected."""
        environment = cast(Environment, self.job.environment)
        return venues(self.route.provider, environment, dict(self.route.options["venue"]))


def route_context(session: Session, route_id: int) -> RouteContext:
    """The route with its job, schema and settings."""
    found = _context(session, Route.id == route_id)
    if found is None:
        raise NotFound(f"route {route_id}: no such route")
    return found


def batch_context(session: Session, batch_id: int) -> RouteContext:
    """The context of the batch's route."""
    route_id = select(Batch.route_id).where(Batch.id == batch_id).scalar_subquery()
    found = _context(session, Route.id == route_id)
    if found is None:
        raise NotFound(f"batch {batch_id}: no such batch")
    return found


def _context(session: Session, here: ColumnElement[bool]) -> RouteContext | None:
    row = session.execute(
        select(Route, Job, SchemaVersion, OwnQualification)
        .join(Job, Job.id == Route.job_id)
        .join(SchemaVersion, SchemaVersion.id == Job.schema_id)
        .outerjoin(
            OwnQualification,
            and_(
                OwnQualification.provider == Route.provider,
                OwnQualification.environment
                == case((Route.provider == STAFF, HOME), else_=Job.environment),
                OwnQualification.name == EXCLUSION,
            ),
        )
        .where(here)
    ).one_or_none()
    if row is None:
        return None
    route, job, schema, exclusion = row
    settings = HitSettings.model_validate(route.options["hit"])
    template = saved_templates.page_source(session, settings.template)
    return RouteContext(job, route, load_schema(schema), settings, template, exclusion)


def task_specs(session: Session, blobs: Blobs, hit_id: int) -> tuple[TaskSpec, ...]:
    """The HIT's tasks in the order of its page; a tile's picture is cut when first needed."""
    rows = session.execute(
        select(HitTask.position, Task, Item)
        .join(Task, Task.id == HitTask.task_id)
        .join(Item, Item.id == Task.item_id)
        .where(HitTask.hit_id == hit_id)
        .order_by(HitTask.position)
    )
    return tuple(
        TaskSpec(task.id, position, image_ref(blobs, item, _tile(task)))
        for position, task, item in rows
    )


def image_ref(blobs: Blobs, item: Item, tile: Tile | None) -> ImageRef:
    """The picture that a task shows: the item, or its tile as an image of its own."""
    if tile is None:
        key = item.blob_key
        return ImageRef(item.id, key, blobs.url(key), item.width, item.height)
    left, top, right, bottom = tile
    key = blobs.put(*images.cut_tile(blobs.read(item.blob_key), tile))
    return ImageRef(item.id, key, blobs.url(key), right - left, bottom - top, left, top)


def hit_spec(context: RouteContext, hit: Hit, tasks: Sequence[TaskSpec]) -> HitSpec:
    """The HIT without page and token: enough to quote, to collect and to price its work."""
    return draft_spec(context, tasks, max_assignments=hit.max_assignments, marker=hit.marker)


def draft_spec(
    context: RouteContext, tasks: Sequence[TaskSpec], *, max_assignments: int, marker: str = ""
) -> HitSpec:
    """A HIT of these tasks on the route, without page and token."""
    title = context.hit.title or _title(context)
    return HitSpec(
        marker=marker,
        token="",
        kind=context.kind,
        schema=context.schema,
        attributes=context.attributes,
        tasks=tuple(tasks),
        html="",
        title=title[:128],
        description=(context.hit.description or context.schema.short_instructions or title)[:2000],
        keywords=context.hit.keywords,
        reward_micros=context.route.reward_micros,
        max_assignments=max_assignments,
        lifetime_seconds=context.hit.lifetime_seconds,
        assignment_duration_seconds=context.hit.assignment_duration_seconds,
        auto_approval_delay_seconds=context.hit.auto_approval_delay_seconds,
        qualification_requirements=context.hit.qualification_requirements,
        options=context.route.options["venue"],
        exclusion_type_id=context.exclusion.provider_type_id if context.exclusion else "",
    )


def page(context: RouteContext, tasks: Sequence[TaskSpec], blobs: Blobs) -> str:
    """The HTML of a HIT of these tasks; InvalidInput when it would be too large to post."""
    schema = with_example_urls(context.schema, blobs)
    return hit_page.render(context.kind, schema, context.attributes, tasks, context.template)


def _tile(task: Task) -> Tile | None:
    if task.tile is None:
        return None
    left, top, right, bottom = task.tile
    return left, top, right, bottom


def _title(context: RouteContext) -> str:
    if context.schema.title:
        return context.schema.title
    if context.kind == BOXES:
        return f"Draw a box around each {' or '.join(context.schema.classes)}"
    names = {attribute.name: attribute.title for attribute in context.schema.attributes}
    return f"Look at pictures: {', '.join(names[name] for name in context.attributes)}"
