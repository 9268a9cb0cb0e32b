"""From clusters of boxes to the columns every method returns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quality.consensus.boxes._tidy import TidyBoxes
from quality.consensus.shapes import Bools, BoxConsensus, Floats, Ints, WorkerEstimates


def top_label(
    cluster: Ints, label: Ints, n_clusters: int, n_labels: int, weight: Floats | None = None
) -> tuple[Ints, Floats]:
    """The heaviest label of each cluster and its weight; ties go to the lower label."""
    if not len(cluster):
        return np.zeros(n_clusters, dtype=np.int64), np.zeros(n_clusters)
    key, place = np.unique(cluster * n_labels + label, return_inverse=True)
    votes = np.bincount(place, weights=weight, minlength=len(key)).astype(np.float64)
    owner, name = key // n_labels, key % n_labels
    order = np.lexsort((name, -votes, owner))
    first = order[np.concatenate([[True], np.diff(owner[order]) > 0])]
    best, total = np.zeros(n_clusters, dtype=np.int64), np.zeros(n_clusters)
    best[owner[first]], total[owner[first]] = name[first], votes[first]
    return best, total


def mean_boxes(cluster: Ints, xyxy: Floats, n_clusters: int, weight: Floats) -> Floats:
    """The weighted mean box (n_clusters, 4) of each cluster."""
    total = np.maximum(np.bincount(cluster, weights=weight, minlength=n_clusters), 1e-300)
    sides = [
        np.bincount(cluster, weights=weight * xyxy[:, side], minlength=n_clusters) / total
        for side in range(4)
    ]
    return np.stack(sides, axis=1).reshape(n_clusters, 4)


def assemble(
    tidy: TidyBoxes,
    cluster: Ints,
    *,
    label: Ints,
    xyxy: Floats,
    confidence: Floats,
    exists: Bools,
    sd: Floats,
    workers: WorkerEstimates,
    item_confidence: Floats,
    method: str,
    version: str,
    iterations: int = 1,
    log_likelihood: float = float("nan"),
    details: dict[str, Floats] | None = None,
    item_details: dict[str, Floats] | None = None,
) -> BoxConsensus:
    """Objects sorted by item, then confidence falling; ``cluster`` (n,) may hold -1.

    ``details`` are per object, in the order of ``label``; ``item_details`` per item.
    """
    n = len(label)
    item = np.zeros(n, dtype=np.int64)
    votes = np.bincount(cluster[cluster >= 0], minlength=n).astype(np.int64)
    item[cluster[cluster >= 0]] = tidy.item[cluster >= 0]
    order = np.lexsort((label, xyxy[:, 3], xyxy[:, 2], xyxy[:, 1], xyxy[:, 0], -confidence, item))
    place = np.full(n + 1, -1, dtype=np.int64)
    place[order] = np.arange(n)
    member = np.full(len(tidy.row), -1, dtype=np.int64)
    given = tidy.row >= 0
    member[given] = place[cluster[tidy.row[given]]]
    answered = tidy.n_answers > 0
    return BoxConsensus(
        item=item[order],
        label=label[order].astype(np.int64),
        xyxy=inside(xyxy[order], tidy.size[item[order]]),
        confidence=np.clip(confidence[order], 0.0, 1.0),
        exists=exists[order],
        votes=votes[order],
        sd=sd[order],
        member=member,
        item_confidence=np.where(answered, np.clip(item_confidence, 0.0, 1.0), 0.0),
        n_answers=tidy.n_answers,
        workers=workers,
        iterations=iterations,
        log_likelihood=log_likelihood,
        method=method,
        version=version,
        details={name: values[order] for name, values in (details or {}).items()}
        | (item_details or {}),
    )


def inside(xyxy: Floats, size: Floats) -> Floats:
    """Boxes clipped to their image."""
    limit = np.tile(size, 2)
    clipped: Floats = np.clip(xyxy, 0.0, np.maximum(limit, xyxy.min(axis=1, initial=0.0)[:, None]))
    return clipped


def item_product(item: Ints, chance: Floats, n_items: int) -> Floats:
    """The product (n_items,) of ``chance`` over each item's rows; 1 where it has none."""
    logs = np.bincount(item, weights=np.log(np.maximum(chance, 1e-300)), minlength=n_items)
    product: Floats = np.exp(logs)
    return product


def found_against(tidy: TidyBoxes, cluster: Ints, exists: Bools, item: Ints) -> WorkerEstimates:
    """Each worker's F1 against the believed objects of the items they looked at."""
    right = np.zeros(len(tidy.item), dtype=bool)
    linked = cluster >= 0
    right[linked] = exists[cluster[linked]]
    n = tidy.n_workers
    n_drawn = np.bincount(tidy.worker, minlength=n)
    n_right = np.bincount(tidy.worker[right], minlength=n)
    believed = np.bincount(item[exists], minlength=tidy.n_items)
    n_there = np.bincount(tidy.response_worker, weights=believed[tidy.response_item], minlength=n)
    n_responses = np.bincount(tidy.response_worker, minlength=n).astype(np.int64)
    both = n_drawn + n_there
    f1 = np.where(both > 0, 2 * n_right / np.maximum(both, 1), 1.0)
    details: dict[str, NDArray[np.generic]] = {
        "detection_rate": _ratio(n_right, n_there),
        "false_boxes": _ratio(n_drawn - n_right, n_responses),
    }
    return WorkerEstimates(
        accuracy=np.where(n_responses > 0, f1, np.nan),
        weight=(n_responses > 0).astype(np.float64),
        n_answers=n_responses,
        details=details,
    )


def _ratio(part: NDArray[np.generic], whole: NDArray[np.generic]) -> Floats:
    ratio: Floats = np.where(whole > 0, part / np.maximum(whole, 1), np.nan)  # type: ignore[operator]
    return ratio


def weighted(group: Ints, weights: Floats, n: int) -> Floats:
    """The sums (n,) of ``weights`` by group."""
    return np.bincount(group, weights=weights, minlength=n).astype(np.float64)
