"""Which boxes show the same object: clusters with at most one box a worker.

Average-linkage agglomeration with a cannot-link rule (two boxes of one worker are never the
same object), over all images at once: in each round every pair of clusters that are each
other's best partner is merged. Average linkage is reducible, so this gives the clusters of
the greedy method that merges one best pair at a time, in a handful of rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quality.consensus.boxes._threads import over
from quality.consensus.boxes._tidy import TidyBoxes, blocks
from quality.consensus.shapes import Bools, Floats, Ints

Words = NDArray[np.uint64]

_LEAST_IOU = 0.02  # pairs below count as not overlapping at all


@dataclass(frozen=True)
class Pairs:
    """Overlapping boxes of different workers: rows ``a`` < ``b`` and their likeness."""

    a: Ints
    b: Ints
    likeness: Floats


Likeness = Callable[[Ints, Ints, Floats], Floats]


def by_iou(tidy: TidyBoxes, other_label: float) -> Likeness:
    """IoU, times ``other_label`` where two boxes carry different classes."""

    def likeness(a: Ints, b: Ints, iou: Floats) -> Floats:
        return np.where(tidy.label[a] == tidy.label[b], iou, iou * other_label)

    return likeness


def clusters(tidy: TidyBoxes, likeness: Likeness, threshold: float) -> Ints:
    """The cluster (n,) of each box, numbered from 0 in order of their first box.

    ``likeness`` gives, for rows a, b and their IoU, a number that is not negative; boxes
    that do not overlap have 0. Clusters merge while their mean likeness is at least
    ``threshold``.
    """

    def roots(ends: tuple[int, int]) -> Ints:
        start, stop = ends
        a, b, iou = overlapping(tidy, start, stop)
        pairs = Pairs(a, b, likeness(a + start, b + start, iou))
        return start + _agglomerate(pairs, _worker_sets(tidy, start, stop), threshold)

    found = over(blocks(tidy.item), roots)
    root = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
    is_first = root == np.arange(len(root))
    return (np.cumsum(is_first) - 1)[root]


def overlapping(tidy: TidyBoxes, start: int, stop: int) -> tuple[Ints, Ints, Floats]:
    """Overlapping boxes of different workers, counted from ``start``: rows a < b and their IoU."""
    rows = slice(start, stop)
    return touching(tidy.item[rows], tidy.xyxy[rows], tidy.worker[rows])


def touching(item: Ints, xyxy: Floats, owner: Ints) -> tuple[Ints, Ints, Floats]:
    """Boxes of one item and different owners that overlap: rows a < b and their IoU.

    Rows are sorted by item and left side, so the partners of a box that begin before it
    ends form one run of rows.
    """
    n = len(item)
    reach = 1.0 + float(np.abs(xyxy).max(initial=0.0))
    base = (item - item[0] if n else item) * (2.0 * reach)
    last = np.searchsorted(base + xyxy[:, 0], base + xyxy[:, 2], side="left")
    n_next = last - np.arange(n) - 1
    a = np.repeat(np.arange(n), n_next)
    b = a + 1 + np.arange(len(a)) - np.repeat(np.cumsum(n_next) - n_next, n_next)
    left, top, right, bottom = np.ascontiguousarray(xyxy.T)
    near = (owner[a] != owner[b]) & (top[a] < bottom[b]) & (top[b] < bottom[a])
    a, b = a[near], b[near]
    width = np.minimum(right[a], right[b]) - left[b]
    shared = width * (np.minimum(bottom[a], bottom[b]) - np.maximum(top[a], top[b]))
    area = (right - left) * (bottom - top)
    iou = shared / (area[a] + area[b] - shared)
    kept = iou >= _LEAST_IOU
    return a[kept], b[kept], iou[kept]


def _worker_sets(tidy: TidyBoxes, start: int, stop: int) -> Words:
    """One bit per worker of the item: (n, words)."""
    response = tidy.response[start:stop]
    first = np.searchsorted(tidy.response_item, tidy.item[start:stop])
    place = response - first
    words = int(place.max(initial=0)) // 64 + 1
    bits = np.zeros((stop - start, words), dtype=np.uint64)
    bits[np.arange(stop - start), place // 64] = np.uint64(1) << (place % 64).astype(np.uint64)
    return bits


def _agglomerate(pairs: Pairs, sets: Words, threshold: float) -> Ints:
    """The first row of each row's cluster."""
    n = len(sets)
    root = np.arange(n, dtype=np.int64)
    size = np.ones(n)
    a, b, total = pairs.a, pairs.b, pairs.likeness
    order = np.argsort(a * n + b, kind="stable")
    a, b, total = a[order], b[order], total[order]
    while len(a):
        may = ~(sets[a] & sets[b]).any(axis=1)  # once in conflict, for ever in conflict
        a, b, total = a[may], b[may], total[may]
        mean = total / (size[a] * size[b])
        into, gone = _mutual_best(a, b, mean, mean >= threshold, n)
        if not len(into):
            break
        root[gone] = into
        size[into] += size[gone]
        sets[into] |= sets[gone]
        a, b, total = _merged_pairs(root[a], root[b], total, n)
    while (root[root] != root).any():
        root = root[root]
    return root


def _mutual_best(a: Ints, b: Ints, mean: Floats, enough: Bools, n: int) -> tuple[Ints, Ints]:
    """Pairs that are the best partner of each other; ties go to the earlier rows."""
    edge = np.flatnonzero(enough)
    edge = edge[np.argsort(-mean[edge], kind="stable")]
    rank = np.arange(len(edge))
    best = np.full(n, len(edge), dtype=np.int64)
    np.minimum.at(best, a[edge], rank)
    np.minimum.at(best, b[edge], rank)
    mutual = edge[(best[a[edge]] == rank) & (best[b[edge]] == rank)]
    return a[mutual], b[mutual]


def _merged_pairs(a: Ints, b: Ints, total: Floats, n: int) -> tuple[Ints, Ints, Floats]:
    low, high = np.minimum(a, b), np.maximum(a, b)
    apart = low != high
    key = (low * n + high)[apart]
    order = np.argsort(key, kind="stable")
    key, total = key[order], total[apart][order]
    if not len(key):
        return key, key, total
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    return key[first] // n, key[first] % n, np.add.reduceat(total, first)
