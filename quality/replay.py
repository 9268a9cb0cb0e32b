"""What would a stopping rule have cost? Real answers bought again, in random order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from quality.consensus.shapes import Floats, Ints, TagAnswers
from quality.stopping import Outlook, Rule, next_purchases, outlook

# Part of the items bought for between two looks.
BATCH_PART = 0.05

View = Callable[[TagAnswers], Outlook]


@dataclass(frozen=True)
class Curve:
    """Accuracy after each purchase; ``n_answers`` (mean an item) rises, equal lengths.

    ``accuracy`` is the share of items with a known truth that are labelled right.
    """

    n_answers: Floats
    accuracy: Floats


@dataclass(frozen=True)
class _Shelf:
    """The answers in the order they would be bought: per item, shuffled."""

    answers: TagAnswers
    rows: Ints
    start: Ints
    held: Ints

    def first(self, n_bought: Ints) -> TagAnswers:
        place = np.repeat(self.start - np.cumsum(n_bought) + n_bought, n_bought)
        rows = self.rows[place + np.arange(len(place))]
        some = self.answers
        return replace(
            some,
            item=some.item[rows],
            worker=some.worker[rows],
            label=some.label[rows],
            seconds=None if some.seconds is None else some.seconds[rows],
        )


def replay(
    answers: TagAnswers,
    truth: Ints,
    rule: Rule,
    rng: np.random.Generator,
    *,
    view: View = outlook,
    batch_part: float = BATCH_PART,
) -> Curve:
    """The curve of buying answers under ``rule``, each item's answers in random order.

    ``truth`` (n_items,) is a label or -1 where unknown; it is only looked at to score. An item
    has no more answers to sell than were really given. The last point is where the rule
    stops. ``view`` is how certain the answers make each item. The curve is empty without
    answers.
    """
    shelf = _shelve(answers, rng)
    bought = np.minimum(shelf.held, rule.least)
    points = []
    while bought.any():
        now = view(shelf.first(bought))
        points.append((bought.mean(), _accuracy(now.label, truth)))
        order = next_purchases(now, rule, len(bought))
        order = order[bought[order] < shelf.held[order]]
        if not order.size:
            break
        bought = bought.copy()
        bought[order[: ceil(batch_part * len(bought))]] += 1
    return _curve(points)


def fixed_redundancy(
    answers: TagAnswers,
    truth: Ints,
    redundancies: Sequence[int],
    rng: np.random.Generator,
    *,
    view: View = outlook,
) -> Curve:
    """The curve of buying the same number of answers for every item, for comparison."""
    shelf = _shelve(answers, rng)
    points = []
    for redundancy in redundancies:
        bought = np.minimum(shelf.held, redundancy)
        now = view(shelf.first(bought))
        points.append((bought.mean(), _accuracy(now.label, truth)))
    return _curve(points)


def mean_curve(curves: Sequence[Curve], at: Floats) -> Curve:
    """Curves of several orders averaged at the answer counts ``at`` (linear in between)."""
    heights = [np.interp(at, curve.n_answers, curve.accuracy) for curve in curves]
    return Curve(np.asarray(at, dtype=float), np.mean(heights, axis=0))


def answers_needed(curve: Curve, accuracy: float) -> float:
    """Mean answers an item at which ``curve`` first reaches ``accuracy``; NaN if never."""
    reached = np.maximum.accumulate(curve.accuracy)
    if not reached.size or reached[-1] < accuracy:
        return float("nan")
    index = int(np.argmax(reached >= accuracy))
    if index == 0:
        return float(curve.n_answers[0])
    below, above = reached[index - 1], reached[index]
    left, right = curve.n_answers[index - 1], curve.n_answers[index]
    return float(left + (right - left) * (accuracy - below) / (above - below))


def _shelve(answers: TagAnswers, rng: np.random.Generator) -> _Shelf:
    rows = rng.permutation(len(answers.item))
    rows = rows[np.argsort(answers.item[rows], kind="stable")]
    held = np.bincount(answers.item, minlength=answers.n_items).astype(np.int64)
    return _Shelf(answers, rows, np.cumsum(held) - held, held)


def _accuracy(label: Ints, truth: Ints) -> float:
    known = truth >= 0
    return float(np.mean(label[known] == truth[known])) if known.any() else float("nan")


def _curve(points: Sequence[tuple[float, float]]) -> Curve:
    table = np.asarray(points, dtype=float).reshape(-1, 2)
    return Curve(table[:, 0], table[:, 1])
