"""Services: a route's plan as rows: its questions, its HITs and what they ask.

Written at once, or in pages of which each is a transaction of its own: a run that was killed
between two is followed by one that writes what is left, and asks no question twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from jobs import work
from jobs.db import parts
from jobs.hits import batches
from jobs.specs.hit_specs import RouteContext
from jobs.specs.slicing import Plan, PlannedTask, Tile
from jobs.tables import Batch, Hit, HitTask, Task

TaskKey = tuple[int, Tile | None, bool]
"""Item, tile, and whether it repeats another task: routes share the tasks they both ask."""


class Asked(NamedTuple):
    """One question of a planned HIT, and the earlier one that it repeats, if any."""

    task: PlannedTask
    original: PlannedTask | None

    @property
    def key(self) -> TaskKey:
        return self.task.item_id, self.task.tile, self.original is not None


class Rows(NamedTuple):
    """What is still to be written of a route: HITs, and the ids of tasks that are there.

    ``n_written`` counts the HITs that an earlier run has written to the batch.
    """

    hits: list[tuple[Asked, ...]]
    known: dict[TaskKey, int]
    n_written: int


def post_route(session: Session, context: RouteContext, now: datetime) -> Batch:
    """The route's whole plan as one batch; tasks that another route asks already are shared."""
    left = rows_left(session, context)
    batch = first_batch(session, context) or batches.open_batch(session, context, now)
    write(session, context, batch.id, left.hits, left.known)
    work.enqueue(session, "publish_batch", batch.id, now)
    return batch


def publish_first(session: Session, context: RouteContext, now: datetime) -> None:
    """Let the background publish what was written page by page; a plan of nothing has no batch."""
    batch = first_batch(session, context)
    if batch is not None:
        work.enqueue(session, "publish_batch", batch.id, now)


def first_batch(session: Session, context: RouteContext) -> Batch | None:
    """The batch that the route's plan is written to, once a page of it is."""
    found = select(Batch).where(Batch.route_id == context.route.id)
    return session.scalars(found.order_by(Batch.id).limit(1)).first()


def rows_left(session: Session, context: RouteContext) -> Rows:
    """The route's plan without what its first batch asks already.

    A plan that has changed since a page was written (a gold was added) still asks every
    question as often as it says.
    """
    known = _known_tasks(session, context)
    batch = first_batch(session, context)
    n_written, written = 0, Counter[int]()
    if batch is not None:
        of_batch = select(HitTask.task_id).join(Hit).where(Hit.batch_id == batch.id)
        written = Counter(session.scalars(of_batch))
        n_written = session.scalar(select(func.count()).where(Hit.batch_id == batch.id)) or 0
    hits = _hits(batches.plan_route(session, context))
    if written:
        hits = [left for hit in hits if (left := _without(hit, known, written))]
    return Rows(hits, known, n_written)


def pages(hits: Sequence[tuple[Asked, ...]], most_tasks: int) -> Iterator[list[tuple[Asked, ...]]]:
    """Whole HITs in their order, of about ``most_tasks`` questions together."""
    page: list[tuple[Asked, ...]] = []
    n_tasks = 0
    for hit in hits:
        if page and n_tasks + len(hit) > most_tasks:
            yield page
            page, n_tasks = [], 0
        page.append(hit)
        n_tasks += len(hit)
    if page:
        yield page


def write(
    session: Session,
    context: RouteContext,
    batch_id: int,
    hits: Sequence[tuple[Asked, ...]],
    known: dict[TaskKey, int],
) -> None:
    """These HITs as rows of the batch; ``known`` learns the ids of the tasks that are made."""
    asked = [one for hit in hits for one in hit]
    repeats = {one.key: one for one in asked if one.original is not None}
    ordinary = {one.key: one for one in asked if one.original is None}
    for one in repeats.values():
        if one.original is not None:
            original = Asked(one.original, None)
            ordinary.setdefault(original.key, original)
    _make_tasks(session, context, ordinary, known)
    _make_tasks(session, context, repeats, known)
    _mark_golds(session, [known[one.key] for one in asked if one.task.is_gold])
    if hits:
        ids = [[known[one.key] for one in hit] for hit in hits]
        batches.add_hits(session, context, batch_id, ids, context.route.redundancy)
    session.flush()


def _hits(planned: Plan) -> list[tuple[Asked, ...]]:
    tasks = planned.tasks
    return [
        tuple(
            Asked(task, None if task.repeat_of is None else tasks[task.repeat_of]) for task in hit
        )
        for hit in planned.hits
    ]


def _without(
    hit: tuple[Asked, ...], known: dict[TaskKey, int], written: Counter[int]
) -> tuple[Asked, ...]:
    """What a HIT asks beyond what is written, which it takes off the count."""
    left = []
    for one in hit:
        task_id = known.get(one.key, 0)
        if written[task_id]:
            written[task_id] -= 1
        else:
            left.append(one)
    return tuple(left)


def _make_tasks(
    session: Session,
    context: RouteContext,
    asked: dict[TaskKey, Asked],
    known: dict[TaskKey, int],
) -> None:
    """Tasks that no route asks yet; what they repeat is known already."""
    fresh = [
        _task_values(context, one, None if one.original is None else known[_key(one.original)])
        for key, one in asked.items()
        if key not in known
    ]
    if fresh:
        made = insert(Task).returning(Task.id, Task.item_id, Task.tile, Task.repeat_of)
        known |= _by_key(session.execute(made, fresh))


def _key(original: PlannedTask) -> TaskKey:
    return Asked(original, None).key


def _task_values(context: RouteContext, asked: Asked, original: int | None) -> dict[str, Any]:
    planned = asked.task
    return {
        "job_id": context.job.id,
        "item_id": planned.item_id,
        "kind": context.kind,
        "tile": list(planned.tile) if planned.tile else None,
        "is_gold": planned.is_gold,
        "repeat_of": original,
        "state": "open",
    }


def _mark_golds(session: Session, task_ids: Sequence[int]) -> None:
    """Tasks that another route asked first may be golds of this one."""
    for part in parts(task_ids):
        session.execute(
            update(Task)
            .where(Task.id.in_(part), Task.is_gold.is_(False))
            .values(is_gold=True)
            .execution_options(synchronize_session=False)
        )


def _known_tasks(session: Session, context: RouteContext) -> dict[TaskKey, int]:
    found = select(Task.id, Task.item_id, Task.tile, Task.repeat_of).where(
        Task.job_id == context.job.id, Task.kind == context.kind
    )
    return _by_key(session.execute(found))


def _by_key(rows: Iterable[Any]) -> dict[TaskKey, int]:
    return {
        (item_id, _tile(tile), original is not None): task_id
        for task_id, item_id, tile, original in rows
    }


def _tile(stored: Sequence[int] | None) -> Tile | None:
    if stored is None:
        return None
    left, top, right, bottom = stored
    return left, top, right, bottom
