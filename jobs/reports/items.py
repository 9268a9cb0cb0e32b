"""Items of a job by page, and one item with everything known of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.errors import NotFound
from jobs.reports.item_filters import ItemFilter as ItemFilter
from jobs.reports.item_filters import matching_items
from jobs.specs.job_specs import Policy
from jobs.tables import (
    Answer,
    Assignment,
    Consensus,
    GoldAnswer,
    Item,
    Job,
    Label,
    Task,
    Worker,
)


@dataclass(frozen=True)
class QuestionState:
    """Where one question about an item stands."""

    kind: str
    state: str
    value: dict[str, Any]
    confidence: float
    agreement: float | None
    n_answers: int
    method: str
    provenance: dict[str, Any]
    combined_at: datetime


@dataclass(frozen=True)
class ItemRow:
    """One tile of the grid."""

    item_id: int
    name: str
    blob_key: str
    width: int
    height: int
    questions: tuple[QuestionState, ...]


@dataclass(frozen=True)
class WorkerAnswer:
    """One answer as it is shown on the item page."""

    answer_id: int
    assignment_id: int
    worker_id: int
    provider: str
    worker: str
    kind: str
    value: dict[str, Any]
    seconds: float
    assignment_state: str
    is_repeat: bool
    created_at: datetime


@dataclass(frozen=True)
class LabelVersion:
    """One version of a label; the highest counts."""

    kind: str
    version: int
    value: dict[str, Any]
    confidence: float
    origin: str
    actor: str
    provenance: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class ItemView:
    """Everything the item page shows. ``gold`` maps a question kind to its known answer.

    ``sure_at`` is the confidence from which on the job takes an answer for the label.
    """

    item_id: int
    job_id: int
    name: str
    blob_key: str
    width: int
    height: int
    licence: str
    source: str
    attributes: dict[str, Any]
    answers: tuple[WorkerAnswer, ...]
    questions: tuple[QuestionState, ...]
    labels: tuple[LabelVersion, ...]
    gold: dict[str, dict[str, Any]]
    previous_id: int | None
    next_id: int | None
    sure_at: float = 0.0


def item_page(
    session: Session,
    job_id: int,
    *,
    after: int = 0,
    limit: int = 60,
    filters: ItemFilter | None = None,
) -> tuple[ItemRow, ...]:
    """Up to ``limit`` items of the job with id above ``after``, by id."""
    dataset_id, _ = _job(session, job_id)
    query = select(Item).where(Item.dataset_id == dataset_id, Item.id > after).limit(limit)
    if filters is not None and filters != ItemFilter():
        query = select(Item).where(
            Item.id.in_(matching_items(session, job_id, filters, after=after, limit=limit))
        )
    items = session.scalars(query.order_by(Item.id)).all()
    questions = _questions(session, job_id, [item.id for item in items])
    return tuple(
        ItemRow(
            item_id=item.id,
            name=item.name,
            blob_key=item.blob_key,
            width=item.width,
            height=item.height,
            questions=tuple(questions[item.id]),
        )
        for item in items
    )


def item_view(session: Session, job_id: int, item_id: int) -> ItemView:
    """One item of the job. NotFound when it is not in the job's dataset."""
    dataset_id, policy = _job(session, job_id)
    item = session.scalar(select(Item).where(Item.id == item_id, Item.dataset_id == dataset_id))
    if item is None:
        raise NotFound(f"item {item_id} is not in job {job_id}")
    beside = select(Item.id).where(Item.dataset_id == dataset_id).limit(1)
    gold = session.execute(
        select(GoldAnswer.kind, GoldAnswer.value).where(GoldAnswer.item_id == item_id)
    )
    return ItemView(
        item_id=item.id,
        job_id=job_id,
        name=item.name,
        blob_key=item.blob_key,
        width=item.width,
        height=item.height,
        licence=item.licence,
        source=item.source,
        attributes=item.attributes,
        answers=_answers(session, job_id, item_id),
        questions=tuple(_questions(session, job_id, [item_id])[item_id]),
        labels=_labels(session, job_id, item_id),
        gold=dict(gold.all()),
        previous_id=session.scalar(beside.where(Item.id < item_id).order_by(Item.id.desc())),
        next_id=session.scalar(beside.where(Item.id > item_id).order_by(Item.id)),
        sure_at=policy.quality.sure_at,
    )


def _job(session: Session, job_id: int) -> tuple[int, Policy]:
    """The job's dataset and policy. NotFound when there is no such job."""
    row = session.execute(select(Job.dataset_id, Job.policy).where(Job.id == job_id)).first()
    if row is None:
        raise NotFound(f"job {job_id} does not exist")
    return row[0], Policy.model_validate(row[1])


def _questions(
    session: Session, job_id: int, item_ids: list[int]
) -> dict[int, list[QuestionState]]:
    rows = session.scalars(
        select(Consensus)
        .where(Consensus.job_id == job_id, Consensus.item_id.in_(item_ids))
        .order_by(Consensus.item_id, Consensus.kind)
    )
    found: dict[int, list[QuestionState]] = defaultdict(list)
    for row in rows:
        found[row.item_id].append(
            QuestionState(
                kind=row.kind,
                state=row.state,
                value=row.value,
                confidence=row.confidence,
                agreement=row.agreement,
                n_answers=row.n_answers,
                method=row.method,
                provenance=row.provenance,
                combined_at=row.combined_at,
            )
        )
    return found


def _answers(session: Session, job_id: int, item_id: int) -> tuple[WorkerAnswer, ...]:
    rows = session.execute(
        select(Answer, Task, Worker, Assignment.state)
        .join(Task, Task.id == Answer.task_id)
        .join(Worker, Worker.id == Answer.worker_id)
        .join(Assignment, Assignment.id == Answer.assignment_id)
        .where(Task.job_id == job_id, Task.item_id == item_id)
        .order_by(Task.kind, Answer.id)
    )
    return tuple(
        WorkerAnswer(
            answer_id=answer.id,
            assignment_id=answer.assignment_id,
            worker_id=worker.id,
            provider=worker.provider,
            worker=worker.name or worker.provider_worker_id,
            kind=task.kind,
            value=answer.value,
            seconds=answer.seconds,
            assignment_state=state,
            is_repeat=task.repeat_of is not None,
            created_at=answer.created_at,
        )
        for answer, task, worker, state in rows
    )


def _labels(session: Session, job_id: int, item_id: int) -> tuple[LabelVersion, ...]:
    rows = session.scalars(
        select(Label)
        .where(Label.job_id == job_id, Label.item_id == item_id)
        .order_by(Label.kind, Label.version.desc())
    )
    return tuple(
        LabelVersion(
            kind=row.kind,
            version=row.version,
            value=row.value,
            confidence=row.confidence,
            origin=row.origin,
            actor=row.actor,
            provenance=row.provenance,
            created_at=row.created_at,
        )
        for row in rows
    )
