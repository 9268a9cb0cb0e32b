"""What it tells that an object overlaps one that is believed in.

Stray copies of an object, and false boxes in a dense scene, overlap real objects more often
than real objects overlap each other. How much more differs from crowd to crowd and from scene
to scene, so the odds are learned: for each band of overlap, the share of the real objects in it
against the share of the false. How real objects lie is taken from those the votes leave no doubt
about: among the doubtful, strays that two workers happen to share look as real as any.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from quality.consensus.boxes._clusters import touching
from quality.consensus.boxes._threads import over
from quality.consensus.boxes._tidy import blocks
from quality.consensus.shapes import Floats, Ints

_BANDS = np.array([0.02, 0.1, 0.2, 0.3, 0.4])
_PRIOR = 10.0
_ROUNDS = 3
_MOST = 2.0
_SURELY = 4  # the power of the belief with which an object tells how real ones lie

Pairs = tuple[Ints, Ints, Floats]


def neighbours(item: Ints, xyxy: Floats) -> Pairs:
    """Objects a, b (k,) of one item that overlap, and their IoU; ``item`` (m,) is sorted."""

    def of(ends: tuple[int, int]) -> Pairs:
        rows = np.arange(*ends)
        rows = rows[np.lexsort((xyxy[rows, 0], item[rows]))]
        a, b, iou = touching(item[rows], xyxy[rows], rows)
        return rows[a], rows[b], iou

    found = over(blocks(item), of)
    if not found:
        none = np.zeros(0, dtype=np.int64)
        return none, none, np.zeros(0)
    a, b, iou = (np.concatenate(part) for part in zip(*found, strict=True))
    return a, b, iou


def evidence(pairs: Pairs, odds: Floats) -> Floats:
    """Logits (m,) to add to ``odds`` (m,): what each object's overlap speaks for or against."""
    added = np.zeros(len(odds))
    for _ in range(_ROUNDS if len(pairs[0]) else 0):
        belief = expit(odds + added)
        band = np.digitize(_overlap(pairs, belief), _BANDS)
        added = _learn(band, belief)[band]
    return added


def _overlap(pairs: Pairs, belief: Floats) -> Floats:
    """The largest IoU (m,) with another object, times the belief in that one."""
    a, b, iou = pairs
    most = np.zeros(len(belief))
    np.maximum.at(most, a, iou * belief[b])
    np.maximum.at(most, b, iou * belief[a])
    return most


def _learn(band: Ints, belief: Floats) -> Floats:
    """Log odds (bands,), shrunk to none."""
    n = len(_BANDS) + 1
    all_, false = np.bincount(band, minlength=n), np.bincount(band, 1 - belief, minlength=n)
    real = np.bincount(band, belief**_SURELY, minlength=n)
    share = all_ / max(len(band), 1)
    in_real = (real + _PRIOR * share) / (real.sum() + _PRIOR)
    in_false = (false + _PRIOR * share) / (false.sum() + _PRIOR)
    odds = np.log(np.maximum(in_real, 1e-12)) - np.log(np.maximum(in_false, 1e-12))
    learned: Floats = np.clip(odds, -_MOST, _MOST)
    return learned
