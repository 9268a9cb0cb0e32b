"""What the plain rules have in common: clusters in, voted objects out."""

from __future__ import annotations

import numpy as np

from quality.consensus.boxes._result import assemble, found_against, item_product, mean_boxes
from quality.consensus.boxes._tidy import TidyBoxes
from quality.consensus.shapes import Bools, BoxConsensus, Floats, Ints


def cluster_items(cluster: Ints, columns: TidyBoxes) -> tuple[Ints, Ints]:
    """Votes (m,) and item (m,) of each cluster, numbered from 0 without gaps."""
    votes = np.bincount(cluster).astype(np.int64) if len(cluster) else np.zeros(0, dtype=np.int64)
    item = np.zeros(len(votes), dtype=np.int64)
    item[cluster] = columns.item
    return votes, item


def standard_errors(cluster: Ints, columns: TidyBoxes, xyxy: Floats, votes: Ints) -> Floats:
    """Standard error (m, 4) of the mean of each cluster's sides, NaN for a single vote."""
    even = np.ones(len(cluster))
    spread = mean_boxes(cluster, (columns.xyxy - xyxy[cluster]) ** 2, len(votes), even)
    errors = np.sqrt(spread / np.maximum(votes - 1, 1)[:, None])
    result: Floats = np.where(votes[:, None] > 1, errors, np.nan)
    return result


def conclude(
    columns: TidyBoxes,
    cluster: Ints,
    *,
    label: Ints,
    xyxy: Floats,
    confidence: Floats,
    exists: Bools,
    method: str,
    version: str,
) -> BoxConsensus:
    """The result of a plain rule; all workers weigh the same, ``accuracy`` is their F1."""
    votes, item = cluster_items(cluster, columns)
    sure = np.where(exists, confidence, 1 - confidence)
    return assemble(
        columns,
        cluster,
        label=label,
        xyxy=xyxy,
        confidence=confidence,
        exists=exists,
        sd=standard_errors(cluster, columns, xyxy, votes),
        workers=found_against(columns, cluster, exists, item),
        item_confidence=item_product(item, np.clip(sure, 0, 1), columns.n_items),
        method=method,
        version=version,
    )
