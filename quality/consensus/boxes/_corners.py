"""Where an object is: bias-corrected, precision-weighted corners and each worker's noise.

A side x drawn by worker w on an object with side t and extent L (width for left and right,
height for top and bottom) is modelled as

    x = t + bias[w] * L + (margin[w] + spread[w] * e) * L ** growth,   e ~ Student t, 6 degrees,

so one wild side does not move the object. What all share cannot be told from the truth:
the steadiest workers are taken to have no bias, for precise boxes are also the tight ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quality.consensus.boxes._blocks import Block
from quality.consensus.boxes._result import weighted
from quality.consensus.shapes import Floats, Ints

_DEGREES = 6.0
_GROWTH = 0.35  # noise of real workers grows with about this power of the side
_GROWTH_WEIGHT = 50.0
_BIAS_SD, _MARGIN_SD = 0.04, 0.5
_BASE_SPREAD = 1.7
_PRIOR_SIDES = 8.0
_GAUGE_SIDES = 20.0
_GAUGE_POWER = 4
_MOST_STEADY = 3.0  # times steadier than the crowd, nobody is believed to be more
_SAMPLE = 20_000
_LEAST_FREE = 0.02
# Two workers, each held against the other alone, would swap their biases for ever.
_STEP = 2 / 3


@dataclass(frozen=True)
class Drawers:
    """Habits of the hand (w, 4): ``bias`` per extent, ``margin`` and ``spread`` at 1 pixel."""

    bias: Floats
    margin: Floats
    spread: Floats
    growth: float


@dataclass(frozen=True)
class Corners:
    """Objects' sides ``xyxy`` (m, 4) and their ``precision`` (m, 4).

    Of each box (n, 4): its ``weight`` in them and its ``corrected`` sides.
    """

    xyxy: Floats
    precision: Floats
    weight: Floats
    corrected: Floats


def first_drawers(n_workers: int) -> Drawers:
    """Everyone alike, with the noise of the average real worker."""
    none = np.zeros((n_workers, 4))
    return Drawers(none, none, np.full((n_workers, 4), _BASE_SPREAD), _GROWTH)


def place(block: Block, current: Floats, drawers: Drawers) -> Corners:
    """The corners one reweighting step on from ``current`` (m, 4)."""
    n = len(current)
    extent = extents(current)[block.cluster]
    noise = drawers.spread[block.worker] * extent**drawers.growth
    corrected = straight(block.worker, block.xyxy, extent, drawers)
    z = (corrected - current[block.cluster]) / noise
    weight = (_DEGREES + 1) / (_DEGREES + z * z) / (noise * noise) * block.part[:, None]
    precision = sums(block.cluster, weight, n)
    boxes = sums(block.cluster, weight * corrected, n) / precision
    # A box turned inside out by extreme bias falls back to where it was.
    bad = (boxes[:, 2:] <= boxes[:, :2]).any(axis=1)
    boxes[bad] = current[bad]
    return Corners(boxes, precision, weight, corrected)


def gather(block: Block, corners: Corners, belief: Floats, drawers: Drawers) -> list[Floats]:
    """The sums the next drawers are learned from: (7, w, 4) by worker and (5,) for the growth.

    ``belief`` (m,) is how far each object counts. A box is held against the corners without
    its own voice: the leverage, its copies' too, is taken out of its residual.
    """
    n_workers, owner = len(drawers.bias), block.cluster
    extent = extents(corners.xyxy)[owner]
    scale = extent**drawers.growth
    free = 1.0 - leverage(block, corners)
    known = free > _LEAST_FREE
    free = np.where(known, free, 1.0)
    counts = (belief[owner] * block.part)[:, None] * known
    off = corners.corrected - corners.xyxy[owner]
    whole = off / free + block.xyxy - corners.corrected
    alone = corners.weight / block.part[:, None]
    weight = alone * free * counts
    noise = drawers.spread[block.worker]
    tail = np.minimum(alone * (noise * scale) ** 2, (_DEGREES + 1) / _DEGREES)
    columns = (
        weight * extent * extent,
        weight * scale * scale,
        weight * extent * scale,
        weight * extent * whole,
        weight * scale * whole,
        counts,
        tail * (off / scale) ** 2 / free * counts,
    )
    by_worker = np.stack([sums(block.worker, values, n_workers) for values in columns])
    return [by_worker, _growth_sums(extent, np.abs(off / noise), counts)]


def leverage(block: Block, corners: Corners) -> Floats:
    """The part (n, 4) that each box and its copies have in the corners of their object."""
    voice = corners.weight / block.part[:, None]
    part: Floats = np.minimum(voice / corners.precision[block.cluster], 1.0)
    return part


def learn(totals: list[Floats], drawers: Drawers) -> Drawers:
    """Each worker's bias, margin and spread, shrunk to the crowd."""
    *slopes, counts, squares = totals[0]
    bias, margin = _two_slopes(*slopes)
    steadiness = drawers.spread.mean(axis=1, keepdims=True) ** -_GAUGE_POWER
    trust = counts / (counts + _GAUGE_SIDES) * steadiness
    bias = drawers.bias + _STEP * (bias - drawers.bias)
    margin = drawers.margin + _STEP * (margin - drawers.margin)
    growth = _growth(totals[1])
    # Noise at the usual extent stays what it is when its growth with the extent changes.
    usual = totals[1][1] / max(float(totals[1][0]), 1e-12)
    rescaled = float(np.exp(usual * (drawers.growth - growth)))
    return Drawers(
        bias=bias - _gauge(bias, trust),
        margin=(margin - _gauge(margin, trust)) * rescaled,
        spread=_shrunk_spread(squares, counts) * rescaled,
        growth=growth,
    )


def _two_slopes(
    extents2: Floats, scales2: Floats, cross: Floats, with_extent: Floats, with_scale: Floats
) -> tuple[Floats, Floats]:
    """Ridge regression of each worker's residuals on the extent and on the noise scale."""
    first, second = extents2 + _BIAS_SD**-2, scales2 + _MARGIN_SD**-2
    determinant = first * second - cross * cross
    bias = (second * with_extent - cross * with_scale) / determinant
    margin = (first * with_scale - cross * with_extent) / determinant
    return bias, margin


def _gauge(values: Floats, trust: Floats) -> Floats:
    """What the crowd shares: the mean (4,) in which steady hands count most."""
    middle: Floats = (trust * values).sum(axis=0) / np.maximum(trust.sum(axis=0), 1e-12)
    return middle


def _shrunk_spread(squares: Floats, counts: Floats) -> Floats:
    """Per worker and side: towards the worker's own level, and that towards the crowd's."""
    prior = np.full(4, _BASE_SPREAD**2)
    crowd = (squares.sum(axis=0) + _PRIOR_SIDES * prior) / (counts.sum(axis=0) + _PRIOR_SIDES)
    ratio = (squares / crowd).sum(axis=1) + _PRIOR_SIDES
    level = ratio / (counts.sum(axis=1) + _PRIOR_SIDES)
    expected = level[:, None] * crowd
    spread: Floats = np.sqrt((squares + _PRIOR_SIDES * expected) / (counts + _PRIOR_SIDES))
    # Copied boxes would look perfectly precise, and the copies would rule the corners.
    steadiest: Floats = np.maximum(np.sqrt(crowd) / _MOST_STEADY, 1e-3)
    return np.maximum(spread, steadiest)


def _growth_sums(extent: Floats, off: Floats, counts: Floats) -> Floats:
    sample = slice(None, None, max(1, len(off) // _SAMPLE))
    weight = counts[sample].ravel()
    x = np.log(extent[sample]).ravel()
    y = np.log(np.maximum(off[sample], 0.05)).ravel()
    moments = (weight, weight * x, weight * y, weight * x * x, weight * x * y)
    return np.array([moment.sum() for moment in moments])


def _growth(moments: Floats) -> float:
    """The power of the extent with which noise grows: slope of log residuals, shrunk."""
    total, x, y, x2, xy = (float(moment) for moment in moments)
    if total <= 0:
        return _GROWTH
    slope = (xy - x * y / total + _GROWTH_WEIGHT * _GROWTH) / (x2 - x * x / total + _GROWTH_WEIGHT)
    return min(max(slope, 0.0), 1.0)


def straight(worker: Ints, xyxy: Floats, extent: Floats, drawers: Drawers) -> Floats:
    """``xyxy`` (n, 4) without what their workers habitually add."""
    added = drawers.bias[worker] * extent + drawers.margin[worker] * extent**drawers.growth
    return xyxy - added


def extents(xyxy: Floats) -> Floats:
    """Width, height, width, height (m, 4), at least one pixel."""
    sides = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 1.0)
    return np.concatenate([sides, sides], axis=1)


def sums(group: Ints, values: Floats, n: int) -> Floats:
    """Column sums (n, 4) of ``values`` (rows, 4) by group."""
    key = (group[:, None] * 4 + np.arange(4)).ravel()
    return weighted(key, values.ravel(), 4 * n).reshape(n, 4)
