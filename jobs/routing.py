"""Service: which route answers an unsure item next, and when to buy another answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from jobs.batches import buy_answers
from jobs.job_specs import Policy
from jobs.records import BOXES, TAGS
from jobs.tables import Batch, Consensus, Hit, HitTask, Job, Route, Task

MODEL = "model"


def route_onward(session: Session, job_id: int, now: datetime) -> int:
    """The number of batches added for questions that the answers so far leave unsure.

    Nothing is bought while answers to the same kind of question are still awaited. A route
    that waits for unsure items comes first, then single further answers from the last route
    of people, up to the policy's ceiling a task. What is left after that is for a person.
    A repeat adds nothing: the batch it added is open then.
    """
    job = session.get_one(Job, job_id)
    if job.state != "running":
        return 0
    policy = Policy.model_validate(job.policy)
    n_added = 0
    for kind in (BOXES, TAGS):
        routes = session.scalars(
            select(Route).where(Route.job_id == job_id, Route.kind == kind).order_by(Route.position)
        ).all()
        unsure = _unsure_items(session, job_id, kind)
        if not unsure or _is_awaiting(session, routes):
            continue
        fresh = next((route for route in routes if _is_waiting(session, route)), None)
        people = [route for route in routes if route.provider != MODEL]
        if fresh is not None:
            chosen, n_answers = fresh, fresh.redundancy
        elif people and policy.quality.max_extra_answers:
            chosen, n_answers = people[-1], 1
            ceiling = policy.quality.max_extra_answers
            unsure = _under_ceiling(session, chosen, unsure, ceiling)
        else:
            continue
        tasks = _original_tasks(session, job_id, kind, unsure)
        if buy_answers(session, chosen.id, tasks, n_answers, now) is not None:
            n_added += 1
            session.execute(
                update(Consensus)
                .where(
                    Consensus.job_id == job_id,
                    Consensus.kind == kind,
                    Consensus.item_id.in_(unsure),
                )
                .values(state="open")
            )
    return n_added


def _unsure_items(session: Session, job_id: int, kind: str) -> list[int]:
    rows = session.scalars(
        select(Consensus.item_id)
        .where(Consensus.job_id == job_id, Consensus.kind == kind, Consensus.state == "conflict")
        .order_by(Consensus.item_id)
    )
    return list(rows)


def _is_awaiting(session: Session, routes: Sequence[Route]) -> bool:
    n_open = session.scalar(
        select(func.count()).where(
            Batch.route_id.in_([route.id for route in routes]), Batch.state != "closed"
        )
    )
    return bool(n_open)


def _is_waiting(session: Session, route: Route) -> bool:
    """Whether the route takes unsure items only and has not been asked yet."""
    if route.options.get("when") != "unsure":
        return False
    return not session.scalar(select(func.count()).where(Batch.route_id == route.id))


def _under_ceiling(
    session: Session, route: Route, item_ids: Sequence[int], ceiling: int
) -> list[int]:
    """Items for which fewer than ``ceiling`` answers were bought beyond the route's first batch."""
    first = select(func.min(Batch.id)).where(Batch.route_id == route.id).scalar_subquery()
    bought = dict(
        session.execute(
            select(Task.item_id, func.sum(Hit.max_assignments))
            .join(HitTask, HitTask.task_id == Task.id)
            .join(Hit, Hit.id == HitTask.hit_id)
            .join(Batch, Batch.id == Hit.batch_id)
            .where(Batch.route_id == route.id, Batch.id != first, Task.item_id.in_(item_ids))
            .group_by(Task.item_id)
        ).all()
    )
    return [item_id for item_id in item_ids if bought.get(item_id, 0) < ceiling]


def _original_tasks(session: Session, job_id: int, kind: str, item_ids: Sequence[int]) -> list[int]:
    """The first task of each item, or of each of its tiles."""
    seen: set[tuple[int, tuple[int, ...]]] = set()
    found: list[int] = []
    for task in session.scalars(
        select(Task)
        .where(
            Task.job_id == job_id,
            Task.kind == kind,
            Task.repeat_of.is_(None),
            Task.item_id.in_(item_ids),
        )
        .order_by(Task.id)
    ):
        place = (task.item_id, tuple(task.tile or ()))
        if place not in seen:
            seen.add(place)
            found.append(task.id)
    return found
