"""Service: which route answers an unsure item next, and when to buy another answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from jobs import intents
from jobs.db import parts
from jobs.hits.batches import buy_answers
from jobs.specs.job_specs import Policy
from jobs.tables import Batch, Consensus, Extension, Hit, HitTask, Job, Route, Task

MODEL = "model"


def route_onward(session: Session, job_id: int, now: datetime) -> int:
    """The number of HITs that were added or extended for questions that are still unsure.

    Nothing is bought while answers to the same kind of question are still awaited. A route
    that waits for unsure items comes first, then single further answers from the last route
    of people, up to the policy's ceiling a task. What is left after that is for a person.
    A repeat adds nothing: the batch it added or opened again is open then.
    """
    job = session.get_one(Job, job_id)
    if job.state != "running" or intents.is_restored(session):
        return 0
    policy = Policy.model_validate(job.policy)
    n_added = 0
    every = session.scalars(select(Route).where(Route.job_id == job_id).order_by(Route.position))
    by_kind: dict[str, list[Route]] = defaultdict(list)
    for route in every:
        by_kind[route.kind].append(route)
    for kind, routes in sorted(by_kind.items()):
        unsure = _unsure_items(session, job_id, kind)
        if not unsure or _is_awaiting(session, routes):
            continue
        fresh = next((route for route in routes if _is_waiting(session, route)), None)
        people = [route for route in routes if route.provider != MODEL]
        if fresh is not None:
            chosen, n_answers = fresh, fresh.redundancy
            tasks = _original_tasks(session, job_id, kind, unsure)
        elif people and policy.quality.max_extra_answers:
            chosen, n_answers = people[-1], 1
            ceiling = policy.quality.max_extra_answers
            tasks = _under_ceiling(
                session, chosen, _original_tasks(session, job_id, kind, unsure), ceiling
            )
        else:
            continue
        n_hits = buy_answers(session, chosen.id, list(tasks), n_answers, now)
        if n_hits:
            n_added += n_hits
            for items in parts(sorted(set(tasks.values()))):
                session.execute(
                    update(Consensus)
                    .where(
                        Consensus.job_id == job_id,
                        Consensus.kind == kind,
                        Consensus.item_id.in_(items),
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
    session: Session, route: Route, tasks: Mapping[int, int], ceiling: int
) -> dict[int, int]:
    """Tasks for which fewer than ``ceiling`` answers were ordered beyond the route's redundancy."""
    ordered: dict[int, int] = defaultdict(int)
    for some in parts(tasks):
        for task_id, n_answers in _ordered(session, route, some):
            ordered[task_id] += n_answers
    return {
        task_id: item_id
        for task_id, item_id in tasks.items()
        if ordered[task_id] - route.redundancy < ceiling
    }


def _ordered(session: Session, route: Route, task_ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Answers that the route's HITs ask of each task, and those ordered beyond their size."""
    here = (Batch.route_id == route.id, HitTask.task_id.in_(task_ids))
    slots = (
        select(HitTask.task_id, func.sum(Hit.max_assignments))
        .join(Hit, Hit.id == HitTask.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .where(*here)
        .group_by(HitTask.task_id)
    )
    # An order that only opens a HIT's unused slots again makes it no larger.
    not_grown = (
        select(HitTask.task_id, func.sum(Extension.n_more - Extension.n_added))
        .join(Extension, Extension.hit_id == HitTask.hit_id)
        .join(Hit, Hit.id == HitTask.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .where(*here, Extension.state != "refused")
        .group_by(HitTask.task_id)
    )
    for query in (slots, not_grown):
        for task_id, n_answers in session.execute(query):
            yield task_id, int(n_answers)


def _original_tasks(
    session: Session, job_id: int, kind: str, item_ids: Sequence[int]
) -> dict[int, int]:
    """The first task of each item, or of each of its tiles, with its item."""
    seen: set[tuple[int, tuple[int, ...]]] = set()
    found: dict[int, int] = {}
    for some in parts(item_ids):
        for task_id, item_id, tile in session.execute(
            select(Task.id, Task.item_id, Task.tile)
            .where(
                Task.job_id == job_id,
                Task.kind == kind,
                Task.repeat_of.is_(None),
                Task.item_id.in_(some),
            )
            .order_by(Task.id)
        ):
            place = (item_id, tuple(tile or ()))
            if place not in seen:
                seen.add(place)
                found[task_id] = item_id
    return dict(sorted(found.items()))
