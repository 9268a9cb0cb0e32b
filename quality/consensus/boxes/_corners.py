"""Where an object is: bias-corrected, precision-weighted corners and each worker's noise.

A side x drawn by worker w on an object with side t and extent L (width for left and right,
height for top and bottom) is modelled as

    x = t + bias[w] * L + spread[w] * L ** growth * e,   e ~ Student t with 4 degrees,

so one wild side does not move the object. Biases are relative to the crowd: what all share
cannot be told from the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quality.consensus.shapes import Floats, Ints

_DEGREES = 4.0
_GROWTH = 0.35  # noise of real workers grows with about this power of the side
_GROWTH_WEIGHT = 50.0
_BIAS_SD = 0.04
_BASE_SPREAD = 1.7
_PRIOR_SIDES = 8.0


@dataclass(frozen=True)
class Drawers:
    """Habits of the hand: ``bias`` (w, 4) per extent, ``spread`` (w, 4) at extent 1 pixel."""

    bias: Floats
    spread: Floats
    growth: float


@dataclass(frozen=True)
class Corners:
    """Objects' sides ``xyxy`` (m, 4), their ``precision`` (m, 4) and each box's ``weight`` (n, 4)."""

    xyxy: Floats
    precision: Floats
    weight: Floats


def first_drawers(n_workers: int) -> Drawers:
    """Everyone alike, with the noise of the average real worker."""
    return Drawers(np.zeros((n_workers, 4)), np.full((n_workers, 4), _BASE_SPREAD), _GROWTH)


def median_boxes(cluster: Ints, xyxy: Floats, n: int) -> Floats:
    """The side-wise median box (n, 4) of each cluster (mean of the middle two if even)."""
    count = np.bincount(cluster, minlength=n)
    first = np.cumsum(count) - count
    result = np.empty((n, 4))
    low, high = first + (count - 1) // 2, first + count // 2
    for side in range(4):
        value = xyxy[:, side]
        ordered = value[np.lexsort((value, cluster))]
        result[:, side] = 0.5 * (ordered[low] + ordered[high])
    return result


def place(cluster: Ints, worker: Ints, xyxy: Floats, current: Floats, drawers: Drawers) -> Corners:
    """The corners one reweighting step on from ``current`` (m, 4)."""
    n = len(current)
    extent = extents(current)[cluster]
    noise = drawers.spread[worker] * extent**drawers.growth
    corrected = xyxy - drawers.bias[worker] * extent
    z = (corrected - current[cluster]) / noise
    weight = (_DEGREES + 1) / (_DEGREES + z * z) / (noise * noise)
    precision = sums(cluster, weight, n)
    boxes = sums(cluster, weight * corrected, n) / precision
    # A box turned inside out by extreme bias falls back to where it was.
    bad = (boxes[:, 2:] <= boxes[:, :2]).any(axis=1)
    boxes[bad] = current[bad]
    return Corners(boxes, precision, weight)


def learn(
    cluster: Ints, worker: Ints, xyxy: Floats, corners: Corners, belief: Floats, drawers: Drawers
) -> Drawers:
    """Each worker's bias and spread given the corners, shrunk to the crowd.

    ``belief`` (n,) is how far each box counts. A box is held against the corners without
    its own vote: the leverage is taken out of its residual.
    """
    n_workers = len(drawers.bias)
    extent = extents(corners.xyxy)[cluster]
    free = 1.0 - np.minimum(corners.weight / corners.precision[cluster], 1.0)
    known = free > 0.02
    free = np.where(known, free, 1.0)
    counts = belief[:, None] * known
    scale = extent**drawers.growth
    off = (xyxy - corners.xyxy[cluster]) / free
    steady = corners.weight * free * counts * extent * extent
    relative = off + drawers.bias[worker] * extent * (1 - 1 / free)
    bias = sums(worker, steady * relative / extent, n_workers)
    bias = bias / (sums(worker, steady, n_workers) + _BIAS_SD**-2)
    left = (xyxy - corners.xyxy[cluster] - drawers.bias[worker] * extent) / scale
    noise = drawers.spread[worker]
    tail = corners.weight * (noise * scale) ** 2
    squares = np.minimum(tail, (_DEGREES + 1) / _DEGREES) * left * left / free * counts
    spread = _shrunk_spread(sums(worker, squares, n_workers), sums(worker, counts, n_workers))
    growth = _growth(left, scale, extent, counts, noise, drawers.growth)
    return Drawers(bias, spread, growth)


def _shrunk_spread(squares: Floats, counts: Floats) -> Floats:
    """Per worker and side: towards the worker's own level, and that towards the crowd's."""
    prior = np.full(4, _BASE_SPREAD**2)
    crowd = (squares.sum(axis=0) + _PRIOR_SIDES * prior) / (counts.sum(axis=0) + _PRIOR_SIDES)
    ratio = (squares / crowd).sum(axis=1) + _PRIOR_SIDES
    level = ratio / (counts.sum(axis=1) + _PRIOR_SIDES)
    expected = level[:, None] * crowd
    spread: Floats = np.sqrt((squares + _PRIOR_SIDES * expected) / (counts + _PRIOR_SIDES))
    return np.maximum(spread, 1e-3)


def _growth(
    left: Floats, scale: Floats, extent: Floats, counts: Floats, noise: Floats, growth: float
) -> float:
    """The power of the extent with which noise grows: slope of log |residual|, shrunk."""
    sample = slice(None, None, max(1, len(left) // 20_000))
    weight = counts[sample].ravel()
    x = np.log(np.maximum(extent[sample], 1.0)).ravel()
    size = np.abs(left[sample] * scale[sample] / noise[sample]).ravel()
    y = np.log(np.maximum(size, 0.05))
    total = weight.sum()
    if total <= 0:
        return growth
    x_off = x - (weight * x).sum() / total
    y_off = y - (weight * y).sum() / total
    slope = ((weight * x_off * y_off).sum() + _GROWTH_WEIGHT * _GROWTH) / (
        (weight * x_off * x_off).sum() + _GROWTH_WEIGHT
    )
    return float(np.clip(slope, 0.0, 1.0))


def extents(xyxy: Floats) -> Floats:
    """Width, height, width, height (m, 4), at least one pixel."""
    sides = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 1.0)
    return np.concatenate([sides, sides], axis=1)


def sums(group: Ints, values: Floats, n: int) -> Floats:
    """Column sums (n, 4) of ``values`` (rows, 4) by group."""
    columns = [np.bincount(group, weights=values[:, k], minlength=n) for k in range(4)]
    return np.stack(columns, axis=1).reshape(n, 4)
