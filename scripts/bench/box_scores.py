"""How good a box consensus is against gold: F1, average precision, calibration, workers."""

from collections import defaultdict

import numpy as np
from scipy.stats import spearmanr

from quality.boxes import box_f1, iou_matrix

STEPS = np.round(np.arange(0.5, 1.0, 0.05), 2)


def f1(result, gold) -> float:
    """F1 of the believed boxes over all gold items, same class, IoU 0.5, optimal matching."""
    n_matched = n_all = 0.0
    for item, rows in _rows(result, gold).items():
        truth, labels = gold[item]
        rows = rows[result.exists[rows]]
        both = len(rows) + len(truth)
        n_all += both
        n_matched += box_f1(result.xyxy[rows], truth, result.label[rows], labels) * both
    return n_matched / max(n_all, 1.0)


def average_precision(result, gold) -> float:
    """Mean over classes and IoU 0.5 to 0.95 of the 101-point average precision (as in COCO)."""
    hits = found(result, gold)
    labels = np.concatenate([labels for _, labels in gold.values()])
    chosen = np.isin(result.item, list(gold))
    order = np.argsort(-result.confidence[chosen], kind="stable")
    label, hits = result.label[chosen][order], hits[chosen][order]
    return float(
        np.mean(
            [
                _precision(hits[label == name, step], int((labels == name).sum()))
                for name in np.unique(labels)
                for step in range(len(STEPS))
            ]
        )
    )


def _precision(hit, n_truth: int) -> float:
    if not len(hit):
        return 0.0
    right = np.cumsum(hit)
    recall, precision = right / n_truth, right / np.arange(1, len(hit) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(recall, np.linspace(0, 1, 101))
    return float(np.where(place < len(best), best[np.minimum(place, len(best) - 1)], 0.0).mean())


def found(result, gold):
    """Whether each object (m, 10) finds an unclaimed gold box at each IoU step, best first."""
    hits = np.zeros((len(result.item), len(STEPS)), dtype=bool)
    for item, rows in _rows(result, gold).items():
        truth, labels = gold[item]
        if not len(truth):
            continue
        ious = iou_matrix(result.xyxy[rows], truth)
        ious = np.where(result.label[rows][:, None] == labels[None, :], ious, 0.0)
        for step, threshold in enumerate(STEPS):
            free = np.ones(len(truth), dtype=bool)
            for row in np.argsort(-result.confidence[rows], kind="stable"):
                best = int(np.where(free, ious[row], -1).argmax())
                if free[best] and ious[row, best] >= threshold:
                    hits[rows[row], step], free[best] = True, False
    return hits


def calibration_error(result, gold, n_bins: int = 10) -> float:
    """Mean gap between confidence and the share found at IoU 0.5, in ten equal bins."""
    chosen = np.isin(result.item, list(gold))
    sure, right = result.confidence[chosen], found(result, gold)[chosen, 0]
    place = np.minimum((sure * n_bins).astype(int), n_bins - 1)
    gaps = [
        (place == k).mean() * abs(sure[place == k].mean() - right[place == k].mean())
        for k in np.unique(place)
    ]
    return float(np.sum(gaps))


def worker_correlation(result, answers, gold) -> float:
    """Spearman correlation of estimated accuracy with each worker's true F1 on gold items."""
    truth = worker_f1(answers, gold)
    known = ~np.isnan(truth) & ~np.isnan(result.workers.accuracy)
    return float(spearmanr(truth[known], result.workers.accuracy[known])[0])


def worker_f1(answers, gold):
    """Each worker's own F1 (n_workers,) over the gold items they saw; NaN for none."""
    drawn = defaultdict(list)
    for row, key in enumerate(zip(answers.item.tolist(), answers.worker.tolist(), strict=True)):
        drawn[key].append(row)
    n_matched, n_all = np.zeros(answers.n_workers), np.zeros(answers.n_workers)
    seen = zip(answers.response_item.tolist(), answers.response_worker.tolist(), strict=True)
    for item, worker in seen:
        if item not in gold:
            continue
        truth, labels = gold[item]
        rows = drawn[item, worker]
        n_all[worker] += len(rows) + len(truth)
        both = len(rows) + len(truth)
        f1 = box_f1(answers.xyxy[rows], truth, answers.label[rows], labels)
        n_matched[worker] += f1 * both
    return np.where(n_all > 0, n_matched / np.maximum(n_all, 1), np.nan)


def _rows(result, gold):
    """The objects of each gold item."""
    ends = np.searchsorted(result.item, np.arange(max(gold, default=0) + 2))
    return {item: np.arange(ends[item], ends[item + 1]) for item in gold}
