"""How likely two boxes show the same object, given what is known of their drawers.

The log odds compare two stories: both boxes are noisy copies of one object, or they show
two objects that happen to lie close. The second has the density of boxes in the image:
anywhere in it, with a size from the crowd's spread of sizes.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from quality.consensus.boxes._classes import Namers
from quality.consensus.boxes._clusters import Likeness
from quality.consensus.boxes._corners import Drawers, extents, straight
from quality.consensus.boxes._tidy import TidyBoxes
from quality.consensus.shapes import Floats, Ints

CLIP = 8.0
_DEGREES = 5.0
_CROWDING = 4.0
_T_SCALE = float(
    gammaln((_DEGREES + 1) / 2) - gammaln(_DEGREES / 2) - 0.5 * np.log(_DEGREES * np.pi)
)


def by_model(tidy: TidyBoxes, drawers: Drawers, namers: Namers) -> Likeness:
    """Log odds for one object, clipped to plus or minus ``CLIP`` and raised by it."""
    sides = np.maximum(tidy.xyxy[:, 2:] - tidy.xyxy[:, :2], 1.0)
    logs = np.log(sides)
    middle, spread = np.median(logs, axis=0), np.maximum(logs.std(axis=0), 0.3)
    shape = -0.5 * ((logs - middle) / spread) ** 2 - np.log(spread * 2.5066) - logs
    drawn = np.bincount(tidy.item, minlength=tidy.n_items) / np.maximum(tidy.n_answers, 1)
    frame = np.log(tidy.size.prod(axis=1)) - np.log(np.maximum(drawn, 1.0) * _CROWDING)
    background = shape.sum(axis=1) - frame[tidy.item]
    extent = extents(tidy.xyxy)
    noise = (drawers.spread[tidy.worker] * extent**drawers.growth) ** 2
    plain = straight(tidy.worker, tidy.xyxy, extent, drawers)

    def likeness(a: Ints, b: Ints, iou: Floats) -> Floats:
        variance = noise[a] + noise[b]
        z2 = (plain[a] - plain[b]) ** 2 / variance
        same = -0.5 * (_DEGREES + 1) * np.log1p(z2 / _DEGREES) - 0.5 * np.log(variance)
        odds = same.sum(axis=1) + 4 * _T_SCALE - 0.5 * (background[a] + background[b])
        clipped: Floats = np.clip(odds + _named(tidy, namers, a, b), -CLIP, CLIP)
        return clipped + CLIP

    return likeness


def _named(tidy: TidyBoxes, namers: Namers, a: Ints, b: Ints) -> Floats:
    """Log odds from the two classes named."""
    k = len(namers.share)
    if k == 1:
        return np.zeros(len(a))
    right = namers.right[tidy.worker[a]] * namers.right[tidy.worker[b]]
    same = tidy.label[a] == tidy.label[b]
    common = (namers.share**2).sum()
    wrong = (1 - right) / max(k - 1, 1)
    agree = np.log(right + wrong) - np.log(namers.share[tidy.label[a]])
    differ = np.log1p(-np.minimum(right, 0.999)) - np.log(1 - common)
    odds: Floats = np.where(same, np.minimum(agree, 3.0), differ)
    return odds
