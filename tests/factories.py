"""Rows with a fixed cast: requester Ada, workers Ben and Cho, stranger Dan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.specs.job_specs import Policy
from jobs.specs.label_schemas import parse_schema, save_schema
from jobs.tables import (
    Answer,
    Assignment,
    Batch,
    Consensus,
    Dataset,
    GoldAnswer,
    Hit,
    HitTask,
    Item,
    Job,
    RawSubmission,
    Route,
    Task,
    Worker,
)

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SCHEMA = """
name: pets
classes: [cat, dog]
attributes:
  - {name: colour, kind: one, options: [red, green, blue], unsure: cannot tell}
"""
_numbers = count(1)


def make_dataset(session: Session, n_items: int = 2, name: str = "photos") -> list[Item]:
    dataset = Dataset(name=name, created_at=NOW)
    session.add(dataset)
    session.flush()
    items = [
        Item(
            dataset_id=dataset.id,
            sha256=hashlib.sha256(f"{name}{number}".encode()).hexdigest(),
            name=f"photo-{number}.jpg",
            blob_key=f"aa/{number}.jpg",
            media_type="image/jpeg",
            width=400,
            height=300,
            licence="CC0-1.0",
            source="made for tests",
            attributes={},
            created_at=NOW,
        )
        for number in range(n_items)
    ]
    session.add_all(items)
    session.flush()
    return items


def make_job(
    session: Session,
    items: Sequence[Item],
    *,
    name: str = "label pets",
    policy: Policy | None = None,
    state: str = "running",
    budget_micros: int = 100_000_000,
    environment: str = "local",
) -> Job:
    schema = save_schema(session, parse_schema(SCHEMA, "schema"), NOW)
    job = Job(
        name=name,
        dataset_id=items[0].dataset_id,
        schema_id=schema.id,
        environment=environment,
        state=state,
        seed=1,
        policy=(policy or Policy()).model_dump(mode="json"),
        budget_micros=budget_micros,
        created_at=NOW,
        launched_at=NOW,
    )
    session.add(job)
    session.flush()
    return job


def make_route(
    session: Session, job: Job, *, kind: str = "tags", provider: str = "mturk", when: str = "always"
) -> Route:
    position = next(_numbers)
    route = Route(
        job_id=job.id,
        position=position,
        provider=provider,
        kind=kind,
        attributes=["colour"] if kind == "tags" else [],
        redundancy=3,
        reward_micros=50_000,
        tasks_per_hit=1,
        options={"when": when, "hit": {}, "venue": {}},
    )
    session.add(route)
    session.flush()
    return route


def make_hits(
    session: Session, route: Route, items: Sequence[Item], *, state: str = "closed"
) -> list[Hit]:
    """One batch with a HIT of one new task for each item."""
    batch_state = "closed" if state == "closed" else "open"
    batch = Batch(
        job_id=route.job_id, route_id=route.id, name="batch", state=batch_state, created_at=NOW
    )
    session.add(batch)
    session.flush()
    hits = []
    for item in items:
        task = Task(job_id=route.job_id, item_id=item.id, kind=route.kind, state="open")
        hit = Hit(
            batch_id=batch.id,
            state=state,
            marker=f"marker-{next(_numbers)}",
            max_assignments=route.redundancy,
        )
        session.add_all([task, hit])
        session.flush()
        session.add(HitTask(hit_id=hit.id, position=0, task_id=task.id))
        hits.append(hit)
    session.flush()
    return hits


def make_worker(session: Session, name: str, provider: str = "mturk") -> Worker:
    worker = Worker(provider=provider, provider_worker_id=f"A{name.upper()}", created_at=NOW)
    session.add(worker)
    session.flush()
    return worker


def make_answer(
    session: Session,
    hit: Hit,
    worker: Worker,
    value: dict[str, Any],
    *,
    state: str = "Approved",
    seconds: float = 8.0,
) -> Answer:
    raw = json.dumps(value)
    submission = RawSubmission(
        hit_id=hit.id,
        provider=worker.provider,
        provider_assignment_id=f"3ASSIGNMENT{next(_numbers)}",
        provider_worker_id=worker.provider_worker_id,
        raw=raw,
        sha256=hashlib.sha256(raw.encode()).hexdigest(),
        accepted_at=NOW,
        submitted_at=NOW + timedelta(seconds=seconds),
        received_at=NOW + timedelta(minutes=1),
    )
    session.add(submission)
    session.flush()
    assignment = Assignment(
        raw_submission_id=submission.id,
        hit_id=hit.id,
        worker_id=worker.id,
        state=state,
        parse_state="parsed",
        work_seconds=seconds,
    )
    session.add(assignment)
    session.flush()
    task_id = session.get_one(HitTask, (hit.id, 0)).task_id
    answer = Answer(
        assignment_id=assignment.id,
        task_id=task_id,
        worker_id=worker.id,
        value=value,
        seconds=seconds,
        created_at=NOW,
    )
    session.add(answer)
    session.flush()
    return answer


def settle(session: Session, job: Job, item: Item, kind: str, state: str = "sure") -> Consensus:
    """The combined answer to one question, in this state; made once."""
    found = session.scalar(
        select(Consensus).where(
            Consensus.job_id == job.id, Consensus.item_id == item.id, Consensus.kind == kind
        )
    )
    row = found or Consensus(
        job_id=job.id, item_id=item.id, kind=kind, method="made for tests", value={},
        confidence=0.9, agreement=None, n_answers=0, answers_sha256="", provenance={},
        combined_at=NOW,
    )  # fmt: skip
    row.state = state
    session.add(row)
    session.flush()
    return row


def make_gold(session: Session, item: Item, kind: str, value: dict[str, Any]) -> GoldAnswer:
    gold = GoldAnswer(item_id=item.id, kind=kind, value=value, created_at=NOW)
    session.add(gold)
    session.flush()
    return gold


def box(left: float, top: float, right: float, bottom: float, label: str = "cat") -> dict[str, Any]:
    return {"label": label, "left": left, "top": top, "right": right, "bottom": bottom}
