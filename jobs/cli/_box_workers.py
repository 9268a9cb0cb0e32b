"""The WORKERS of ``consensus boxes``: a row a worker, scored against gold or the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jobs.answer_files import BoxFile, BoxResponse
from quality import box_workers
from quality import workers as worker_scores
from quality.boxes import match
from quality.consensus.shapes import BoxAnswers, BoxConsensus


def scored(
    read: BoxFile,
    workers: Sequence[str],
    result: BoxConsensus,
    answers: BoxAnswers,
    gold: Mapping[str, BoxResponse] | None,
) -> dict[str, Any]:
    """A row a worker: accuracy is F1, against gold where given, else against the others."""
    right, judged, overlap = (
        _against_gold(read, answers, workers, gold) if gold else _against_others(answers, result)
    )
    accuracy = worker_scores.accuracy(right, judged)
    details = result.workers.details
    empty = np.full(len(workers), np.nan)
    return {
        "worker": list(workers),
        "accuracy": np.round(accuracy.mean, 6),
        "low": np.round(accuracy.low, 6),
        "high": np.round(accuracy.high, 6),
        "n_answers": result.workers.n_answers,
        "detection_rate": np.round(np.asarray(details.get("detection_rate", empty), float), 6),
        "false_boxes": np.round(np.asarray(details.get("false_boxes", empty), float), 6),
        "mean_iou": np.round(overlap, 6),
    }


def _against_others(
    answers: BoxAnswers, result: BoxConsensus
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right and judged counts against what the others drew; mean IoU with the consensus."""
    counts = box_workers.against_others(answers, result)
    drawn = result.member >= 0
    overlap = _paired_iou(answers.xyxy[drawn], result.xyxy[result.member[drawn]])
    return counts.n_right, counts.n_judged, _mean_by(answers.worker[drawn], overlap, answers)


def _against_gold(
    read: BoxFile, answers: BoxAnswers, workers: Sequence[str], known: Mapping[str, BoxResponse]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right and judged counts, and mean IoU, on images whose boxes are known."""
    place = {name: index for index, name in enumerate(workers)}
    right, judged = np.zeros(len(workers)), np.zeros(len(workers))
    who: list[int] = []
    overlaps: list[float] = []
    for one in read.responses:
        if one.image not in known:
            continue
        truth = known[one.image]
        n_boxes = len(one.boxes) + len(truth.boxes)
        ious = [
            iou
            for label in {box[0] for box in truth.boxes}
            for iou in match(_corners(one, label), _corners(truth, label))[2].tolist()
        ]
        right[place[one.worker]] += len(ious) if n_boxes else 1
        judged[place[one.worker]] += n_boxes / 2 if n_boxes else 1
        who += [place[one.worker]] * len(ious)
        overlaps += ious
    return right, judged, _mean_by(np.array(who, np.int64), np.array(overlaps), answers)


def _corners(response: BoxResponse, label: str) -> np.ndarray:
    return np.array([box[1:5] for box in response.boxes if box[0] == label], float).reshape(-1, 4)


def _mean_by(worker: np.ndarray, values: np.ndarray, answers: BoxAnswers) -> np.ndarray:
    """Mean value a worker, NaN for one without any."""
    n = np.bincount(worker, minlength=answers.n_workers)
    total = np.bincount(worker, values, minlength=answers.n_workers)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def _paired_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU of each row of ``a`` (n, 4) with the same row of ``b`` (n, 4)."""
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    areas = np.prod(a[:, 2:] - a[:, :2], axis=1) + np.prod(b[:, 2:] - b[:, :2], axis=1)
    iou: np.ndarray = shared / (areas - shared)
    return iou
