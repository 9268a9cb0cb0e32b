"""Services: a route's plan and its counts, and batches of HITs, ready to be published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, cast, func, insert, literal, select, update
from sqlalchemy.orm import Session

from jobs import intents, work
from jobs.db import parts
from jobs.hits import ordering
from jobs.records import BOXES
from jobs.specs import hit_specs
from jobs.specs.hit_specs import RouteContext
from jobs.specs.job_specs import Policy, SlicingPolicy
from jobs.specs.plan_counts import PlanCounts, count_plan, count_whole
from jobs.specs.slicing import (
    ItemSize,
    Plan,
    check_choices,
    count_questions,
    plan,
)
from jobs.tables import Batch, GoldAnswer, Hit, HitTask, Item, Job


def items_of(session: Session, job: Job) -> dict[int, Item]:
    """The job's items by id."""
    found = select(Item).where(Item.dataset_id == job.dataset_id).order_by(Item.id)
    return {item.id: item for item in session.scalars(found)}


def plan_route(session: Session, context: RouteContext) -> Plan:
    """The route's HITs; the same job gives the same plan. Models see neither golds nor repeats."""
    golds = session.scalars(_golds(context).with_only_columns(GoldAnswer.item_id))
    choices = _choices(context)
    return plan(
        _item_sizes(session, context.job),
        set(golds),
        tasks_per_hit=context.route.tasks_per_hit,
        gold_rate=choices.gold_rate,
        repeat_rate=choices.repeat_rate,
        tile=choices.tile or None,
        overlap=choices.overlap,
        seed=context.job.seed,
    )


def count_route(session: Session, context: RouteContext) -> PlanCounts:
    """The counts of ``plan_route``, exactly; no item is read unless images are cut."""
    chosen, per_hit = _choices(context), context.route.tasks_per_hit
    gold, repeat, tile = chosen.gold_rate, chosen.repeat_rate, chosen.tile or None
    check_choices(per_hit, gold, repeat, tile, chosen.overlap)
    if tile:
        asked = count_questions(
            _item_sizes(session, context.job),
            set(session.scalars(_golds(context).with_only_columns(GoldAnswer.item_id))),
            gold_rate=gold,
            repeat_rate=repeat,
            tile=tile,
            overlap=chosen.overlap,
            seed=context.job.seed,
        )
    else:
        n_golds = session.scalar(_golds(context).with_only_columns(func.count())) or 0
        n_items = count_items(session, context.job)
        asked = count_whole(n_items, n_golds, gold_rate=gold, repeat_rate=repeat)
    return count_plan(*asked, tasks_per_hit=per_hit, gold_rate=gold, repeat_rate=repeat)


def count_items(session: Session, job: Job) -> int:
    """How many items the job has."""
    counted = select(func.count()).select_from(Item).where(Item.dataset_id == job.dataset_id)
    return session.scalar(counted) or 0


def _choices(context: RouteContext) -> SlicingPolicy:
    """How the route's questions are sliced: models are not tested, only boxes are cut."""
    chosen = Policy.model_validate(context.job.policy).slicing
    plain: dict[str, float] = {}
    if context.route.provider == "model":
        plain |= {"gold_rate": 0.0, "repeat_rate": 0.0}
    if context.kind != BOXES or not chosen.tile:
        plain |= {"tile": 0, "overlap": 0}
    return chosen.model_copy(update=plain)


def _item_sizes(session: Session, job: Job) -> list[ItemSize]:
    found = select(Item.id, Item.width, Item.height).where(Item.dataset_id == job.dataset_id)
    return [ItemSize(*row) for row in session.execute(found.order_by(Item.id))]


def _golds(context: RouteContext) -> Select[Any]:
    """Known answers to what the route asks."""
    return (
        select(GoldAnswer)
        .join(Item, Item.id == GoldAnswer.item_id)
        .where(Item.dataset_id == context.job.dataset_id, GoldAnswer.kind == context.kind)
    )


def add_batch(
    session: Session,
    context: RouteContext,
    hits: Sequence[Sequence[int]],
    max_assignments: int,
    now: datetime,
) -> Batch:
    """A batch of HITs, each a sequence of task ids, and the work row that will publish it."""
    batch = open_batch(session, context, now)
    if hits:
        add_hits(session, context, batch.id, hits, max_assignments)
    session.flush()
    work.enqueue(session, "publish_batch", batch.id, now)
    return batch


def open_batch(session: Session, context: RouteContext, now: datetime) -> Batch:
    """A batch of the route that holds no HIT yet; nothing publishes it so far."""
    n_before = session.scalar(select(func.count()).where(Batch.route_id == context.route.id)) or 0
    batch = Batch(
        job_id=context.job.id,
        route_id=context.route.id,
        name=f"{context.job.name} {context.route.provider} {n_before + 1}"[:200],
        state="planned",
        created_at=now,
    )
    session.add(batch)
    session.flush()
    return batch


def add_hits(
    session: Session,
    context: RouteContext,
    batch_id: int,
    hits: Sequence[Sequence[int]],
    max_assignments: int,
) -> None:
    """HITs of the batch, each marked by its own id, and what they ask; beside those it has."""
    before_them = session.scalar(select(func.max(Hit.id)).where(Hit.batch_id == batch_id)) or 0
    fresh = (Hit.batch_id == batch_id) & (Hit.id > before_them)
    marked = [f"batch {batch_id} HIT {number}" for number, _ in enumerate(hits)]
    same = {
        "batch_id": batch_id,
        "state": "planned",
        "max_assignments": max_assignments,
        "held_micros": 0,
    }
    values = [{**same, "marker": each} for each in marked]
    session.execute(insert(Hit.__table__), values)  # type: ignore[arg-type]
    found = session.execute(select(Hit.marker, Hit.id).where(fresh))
    id_of = dict(found.all())
    before = f"hitworks:{intents.installation(session)}:hit:"
    after = f":{batch_id}.{context.route.id}"
    marker = literal(before) + cast(Hit.id, String) + literal(after)
    session.execute(
        update(Hit).where(fresh).values(marker=marker).execution_options(synchronize_session=False)
    )
    asked = [
        {"hit_id": id_of[each], "position": position, "task_id": task_id}
        for each, hit in zip(marked, hits, strict=True)
        for position, task_id in enumerate(hit)
    ]
    session.execute(insert(HitTask.__table__), asked)  # type: ignore[arg-type]


def buy_answers(
    session: Session,
    route_id: int,
    task_ids: Sequence[int],
    n_answers: int,
    now: datetime,
    actor: str = "policy",
) -> int:
    """The number of HITs that now ask ``n_answers`` more people about each task.

    A HIT of the route that holds the task is extended, so that nobody answers twice; its
    other tasks are answered once more too. Tasks without a HIT that can grow come in new
    HITs, which publishing closes to those who answered them. The money is held before each
    call, so the cap holds here too.
    """
    hits = _newest_hits(session, route_id, task_ids)
    newest = list({hit.id: hit for hit in hits.values()}.values())
    covered = ordering.n_covered(session, newest)
    refused = ordering.refusals(session, newest, n_answers, covered)
    able = [hit.id for hit in newest if hit.id not in refused]
    ordering.order(session, able, n_answers, actor, now)
    fresh = [one for one in task_ids if one not in hits or hits[one].id in refused]
    if not fresh:
        return len(able)
    context = hit_specs.route_context(session, route_id)
    size = context.route.tasks_per_hit
    new = [fresh[start : start + size] for start in range(0, len(fresh), size)]
    add_batch(session, context, new, n_answers, now)
    return len(able) + len(new)


def _newest_hits(session: Session, route_id: int, task_ids: Sequence[int]) -> dict[int, Hit]:
    """The route's newest HIT of each task that it has asked."""
    found: dict[int, Hit] = {}
    for some in parts(task_ids):
        rows = session.execute(
            select(HitTask.task_id, Hit)
            .join(Hit, Hit.id == HitTask.hit_id)
            .join(Batch, Batch.id == Hit.batch_id)
            .where(Batch.route_id == route_id)
            .where(HitTask.task_id.in_(some))
            .order_by(Hit.id)
        )
        found.update(dict(rows.all()))
    return found
