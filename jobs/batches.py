"""Services: a route's tasks and HITs as rows, ready to be published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import extending, hit_specs, intents, work
from jobs.hit_specs import RouteContext
from jobs.job_specs import Policy
from jobs.records import BOXES
from jobs.slicing import ItemSize, Plan, PlannedTask, plan
from jobs.tables import Batch, GoldAnswer, Hit, HitTask, Item, Job, Task

MOST_IN_A_QUERY = 5_000  # ids that every database takes at once
TaskKey = tuple[int, tuple[int, ...] | None, bool]
"""Item, tile, and whether it repeats another task: routes share the tasks they both ask."""


def items_of(session: Session, job: Job) -> dict[int, Item]:
    """The job's items by id."""
    found = select(Item).where(Item.dataset_id == job.dataset_id).order_by(Item.id)
    return {item.id: item for item in session.scalars(found)}


def plan_route(session: Session, context: RouteContext) -> Plan:
    """The route's HITs; the same job gives the same plan. Models see neither golds nor repeats."""
    slicing = Policy.model_validate(context.job.policy).slicing
    is_model = context.route.provider == "model"
    sizes = [ItemSize(i.id, i.width, i.height) for i in items_of(session, context.job).values()]
    golds = session.scalars(
        select(GoldAnswer.item_id)
        .join(Item, Item.id == GoldAnswer.item_id)
        .where(Item.dataset_id == context.job.dataset_id, GoldAnswer.kind == context.kind)
    )
    return plan(
        sizes,
        set(golds),
        tasks_per_hit=context.route.tasks_per_hit,
        gold_rate=0.0 if is_model else slicing.gold_rate,
        repeat_rate=0.0 if is_model else slicing.repeat_rate,
        tile=(slicing.tile or None) if context.kind == BOXES else None,
        overlap=slicing.overlap if context.kind == BOXES and slicing.tile else 0,
        seed=context.job.seed,
    )


def add_batch(
    session: Session,
    context: RouteContext,
    hits: Sequence[Sequence[int]],
    max_assignments: int,
    now: datetime,
) -> Batch:
    """A batch of HITs, each a sequence of task ids, and the work row that will publish it."""
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
    rows = [
        Hit(
            batch_id=batch.id,
            state="planned",
            marker=f"batch {batch.id} HIT {number}",
            max_assignments=max_assignments,
            held_micros=0,
        )
        for number, _ in enumerate(hits)
    ]
    session.add_all(rows)
    session.flush()
    prefix = f"hitworks:{intents.installation(session)}:hit"
    for hit, task_ids in zip(rows, hits, strict=True):
        hit.marker = f"{prefix}:{hit.id}:{batch.id}.{context.route.id}"
        session.add_all(
            HitTask(hit_id=hit.id, position=position, task_id=task_id)
            for position, task_id in enumerate(task_ids)
        )
    session.flush()
    work.enqueue(session, "publish_batch", batch.id, now)
    return batch


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
    fresh: list[int] = []
    hits = _newest_hits(session, route_id, task_ids)
    ordered: set[int] = set()
    for task_id in task_ids:
        hit = hits.get(task_id)
        if hit is not None and hit.id in ordered:
            continue
        if hit is None or extending.refusal(session, hit, n_answers):
            fresh.append(task_id)
            continue
        extending.order(session, hit.id, n_answers, actor, now)
        ordered.add(hit.id)
    if fresh:
        context = hit_specs.route_context(session, route_id)
        size = context.route.tasks_per_hit
        new = [fresh[start : start + size] for start in range(0, len(fresh), size)]
        add_batch(session, context, new, n_answers, now)
        return len(ordered) + len(new)
    return len(ordered)


def _newest_hits(session: Session, route_id: int, task_ids: Sequence[int]) -> dict[int, Hit]:
    """The route's newest HIT of each task that it has asked."""
    found: dict[int, Hit] = {}
    for start in range(0, len(task_ids), MOST_IN_A_QUERY):
        rows = session.execute(
            select(HitTask.task_id, Hit)
            .join(Hit, Hit.id == HitTask.hit_id)
            .join(Batch, Batch.id == Hit.batch_id)
            .where(Batch.route_id == route_id)
            .where(HitTask.task_id.in_(task_ids[start : start + MOST_IN_A_QUERY]))
            .order_by(Hit.id)
        )
        found.update(dict(rows.all()))
    return found


def post_route(session: Session, context: RouteContext, now: datetime) -> Batch:
    """The route's whole plan as one batch; tasks that another route asks already are shared."""
    planned = plan_route(session, context)
    known = _known_tasks(session, context)
    ids: list[int] = []
    for task in planned.tasks:
        original = None if task.repeat_of is None else ids[task.repeat_of]
        ids.append(_task_row(session, context, task, original, known).id)
    hits, start = [], 0
    for hit in planned.hits:
        hits.append(ids[start : start + len(hit)])
        start += len(hit)
    return add_batch(session, context, hits, context.route.redundancy, now)


def _known_tasks(session: Session, context: RouteContext) -> dict[TaskKey, Task]:
    found = select(Task).where(Task.job_id == context.job.id, Task.kind == context.kind)
    return {
        (task.item_id, tuple(task.tile) if task.tile else None, task.repeat_of is not None): task
        for task in session.scalars(found)
    }


def _task_row(
    session: Session,
    context: RouteContext,
    planned: PlannedTask,
    original: int | None,
    known: dict[TaskKey, Task],
) -> Task:
    key = (planned.item_id, planned.tile, original is not None)
    if key not in known:
        task = Task(
            job_id=context.job.id,
            item_id=planned.item_id,
            kind=context.kind,
            tile=list(planned.tile) if planned.tile else None,
            is_gold=planned.is_gold,
            repeat_of=original,
            state="open",
        )
        session.add(task)
        session.flush()
        known[key] = task
    elif planned.is_gold:
        known[key].is_gold = True
    return known[key]
