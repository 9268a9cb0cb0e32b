"""What there is to label, and what can be asked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.combining import tallies
from jobs.errors import NotFound
from jobs.records import LabelSchema
from jobs.specs.label_schemas import load_schema
from jobs.tables import Dataset, Intake, Item, Job, SchemaVersion

N_SAMPLES = 8


@dataclass(frozen=True)
class DatasetSummary:
    """One dataset; ``samples`` are blob keys of its first images."""

    id: int
    name: str
    n_items: int
    n_refused: int
    n_gold: int
    created_at: datetime
    samples: tuple[str, ...]


@dataclass(frozen=True)
class DatasetItem:
    """One image of a dataset."""

    id: int
    name: str
    blob_key: str
    width: int
    height: int
    licence: str


@dataclass(frozen=True)
class SchemaRow:
    """One version of a label schema, with its body as it was written."""

    id: int
    name: str
    version: int
    body: dict[str, Any]
    created_at: datetime


def dataset_list(session: Session) -> tuple[DatasetSummary, ...]:
    """Every dataset, newest first; a fixed number of queries."""
    datasets = session.scalars(select(Dataset).order_by(Dataset.id.desc())).all()
    return _summaries(session, datasets)


def dataset_summary(session: Session, dataset_id: int) -> DatasetSummary:
    """One dataset. NotFound when there is none."""
    row = session.get(Dataset, dataset_id)
    if row is None:
        raise NotFound(f"dataset {dataset_id} does not exist")
    return _summaries(session, [row])[0]


def dataset_items(
    session: Session, dataset_id: int, *, after: int = 0, limit: int = 60
) -> tuple[DatasetItem, ...]:
    """Up to ``limit`` images with id above ``after``."""
    rows = session.scalars(
        select(Item)
        .where(Item.dataset_id == dataset_id, Item.id > after)
        .order_by(Item.id)
        .limit(limit)
    )
    return tuple(
        DatasetItem(row.id, row.name, row.blob_key, row.width, row.height, row.licence)
        for row in rows
    )


def schema_list(session: Session) -> tuple[SchemaRow, ...]:
    """The newest version of each label schema, by name."""
    newest = (
        select(SchemaVersion.name, func.max(SchemaVersion.version).label("version"))
        .group_by(SchemaVersion.name)
        .subquery()
    )
    rows = session.scalars(
        select(SchemaVersion)
        .join(
            newest,
            (newest.c.name == SchemaVersion.name) & (newest.c.version == SchemaVersion.version),
        )
        .order_by(SchemaVersion.name)
    )
    return tuple(_schema(row) for row in rows)


def schema_row(session: Session, schema_id: int) -> SchemaRow:
    """One version of a schema. NotFound when there is none."""
    row = session.get(SchemaVersion, schema_id)
    if row is None:
        raise NotFound(f"label schema {schema_id} does not exist")
    return _schema(row)


def job_schema(session: Session, job_id: int) -> LabelSchema:
    """The version of the label schema that the job pins. NotFound when there is no job."""
    row = session.scalar(
        select(SchemaVersion).join(Job, Job.schema_id == SchemaVersion.id).where(Job.id == job_id)
    )
    if row is None:
        raise NotFound(f"job {job_id} does not exist")
    return load_schema(row)


def job_material(session: Session, job_id: int) -> tuple[DatasetSummary, SchemaRow]:
    """The dataset a job labels and the version of the question it asks."""
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"job {job_id} does not exist")
    return dataset_summary(session, job.dataset_id), schema_row(session, job.schema_id)


def _summaries(session: Session, datasets: Any) -> tuple[DatasetSummary, ...]:
    ids = [row.id for row in datasets]
    counts = tallies.read(session, ids, "items", "gold")
    n_refused = session.execute(
        select(Intake.dataset_id, func.sum(Intake.n_refused))
        .where(Intake.dataset_id.in_(ids))
        .group_by(Intake.dataset_id)
    )
    refused = dict(n_refused.all())
    samples = _samples(session, ids)
    return tuple(
        DatasetSummary(
            id=row.id,
            name=row.name,
            n_items=counts[row.id].total("items"),
            n_refused=int(refused.get(row.id, 0) or 0),
            n_gold=counts[row.id].total("gold"),
            created_at=row.created_at,
            samples=tuple(samples[row.id]),
        )
        for row in datasets
    )


def _samples(session: Session, dataset_ids: list[int]) -> dict[int, list[str]]:
    """First images by dataset: one indexed look a dataset, joined into one statement."""
    found: dict[int, list[str]] = defaultdict(list)
    if not dataset_ids:
        return found
    looks = [
        select(
            select(Item.dataset_id, Item.blob_key)
            .where(Item.dataset_id == dataset_id)
            .order_by(Item.id)
            .limit(N_SAMPLES)
            .subquery()
        )
        for dataset_id in dataset_ids[:100]
    ]
    statement = looks[0].union_all(*looks[1:]) if len(looks) > 1 else looks[0]
    for dataset_id, key in session.execute(statement):
        found[dataset_id].append(key)
    return found


def _schema(row: SchemaVersion) -> SchemaRow:
    return SchemaRow(row.id, row.name, row.version, row.body, row.created_at)
