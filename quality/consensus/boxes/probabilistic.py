"""The default: one model of objects and workers, fitted to all images at once."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from quality.consensus.boxes import _classes, _corners, _existence
from quality.consensus.boxes._clusters import clusters
from quality.consensus.boxes._result import assemble, item_product, top_label
from quality.consensus.boxes._tidy import TidyBoxes, tidy
from quality.consensus.shapes import BoxAnswers, BoxConsensus, Floats, Ints, WorkerEstimates

VERSION = "1"
_IOU = 0.3
_OTHER_LABEL = 0.9
_ROUNDS = 8


def combine(answers: BoxAnswers) -> BoxConsensus:
    """Objects with the chance that each is real, its class right and its place right."""
    columns = tidy(answers)
    cluster = clusters(columns, _IOU, _OTHER_LABEL)
    return _fit(columns, cluster)


def _fit(columns: TidyBoxes, cluster: Ints) -> BoxConsensus:
    n = int(cluster.max(initial=-1)) + 1
    worker, label, xyxy = columns.worker, columns.label, columns.xyxy
    item = np.zeros(n, dtype=np.int64)
    item[cluster] = columns.item
    boxes = _corners.median_boxes(cluster, xyxy, n)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    seen = _existence.looks(columns, cluster, item, area)
    box = _classes.ballots(cluster, label, columns.n_labels)
    drawers = _corners.first_drawers(columns.n_workers)
    eyes = _existence.first_eyes(columns)
    namers = _classes.first_namers(columns.n_workers, columns.n_labels, label)
    n_responses = np.bincount(columns.response_worker, minlength=columns.n_workers)
    extra = np.zeros(n)
    belief, totals = _existence.believe(seen, eyes, extra)
    for _ in range(_ROUNDS):
        corners = _corners.place(cluster, worker, xyxy, boxes, drawers)
        boxes = corners.xyxy
        chance = _classes.elect(box, worker, label, n, namers)
        drawers = _corners.learn(cluster, worker, xyxy, corners, belief[cluster], drawers)
        namers = _classes.learn(box, chance, worker, label, belief[cluster], namers)
        false = np.bincount(worker, weights=1 - belief[cluster], minlength=columns.n_workers)
        eyes = _existence.learn(seen, eyes, belief, totals, n_responses, false)
        belief, totals = _existence.believe(seen, eyes, extra)
    corners = _corners.place(cluster, worker, xyxy, boxes, drawers)
    chance = _classes.elect(box, worker, label, n, namers)
    name, sure = top_label(box.owner, box.name, n, columns.n_labels, chance)
    sd = np.sqrt(1 / corners.precision)
    well = _well_placed(corners.xyxy, sd)
    confidence = belief * sure * well
    exists = confidence >= 0.5
    return assemble(
        columns,
        cluster,
        label=name,
        xyxy=corners.xyxy,
        confidence=confidence,
        exists=exists,
        sd=sd,
        workers=_workers(columns, cluster, item, confidence, n_responses),
        item_confidence=item_product(
            item, np.where(exists, confidence, 1 - confidence), columns.n_items
        ),
        method="probabilistic",
        version=VERSION,
        iterations=_ROUNDS,
        log_likelihood=totals.log_likelihood,
    )


def _well_placed(xyxy: Floats, sd: Floats) -> Floats:
    off = sd / _corners.extents(xyxy)
    mean, spread = 0.8 * off.sum(axis=1), 0.6 * np.sqrt((off * off).sum(axis=1))
    return ndtr((0.65 - mean) / np.maximum(spread, 1e-9))


def _workers(columns, cluster, item, confidence, n_responses) -> WorkerEstimates:
    n = columns.n_workers
    right = np.bincount(columns.worker, weights=confidence[cluster], minlength=n)
    drawn = np.bincount(columns.worker, minlength=n)
    there = np.bincount(item, weights=confidence, minlength=columns.n_items)
    there = np.bincount(columns.response_worker, weights=there[columns.response_item], minlength=n)
    both = drawn + there
    crowd = (2 * right.sum() + 2) / (both.sum() + 2)
    accuracy = (2 * right + 4 * crowd) / (both + 4)
    return WorkerEstimates(np.where(n_responses > 0, accuracy, np.nan), accuracy, n_responses)
