"""How right the final labels are where gold is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.current_labels import is_current
from jobs.tables import GoldAnswer, Label
from quality.boxes import match


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
        select(GoldAnswer.kind, Label.value, GoldAnswer.value)
        .join(Label, (Label.item_id == GoldAnswer.item_id) & (Label.kind == GoldAnswer.kind))
        .where(Label.job_id == job_id, is_current())
        .order_by(Label.item_id)
    ).all()
    boxes = [(label, gold) for kind, label, gold in rows if kind == "boxes"]
    tags = [(label, gold) for kind, label, gold in rows if kind == "tags"]
    return (*_box_accuracy(boxes), *_tag_accuracy(tags))


def corners(value: dict[str, Any]) -> tuple[NDArray[np.float64], list[str]]:
    """``xyxy`` (n, 4) and the n class names of a boxes value."""
    boxes = value.get("boxes", [])
    sides = [[box[side] for side in ("left", "top", "right", "bottom")] for box in boxes]
    return np.array(sides, dtype=float).reshape(-1, 4), [box["label"] for box in boxes]


def _box_accuracy(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> Iterable[GoldAccuracy]:
    right: dict[str, int] = defaultdict(int)
    n_labels: dict[str, int] = defaultdict(int)
    n_gold: dict[str, int] = defaultdict(int)
    overlaps: dict[str, list[float]] = defaultdict(list)
    for label, gold in pairs:
        found, found_names = corners(label)
        known, known_names = corners(gold)
        for name in sorted(set(found_names) | set(known_names)):
            mine = [i for i, other in enumerate(found_names) if other == name]
            theirs = [i for i, other in enumerate(known_names) if other == name]
            _, _, ious = match(found[mine], known[theirs], 0.5)
            right[name] += len(ious)
            n_labels[name] += len(mine)
            n_gold[name] += len(theirs)
            overlaps[name] += [float(iou) for iou in ious]
    if not pairs:
        return
    everything = [iou for group in overlaps.values() for iou in group]
    yield _f1("", sum(right.values()), sum(n_labels.values()), sum(n_gold.values()), everything)
    for name in sorted(n_gold):
        yield _f1(name, right[name], n_labels[name], n_gold[name], overlaps[name])


def _f1(name: str, right: int, n_labels: int, n_gold: int, ious: list[float]) -> GoldAccuracy:
    total = n_labels + n_gold
    value = 2 * right / total if total else 1.0
    return GoldAccuracy("boxes", name, value, n_gold, float(np.mean(ious)) if ious else None)


def _tag_accuracy(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> Iterable[GoldAccuracy]:
    right: dict[str, int] = defaultdict(int)
    n: dict[str, int] = defaultdict(int)
    for label, gold in pairs:
        for name, known in gold.get("tags", {}).items():
            if name in label.get("tags", {}):
                n[name] += 1
                right[name] += same_tag(label["tags"][name], known)
    if n:
        yield GoldAccuracy("tags", "", sum(right.values()) / sum(n.values()), sum(n.values()))
    for name in sorted(n):
        yield GoldAccuracy("tags", name, right[name] / n[name], n[name])


def same_tag(one: Any, other: Any) -> bool:
    """Whether two values of an attribute are equal; the order of many choices does not count."""
    if isinstance(one, list) and isinstance(other, list):
        return sorted(one) == sorted(other)
    return bool(one == other)
