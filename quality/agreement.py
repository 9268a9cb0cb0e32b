"""How much people agree on tags: percent, Krippendorff's alpha, Cohen's and Fleiss' kappa.

Agreement says how close answers are, never how right they are. Everything but Cohen's
kappa works on a count matrix: one row an item, one column a label.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix, triu

from quality.consensus.shapes import Floats, Ints, TagAnswers
from quality.consensus.tags._votes import Votes, collect

Level = Literal["nominal", "ordinal", "interval"]

# Below this many items with two answers an interval says nothing worth acting on.
ENOUGH_ITEMS = 10
INTERVAL = 0.95


@dataclass(frozen=True)
class Agreement:
    """A coefficient with its bootstrap 95 % interval over items.

    ``value`` is NaN where it is undefined; ``n_items`` counts items with two answers or
    more, ``n_pairs`` the pairs of answers. ``enough`` is False when there are too few to
    judge: show the count then, not the number.
    """

    value: float
    low: float
    high: float
    n_items: int
    n_pairs: int
    enough: bool


@dataclass(frozen=True)
class WorkerPairs:
    """Pairs of workers who answered the same items, as columns of equal length.

    ``a`` < ``b`` are worker indices, ``n_common`` items both answered, ``n_same`` those
    answered alike; sorted by ``a``, then ``b``.
    """

    a: Ints
    b: Ints
    n_common: Ints
    n_same: Ints


def tag_counts(answers: TagAnswers) -> Floats:
    """How many workers gave each label to each item, (n_items, n_labels)."""
    return collect(answers).counts()


def percent_agreement(counts: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Share of the pairs of answers to one item that are alike, in [0, 1].

    ``counts`` (n_items, n_labels); ``weights`` (n_items,) repeats items, as a bootstrap
    does. NaN when no item has two answers.
    """
    table, repeat = _table(counts, weights)
    n = table.sum(axis=1)
    pairs = repeat @ (n * (n - 1))
    alike = repeat @ (table * (table - 1)).sum(axis=1)
    return float(alike / pairs) if pairs > 0 else float("nan")


def krippendorff_alpha(
    counts: ArrayLike,
    level: Level = "nominal",
    *,
    values: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> float:
    """Krippendorff's alpha: 1 is perfect, 0 is chance, below 0 is systematic disagreement.

    ``counts`` (n_items, n_labels) with any number of answers an item, missing ones simply
    not counted; items with one answer do not matter. For ``ordinal`` the columns must be
    in order; for ``interval`` ``values`` (n_labels,) are the numbers they stand for (the
    column index when None). 1.0 when every answer is the same label, NaN when no item has
    two. Krippendorff, *Computing Krippendorff's alpha-reliability*, 2011.
    """
    table, repeat = _table(counts, weights)
    n = table.sum(axis=1)
    table, repeat, n = table[n >= 2], repeat[n >= 2], n[n >= 2]
    if repeat.sum() == 0:
        return float("nan")
    scale = repeat / (n - 1)
    observed = (table * scale[:, None]).T @ table - np.diag(scale @ table)
    total = observed.sum(axis=1)
    distance = _distance(total, level, values)
    size = total.sum()
    expected = (np.outer(total, total) - np.diag(total)) / (size - 1)
    chance = float((expected * distance).sum())
    if chance <= 0:
        return 1.0
    return 1.0 - float((observed * distance).sum()) / chance


def _distance(total: Floats, level: Level, values: ArrayLike | None) -> Floats:
    n = len(total)
    if level == "nominal":
        return 1.0 - np.eye(n)
    if level == "interval":
        points = np.arange(n, dtype=float) if values is None else np.asarray(values, float)
        return np.square(points[:, None] - points)
    if level != "ordinal":
        raise ValueError(f"level: expected nominal, ordinal or interval, got {level!r}")
    # The rank distance of two labels: the answers between them, half of each end.
    middle = np.cumsum(total) - total / 2
    return np.square(middle[:, None] - middle)


def cohen_kappa(
    first: ArrayLike,
    second: ArrayLike,
    n_labels: int,
    weights: Literal["none", "linear", "quadratic"] = "none",
) -> float:
    """Cohen's kappa of two people's labels (n,) of the same items; 1 perfect, 0 chance.

    ``weights`` counts how far apart ordered labels are (Cohen 1968). NaN without items,
    1.0 when both gave one same label throughout. Cohen, *A coefficient of agreement for
    nominal scales*, 1960.
    """
    a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    if a.shape != b.shape:
        raise ValueError(f"second: expected {a.size} labels as in first, got {b.size}")
    if a.size == 0:
        return float("nan")
    joint = np.bincount(a * n_labels + b, minlength=n_labels**2).reshape(n_labels, n_labels)
    share = joint / a.size
    gap = np.abs(np.subtract.outer(np.arange(n_labels), np.arange(n_labels))).astype(float)
    penalty = {"none": (gap > 0).astype(float), "linear": gap, "quadratic": gap**2}[weights]
    chance = float((np.outer(share.sum(axis=1), share.sum(axis=0)) * penalty).sum())
    return 1.0 - float((share * penalty).sum()) / chance if chance > 0 else 1.0


def fleiss_kappa(counts: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Fleiss' kappa over items with the same number n >= 2 of answers; 1 perfect, 0 chance.

    ``counts`` (n_items, n_labels). NaN without items; 1.0 when only one label was given.
    With unequal numbers of answers use ``krippendorff_alpha``. Fleiss, *Measuring nominal
    scale agreement among many raters*, 1971.

    Raises:
        ValueError: when items differ in their number of answers, or have fewer than two.

    """
    table, repeat = _table(counts, weights)
    n = table.sum(axis=1)
    if n.size == 0 or repeat.sum() == 0:
        return float("nan")
    if n.min() != n.max() or n[0] < 2:
        raise ValueError(
            f"counts: expected one number of answers, 2 or more, on every item, "
            f"got {n.min():g} to {n.max():g}; use Krippendorff's alpha"
        )
    share = (repeat @ table) / (repeat.sum() * n[0])
    chance = float((share**2).sum())
    if chance >= 1.0:
        return 1.0
    return (percent_agreement(table, repeat) - chance) / (1.0 - chance)


def worker_pairs(answers: TagAnswers, min_common: int = 1) -> WorkerPairs:
    """Who answered alike: every pair of workers with ``min_common`` items in common."""
    votes = collect(answers)
    if not len(votes):
        empty = np.zeros(0, dtype=np.int64)
        return WorkerPairs(empty, empty, empty, empty)
    size = (votes.n_items, votes.n_workers)
    common = triu(_co_occurrence(votes.item, votes.worker, size), k=1).tocsr().sorted_indices()
    cell = votes.item.astype(np.int64) * votes.n_labels + votes.label
    same = _co_occurrence(cell, votes.worker, (size[0] * votes.n_labels, size[1]))
    held = common.tocoo()
    keep = held.data >= min_common
    a, b = held.row[keep].astype(np.int64), held.col[keep].astype(np.int64)
    n_common = held.data[keep].astype(np.int64)
    n_same = np.zeros(len(a), dtype=np.int64)
    if len(a):
        n_same = np.asarray(same[a, b]).ravel().astype(np.int64)
    return WorkerPairs(a, b, n_common, n_same)


def pair_kappas(answers: TagAnswers, pairs: WorkerPairs) -> Floats:
    """Cohen's kappa (p,) of each pair of workers on the items both answered.

    Each worker's first label of an item counts.
    """
    votes = collect(answers)
    first = (
        np.concatenate(([True], np.diff(_cells(votes)) > 0)) if len(votes) else np.zeros(0, bool)
    )
    item, worker, label = votes.item[first], votes.worker[first], votes.label[first]
    order = np.argsort(worker, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(worker, minlength=votes.n_workers))[:-1])
    kappas = np.zeros(len(pairs.a))
    for place, (a, b) in enumerate(zip(pairs.a, pairs.b, strict=True)):
        one, other = rows[a], rows[b]
        _, at, at_other = np.intersect1d(
            item[one], item[other], assume_unique=True, return_indices=True
        )
        kappas[place] = cohen_kappa(label[one[at]], label[other[at_other]], votes.n_labels)
    return kappas


def _cells(votes: Votes) -> Ints:
    return votes.item.astype(np.int64) * max(votes.n_workers, 1) + votes.worker


def _co_occurrence(
    row: NDArray[np.integer], worker: NDArray[np.integer], size: tuple[int, int]
) -> csr_matrix:
    seen = csr_matrix((np.ones(len(row)), (row, worker)), shape=size)
    seen.data[:] = 1.0
    return (seen.T @ seen).tocsr()


def bootstrap_interval(
    statistic: Callable[[Floats], float],
    n_items: int,
    rng: np.random.Generator,
    n_samples: int = 1000,
) -> tuple[float, float]:
    """The 95 % percentile interval of ``statistic`` over items drawn with replacement.

    ``statistic`` takes weights (n_items,): how often each item was drawn. NaN draws are
    left out; (NaN, NaN) when none remain.
    """
    if n_items == 0:
        return (float("nan"), float("nan"))
    even = np.full(n_items, 1.0 / n_items)
    draws = [statistic(rng.multinomial(n_items, even).astype(float)) for _ in range(n_samples)]
    kept = np.asarray([value for value in draws if not np.isnan(value)])
    if kept.size == 0:
        return (float("nan"), float("nan"))
    tail = 100 * (1 - INTERVAL) / 2
    low, high = np.percentile(kept, [tail, 100 - tail])
    return (float(low), float(high))


def tag_agreement(
    answers: TagAnswers,
    rng: np.random.Generator,
    level: Level | Literal["percent"] = "nominal",
    n_samples: int = 1000,
) -> Agreement:
    """Krippendorff's alpha (or the ``percent`` of like pairs) with a bootstrap interval."""
    counts = tag_counts(answers)
    counts = counts[counts.sum(axis=1) >= 2]
    if level == "percent":

        def statistic(weights: Floats) -> float:
            return percent_agreement(counts, weights)

    else:

        def statistic(weights: Floats) -> float:
            return krippendorff_alpha(counts, level, weights=weights)

    n = counts.sum(axis=1)
    low, high = bootstrap_interval(statistic, len(counts), rng, n_samples)
    return Agreement(
        value=statistic(np.ones(len(counts))),
        low=low,
        high=high,
        n_items=len(counts),
        n_pairs=int((n * (n - 1) / 2).sum()),
        enough=len(counts) >= ENOUGH_ITEMS,
    )


def _table(counts: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    table = np.asarray(counts, dtype=float)
    if table.ndim != 2:
        raise ValueError(f"counts: expected items by labels, got {table.ndim} dimensions")
    repeat = np.ones(len(table)) if weights is None else np.asarray(weights, dtype=float)
    if repeat.shape != (len(table),):
        raise ValueError(f"weights: expected {len(table)}, one an item, got {repeat.size}")
    return table, repeat
