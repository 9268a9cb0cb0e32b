"""From a fitted model to confidences that mean what they say, and scores of the workers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from quality.consensus.boxes import _classes, _corners, _existence, _scores
from quality.consensus.boxes._fit import Fitted, Habits, State
from quality.consensus.boxes._result import item_product, top_label
from quality.consensus.boxes._threads import over
from quality.consensus.boxes._tidy import TidyBoxes
from quality.consensus.shapes import Bools, Floats, Ints, WorkerEstimates

# Even many workers miss an expert's corner by this share of the extent, and what the model
# thinks of its own precision is too good by this factor (measured).
_SHARED_SHIFT, _OPTIMISM = 0.025, 1.3
# Where the sides are off by this share of the extent, IoU is one half or more half of the time.
_HALF_PLACED = 0.26
_RIGHT_IOU = 0.5
_PRIOR_BOXES = 4.0
_CROWDEDNESS = 0.5
_LEAST_BELIEVED = 0.3
# Experts find something that no worker calls an object in so many images, however many look.
_BLIND = 0.06


@dataclass(frozen=True)
class Objects:
    """Per object (m,): ``item``, ``label``, ``named`` (chance the class is right), ``belief``.

    ``placed`` is the chance of IoU >= 0.5 with the true box; ``xyxy`` and ``sd`` (m, 4);
    ``own_iou`` (n,) is each box's IoU with its object as the others place it.
    """

    item: Ints
    label: Ints
    named: Floats
    belief: Floats
    placed: Floats
    xyxy: Floats
    sd: Floats
    own_iou: Floats


def objects(fitted: Fitted, n_labels: int) -> Objects:
    """The objects of all blocks under the final habits."""
    parts = over(fitted.states, lambda state: _objects(state, fitted.habits, n_labels))
    empty = np.zeros((0, 4))
    none = np.zeros(0)
    if not parts:
        ints = np.zeros(0, dtype=np.int64)
        return Objects(ints, ints, none, none, none, empty, empty, none)
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return Objects(*(np.concatenate(column) for column in columns))


def _objects(state: State, habits: Habits, n_labels: int) -> Objects:
    block = state.block
    corners = _corners.place(block, state.boxes, habits.drawers)
    chance = _classes.elect(state.ballots, block, habits.namers)
    belief, _ = _existence.believe(block, habits.eyes, _scores.evidence(block, habits.scorers))
    box = state.ballots
    label, named = top_label(box.owner, box.name, len(block.item), n_labels, chance)
    extent = _corners.extents(corners.xyxy)
    sd = np.hypot(_OPTIMISM / np.sqrt(corners.precision), _SHARED_SHIFT * extent)
    placed = _well_placed(sd / extent)
    iou = _own_iou(state, corners)
    return Objects(block.item, label, named, belief, placed, corners.xyxy, sd, iou)


def _well_placed(off: Floats) -> Floats:
    """The chance (m,) that IoU is one half or more, from the sides' relative sd (m, 4).

    Close to what simulated boxes give whose sides have heavy tails (Student t, 4 degrees).
    """
    mean = (off * off).mean(axis=1) / _HALF_PLACED**2
    chance: Floats = 1 / (1 + mean**2)
    return chance


def _own_iou(state: State, corners: _corners.Corners) -> Floats:
    """IoU (n,) of each box with its object's corners as the others place them; 1 if alone."""
    owner, box = state.block.cluster, state.block.xyxy
    own = _corners.leverage(state.block, corners) * corners.precision[owner]
    rest = corners.precision[owner] - own
    alone = (rest < 1e-6 * corners.precision[owner]).any(axis=1, keepdims=True)
    others = (corners.precision * corners.xyxy)[owner] - own * corners.corrected
    others = np.where(alone, box, others / np.where(alone, 1.0, rest))
    low, high = np.maximum(box[:, :2], others[:, :2]), np.minimum(box[:, 2:], others[:, 2:])
    shared = np.maximum(high - low, 0.0).prod(axis=1)
    ours = (box[:, 2:] - box[:, :2]).prod(axis=1)
    theirs = np.maximum(others[:, 2:] - others[:, :2], 0.0).prod(axis=1)
    iou: Floats = shared / (ours + theirs - shared)
    return iou


def confidences(found: Objects, odds: Floats, caution: Floats, shares: Floats) -> Floats:
    """The calibrated chance (m,) that the object is there, of this class, at IoU >= 0.5.

    ``odds`` (m,) are the log odds that it is there; so much as ``caution`` (m,) says is the
    plain share of votes ``shares`` (m,).
    """
    there = (1 - caution) * expit(odds) + caution * shares
    confidence: Floats = there * found.named * found.placed
    return confidence


def vote_shares(fitted: Fitted, trust: Floats) -> Floats:
    """The share (m,) of those who looked that drew each object, weighted by ``trust`` (w,)."""

    def share(state: State) -> Floats:
        block = state.block
        weight = trust[block.looker] * block.voice
        drew = np.add.reduceat(weight * block.drew, block.start)
        part: Floats = drew / np.maximum(np.add.reduceat(weight, block.start), 1e-9)
        return part

    parts = over(fitted.states, share)
    return np.concatenate(parts) if parts else np.zeros(0)


def threshold(confidence: Floats, n_true: float) -> float:
    """Half the F1 to be expected: believing what lies above maximises that F1.

    ``n_true`` is the number of real objects to be expected, seen or not.
    """
    ordered = np.sort(confidence)[::-1]
    expected = 2 * np.cumsum(ordered) / (np.arange(1, len(ordered) + 1) + max(n_true, 1e-9))
    return float(np.clip(0.5 * expected.max(initial=0.0), _LEAST_BELIEVED, 0.5))


def items_right(found: Objects, exists: Bools, missed: Floats) -> Floats:
    """The chance (n_items,) that every verdict of an image is right and it holds nothing else.

    ``missed`` (n_items,) objects expected that nobody drew. Made of the model's own beliefs:
    the caution that calibrates single objects, multiplied over a dense image, is too much.
    """
    sure = found.belief * found.named * found.placed
    right = np.where(exists, sure, 1 - sure)
    chance: Floats = item_product(found.item, right, len(missed)) * np.exp(-missed - _BLIND)
    return chance


def expected_missed(
    tidy: TidyBoxes, voice: Floats, eyes: _existence.Eyes, found: Objects
) -> Floats:
    """Objects (n_items,) expected that nobody drew, NaN where nobody looked.

    From how many the image shows, how many images usually show (a gamma prior worth half an
    object), and how often all of its workers miss one. See ``_blanks`` for empty answers.
    """
    answered = np.flatnonzero(tidy.n_answers)
    hidden = np.full(tidy.n_items, np.nan)
    if len(answered):
        seen = np.bincount(found.item, weights=found.belief, minlength=tidy.n_items)[answered]
        usual = float(seen.sum() + 0.5) / (len(answered) + 1)
        start = np.searchsorted(tidy.response_item, answered)
        missed = np.exp(_existence.log_missed(eyes, tidy.response_worker, voice, start))
        hidden[answered] = missed * (_CROWDEDNESS + seen) / (_CROWDEDNESS / usual + 1 - missed)
    return hidden


def score_workers(
    tidy: TidyBoxes, cluster: Ints, fitted: Fitted, found: Objects, sure: Floats
) -> WorkerEstimates:
    """Each worker's expected F1, shrunk to the crowd, and their habits.

    ``sure`` (m,) is the confidence in each object. A box is right when its object is there,
    its class is the consensus's and IoU with where the others place it is at least 0.5.
    """
    n, habits = tidy.n_workers, fitted.habits
    hit = (found.own_iou >= _RIGHT_IOU) & (tidy.label == found.label[cluster])
    right = np.bincount(tidy.worker, weights=sure[cluster] * hit, minlength=n)
    drawn = np.bincount(tidy.worker, minlength=n)
    there = np.bincount(found.item, weights=sure, minlength=tidy.n_items)
    there = np.bincount(tidy.response_worker, weights=there[tidy.response_item], minlength=n)
    crowd = (2 * right.sum() + 2.0) / ((drawn + there).sum() + 2.0)
    accuracy = (2 * right + _PRIOR_BOXES * crowd) / (drawn + there + _PRIOR_BOXES)
    n_answers = np.bincount(tidy.response_worker, minlength=n).astype(np.int64)
    details: dict[str, NDArray[np.generic]] = {
        **_hand_details(habits.drawers, found.xyxy),
        "detection_rate": _existence.detection_rate(habits.eyes),
        "false_boxes": habits.eyes.false_boxes,
        "right_class": habits.namers.right,
        "mean_iou": _mean_iou(tidy, found, sure[cluster], n),
    }
    return WorkerEstimates(
        accuracy=np.where(n_answers > 0, np.clip(accuracy, 0.0, 1.0), np.nan),
        weight=np.clip(accuracy, 0.0, 1.0),
        n_answers=n_answers,
        details=details,
    )


def _mean_iou(tidy: TidyBoxes, found: Objects, sure: Floats, n: int) -> Floats:
    total = np.bincount(tidy.worker, weights=sure, minlength=n)
    weighted = np.bincount(tidy.worker, weights=sure * found.own_iou, minlength=n)
    mean: Floats = np.where(total > 0, weighted / np.maximum(total, 1e-12), np.nan)
    return mean


def _hand_details(drawers: _corners.Drawers, xyxy: Floats) -> dict[str, Floats]:
    """Bias and spread (w, 4) as shares of the extent of a usual object."""
    extent = np.median(_corners.extents(xyxy), axis=0) if len(xyxy) else np.ones(4)
    scale = extent ** (drawers.growth - 1)
    return {
        "bias": drawers.bias + drawers.margin * scale,
        "spread": drawers.spread * scale,
    }
