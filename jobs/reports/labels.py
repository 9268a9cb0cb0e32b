"""Final labels by page: what an export holds, for programs that read it piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.combining.current_labels import is_current
from jobs.errors import NotFound
from jobs.tables import Item, Job, Label


@dataclass(frozen=True)
class LabelRow:
    """The newest version of one label."""

    id: int
    item_id: int
    item: str
    kind: str
    version: int
    value: dict[str, Any]
    confidence: float
    origin: str
    actor: str
    provenance: dict[str, Any]
    created_at: datetime


def label_page(
    session: Session, job_id: int, *, after: int = 0, limit: int = 100
) -> tuple[LabelRow, ...]:
    """Up to ``limit`` newest labels with id above ``after``, by id.

    A label that gets a new version leaves its place and comes again at the end, so a
    reader who goes on from its last id misses nothing. NotFound when there is no such job.
    """
    if session.get(Job, job_id) is None:
        raise NotFound(f"job {job_id} does not exist")
    rows = session.execute(
        select(Label, Item.name)
        .join(Item, Item.id == Label.item_id)
        .where(Label.job_id == job_id, Label.id > after, is_current())
        .order_by(Label.id)
        .limit(limit)
    )
    return tuple(
        LabelRow(
            id=label.id,
            item_id=label.item_id,
            item=item,
            kind=label.kind,
            version=label.version,
            value=label.value,
            confidence=label.confidence,
            origin=label.origin,
            actor=label.actor,
            provenance=label.provenance,
            created_at=label.created_at,
        )
        for label, item in rows
    )
