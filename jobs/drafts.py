"""Services: a draft read back as the plan it was made from, and changed before its launch."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from jobs import ledger
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.job_specs import JobSpec, Policy, read_job_spec
from jobs.label_schemas import load_schema
from jobs.ledger import Reason
from jobs.money import MICROS_PER_DOLLAR
from jobs.planning import asked_schema, check_plan, route_row
from jobs.tables import Dataset, Job, Route, SchemaVersion


def read_draft(session: Session, job_id: int) -> JobSpec:
    """The plan that a job's rows state. NotFound when there is no job."""
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"job {job_id}: no such job")
    schema = session.get_one(SchemaVersion, job.schema_id)
    policy = Policy.model_validate(job.policy)
    routes = session.scalars(select(Route).where(Route.job_id == job_id).order_by(Route.position))
    return read_job_spec(
        {
            "name": job.name,
            "dataset": session.get_one(Dataset, job.dataset_id).name,
            "schema": f"{schema.name}@{schema.version}",
            "environment": job.environment,
            "budget": _usd(job.budget_micros),
            "seed": job.seed,
            "routes": [_route_document(route) for route in routes],
            **policy.model_dump(mode="json"),
            "bonuses": _usd(policy.bonuses),
        },
        f"job {job_id}",
    )


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
    key = f"budget:job:{job_id}:plan:{now.isoformat()}"
    ledger.set_budget(session, job_id, spec.budget, key=key, reason=Reason(actor), now=now)


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
