"""How good the demo's labels are, measured on its exported files and hand-drawn answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import demo_steps
import numpy as np

from jobs.formats import LabelRecord, coco, csv_tags
from quality.boxes import match


@dataclass(frozen=True)
class Score:
    """``value`` is F1 at IoU 0.5 for boxes, the share right for tags, over ``n`` answers."""

    kind: str
    value: float
    n_items: int
    n: int
    mean_iou: float | None = None


def scores(coco_file: Path, tag_file: Path) -> tuple[Score, Score]:
    """Boxes and tags of the exports against the answers that were held back from the product."""
    boxes = [record for record in coco.read(coco_file).records if record.kind == "boxes"]
    labels = [*boxes, *csv_tags.read(tag_file).records]
    truth = {
        (record.item, record.kind): record.value
        for record in demo_steps.truth_records()
        if record.item not in demo_steps.GOLD
    }
    held_back = [record for record in labels if (record.item, record.kind) in truth]
    return (
        _boxes([one for one in held_back if one.kind == "boxes"], truth),
        _tags([one for one in held_back if one.kind == "tags"], truth),
    )


def _boxes(records: Iterable[LabelRecord], truth: Mapping[Any, Mapping[str, Any]]) -> Score:
    n_items = n_right = n_found = n_known = 0
    overlaps: list[float] = []
    for record in records:
        found, known = record.value["boxes"], truth[record.item, "boxes"]["boxes"]
        n_items, n_found, n_known = n_items + 1, n_found + len(found), n_known + len(known)
        for label in sorted({box["label"] for box in known}):
            _, _, ious = match(_corners(found, label), _corners(known, label), 0.5)
            n_right += len(ious)
            overlaps.extend(float(one) for one in ious)
    f1 = 2 * n_right / (n_found + n_known) if n_found + n_known else 1.0
    return Score("boxes", f1, n_items, n_known, float(np.mean(overlaps)) if overlaps else None)


def _tags(records: Iterable[LabelRecord], truth: Mapping[Any, Mapping[str, Any]]) -> Score:
    n_items = n = n_right = 0
    for record in records:
        known = truth[record.item, "tags"]["tags"]
        answers = {name: record.value["tags"].get(name) for name in known}
        n_items, n = n_items + 1, n + len(known)
        n_right += sum(_same(answers[name], known[name]) for name in known)
    return Score("tags", n_right / n if n else 0.0, n_items, n)


def _same(one: Any, other: Any) -> bool:
    return sorted(one) == sorted(other) if isinstance(other, list) else one == other


def _corners(boxes: Iterable[Mapping[str, Any]], label: str) -> np.ndarray:
    sides = ("left", "top", "right", "bottom")
    chosen = [[box[side] for side in sides] for box in boxes if box["label"] == label]
    return np.array(chosen, dtype=float).reshape(-1, 4)
