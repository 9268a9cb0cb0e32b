"""The labels that a snapshot pins, read a page at a time, each page in a reading of its own.

Label versions never change, so it does not matter what happens between two pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.db import Sessions, reading
from jobs.errors import NotFound
from jobs.exporting.choices import Choices, from_body, keeps_value
from jobs.exporting.provenance import of_classes, pseudonyms, public_provenance
from jobs.formats import IMAGES, LabelRecord
from jobs.records import LabelSchema
from jobs.specs.label_schemas import load_schema
from jobs.tables import (
    Dataset,
    Export,
    ExportPage,
    Item,
    Job,
    Label,
    PseudonymKey,
    SchemaVersion,
)

Progress = Callable[[int, int], None]
_BETWEEN_IMAGES = 20  # records with an image to fetch, between two signs of life


@dataclass(frozen=True)
class Snapshot:
    """All that the bytes of an export depend on, beside the labels its pages name.

    ``sha256`` is that of the file when it was first written, "" before.
    """

    export_id: int
    job_name: str
    dataset: str
    schema: LabelSchema
    schema_version: int
    schema_sha256: str
    choices: Choices
    key: str
    n_labels: int
    n_pages: int
    sha256: str


def open_snapshot(session: Session, export_id: int) -> Snapshot:
    """The snapshot of an export that has one."""
    row = session.get_one(Export, export_id)
    job = session.get_one(Job, row.job_id)
    schema = session.get_one(SchemaVersion, job.schema_id)
    pages = select(func.count()).select_from(ExportPage).where(ExportPage.export_id == export_id)
    return Snapshot(
        export_id=export_id,
        job_name=job.name,
        dataset=session.get_one(Dataset, job.dataset_id).name,
        schema=load_schema(schema),
        schema_version=schema.version,
        schema_sha256=schema.sha256,
        choices=from_body(row.format, row.choices),
        key=session.get_one(PseudonymKey, row.job_id).key,
        n_labels=row.n_labels,
        n_pages=session.scalar(pages) or 0,
        sha256=row.sha256,
    )


def pinned_records(
    sessions: Sessions, snapshot: Snapshot, progress: Progress
) -> Iterator[LabelRecord]:
    """Every label of the snapshot in its order; ``progress`` hears how far the reading is.

    Raises:
        NotFound: when a label version is gone, which nothing in this house does.

    """
    n_done = 0
    has_images = IMAGES in snapshot.choices.included
    for number in range(snapshot.n_pages):
        progress(n_done, snapshot.n_labels)
        with reading(sessions) as session:
            records = _page(session, snapshot, number)
        for place, record in enumerate(records):
            if has_images and place and place % _BETWEEN_IMAGES == 0:
                progress(n_done + place, snapshot.n_labels)
            yield record
        n_done += len(records)


def _page(session: Session, snapshot: Snapshot, number: int) -> list[LabelRecord]:
    page = session.get_one(ExportPage, (snapshot.export_id, number))
    found = select(
        Label.id,
        Label.kind,
        Label.value,
        Label.confidence,
        Label.origin,
        Label.provenance,
        Item.name,
        Item.sha256,
        Item.width,
        Item.height,
        Item.licence,
        Item.source,
        Item.blob_key,
    ).join(Item, Item.id == Label.item_id)
    rows = {row.id: row for row in session.execute(found.where(Label.id.in_(page.label_ids)))}
    gone = next((label_id for label_id in page.label_ids if label_id not in rows), None)
    if gone is not None:
        raise NotFound(f"label {gone}: expected it to be kept for ever, but it is gone")
    names = pseudonyms(session, snapshot.key, (row.provenance for row in rows.values()))
    return [
        _record(rows[label_id], agreement, names, snapshot.choices)
        for label_id, agreement in zip(page.label_ids, page.agreements, strict=True)
    ]


def _record(
    row: Any, agreement: float | None, names: dict[int, str], choices: Choices
) -> LabelRecord:
    value = keeps_value(choices, row.kind, row.value)
    provenance = row.provenance
    if value is not row.value:
        provenance = of_classes(provenance, row.value, choices.filters.classes)
    return LabelRecord(
        item=row.name,
        sha256=row.sha256,
        width=row.width,
        height=row.height,
        licence=row.licence,
        source=row.source,
        kind=row.kind,
        value=value,
        confidence=row.confidence,
        agreement=agreement,
        origin=row.origin,
        provenance=public_provenance(provenance, names),
        suffix=row.blob_key.rpartition(".")[2],
        blob_key=row.blob_key,
    )
