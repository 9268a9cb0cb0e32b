"""Weighted boxes fusion (Solovyev, Wang, Gabruseva 2021), restated for comparison.

Boxes of one class, best scores first, join the fused box they overlap most at IoU >= 0.55,
which then moves to the score-weighted mean of its boxes. Confidence is the mean score times
the share of workers found. A person's box has score 1. Believed from two boxes on (one where
one worker looked). The method knows no workers: two boxes of one worker may be fused.
"""

from __future__ import annotations

import numpy as np

from quality.boxes import iou_matrix
from quality.consensus.boxes._plain import cluster_items, conclude
from quality.consensus.boxes._result import mean_boxes, top_label
from quality.consensus.boxes._tidy import TidyBoxes, tidy
from quality.consensus.shapes import BoxAnswers, BoxConsensus, Floats, Ints

VERSION = "1"
_IOU = 0.55


def combine(answers: BoxAnswers) -> BoxConsensus:
    """Objects by the rule above. Images are worked through one by one. Empty in, empty out."""
    columns = tidy(answers)
    score = np.where(np.isnan(columns.score), 1.0, columns.score)
    cluster = _clusters(columns, score)
    votes, item = cluster_items(cluster, columns)
    n_looks = np.maximum(columns.n_answers[item], 1)
    label, _ = top_label(cluster, columns.label, len(votes), answers.n_labels)
    total = np.bincount(cluster, weights=score, minlength=len(votes))
    weight = np.maximum(score, 1e-6)
    return conclude(
        columns,
        cluster,
        label=label,
        xyxy=mean_boxes(cluster, columns.xyxy, len(votes), weight),
        confidence=total / np.maximum(votes, 1) * np.minimum(votes, n_looks) / n_looks,
        exists=votes >= np.minimum(2, n_looks),
        method="wbf",
        version=VERSION,
    )


def _clusters(columns: TidyBoxes, score: Floats) -> Ints:
    order = np.lexsort((np.arange(len(score)), -score, columns.label, columns.item))
    root = np.arange(len(score), dtype=np.int64)
    key = columns.item[order] * max(columns.n_labels, 1) + columns.label[order]
    for rows in np.split(order, np.flatnonzero(np.diff(key)) + 1):
        root[rows] = _fuse(rows, columns.xyxy, np.maximum(score, 1e-6))
    return np.unique(root, return_inverse=True)[1].astype(np.int64)


def _fuse(rows: Ints, xyxy: Floats, weight: Floats) -> Ints:
    """The first row of each row's fused box."""
    fused = np.zeros((len(rows), 4))
    total = np.zeros(len(rows))
    leader = np.zeros(len(rows), dtype=np.int64)
    roots, n = rows.copy(), 0
    for place, row in enumerate(rows):
        ious = iou_matrix(xyxy[row][None], fused[:n])[0]
        best = int(ious.argmax()) if n else -1
        if n == 0 or ious[best] <= _IOU:
            best, n = n, n + 1
            leader[best] = row
        fused[best] = (fused[best] * total[best] + xyxy[row] * weight[row]) / (
            total[best] + weight[row]
        )
        total[best] += weight[row]
        roots[place] = leader[best]
    return roots
