"""Service: take over what the venues hold and a restored database has never heard of.

A restored backup knows less than the venues: HITs were posted, extended and answered since,
work was approved, bonuses were paid. A HIT's marker names the batch and route it was posted
for, its page shows which pictures it asks about, a bonus ends with the key of its intent:
from these its rows are made again and its money is booked. Nothing is posted here, and a
repeat adopts nothing twice. What cannot be placed is left to reconciling, as a difference.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import findings, intents, work
from jobs.blobs import Blobs
from jobs.db import reading, transaction
from jobs.errors import BudgetExceeded, Conflict
from jobs.hits import batches, planned_rows, publishing
from jobs.hits.collection import collect_batch
from jobs.hits.posted_pages import Picture, fields_of, shown_keys
from jobs.providers import Provider, environment_of
from jobs.reconciling.adopted_payments import ACTOR, book_payments
from jobs.records import BOXES, PostedHit
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.specs.hit_specs import RouteContext
from jobs.spending import ledger
from jobs.spending.ledger import Reason
from jobs.tables import Assignment, Batch, Extension, Hit, HitTask, Job, Route, Switch, Task
from jobs.work import Progress

_PLACE = re.compile(r"hitworks:([^:]+):hit:\d+:(\d+)\.(\d+)", re.ASCII)
_BUSY = ("Assignable", "Unassignable")


@dataclass
class CaughtUp:
    """How many HITs were adopted or reopened, and what could not be, as sentences."""

    n_adopted: int = 0
    troubles: dict[str, str] = field(default_factory=dict)


@dataclass
class _Search:
    """Planned HITs that nobody has posted, by route and by the pictures they ask about."""

    unclaimed: dict[int, dict[tuple[Picture, ...], list[int]]] = field(default_factory=dict)
    pictures: dict[int, dict[str, Picture]] = field(default_factory=dict)


def catch_up(resources: Resources, progress: Progress) -> CaughtUp:
    """Adopt, collect and book everything of ours at the venues; nothing unless restored.

    Raises:
        ProviderError: when a venue does not answer; the next run goes on there.

    """
    caught = CaughtUp()
    with reading(resources.sessions) as session:
        if not intents.is_restored(session):
            return caught
        venues = _venues(session, resources)
        ours = intents.marker_beginnings(session)
    search = _Search()
    for provider in venues.values():
        for posted in provider.hits():
            if posted.marker.startswith(ours):
                progress(0, 0)
                _take_over(resources, provider, posted, search, caught)
    with reading(resources.sessions) as session:
        open_batches = select(Batch.id).where(Batch.state != "closed")
        batch_ids = list(session.scalars(open_batches.order_by(Batch.id)))
    for batch_id in batch_ids:
        collect_batch(resources, batch_id, progress)
    for hit_id in _answered_hits(resources, venues):
        progress(0, 0)
        caught.troubles.update(book_payments(resources, hit_id))
    return caught


def settle_down(session: Session, n_differences: int, now: datetime) -> None:
    """Lift the mark of a restored database once the venues and our rows agree in full.

    While findings are open the pause stays on: a person looks into them and resumes.
    """
    if n_differences or not intents.is_restored(session):
        return
    why = "reconciled after a restore"
    lifted = [intents.RESTORED]
    if not findings.open_findings(session):
        lifted.append(intents.PAUSE)
    for name in lifted:
        if session.scalar(select(Switch.actor).where(Switch.name == name)) == ACTOR:
            intents.set_pause(session, False, reason=why, actor=ACTOR, now=now, name=name)
    for job_id in session.scalars(select(Job.id).where(Job.state == "running")):
        work.enqueue(session, "advance_job", job_id, now)
    unposted = select(Batch.id).where(Batch.state.in_(("planned", "posting")))
    for batch_id in session.scalars(unposted):
        work.enqueue(session, "publish_batch", batch_id, now)


def _venues(session: Session, resources: Resources) -> dict[tuple[str, str], Provider]:
    """Every account that a route of ours uses, jobs that are still drafts included."""
    found: dict[tuple[str, str], Provider] = {}
    rows = session.execute(select(Route.id).order_by(Route.id)).scalars()
    for context in (hit_specs.route_context(session, route_id) for route_id in rows):
        name = context.route.provider
        account = name, environment_of(name, context.job.environment)
        if account not in found:
            found[account] = context.provider(resources.venues)
    return {account: provider for account, provider in found.items() if provider.has_pages}


def _answered_hits(resources: Resources, venues: Mapping[tuple[str, str], Provider]) -> list[int]:
    """HITs with submissions, at venues that are outside of this machine's rows."""
    with reading(resources.sessions) as session:
        rows = session.execute(
            select(Hit.id, Route.provider, Job.environment)
            .join(Batch, Batch.id == Hit.batch_id)
            .join(Route, Route.id == Batch.route_id)
            .join(Job, Job.id == Batch.job_id)
            .where(select(Assignment.id).where(Assignment.hit_id == Hit.id).exists())
            .order_by(Hit.id)
        ).all()
    return [
        hit_id
        for hit_id, name, environment in rows
        if (name, environment_of(name, environment)) in venues
    ]


def _take_over(
    resources: Resources, provider: Provider, posted: PostedHit, search: _Search, caught: CaughtUp
) -> None:
    with reading(resources.sessions) as session:
        hit = session.scalar(select(Hit).where(Hit.marker == posted.marker))
    try:
        if hit is not None and hit.provider_hit_id:
            caught.n_adopted += _reopen(resources, provider, hit.id, posted)
            return
        hit_id = _place(resources, provider, posted, search) if hit is None else hit.id
        if hit_id is not None:
            caught.n_adopted += publishing.adopt(resources, hit_id, posted)
    except (BudgetExceeded, Conflict) as error:
        caught.troubles[f"adopt:{posted.marker}"] = (
            f"{posted.provider_hit_id} is at the venue as {posted.marker} and cannot be taken "
            f"over: {error}"
        )


def _reopen(resources: Resources, provider: Provider, hit_id: int, posted: PostedHit) -> bool:
    """Hold the money of slots that were opened after the backup; False when there are none."""
    now = resources.clock()
    with transaction(resources.sessions) as session:
        hit = session.get_one(Hit, hit_id, with_for_update=True)
        n_ours = session.scalar(select(func.count()).where(Assignment.hit_id == hit_id)) or 0
        n_theirs = posted.max_assignments - posted.n_available - posted.n_pending
        waiting = _waiting_order(session, hit_id)
        state = waiting.hit_state if waiting and hit.state == "extending" else hit.state
        is_busier = state == "closed" and (posted.state in _BUSY or n_theirs > n_ours)
        if state not in ("posted", "closed"):
            return False  # an order whose money is held compares sizes by itself
        if posted.max_assignments <= hit.max_assignments and not is_busier:
            return False
        context = hit_specs.batch_context(session, hit.batch_id)
        n_covered = hit.max_assignments if state == "posted" else n_ours
        spec = replace(hit_specs.hit_spec(context, hit, ()), max_assignments=posted.max_assignments)
        each = -(-provider.quote(spec).worst_micros // posted.max_assignments)
        ledger.hold(
            session,
            context.job.id,
            each * (posted.max_assignments - n_covered),
            key=f"hold:restored:hit:{hit_id}:{intents.installation(session)}",
            reason=Reason(ACTOR, route_id=context.route.id, hit_id=hit_id),
            now=now,
        )
        if waiting and n_covered + waiting.n_more <= posted.max_assignments:
            _end_order(waiting, posted.max_assignments, hit, now)
        hit.max_assignments, hit.state = posted.max_assignments, "posted"
        hit.expires_at = posted.expires_at
        batch = session.get_one(Batch, hit.batch_id)
        batch.state = "open" if batch.state == "closed" else batch.state
        work.enqueue(session, "collect_batch", batch.id, now)
    return True


def _waiting_order(session: Session, hit_id: int) -> Extension | None:
    """The order that no call was made for when the backup was taken; it holds no money."""
    waiting = select(Extension).where(Extension.hit_id == hit_id, Extension.state == "planned")
    return session.scalar(waiting.with_for_update())


def _end_order(order: Extension, n_assignments: int, hit: Hit, now: datetime) -> None:
    """It was carried out after the backup: carried out again, it would buy as much once more."""
    order.state, order.finished_at = "done", now
    order.target_assignments, order.n_added = n_assignments, n_assignments - hit.max_assignments


def _place(
    resources: Resources, provider: Provider, posted: PostedHit, search: _Search
) -> int | None:
    """The row of a HIT without one, made or found; None when nothing says where it belongs."""
    place = _PLACE.fullmatch(posted.marker)
    if place is None:
        return None
    lost_batch, route_id = f"batch {place[2]} of {place[1]}", int(place[3])
    page = provider.get(posted.provider_hit_id).question
    now = resources.clock()
    with transaction(resources.sessions) as session:
        if session.get(Route, route_id) is None:
            return None
        context = hit_specs.route_context(session, route_id)
        if context.route.provider != provider.name:
            return None
        asked = _asked(session, resources.blobs, context, page, search)
        if not asked:
            return None
        if context.job.state in ("draft", "launching"):
            _plan_again(session, context.job.id, now)
        hit_id = _claim(session, context, asked, search)
        if hit_id is None:
            hit_id = _make_row(session, context, lost_batch, asked, posted, now)
        if hit_id is not None:
            session.get_one(Hit, hit_id).marker = posted.marker
    return hit_id


def _asked(
    session: Session, blobs: Blobs, context: RouteContext, page: str, search: _Search
) -> tuple[Picture, ...]:
    """What the page asks about, in its order; empty when it is not a page of this route."""
    names = ["boxes"] if context.kind == BOXES else list(context.attributes)
    n_tasks = fields_of(page, names)
    if context.route.id not in search.pictures:
        search.pictures[context.route.id] = dict(_pictures(session, blobs, context))
    known = search.pictures[context.route.id]
    examples = [example.get("image", "") for example in context.schema.examples]
    keys = [key for key in shown_keys(page, examples) if key in known]
    return tuple(known[key] for key in keys) if len(keys) == n_tasks else ()


def _pictures(
    session: Session, blobs: Blobs, context: RouteContext
) -> Iterator[tuple[str, Picture]]:
    """Every picture that a HIT of the route may show, by its key."""
    items = batches.items_of(session, context.job)
    for task in batches.plan_route(session, context).tasks:
        item, tile = items[task.item_id], task.tile
        yield hit_specs.image_ref(blobs, item, tile).blob_key, (item.id, tile)


def _plan_again(session: Session, job_id: int, now: datetime) -> None:
    """The launch that was lost, all or the end of it: the same job gives the same HITs."""
    job = session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
    if job.state not in ("draft", "launching"):
        return
    job.state, job.launched_at = "running", now
    routes = select(Route).where(Route.job_id == job.id).order_by(Route.position)
    for route in session.scalars(routes):
        if route.options["when"] == "always":
            planned_rows.post_route(session, hit_specs.route_context(session, route.id), now)
    work.enqueue(session, "advance_job", job.id, now)


def _claim(
    session: Session, context: RouteContext, asked: tuple[Picture, ...], search: _Search
) -> int | None:
    """A HIT planned since the restore that asks the same; each is claimed once."""
    if context.route.id not in search.unclaimed:
        since = f"hitworks:{intents.installation(session)}:"
        rows = session.execute(
            select(Hit.id, Task.item_id, Task.tile)
            .join(Batch, Batch.id == Hit.batch_id)
            .join(HitTask, HitTask.hit_id == Hit.id)
            .join(Task, Task.id == HitTask.task_id)
            .where(Batch.route_id == context.route.id, Hit.state == "planned")
            .where(Hit.marker.startswith(since))
            .order_by(Hit.id, HitTask.position)
        )
        hits: dict[int, list[Picture]] = defaultdict(list)
        for hit_id, item_id, tile in rows:
            hits[hit_id].append((item_id, tuple(tile) if tile else None))
        found: dict[tuple[Picture, ...], list[int]] = defaultdict(list)
        for hit_id, pictures in hits.items():
            found[tuple(pictures)].append(hit_id)
        search.unclaimed[context.route.id] = found
    same = search.unclaimed[context.route.id].get(asked, [])
    return same.pop(0) if same else None


def _make_row(
    session: Session,
    context: RouteContext,
    lost_batch: str,
    asked: tuple[Picture, ...],
    posted: PostedHit,
    now: datetime,
) -> int | None:
    """A HIT of a batch that was lost, under a batch that stands for it; None without tasks."""
    found = select(Task).where(Task.job_id == context.job.id, Task.kind == context.kind)
    tasks = {
        (task.item_id, tuple(task.tile) if task.tile else None): task.id
        for task in session.scalars(found.where(Task.repeat_of.is_(None)).order_by(Task.id.desc()))
    }
    if not set(asked) <= set(tasks):
        return None
    name = f"{lost_batch} before the restore"
    batch = session.scalar(
        select(Batch).where(Batch.route_id == context.route.id, Batch.name == name)
    )
    if batch is None:
        batch = Batch(job_id=context.job.id, route_id=context.route.id, name=name, created_at=now)
        session.add(batch)
    batch.state = "open"
    session.flush()
    hit = Hit(
        batch_id=batch.id,
        state="planned",
        marker=posted.marker,
        max_assignments=posted.max_assignments,
        held_micros=0,
    )
    session.add(hit)
    session.flush()
    session.add_all(
        HitTask(hit_id=hit.id, position=position, task_id=tasks[picture])
        for position, picture in enumerate(asked)
    )
    session.flush()
    return hit.id
