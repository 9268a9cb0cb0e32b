"""Service: the answers of a job combined, question by question, and its workers scored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from jobs import gold_results, tallies
from jobs.box_consensus import combine_boxes
from jobs.errors import NotFound
from jobs.job_specs import Policy
from jobs.label_schemas import load_schema
from jobs.records import BOXES, TAGS, Attribute
from jobs.tables import (
    Answer,
    Assignment,
    Batch,
    Consensus,
    GoldAnswer,
    Hit,
    HitTask,
    Item,
    Job,
    Route,
    SchemaVersion,
    Task,
    Worker,
    WorkerScore,
)
from jobs.tag_consensus import combine_tags
from jobs.votes import Combined, Score, Vote, by_item, fingerprint
from jobs.worker_scores import score_rows

CLOSED_HITS = ("closed", "failed")
ADJUDICATED = "adjudicated"


@dataclass(frozen=True)
class CombineReport:
    """What one combination did: questions by the state they are in now."""

    n_open: int
    n_sure: int
    n_conflict: int
    n_changed: int


def combine_job(session: Session, job_id: int, now: datetime) -> CombineReport:
    """Replaces the job's consensus rows and worker scores by what its answers say now.

    Depends on the answers alone, not on their order or on earlier combinations, so a
    repeat changes nothing. Rejected assignments and excluded workers do not vote; hidden
    repeats only tell how steady a worker is.
    """
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"job {job_id} does not exist")
    policy = Policy.model_validate(job.policy)
    counts: dict[str, int] = defaultdict(int)
    n_changed = 0
    session.execute(delete(WorkerScore).where(WorkerScore.job_id == job_id))
    for kind in (BOXES, TAGS):
        votes = _votes(session, job_id, kind, repeats=False)
        gold = _gold(session, job, kind)
        method = policy.quality.box_method if kind == BOXES else policy.quality.tag_method
        if kind == BOXES:
            combined, scores = _boxes(session, job, votes, method, gold)
        else:
            combined, scores = combine_tags(votes, _attributes(session, job), method, gold)
        waiting = _items_with_open_hits(session, job_id, kind)
        grouped = by_item(votes)
        combined += _unanswered(session, job_id, kind, set(grouped) | waiting)
        found = [
            (
                one,
                _state(one, policy.quality.sure_at, waiting),
                fingerprint(grouped.get(one.item_id, [])),
            )
            for one in combined
        ]
        for _, state, _ in found:
            counts[state] += 1
        n_changed += _store(session, job_id, kind, found, now)
        repeats = _votes(session, job_id, kind, repeats=True)
        session.add_all(score_rows(job_id, kind, scores, votes, repeats, now))
    gold_results.refresh(session, job_id)
    tallies.fold(session, job_id)
    return CombineReport(counts["open"], counts["sure"], counts["conflict"], n_changed)


def _votes(session: Session, job_id: int, kind: str, *, repeats: bool) -> list[Vote]:
    is_repeat = Task.repeat_of.is_not(None) if repeats else Task.repeat_of.is_(None)
    rows = session.execute(
        select(
            Answer.id,
            Task.id,
            Task.repeat_of,
            Task.item_id,
            Task.tile,
            Answer.worker_id,
            Worker.provider,
            Answer.value,
            Answer.seconds,
        )
        .join(Task, Task.id == Answer.task_id)
        .join(Worker, Worker.id == Answer.worker_id)
        .join(Assignment, Assignment.id == Answer.assignment_id)
        .where(
            Task.job_id == job_id,
            Task.kind == kind,
            is_repeat,
            Assignment.state != "Rejected",
            Worker.state != "excluded",
        )
        .order_by(Answer.id)
    ).all()
    # A gold item is asked in many tasks: the first task of an item (or tile) names the unit.
    unit_of: dict[Any, int] = {}
    for row in sorted(rows, key=lambda row: row[1]):
        unit_of.setdefault((row[3], tuple(row[4] or ())), row[2] or row[1])
    return [
        Vote(
            answer_id=row[0],
            unit=unit_of[row[3], tuple(row[4] or ())],
            item_id=row[3],
            worker_id=row[5],
            provider=row[6],
            value=row[7],
            seconds=row[8],
        )
        for row in rows
    ]


def _gold(session: Session, job: Job, kind: str) -> dict[int, dict[str, Any]]:
    rows = session.execute(
        select(GoldAnswer.item_id, GoldAnswer.value)
        .join(Item, Item.id == GoldAnswer.item_id)
        .where(Item.dataset_id == job.dataset_id, GoldAnswer.kind == kind)
    )
    return dict(rows.all())


def _boxes(
    session: Session,
    job: Job,
    votes: list[Vote],
    method: str,
    gold: Mapping[int, dict[str, Any]],
) -> tuple[list[Combined], dict[int, Score]]:
    schema = load_schema(session.get_one(SchemaVersion, job.schema_id))
    sizes = session.execute(
        select(Item.id, Item.width, Item.height).where(Item.dataset_id == job.dataset_id)
    )
    tiles = session.execute(
        select(Task.id, Task.tile).where(Task.job_id == job.id, Task.tile.is_not(None))
    )
    return combine_boxes(
        votes,
        schema.classes,
        {item_id: (width, height) for item_id, width, height in sizes},
        method,
        gold,
        {task_id: (tile[0], tile[1], tile[2], tile[3]) for task_id, tile in tiles if tile},
    )


def _attributes(session: Session, job: Job) -> list[Attribute]:
    """The attributes that the job's routes ask, in the schema's order."""
    routes = session.scalars(
        select(Route.attributes).where(Route.job_id == job.id, Route.kind == TAGS)
    ).all()
    schema = load_schema(session.get_one(SchemaVersion, job.schema_id))
    if not all(routes):  # a route that names none asks them all
        return list(schema.attributes)
    asked = {name for names in routes for name in names}
    return [attribute for attribute in schema.attributes if attribute.name in asked]


def _items_with_open_hits(session: Session, job_id: int, kind: str) -> set[int]:
    rows = session.scalars(
        select(Task.item_id)
        .join(HitTask, HitTask.task_id == Task.id)
        .join(Hit, Hit.id == HitTask.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .where(Task.job_id == job_id, Task.kind == kind, Hit.state.not_in(CLOSED_HITS))
        .distinct()
    )
    return set(rows)


def _unanswered(session: Session, job_id: int, kind: str, known: set[int]) -> list[Combined]:
    """Questions whose HITs are all closed without an answer that counts: a person must look."""
    asked = session.scalars(
        select(Task.item_id).where(Task.job_id == job_id, Task.kind == kind).distinct()
    )
    empty: dict[str, Any] = {"boxes": []} if kind == BOXES else {"tags": {}}
    return [
        Combined(item_id, empty, 0.0, None, 0, False, "none@1", {"voters": []})
        for item_id in sorted(set(asked) - known)
    ]


def _state(combined: Combined, sure_at: float, waiting: Iterable[int]) -> str:
    if combined.item_id in waiting:
        return "open"
    return "sure" if combined.complete and combined.confidence >= sure_at else "conflict"


def _store(
    session: Session,
    job_id: int,
    kind: str,
    found: Iterable[tuple[Combined, str, str]],
    now: datetime,
) -> int:
    """The number of rows that changed. A person's decision stays what it is."""
    rows = {
        row.item_id: row
        for row in session.scalars(
            select(Consensus).where(Consensus.job_id == job_id, Consensus.kind == kind)
        )
    }
    n_changed = 0
    for combined, state, answers_sha256 in found:
        row = rows.get(combined.item_id)
        fresh = {
            "method": combined.method,
            "value": combined.value,
            "confidence": round(combined.confidence, 6),
            "agreement": combined.agreement,
            "n_answers": combined.n_answers,
            "answers_sha256": answers_sha256,
            "provenance": combined.provenance,
        }
        if row is None:
            row = Consensus(job_id=job_id, kind=kind, item_id=combined.item_id, combined_at=now)
            session.add(row)
        elif all(getattr(row, name) == value for name, value in fresh.items()):
            row.state = row.state if row.state == ADJUDICATED else state
            continue
        for name, value in fresh.items():
            setattr(row, name, value)
        row.combined_at = now
        row.state = row.state if row.state == ADJUDICATED else state
        n_changed += 1
    return n_changed
