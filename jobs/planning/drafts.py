"""Services: a draft read back as the plan it was made from, and changed before its launch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.money import MICROS_PER_DOLLAR
from jobs.planning.planning import asked_schema, check_plan, route_row
from jobs.records import BOXES
from jobs.specs.job_specs import JobSpec, Policy, read_job_spec
from jobs.specs.label_schemas import load_schema
from jobs.spending import ledger
from jobs.spending.ledger import Reason
from jobs.tables import Dataset, Job, Route, SchemaVersion


def read_draft(session: Session, job_id: int) -> JobSpec:
    """The plan that a job's rows state. NotFound when there is no job."""
    return read_job_spec(draft_document(session, job_id), f"job {job_id}")


def draft_document(session: Session, job_id: int) -> dict[str, Any]:
    """The plan as the document that a job file would be, money as text: to be changed in part."""
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"job {job_id}: no such job")
    schema = session.get_one(SchemaVersion, job.schema_id)
    policy = Policy.model_validate(job.policy)
    routes = session.scalars(select(Route).where(Route.job_id == job_id).order_by(Route.position))
    return {
        "name": job.name,
        "dataset": session.get_one(Dataset, job.dataset_id).name,
        "schema": f"{schema.name}@{schema.version}",
        "environment": job.environment,
        "budget": _usd(job.budget_micros),
        "seed": job.seed,
        "routes": [_route_document(route) for route in routes],
        **policy.model_dump(mode="json"),
        "bonuses": _usd(policy.bonuses),
    }


def change_draft(session: Session, job_id: int, spec: JobSpec, now: datetime, actor: str) -> None:
    """The draft as ``spec`` says from now on; dataset, environment and budget history stay.

    Raises:
        Conflict: when the job is launched, or another job has the name.
        InvalidInput: for another dataset or environment, or a route the question cannot take.

    """
    job = session.get(Job, job_id, with_for_update=True, populate_existing=True)
    if job is None:
        raise NotFound(f"job {job_id}: no such job")
    if job.state != "draft":
        raise Conflict(f"job {job_id} is {job.state}: expected a draft")
    _refuse_moves(session, job, spec)
    version = asked_schema(session, spec)
    schema = load_schema(version)
    check_plan(session, spec, schema)
    session.execute(delete(Route).where(Route.job_id == job_id))
    session.add_all(
        route_row(job_id, position, route, schema) for position, route in enumerate(spec.routes)
    )
    job.name, job.schema_id, job.seed = spec.name, version.id, spec.seed
    job.policy = spec.policy().model_dump(mode="json")
    session.flush()
    key = f"budget:job:{job_id}:plan:{spec.budget}:{now.isoformat()}"
    ledger.set_budget(session, job_id, spec.budget, key=key, reason=Reason(actor), now=now)


def ask(session: Session, job_id: int, schema_id: int, now: datetime, actor: str) -> None:
    """Let a draft ask another version of its question, or another question.

    Routes that ask what is no longer asked go; attributes that are gone are asked no more.

    Raises:
        Conflict: when the job is launched.
        InvalidInput: when no route is left.

    """
    document = draft_document(session, job_id)
    version = session.get_one(SchemaVersion, schema_id)
    known = [attribute.name for attribute in load_schema(version).attributes]
    old = session.get_one(SchemaVersion, session.get_one(Job, job_id).schema_id)
    before = [attribute.name for attribute in load_schema(old).attributes]
    routes = []
    for route in document["routes"]:
        asks_all = route["attributes"] == before
        asked = [] if asks_all else [name for name in route["attributes"] if name in known]
        is_boxes = route["kind"] == BOXES
        if version.body.get("classes") if is_boxes else known and (asks_all or asked):
            routes.append({**route, "attributes": asked})
    document |= {"schema": f"{version.name}@{version.version}", "routes": routes}
    change_draft(session, job_id, read_job_spec(document, "plan"), now, actor)


@dataclass(frozen=True)
class DraftHead:
    """A job that was planned and not launched."""

    id: int
    name: str
    dataset: str
    created_at: datetime


def drafts_there(session: Session) -> tuple[DraftHead, ...]:
    """The newest drafts, twenty at most."""
    rows = session.execute(
        select(Job.id, Job.name, Dataset.name, Job.created_at)
        .join(Dataset, Dataset.id == Job.dataset_id)
        .where(Job.state == "draft")
        .order_by(Job.id.desc())
        .limit(20)
    )
    return tuple(DraftHead(*row) for row in rows)


def _refuse_moves(session: Session, job: Job, spec: JobSpec) -> None:
    """What a draft is about and where its money is cannot change under its name."""
    if spec.environment != job.environment:
        raise InvalidInput(f"environment: expected {job.environment}, got {spec.environment}")
    dataset = session.get_one(Dataset, job.dataset_id).name
    if spec.dataset != dataset:
        raise InvalidInput(f"dataset: expected {dataset!r:.200}, got {spec.dataset!r:.200}")
    taken = session.scalar(select(Job.id).where(Job.name == spec.name, Job.id != job.id))
    if taken is not None:
        raise Conflict(f"job {spec.name!r}: a job of this name exists already")


def _route_document(route: Route) -> dict[str, Any]:
    return {
        "provider": route.provider,
        "kind": route.kind,
        "attributes": route.attributes,
        "redundancy": route.redundancy,
        "reward": _usd(route.reward_micros),
        "tasks_per_hit": route.tasks_per_hit,
        "when": route.options["when"],
        "hit": route.options["hit"],
        "options": route.options["venue"],
    }


def _usd(micros: int) -> str:
    return f"{Decimal(micros) / MICROS_PER_DOLLAR:f}"
