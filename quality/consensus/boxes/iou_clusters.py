"""Majority vote for boxes: clusters by IoU, mean corners, more than half must agree.

The plain rule most tools use, for comparison. Boxes of different workers form clusters
while their mean IoU is at least 0.5; the object exists when more than half of those who
looked drew it; its class is the most frequent (ties: the lower index) and its corners are
the means. Confidence is the share of lookers who drew the box with this class.
"""

from __future__ import annotations

import numpy as np

from quality.consensus.boxes._clusters import by_iou, clusters
from quality.consensus.boxes._result import (
    assemble,
    found_against,
    item_product,
    mean_boxes,
    top_label,
)
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
    n = int(cluster.max(initial=-1)) + 1
    votes = np.bincount(cluster, minlength=n)
    item = np.zeros(n, dtype=np.int64)
    item[cluster] = columns.item
    label, agreed = top_label(cluster, columns.label, n, answers.n_labels)
    share = votes / np.maximum(columns.n_answers[item], 1)
    confidence = agreed / np.maximum(columns.n_answers[item], 1)
    even = np.ones(len(cluster))
    xyxy = mean_boxes(cluster, columns.xyxy, n, even)
    spread = mean_boxes(cluster, (columns.xyxy - xyxy[cluster]) ** 2, n, even)
    several = np.maximum(votes - 1, 1)[:, None]
    exists = share > 0.5
    sure = np.where(exists, confidence, 1 - share)
    return assemble(
        columns,
        cluster,
        label=label,
        xyxy=xyxy,
        confidence=confidence,
        exists=exists,
        sd=np.where(votes[:, None] > 1, np.sqrt(spread / several), np.nan),
        workers=found_against(columns, cluster, exists, item),
        item_confidence=item_product(item, sure, columns.n_items),
        method="iou_clusters",
        version=VERSION,
    )
