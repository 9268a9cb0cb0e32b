"""How right the final labels are where gold is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.records import BOXES
from jobs.tables import GoldResult


@dataclass(frozen=True)
class GoldAccuracy:
    """Labels against gold. Boxes: F1 at IoU 0.5, class and all; tags: share right.

    ``name`` is the box class or attribute ("" for all together); ``n`` counts gold boxes
    or gold answers compared, ``mean_iou`` is that of matched boxes (None for tags).
    """

    kind: str
    name: str
    value: float
    n: int
    mean_iou: float | None = None


def accuracy_against_gold(session: Session, job_id: int) -> tuple[GoldAccuracy, ...]:
    """The labels of settled questions compared with gold: all together, then by name."""
    rows = session.execute(
        select(
            GoldResult.kind,
            GoldResult.name,
            func.sum(GoldResult.n_right).label("n_right"),
            func.sum(GoldResult.n_labels).label("n_labels"),
            func.sum(GoldResult.n_gold).label("n_gold"),
            func.sum(GoldResult.iou_millionths).label("iou_millionths"),
        )
        .where(GoldResult.job_id == job_id)
        .group_by(GoldResult.kind, GoldResult.name)
        .order_by(GoldResult.kind, GoldResult.name)
    )
    return tuple(_f1(row) if row.kind == BOXES else _share(row) for row in rows if _says(row))


def _says(row: Any) -> bool:
    """Tags that no gold answer names say nothing; an empty image rightly empty does."""
    return bool(row.kind == BOXES or row.n_gold)


def _f1(row: Any) -> GoldAccuracy:
    total = int(row.n_labels + row.n_gold)
    value = 2 * int(row.n_right) / total if total else 1.0
    iou = int(row.iou_millionths) / 1_000_000 / int(row.n_right) if row.n_right else None
    return GoldAccuracy(row.kind, row.name, value, int(row.n_gold), iou)


def _share(row: Any) -> GoldAccuracy:
    return GoldAccuracy(row.kind, row.name, int(row.n_right) / int(row.n_gold), int(row.n_gold))
