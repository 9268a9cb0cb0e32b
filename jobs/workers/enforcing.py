"""Service with outside effects: what should hold between us and a worker, carried to the venue.

The newest change of each kind is made; older ones that were never made are superseded.
Giving what is held already and taking what is not held change nothing, so a lost reply is
followed by the same call again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import findings, intents, work
from jobs.db import insert_new, reading, transaction
from jobs.errors import Conflict, ProviderError
from jobs.exclusions import EXCLUSION
from jobs.providers import People
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.specs.hit_specs import Venues
from jobs.tables import OwnQualification, Route, StandingChange, Worker
from jobs.work import Progress
from jobs.workers.standing import BLOCK, TASK, newest_change

CHECK_EVERY = timedelta(days=30)  # MTurk disposes of a type that was not used for 120
_DESCRIPTIONS = {EXCLUSION: "Held by workers whom this requester does not invite to new HITs."}
_ABOUT_OTHERS = "A qualification that this requester gives for good work."


@dataclass(frozen=True)
class _Step:
    """One change on its way to the venue."""

    change: StandingChange
    worker: Worker
    people: People


def set_standing(resources: Resources, worker_id: int, progress: Progress) -> None:
    """Make every change of the worker that the venue does not have yet; a repeat makes none.

    Raises:
        ProviderError: when the venue does not answer; the change is made later.

    """
    with transaction(resources.sessions) as session:
        change_ids = _to_make(session, worker_id)
    for number, change_id in enumerate(change_ids):
        progress(number, len(change_ids))
        with reading(resources.sessions) as session:
            change = session.get_one(StandingChange, change_id)
            worker = session.get_one(Worker, worker_id)
            people = account_people(session, resources.venues, change.job_id, worker.provider)
        _make(resources, _Step(change, worker, people))


def keep_list(resources: Resources, batch_id: int) -> None:
    """See that the venue still has the exclusion list that the batch's HITs will ask for.

    A venue drops a qualification type nobody used for months. It is made anew then, and
    everybody who should hold it gets it again.

    Raises:
        ProviderError: when the venue does not answer.

    """
    now = resources.clock()
    with reading(resources.sessions) as session:
        context = hit_specs.batch_context(session, batch_id)
    row = context.exclusion
    people = context.provider(resources.venues).people
    if row is None or people is None or now - row.checked_at < CHECK_EVERY:
        return
    type_id = people.own_qualification(row.name, _DESCRIPTIONS[row.name])
    with transaction(resources.sessions) as session:
        kept = session.get_one(OwnQualification, row.id, with_for_update=True)
        kept.checked_at = now
        if kept.provider_type_id == type_id:
            return
        kept.provider_type_id, kept.created_at = type_id, now
        for change in _holders(session, kept):
            change.state, change.finished_at = "asked", None
            work.enqueue(session, TASK, change.worker_id, now)


def account_people(session: Session, venues: Venues, job_id: int, provider_name: str) -> People:
    """The people of the account that a job's route of this provider uses.

    Raises:
        Conflict: when the job has no such route, or nobody works there.

    """
    found = select(Route.id).where(Route.job_id == job_id, Route.provider == provider_name)
    route_id = session.scalars(found.order_by(Route.position).limit(1)).first()
    if route_id is not None:
        people = hit_specs.route_context(session, route_id).provider(venues).people
        if people is not None:
            return people
    raise Conflict(f"job {job_id}: no account of {provider_name} where people work")


def _to_make(session: Session, worker_id: int) -> list[int]:
    asked = session.scalars(
        select(StandingChange)
        .where(StandingChange.worker_id == worker_id, StandingChange.state == "asked")
        .order_by(StandingChange.id)
    ).all()
    due = []
    for change in asked:
        newest = newest_change(session, worker_id, change.environment, change.kind, change.name)
        if newest is change:
            due.append(change.id)
        else:
            change.state = "superseded"
    return due


def _make(resources: Resources, step: _Step) -> None:
    type_id = "" if step.change.kind == BLOCK else _type_id(resources, step)
    intent_id = _begin(resources, step, type_id)
    if intent_id is None:
        return
    try:
        _call(step, type_id)
    except ProviderError as error:
        if not error.permanent:
            raise
        _end(resources, step, intent_id, "failed", str(error))
    else:
        _end(resources, step, intent_id, "done", "")


def _type_id(resources: Resources, step: _Step) -> str:
    """The venue's id of the qualification, made there and written down when it is missing."""
    identity = {
        "provider": step.worker.provider,
        "environment": step.change.environment,
        "name": step.change.name,
    }
    with reading(resources.sessions) as session:
        known = session.scalar(select(OwnQualification.provider_type_id).filter_by(**identity))
    if known is not None:
        return known
    description = _DESCRIPTIONS.get(step.change.name, _ABOUT_OTHERS)
    type_id = step.people.own_qualification(step.change.name, description)
    now = resources.clock()
    values = {**identity, "provider_type_id": type_id, "created_at": now, "checked_at": now}
    with transaction(resources.sessions) as session:
        insert_new(session, OwnQualification, values)
    return type_id


def _begin(resources: Resources, step: _Step, type_id: str) -> int | None:
    """The open intent of the change with its attempt counted; None when it is made already."""
    change, worker = step.change, step.worker
    gives = change.value is not None
    operation = (
        ("CreateWorkerBlock" if gives else "DeleteWorkerBlock")
        if change.kind == BLOCK
        else f"{'Associate' if gives else 'Disassociate'}Qualification"
    )
    call = intents.Call(
        key=f"standing:{change.id}:{type_id}",
        job_id=change.job_id,
        operation=operation,
        parameters={"worker": worker.provider_worker_id, "type": type_id, "value": change.value},
        actor=change.actor,
        is_paid=False,
    )
    with transaction(resources.sessions) as session:
        intent, _ = intents.begin(session, call, resources.clock())
        if intent.state != "done":
            return intents.stamp_attempt(session, intent.id, resources.clock()).id
        session.get_one(StandingChange, change.id).state = "done"
    return None


def _call(step: _Step, type_id: str) -> None:
    change, people, worker = step.change, step.people, step.worker.provider_worker_id
    if change.kind == BLOCK and change.value is not None:
        people.block(worker, change.reason)
    elif change.kind == BLOCK:
        people.unblock(worker, change.reason)
    elif change.value is not None:
        people.qualify(type_id, worker, change.value)
    else:
        people.disqualify(type_id, worker)


def _end(resources: Resources, step: _Step, intent_id: int, state: str, error: str) -> None:
    now = resources.clock()
    with transaction(resources.sessions) as session:
        intents.finish(session, intent_id, state, now, error=error)
        row = session.get_one(StandingChange, step.change.id, with_for_update=True)
        row.state, row.error, row.finished_at = state, error[:1000], now
        if state == "failed":
            who = f"{step.worker.provider} worker {step.worker.provider_worker_id}"
            what = row.name or "block"
            message = f"{who}: the venue refused the change of {what!r}: {error}"
            findings.report(session, f"standing:{row.id}", message, now, row.job_id)


def _holders(session: Session, kept: OwnQualification) -> list[StandingChange]:
    """The changes by which workers hold the qualification now."""
    rows = session.scalars(
        select(StandingChange)
        .join(Worker, Worker.id == StandingChange.worker_id)
        .where(
            Worker.provider == kept.provider,
            StandingChange.environment == kept.environment,
            StandingChange.name == kept.name,
            StandingChange.state == "done",
        )
    )
    newest: dict[int, StandingChange] = {}
    for row in rows:
        if row.worker_id not in newest or row.number > newest[row.worker_id].number:
            newest[row.worker_id] = row
    return [row for row in newest.values() if row.value is not None]
