"""Objects of overlapping tiles joined into objects of the item. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from quality.boxes import stitch

Tiles = Mapping[int, tuple[float, float, float, float]]
_SIDES = ("left", "top", "right", "bottom")


def stitched(
    believed: Sequence[tuple[int, dict[str, Any]]], classes: Sequence[str], tiles: Tiles
) -> list[dict[str, Any]]:
    """The item's objects from (unit, object) pairs; the surest part speaks for the whole."""
    if not believed:
        return []
    xyxy = np.array([[found["box"][side] for side in _SIDES] for _, found in believed], float)
    label = np.array([list(classes).index(found["box"]["label"]) for _, found in believed])
    score = np.array([found["confidence"] for _, found in believed])
    tile = np.array([tiles[unit] for unit, _ in believed], float)
    joined = stitch(xyxy, label, score, tile)
    whole: list[dict[str, Any]] = []
    for row in range(len(joined.xyxy)):
        parts = [believed[index][1] for index in np.flatnonzero(joined.source == row).tolist()]
        sides = dict(zip(_SIDES, (round(float(x), 2) for x in joined.xyxy[row]), strict=True))
        best = max(parts, key=lambda part: part["confidence"])
        answers = sorted({answer for part in parts for answer in part["answers"]})
        whole.append({**best, "box": {"label": best["box"]["label"], **sides}, "answers": answers})
    return whole
