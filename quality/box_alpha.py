"""Krippendorff's alpha for boxes: agreement beyond what answers to any image would show.

The distance of two answers is 1 - F1 under optimal matching. Alpha is 1 - D_o / D_e: D_o the
mean distance of answers to one image, D_e that of any two answers whatever their image, boxes
taken as parts of the image. With answers that are wholly alike or wholly apart it is the
nominal alpha. K. Krippendorff, *Computing Krippendorff's alpha-reliability*, 2011; for
annotations with a distance of their own A. Braylan, O. Alonso, M. Lease, *Measuring annotator
agreement generally across complex structured, multi-object, and free-text annotation tasks*,
WWW 2022.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quality.box_agreement import FEWEST_ITEMS
from quality.boxes import box_f1
from quality.consensus.boxes._tidy import tidy
from quality.consensus.shapes import BoxAnswers, Floats, Ints

# Pairs of answers looked at for what chance gives; all where there are no more.
MOST_PAIRS = 4000
N_RESAMPLES = 1000
Distance = Callable[[int, int], float]


@dataclass(frozen=True)
class BoxAlpha:
    """``value`` is 1 for perfect agreement, 0 for chance, below for worse; NaN for no pair.

    ``low`` and ``high`` bound it (95 %, bootstrap over items, what chance gives held). With
    fewer than five items that two answered ``too_few`` is True and the interval is -1 to 1.
    ``n_items`` were judged, by ``n_answers``.
    """

    value: float
    low: float
    high: float
    n_items: int
    n_answers: int
    too_few: bool


def box_alpha(
    answers: BoxAnswers,
    rng: np.random.Generator,
    threshold: float = 0.5,
    *,
    same_label: bool = True,
) -> BoxAlpha:
    """Alpha of all answers to items that two or more answered; NaN where there is none.

    ``rng`` draws the pairs for chance, where there are more than 4,000, and the resamples.
    Where chance alone gives no disagreement (all answers alike) alpha is 1.
    """
    columns = tidy(answers)
    scaled = columns.xyxy / np.tile(columns.size[columns.item], 2)
    by_response = np.argsort(columns.response, kind="stable")
    ends = np.searchsorted(columns.response[by_response], np.arange(len(columns.response_item) + 1))

    def distance(a: int, b: int) -> float:
        first, second = (by_response[ends[r] : ends[r + 1]] for r in (a, b))
        labels = columns.label if same_label else np.zeros_like(columns.label)
        one, other = scaled[first], scaled[second]
        return 1.0 - box_f1(one, other, labels[first], labels[second], threshold)

    judged = np.flatnonzero(columns.n_answers[columns.response_item] > 1)
    if not len(judged):
        return BoxAlpha(float("nan"), -1.0, 1.0, 0, 0, too_few=True)
    items, start = np.unique(columns.response_item[judged], return_index=True)
    groups = np.split(judged, start[1:])
    apart = np.array([_mean_distance(group, distance) for group in groups])
    size = np.array([len(group) for group in groups], dtype=float)
    by_chance = float(np.mean([distance(a, b) for a, b in _pairs(judged, rng)]))
    low, high = _interval(apart, size, by_chance, rng)
    return BoxAlpha(
        value=float(_alpha(apart @ size / size.sum(), by_chance)),
        low=low,
        high=high,
        n_items=len(items),
        n_answers=len(judged),
        too_few=len(items) < FEWEST_ITEMS,
    )


def _mean_distance(group: Ints, distance: Distance) -> float:
    return float(
        np.mean([distance(a, b) for place, a in enumerate(group) for b in group[place + 1 :]])
    )


def _pairs(judged: Ints, rng: np.random.Generator) -> Ints:
    """Pairs (k, 2) of different answers: all, or as many as are looked at."""
    n = len(judged)
    if n * (n - 1) // 2 <= MOST_PAIRS:
        return judged[np.stack(np.triu_indices(n, 1), axis=1)]
    first = rng.integers(n, size=MOST_PAIRS)
    second = (first + rng.integers(1, n, size=MOST_PAIRS)) % n
    return judged[np.stack([first, second], axis=1)]


def _alpha(apart: Floats | float, by_chance: float) -> Floats | float:
    return 1.0 - apart / by_chance if by_chance > 0 else np.ones_like(apart)


def _interval(
    apart: Floats, size: Floats, by_chance: float, rng: np.random.Generator
) -> tuple[float, float]:
    if len(apart) < FEWEST_ITEMS:
        return -1.0, 1.0
    drawn = rng.integers(len(apart), size=(N_RESAMPLES, len(apart)))
    means = (apart[drawn] * size[drawn]).sum(axis=1) / size[drawn].sum(axis=1)
    low, high = np.quantile(_alpha(means, by_chance), [0.025, 0.975])
    return float(low), float(high)
