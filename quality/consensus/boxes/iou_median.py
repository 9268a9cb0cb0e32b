"""As ``iou_clusters``, with side-wise medians instead of means: one wild box moves nothing."""

from __future__ import annotations

import numpy as np

from quality.consensus.boxes._blocks import median_boxes
from quality.consensus.boxes._clusters import by_iou, clusters
from quality.consensus.boxes._plain import cluster_items, conclude
from quality.consensus.boxes._result import top_label
from quality.consensus.boxes._tidy import tidy
from quality.consensus.shapes import BoxAnswers, BoxConsensus

VERSION = "1"
_IOU = 0.5
_OTHER_LABEL = 0.9


def combine(answers: BoxAnswers) -> BoxConsensus:
    """Objects by majority vote with median corners. Empty in, empty out."""
    columns = tidy(answers)
    cluster = clusters(columns, by_iou(columns, _OTHER_LABEL), _IOU)
    votes, item = cluster_items(cluster, columns)
    n_looks = np.maximum(columns.n_answers[item], 1)
    label, agreed = top_label(cluster, columns.label, len(votes), answers.n_labels)
    return conclude(
        columns,
        cluster,
        label=label,
        xyxy=median_boxes(cluster, columns.xyxy, len(votes)),
        confidence=agreed / n_looks,
        exists=2 * votes > n_looks,
        method="iou_median",
        version=VERSION,
    )
