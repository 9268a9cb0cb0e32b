"""Majority vote for boxes: clusters by IoU, mean corners, more than half must agree.

The plain rule most tools use, for comparison. Boxes of different workers form clusters
while their mean IoU is at least 0.5; the object exists when more than half of those who
looked drew it; its class is the most frequent (ties: the lower index) and its corners are
the means. Confidence is the share of lookers who drew the box with this class.
"""

from __future__ import annotations

import numpy as np

from quality.consensus.boxes._clusters import by_iou, clusters
from quality.consensus.boxes._plain import cluster_items, conclude
from quality.consensus.boxes._result import mean_boxes, top_label
from quality.consensus.boxes._tidy import tidy
from quality.consensus.shapes import BoxAnswers, BoxConsensus

VERSION = "1"
_IOU = 0.5
_OTHER_LABEL = 0.9


def combine(answers: BoxAnswers) -> BoxConsensus:
    """Objects by majority vote; see the module for the rule. Empty in, empty out.

    Workers' ``accuracy`` is their F1 against the objects believed; all weigh the same.
    ``sd`` is the standard error of the mean corners, NaN for a single vote.
    """
    columns = tidy(answers)
    cluster = clusters(columns, by_iou(columns, _OTHER_LABEL), _IOU)
    votes, item = cluster_items(cluster, columns)
    n_looks = np.maximum(columns.n_answers[item], 1)
    label, agreed = top_label(cluster, columns.label, len(votes), answers.n_labels)
    return conclude(
        columns,
        cluster,
        label=label,
        xyxy=mean_boxes(cluster, columns.xyxy, len(votes), np.ones(len(cluster))),
        confidence=agreed / n_looks,
        exists=2 * votes > n_looks,
        method="iou_clusters",
        version=VERSION,
    )
