"""One answer compared with another of the same question. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quality.boxes import match


@dataclass
class Match:
    """How one label fares by one name: what was right, labelled and known."""

    n_right: int = 0
    n_labels: int = 0
    n_gold: int = 0
    ious: list[float] = field(default_factory=list)


def match_boxes(label: dict[str, Any], gold: dict[str, Any]) -> dict[str, Match]:
    """Boxes of each class matched one to one at IoU 0.5."""
    found, found_names = corners(label)
    known, known_names = corners(gold)
    by_name: dict[str, Match] = {}
    for name in sorted(set(found_names) | set(known_names)):
        mine = [i for i, other in enumerate(found_names) if other == name]
        theirs = [i for i, other in enumerate(known_names) if other == name]
        _, _, ious = match(found[mine], known[theirs], 0.5)
        by_name[name] = Match(len(ious), len(mine), len(theirs), [float(iou) for iou in ious])
    return by_name


def match_tags(label: dict[str, Any], gold: dict[str, Any]) -> dict[str, Match]:
    """Attributes that both know, right or not."""
    by_name: dict[str, Match] = defaultdict(Match)
    for name, known in gold.get("tags", {}).items():
        if name in label.get("tags", {}):
            right = int(same_tag(label["tags"][name], known))
            by_name[name] = Match(right, 1, 1)
    return dict(by_name)


def corners(value: dict[str, Any]) -> tuple[NDArray[np.float64], list[str]]:
    """``xyxy`` (n, 4) and the n class names of a boxes value."""
    boxes = value.get("boxes", [])
    sides = [[box[side] for side in ("left", "top", "right", "bottom")] for box in boxes]
    return np.array(sides, dtype=float).reshape(-1, 4), [box["label"] for box in boxes]


def same_tag(one: Any, other: Any) -> bool:
    """Whether two values of an attribute are equal; the order of many choices does not count."""
    if isinstance(one, list) and isinstance(other, list):
        return sorted(one) == sorted(other)
    return bool(one == other)
