"""The two fusions of ensemble-boxes on the same answers, when it is installed."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from quality.boxes import iou_matrix
from quality.consensus.shapes import BoxAnswers, BoxConsensus, WorkerEstimates

FUSIONS = {
    "ensemble WBF": "weighted_boxes_fusion",
    "ensemble NMW": "non_maximum_weighted",
}
# The kindest setting of those tried on these sets (0.55 is the package's own default).
IOU = 0.4
LEAST_VOTES, LEAST_PART = 2, 0.4


def is_installed() -> bool:
    return find_spec("ensemble_boxes") is not None


def methods() -> dict:
    """The installed peers by name, each a function of the answers."""
    return {name: partial(fuse, function) for name, function in FUSIONS.items() if is_installed()}


def fuse(function: str, answers: BoxAnswers) -> BoxConsensus:
    """Its fusion with every score 1; boxes of two people and two fifths of them are believed."""
    rows = []
    for item in range(answers.n_items):
        asked = answers.response_worker[answers.response_item == item]
        own = np.flatnonzero(answers.item == item)
        scale = np.tile(answers.size[item], 2)
        if not own.size:
            continue
        if not scale.all():
            scale = np.full(4, answers.xyxy[own].max())
        by_worker = [own[answers.worker[own] == worker] for worker in asked]
        corners, score, label = getattr(import_module("ensemble_boxes"), function)(
            [np.clip(answers.xyxy[part] / scale, 0, 1).tolist() for part in by_worker],
            [[1.0] * len(part) for part in by_worker],
            [answers.label[part].tolist() for part in by_worker],
            iou_thr=IOU,
        )
        boxes = corners * scale
        # The scores of weighted fusion are shares of votes; those of the other are all 1.
        votes = np.rint(score * len(asked))
        if function != FUSIONS["ensemble WBF"]:
            votes = _votes(boxes, label, [(answers.xyxy[p], answers.label[p]) for p in by_worker])
        rows += [
            (item, name, *box, vote / len(asked), vote)
            for name, box, vote in zip(label, boxes, votes, strict=True)
        ]
    return _consensus(function, np.array(rows, float).reshape(-1, 8), answers)


def _votes(boxes, labels, drawn) -> np.ndarray:
    """How many workers drew a box of the same class on each merged one."""
    votes = np.zeros(len(boxes))
    for xyxy, names in drawn:
        near = (iou_matrix(boxes, xyxy) >= IOU) & (labels[:, None] == names[None, :])
        votes += near.any(axis=1)
    return votes


def _consensus(name: str, rows: np.ndarray, answers: BoxAnswers) -> BoxConsensus:
    n_answers = np.bincount(answers.response_item, minlength=answers.n_items)
    item, votes = rows[:, 0].astype(np.int64), rows[:, 7].astype(np.int64)
    n_asked = n_answers[item]
    n_drawn = np.bincount(answers.response_worker, minlength=answers.n_workers)
    unknown = np.full(answers.n_workers, np.nan)
    return BoxConsensus(
        item=item,
        label=rows[:, 1].astype(np.int64),
        xyxy=rows[:, 2:6],
        confidence=np.clip(rows[:, 6], 0, 1),
        exists=votes >= np.minimum(np.maximum(LEAST_VOTES, LEAST_PART * n_asked), n_asked),
        votes=votes,
        sd=np.full((len(rows), 4), np.nan),
        member=np.full(len(answers.item), -1),
        item_confidence=np.zeros(answers.n_items),
        n_answers=n_answers,
        workers=WorkerEstimates(unknown, np.ones(answers.n_workers), n_drawn),
        iterations=0,
        log_likelihood=0.0,
        method=name,
        version="",
    )
