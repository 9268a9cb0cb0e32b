"""Two sets of boxes: how much they overlap, which belong together, how far they agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def iou_matrix(a: ArrayLike, b: ArrayLike) -> Floats:
    """Intersection over union of every pair: ``a`` (n, 4), ``b`` (m, 4) -> (n, m) in [0, 1].

    Boxes are left, top, right, bottom. Boxes that do not overlap give 0, and so do boxes
    without area. No boxes on a side gives an empty matrix.
    """
    first, second = as_boxes(a), as_boxes(b)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    # Clamped before the product: two negative overlaps must not make a positive area.
    shared = np.clip(high - low, 0.0, None).prod(axis=2)
    union = _areas(first)[:, None] + _areas(second)[None, :] - shared
    ious: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ious


def match(a: ArrayLike, b: ArrayLike, threshold: float = 0.5) -> tuple[Ints, Ints, Floats]:
    """The best one-to-one pairs of ``a`` (n, 4) and ``b`` (m, 4): indices of both and their IoU.

    Most pairs with IoU >= ``threshold`` first, then the largest sum of IoU (Hungarian
    method). Pairs come sorted by the index in ``a``; boxes without a partner are left out.
    """
    return _match_ious(iou_matrix(a, b), threshold)


def box_f1(
    a: ArrayLike,
    b: ArrayLike,
    labels_a: ArrayLike | None = None,
    labels_b: ArrayLike | None = None,
    threshold: float = 0.5,
) -> float:
    """F1 in [0, 1] of two box sets under optimal matching at IoU ``threshold``.

    With labels only boxes of the same label may pair. Two empty sets agree fully: 1.0;
    an empty set against boxes: 0.0. Symmetric in ``a`` and ``b``.

    Raises:
        ValueError: when only one side has labels, or lengths differ.

    """
    ious = _same_label_ious(as_boxes(a), as_boxes(b), labels_a, labels_b)
    n_all = sum(ious.shape)
    if n_all == 0:
        return 1.0
    return 2.0 * len(_match_ious(ious, threshold)[0]) / n_all


def as_boxes(values: ArrayLike) -> Floats:
    """``values`` as float (n, 4), also when empty; ValueError for any other shape."""
    boxes = np.asarray(values, dtype=np.float64)
    if boxes.size == 0:
        return np.zeros((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes: expected shape (n, 4), got {boxes.shape}")
    return boxes


def _areas(boxes: Floats) -> Floats:
    areas: Floats = np.clip(boxes[:, 2:] - boxes[:, :2], 0.0, None).prod(axis=1)
    return areas


def _match_ious(ious: Floats, threshold: float) -> tuple[Ints, Ints, Floats]:
    allowed = (ious >= threshold) & (ious > 0)
    # One more pair outweighs any sum of IoU, which stays below min(n, m) + 1.
    worth = np.where(allowed, min(ious.shape) + 1.0 + ious, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    kept = allowed[rows, columns]
    rows, columns = rows[kept], columns[kept]
    return rows.astype(np.int64), columns.astype(np.int64), ious[rows, columns]


def _same_label_ious(
    a: Floats, b: Floats, labels_a: ArrayLike | None, labels_b: ArrayLike | None
) -> Floats:
    ious = iou_matrix(a, b)
    if labels_a is None and labels_b is None:
        return ious
    if labels_a is None or labels_b is None:
        raise ValueError("labels: expected for both sets of boxes or for neither")
    first, second = np.asarray(labels_a).ravel(), np.asarray(labels_b).ravel()
    if (len(first), len(second)) != ious.shape:
        raise ValueError(f"labels: expected lengths {ious.shape}, got {len(first), len(second)}")
    return np.where(first[:, None] == second[None, :], ious, 0.0)


@dataclass(frozen=True)
class Stitched:
    """Boxes of a whole image after the tiles were joined.

    ``xyxy`` (m, 4), ``label`` (m,), ``score`` (m,) the best of the parts (NaN if none has
    one); ``source`` (n,) gives for each box that came in the row it became.
    """

    xyxy: Floats
    label: Ints
    score: Floats
    source: Ints


def stitch(
    xyxy: ArrayLike,
    label: ArrayLike,
    score: ArrayLike | None,
    tile: ArrayLike,
    threshold: float = 0.5,
) -> Stitched:
    """One box an object, from boxes drawn on overlapping tiles of one image.

    ``xyxy`` (n, 4) and ``tile`` (n, 4), the rectangle of the tile each box was drawn in, are
    both in pixels of the whole image. Two boxes of neighbouring tiles are one object when
    they have the same label and agree, IoU >= ``threshold``, on the area both tiles show.
    Tiles that only touch are compared along the seam. An object takes at most one box a tile.
    A side is the mean of those parts whose tile did not cut it there, else the outermost.
    """
    boxes, tiles = as_boxes(xyxy), as_boxes(tile)
    labels = np.asarray(label, dtype=np.int64).ravel()
    scores = np.full(len(boxes), np.nan) if score is None else np.asarray(score, dtype=np.float64)
    if not len(boxes) == len(tiles) == len(labels) == len(scores):
        raise ValueError("stitch: expected xyxy, label, score and tile of one length")
    groups = _groups(boxes, labels, tiles, threshold)
    order = {root: row for row, root in enumerate(dict.fromkeys(groups))}
    source = np.array([order[root] for root in groups], dtype=np.int64)
    merged = np.zeros((len(order), 4))
    best = np.full(len(order), np.nan)
    names = np.zeros(len(order), dtype=np.int64)
    for row in range(len(order)):
        parts = np.flatnonzero(source == row)
        merged[row] = _joined(boxes[parts], tiles[parts])
        names[row] = labels[parts[0]]
        best[row] = np.fmax.reduce(scores[parts])
    return Stitched(merged, names, best, source)


def _groups(boxes: Floats, labels: Ints, tiles: Floats, threshold: float) -> list[int]:
    """The root of each box's group: best agreeing pairs first, one box a tile in a group."""
    pairs = [
        (agreed, i, j)
        for i in range(len(boxes))
        for j in range(i + 1, len(boxes))
        if labels[i] == labels[j] and not np.array_equal(tiles[i], tiles[j])
        if (agreed := _seam_agreement(boxes[i], boxes[j], tiles[i], tiles[j])) >= threshold
    ]
    root = list(range(len(boxes)))
    members = {i: {tuple(tiles[i])} for i in root}
    for _, i, j in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        keep, gone = sorted((root[i], root[j]))
        if keep == gone or members[keep] & members[gone]:
            continue
        members[keep] |= members.pop(gone)
        root = [keep if r == gone else r for r in root]
    return root


def _seam_agreement(a: Floats, b: Floats, tile_a: Floats, tile_b: Floats) -> float:
    """IoU of two boxes on the area both tiles show; along the seam where tiles only touch."""
    low = np.maximum(tile_a[:2], tile_b[:2])
    high = np.minimum(tile_a[2:], tile_b[2:])
    if (high < low).any():
        return 0.0
    if (high > low).all():
        shown = np.concatenate([low, high])
        return float(iou_matrix(_clipped(a, shown)[None], _clipped(b, shown)[None])[0, 0])
    return _touching_agreement(a, b, int(np.argmin(high - low)), low)


def _touching_agreement(a: Floats, b: Floats, axis: int, seam: Floats) -> float:
    """One-dimensional IoU along a seam, 0 unless both boxes reach it (within 2 % of the side)."""
    other = 1 - axis
    if min(abs(side - seam[axis]) for side in (a[axis], a[axis + 2])) > 0.02 * (
        a[axis + 2] - a[axis]
    ):
        return 0.0
    if min(abs(side - seam[axis]) for side in (b[axis], b[axis + 2])) > 0.02 * (
        b[axis + 2] - b[axis]
    ):
        return 0.0
    shared = min(a[other + 2], b[other + 2]) - max(a[other], b[other])
    union = max(a[other + 2], b[other + 2]) - min(a[other], b[other])
    return max(0.0, float(shared / union)) if union > 0 else 0.0


def _clipped(box: Floats, area: Floats) -> Floats:
    low, high = np.maximum(box[:2], area[:2]), np.minimum(box[2:], area[2:])
    return np.concatenate([low, np.maximum(low, high)])


def _joined(boxes: Floats, tiles: Floats) -> Floats:
    """One box from the parts of an object; a side on its tile's border may have been cut."""
    slack = 0.01 * np.tile(tiles[:, 2:] - tiles[:, :2], 2)
    cut = np.abs(boxes - tiles) <= slack
    outer = np.where([True, True, False, False], boxes.min(axis=0), boxes.max(axis=0))
    seen = (~cut).sum(axis=0)
    mean = np.where(cut, 0.0, boxes).sum(axis=0) / np.maximum(seen, 1)
    joined: Floats = np.where(seen > 0, mean, outer)
    return joined
