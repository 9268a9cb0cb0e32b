"""How far workers agree on boxes: mean F1 and IoU of pairs, with a bootstrap interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from quality.boxes import iou_matrix
from quality.consensus.boxes._tidy import TidyBoxes, tidy
from quality.consensus.shapes import BoxAnswers, Floats, Ints

FEWEST_ITEMS = 5  # fewer items with two answers cannot be judged


@dataclass(frozen=True)
class BoxAgreement:
    """Agreement of workers on boxes.

    ``f1`` and ``iou`` are means over items of the mean over pairs of workers; ``low`` and
    ``high`` bound ``f1`` (95 %, bootstrap over items). ``item_f1`` (n_items,) is NaN where
    fewer than two workers answered. ``pair_f1`` (n_workers, n_workers) is NaN where two
    workers share no item, and 1 on the diagonal. ``n_items`` were judged. When they are
    fewer than five, ``too_few`` is True and the interval is 0 to 1.
    """

    f1: float
    low: float
    high: float
    iou: float
    item_f1: Floats
    pair_f1: Floats
    n_items: int
    too_few: bool


@dataclass(frozen=True)
class PairScores:
    """One row for each two workers who answered the same item; ``iou`` NaN without pairs."""

    item: Ints
    worker_a: Ints
    worker_b: Ints
    f1: Floats
    iou: Floats


def box_agreement(
    answers: BoxAnswers,
    rng: np.random.Generator,
    threshold: float = 0.5,
    *,
    same_label: bool = True,
    n_resamples: int = 1000,
) -> BoxAgreement:
    """Mean pairwise F1 at IoU ``threshold`` under optimal matching, per item and over all.

    Two empty answers agree fully (F1 1); an empty one against boxes not at all (0). ``iou``
    averages the IoU of matched boxes, NaN where nothing matched. Empty input gives NaN and
    ``too_few``.
    """
    pairs = pair_scores(answers, threshold, same_label=same_label)
    item_f1 = _means(pairs.item, pairs.f1, answers.n_items)
    matched = ~np.isnan(pairs.iou)
    item_iou = _means(pairs.item[matched], pairs.iou[matched], answers.n_items)
    judged = item_f1[~np.isnan(item_f1)]
    low, high = bootstrap_mean(judged, rng, n_resamples)
    return BoxAgreement(
        f1=float(judged.mean()) if len(judged) else float("nan"),
        low=low,
        high=high,
        iou=float(np.nanmean(item_iou)) if matched.any() else float("nan"),
        item_f1=item_f1,
        pair_f1=_pair_matrix(pairs, answers.n_workers),
        n_items=len(judged),
        too_few=len(judged) < FEWEST_ITEMS,
    )


def pair_scores(
    answers: BoxAnswers, threshold: float = 0.5, *, same_label: bool = True
) -> PairScores:
    """F1 and mean matched IoU of every two answers to one item, in order of item and worker."""
    columns = tidy(answers)
    rows: list[tuple[int, int, int, float, float]] = []
    by_response = np.argsort(columns.response, kind="stable")
    ends = np.searchsorted(columns.response[by_response], np.arange(len(columns.response_item) + 1))
    starts = np.searchsorted(columns.response_item, np.arange(columns.n_items + 1))
    for item in np.flatnonzero(columns.n_answers > 1):
        responses = range(starts[item], starts[item + 1])
        drawn = {r: by_response[ends[r] : ends[r + 1]] for r in responses}
        for a in responses:
            for b in range(a + 1, starts[item + 1]):
                f1, iou = _compare(columns, drawn[a], drawn[b], threshold, same_label=same_label)
                worker_a, worker_b = columns.response_worker[a], columns.response_worker[b]
                rows.append((int(item), int(worker_a), int(worker_b), f1, iou))
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    items, worker_a, worker_b = table[:, :3].astype(np.int64).T
    return PairScores(items, worker_a, worker_b, table[:, 3], table[:, 4])


def _compare(
    columns: TidyBoxes, a: Ints, b: Ints, threshold: float, *, same_label: bool
) -> tuple[float, float]:
    if not len(a) or not len(b):
        return float(len(a) == len(b)), float("nan")
    ious = iou_matrix(columns.xyxy[a], columns.xyxy[b])
    if same_label:
        ious = np.where(columns.label[a][:, None] == columns.label[b][None, :], ious, 0.0)
    worth = np.where((ious >= threshold) & (ious > 0), min(ious.shape) + 1.0 + ious, 0.0)
    rows, cols = linear_sum_assignment(worth, maximize=True)
    found = ious[rows, cols][worth[rows, cols] > 0]
    mean = float(found.mean()) if len(found) else float("nan")
    return 2.0 * len(found) / (len(a) + len(b)), mean


def bootstrap_mean(
    values: Floats, rng: np.random.Generator, n_resamples: int = 1000
) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the mean; (0, 1) for too few values."""
    if len(values) < FEWEST_ITEMS:
        return 0.0, 1.0
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(n_resamples)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _means(group: Ints, values: Floats, n: int) -> Floats:
    count = np.bincount(group, minlength=n)
    total = np.bincount(group, weights=values, minlength=n)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _pair_matrix(pairs: PairScores, n_workers: int) -> Floats:
    n = max(n_workers, 1)
    flat = _means(pairs.worker_a * n + pairs.worker_b, pairs.f1, n * n).reshape(n, n)
    matrix = np.where(np.isnan(flat), flat.T, flat)[:n_workers, :n_workers]
    np.fill_diagonal(matrix, 1.0)
    return matrix
