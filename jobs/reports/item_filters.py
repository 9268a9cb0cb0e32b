"""Which items of a job match a filter: the ids of one page, each filter found by an index.

The page is cut from one ordered source, the rarest that the filter names, and the other
conditions are looked up item by item; so a page costs what it shows, not what the job holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from jobs.tables import (
    Answer,
    Batch,
    Consensus,
    Facet,
    Hit,
    HitTask,
    Item,
    Job,
    Route,
    Tally,
    Task,
)

FEW = 20_000
"""Answers or tasks that are gathered at once; of more, each item is looked up by itself."""


@dataclass(frozen=True)
class ItemFilter:
    """What to show; None or "" means anything. ``state`` is that of the consensus.

    ``class_name`` and ``tag`` (``attribute=option``) are of the combined answer;
    ``worker_id`` answered the item, ``route_id`` was asked about it.
    """

    kind: str = ""
    state: str = ""
    most_confidence: float | None = None
    most_agreement: float | None = None
    worker_id: int | None = None
    route_id: int | None = None
    class_name: str = ""
    tag: str = ""


def matching_items(
    session: Session, job_id: int, filters: ItemFilter, *, after: int, limit: int
) -> list[int]:
    """Up to ``limit`` ids above ``after`` of items that match, in order."""
    conditions = _conditions(session, job_id, filters)
    name = min(conditions, key=_ORDER.index, default="all")
    item_id, source = _source(name, job_id, filters)
    looked_up = conditions - ({name} - {"answers", "tasks"})  # those two start from every item
    for other in looked_up:
        source = source.where(_lookup(other, job_id, filters, item_id))
    return list(session.scalars(source.where(item_id > after).order_by(item_id).limit(limit)))


# Sources from the one likely to be rarest to the one that holds every item.
_ORDER = ("few answers", "few tasks", "state", "class", "tag", "question", "answers", "tasks")


def _conditions(session: Session, job_id: int, filters: ItemFilter) -> set[str]:
    asked = {
        "class": bool(filters.class_name),
        "tag": bool(filters.tag),
        "state": bool(filters.state),
        "question": not filters.state
        and (
            bool(filters.kind)
            or filters.most_confidence is not None
            or filters.most_agreement is not None
        ),
    }
    found = {name for name, is_asked in asked.items() if is_asked}
    if filters.worker_id is not None:
        some = select(Answer.id).where(Answer.worker_id == filters.worker_id).limit(FEW + 1)
        n_answers = session.scalar(select(func.count()).select_from(some.subquery())) or 0
        found.add("few answers" if n_answers <= FEW else "answers")
    if filters.route_id is not None:
        found.add("few tasks" if _n_tasks(session, filters.route_id) <= FEW else "tasks")
    return found


def _n_tasks(session: Session, route_id: int) -> int:
    """About how many tasks the route asks: its HITs, times the tasks in each."""
    return int(
        session.scalar(
            select(func.sum(Tally.n * Route.tasks_per_hit))
            .select_from(Route)
            .join(Batch, Batch.route_id == Route.id)
            .join(
                Tally,
                (Tally.owner_id == Route.job_id)
                & (Tally.subject == "hits")
                & (Tally.part_id == Batch.id),
            )
            .where(Route.id == route_id)
        )
        or 0
    )


def _source(
    name: str, job_id: int, filters: ItemFilter
) -> tuple[InstrumentedAttribute[int], Select[int]]:
    """The column of item ids and the query that gives them in order, each once."""
    if name in ("state", "question"):
        query = select(Consensus.item_id).where(*_question(Consensus, job_id, filters))
        return Consensus.item_id, query.distinct()
    if name in ("class", "tag"):
        query = select(Facet.item_id).where(
            Facet.job_id == job_id, Facet.name == _facet(name, filters)
        )
        return Facet.item_id, query
    if name == "few answers":
        return _gathered(
            job_id, select(Answer.task_id).where(Answer.worker_id == filters.worker_id)
        )
    if name == "few tasks":
        asked = select(HitTask.task_id).join(Hit, Hit.id == HitTask.hit_id)
        mine = asked.join(Batch, Batch.id == Hit.batch_id)
        return _gathered(job_id, mine.where(Batch.route_id == filters.route_id))
    dataset = select(Job.dataset_id).where(Job.id == job_id).scalar_subquery()
    return Item.id, select(Item.id).where(Item.dataset_id == dataset)


def _gathered(job_id: int, task_ids: Select[int]) -> tuple[InstrumentedAttribute[int], Select[int]]:
    """The items of few tasks: the tasks are gathered first, whatever a planner would guess."""
    few = task_ids.cte("few").prefix_with("MATERIALIZED")
    query = select(Task.item_id).join(few, few.c.task_id == Task.id)
    return Task.item_id, query.where(Task.job_id == job_id).distinct()


def _lookup(
    name: str, job_id: int, filters: ItemFilter, item_id: InstrumentedAttribute[int]
) -> ColumnElement[bool]:
    """Whether one item meets a condition, found by the item's id."""
    if name in ("state", "question"):
        other = aliased(Consensus)
        return exists().where(other.item_id == item_id, *_question(other, job_id, filters))
    if name in ("class", "tag"):
        facet = aliased(Facet)
        return exists().where(
            facet.job_id == job_id,
            facet.name == _facet(name, filters),
            facet.item_id == item_id,
        )
    task, answer = aliased(Task), aliased(Answer)
    here = (task.item_id == item_id, task.job_id == job_id)
    if name.endswith("answers"):
        return exists().where(
            *here, answer.task_id == task.id, answer.worker_id == filters.worker_id
        )
    return exists().where(
        *here,
        HitTask.task_id == task.id,
        Hit.id == HitTask.hit_id,
        Batch.id == Hit.batch_id,
        Batch.route_id == filters.route_id,
    )


def _question(table: Any, job_id: int, filters: ItemFilter) -> list[ColumnElement[bool]]:
    found = [table.job_id == job_id]
    if filters.state:
        found.append(table.state == filters.state)
    if filters.kind:
        found.append(table.kind == filters.kind)
    if filters.most_confidence is not None:
        found.append(table.confidence <= filters.most_confidence)
    if filters.most_agreement is not None:
        found.append(table.agreement <= filters.most_agreement)
    return found


def _facet(name: str, filters: ItemFilter) -> str:
    return f"class:{filters.class_name}" if name == "class" else filters.tag
