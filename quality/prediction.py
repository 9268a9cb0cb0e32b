"""How far the next outcome may lie from a few that were seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit


@dataclass(frozen=True)
class Interval:
    """A likely value, and the ends between which the next outcome lies with the stated chance."""

    likely: float
    low: float
    high: float


def prediction_interval(
    seen: ArrayLike,
    level: float = 0.9,
    *,
    least: float = -np.inf,
    most: float = np.inf,
) -> Interval:
    """Where one more outcome like those ``seen`` (n,) will lie with the chance ``level``.

    Student's t with n - 1 degrees: mean -+ t * s * sqrt(1 + 1/n), cut to [least, most].
    One outcome says nothing about the spread: its ends are ``least`` and ``most``. NaN for none.
    """
    values = np.asarray(seen, dtype=np.float64).ravel()
    if not len(values):
        return Interval(np.nan, np.nan, np.nan)
    mean = float(values.mean())
    if len(values) == 1:
        return Interval(mean, least, most)
    reach = stdtrit(len(values) - 1, (1 + level) / 2) * values.std(ddof=1)
    reach = float(reach * np.sqrt(1 + 1 / len(values)))
    return Interval(mean, max(least, mean - reach), min(most, mean + reach))
