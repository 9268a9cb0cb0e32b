"""CVAT's published rule for merging replicas, restated for comparison.

Boxes form greedy clusters in which every two have IoU >= 0.4 and each worker has one box.
A cluster is kept when at least half of the workers are in it; its label has the most votes,
and its box is the single real one nearest to the mean box. Score: share of votes times mean
IoU with that box.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from quality.boxes import iou_matrix
from quality.consensus.boxes._plain import cluster_items, conclude
from quality.consensus.boxes._result import mean_boxes, top_label
from quality.consensus.boxes._tidy import TidyBoxes, tidy
from quality.consensus.shapes import BoxAnswers, BoxConsensus, Floats, Ints

VERSION = "1"
_IOU = 0.4
_QUORUM = 0.5


def combine(answers: BoxAnswers) -> BoxConsensus:
    """Objects by the rule above. Images are worked through one by one. Empty in, empty out."""
    columns = tidy(answers)
    cluster = _clusters(columns)
    votes, item = cluster_items(cluster, columns)
    n_looks = np.maximum(columns.n_answers[item], 1)
    label, _ = top_label(cluster, columns.label, len(votes), answers.n_labels)
    mean = mean_boxes(cluster, columns.xyxy, len(votes), np.ones(len(cluster)))
    chosen = _nearest(cluster, _paired_ious(columns.xyxy, mean[cluster]), len(votes))
    xyxy = columns.xyxy[chosen]
    agreement = _paired_ious(columns.xyxy, xyxy[cluster])
    mean_iou = np.bincount(cluster, weights=agreement, minlength=len(votes)) / np.maximum(votes, 1)
    return conclude(
        columns,
        cluster,
        label=label,
        xyxy=xyxy,
        confidence=np.clip(votes / n_looks * mean_iou, 0.0, 1.0),
        exists=votes >= np.ceil(_QUORUM * n_looks),
        method="cvat",
        version=VERSION,
    )


def _clusters(columns: TidyBoxes) -> Ints:
    ends = np.searchsorted(columns.item, np.arange(columns.n_items + 1))
    root = np.arange(len(columns.item), dtype=np.int64)
    for start, stop in pairwise(ends):
        if stop > start:
            local = _greedy(columns.xyxy[start:stop], columns.worker[start:stop])
            root[start:stop] = start + local
    return np.unique(root, return_inverse=True)[1].astype(np.int64)


def _greedy(xyxy: Floats, worker: Ints) -> Ints:
    """The first row of each row's cluster, best pairs first, complete linkage."""
    ious = iou_matrix(xyxy, xyxy)
    ious[worker[:, None] == worker[None, :]] = 0.0
    a, b = np.nonzero(np.triu(ious >= _IOU))
    root = np.arange(len(xyxy))
    members = {row: [row] for row in range(len(xyxy))}
    for pair in np.lexsort((b, a, -ious[a, b])):
        keep, gone = sorted((int(root[a[pair]]), int(root[b[pair]])))
        if keep != gone and (ious[np.ix_(members[keep], members[gone])] >= _IOU).all():
            members[keep] += members.pop(gone)
            root[members[keep]] = keep
    return root


def _paired_ious(a: Floats, b: Floats) -> Floats:
    """IoU (n,) row by row."""
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    shared = np.maximum(high - low, 0.0).prod(axis=1)
    areas = (a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1)
    ious: Floats = shared / (areas - shared)
    return ious


def _nearest(cluster: Ints, nearness: Floats, n: int) -> Ints:
    """The row of each cluster's nearest box; ties go to the first row."""
    order = np.lexsort((np.arange(len(cluster)), -nearness, cluster))
    first = np.searchsorted(cluster[order], np.arange(n))
    return order[first]
