"""The default: one model of objects and workers, fitted to all images at once.

1. Link: boxes of different workers that overlap form clusters with at most one box a worker
   (average linkage), first by IoU, then, once the workers are known a little, by the odds
   that two boxes are copies of one object.
2. Fit, in rounds: where each object is (`_corners`), whether it exists (`_existence`), which
   class it has (`_classes`), what a model's scores tell (`_scores`); and each worker's
   detection, false boxes, bias, spread and confusion, all shrunk to the crowd.
3. Judge: calibrated confidence, believed or not, standard deviations, workers' F1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import logit

from quality.consensus.boxes import _blanks, _caution, _copies, _crowding, _verdict
from quality.consensus.boxes._blocks import split
from quality.consensus.boxes._clusters import by_iou, clusters
from quality.consensus.boxes._fit import Fitted, Habits, first_habits, first_states, fit
from quality.consensus.boxes._likeness import CLIP, by_model
from quality.consensus.boxes._result import assemble, weighted
from quality.consensus.boxes._tidy import TidyBoxes, tidy
from quality.consensus.shapes import BoxAnswers, BoxConsensus, Floats, Ints

VERSION = "4"
_IOU = 0.25
_OTHER_LABEL = 0.9
# Where log odds are divided by T > 1, half of 1 - 1 / T is the plain share of votes.
_PLAIN_SHARE = 0.5
_ODDS = -3.0
_FIRST_ROUNDS, _ROUNDS = 4, 10
_TWO_VOICES = 1.5


def combine(answers: BoxAnswers) -> BoxConsensus:
    """Objects with the chance that each is real, of this class and well placed.

    ``confidence`` is the calibrated chance that the object is there, has this class and the
    box has IoU >= 0.5 with it; ``exists`` marks those above half the F1 to be expected, the
    set with the best expected F1 (a threshold of 0.3 to 0.5). ``sd`` is in pixels. Workers'
    ``accuracy`` is their expected F1. Rows in any order, duplicates and workers without
    boxes are fine; no answers give an empty result.
    """
    return combine_in_rounds(answers, lambda *_: None)


def combine_in_rounds(answers: BoxAnswers, progress: Callable[[int, int], None]) -> BoxConsensus:
    """The same; ``progress`` is told the round of the fit and the most there can be."""

    def told(n_before: int) -> Callable[[int], None]:
        return lambda n_done: progress(n_before + n_done, _FIRST_ROUNDS + _ROUNDS)

    columns = tidy(answers)
    cluster = clusters(columns, by_iou(columns, _OTHER_LABEL), _IOU)
    voice = _copies.find(columns, cluster).voice
    if not len(cluster):
        return _judge(columns, cluster, voice, Fitted(first_habits(columns), [], 0, 0.0))
    rough = _fit(columns, cluster, voice, first_habits(columns), _FIRST_ROUNDS, told(0)).habits
    likeness = by_model(columns, rough.drawers, rough.namers)
    cluster = clusters(columns, likeness, CLIP + _ODDS)
    fitted = _fit(columns, cluster, voice, rough, _ROUNDS, told(_FIRST_ROUNDS))
    return _judge(columns, cluster, voice, fitted)


def _fit(
    columns: TidyBoxes,
    cluster: Ints,
    voice: Floats,
    habits: Habits,
    rounds: int,
    told: Callable[[int], None],
) -> Fitted:
    states = first_states(split(columns, cluster, voice), max(columns.n_labels, 1))
    n_responses = np.bincount(columns.response_worker, minlength=columns.n_workers)
    return fit(states, habits, n_responses, rounds, told)


def _judge(columns: TidyBoxes, cluster: Ints, voice: Floats, fitted: Fitted) -> BoxConsensus:
    n_voices = weighted(columns.response_item, voice, columns.n_items)
    found = _verdict.objects(fitted, max(columns.n_labels, 1))
    odds, caution = _tempered(n_voices, fitted, found)
    even = np.ones(columns.n_workers)
    shares = _verdict.vote_shares(fitted, even)
    rough = _verdict.confidences(found, odds, caution, shares)
    trust = _verdict.score_workers(columns, cluster, fitted, found, rough).weight
    shares = _verdict.vote_shares(fitted, trust)
    confidence = _verdict.confidences(found, odds, caution, shares)
    missed = _verdict.expected_missed(columns, voice, fitted.habits.eyes, found)
    false_boxes = fitted.habits.eyes.false_boxes
    blank, hidden = _blanks.hidden(columns, cluster, voice, found.belief, false_boxes)
    missed[blank] = np.maximum(missed[blank], hidden)
    judged = found.named * found.placed
    there = np.divide(confidence, judged, out=np.zeros_like(confidence), where=judged > 0)
    n_true = float(there.sum() + np.nansum(missed))
    exists = confidence >= _verdict.threshold(confidence, n_true)
    return assemble(
        columns,
        cluster,
        label=found.label,
        xyxy=found.xyxy,
        confidence=confidence,
        exists=exists,
        sd=found.sd,
        workers=_verdict.score_workers(columns, cluster, fitted, found, confidence),
        item_confidence=_verdict.items_right(found, exists, missed),
        method="probabilistic",
        version=VERSION,
        iterations=fitted.rounds,
        log_likelihood=fitted.log_likelihood,
        details={
            "existence": there,
            "named": found.named,
            "placed": found.placed,
        },
        item_details={"missed": missed},
    )


def _tempered(n_voices: Floats, fitted: Fitted, found: _verdict.Objects) -> tuple[Floats, Floats]:
    """Log odds (m,) of existence as far as they can be trusted, and how cautious to be still."""
    # A single worker shares errors with nobody.
    alone = n_voices[found.item] < _TWO_VOICES
    temperature = np.where(alone, 1.0, _caution.temperature(fitted))
    odds = logit(np.clip(found.belief, 1e-12, 1 - 1e-12)) / temperature
    odds += _crowding.evidence(_crowding.neighbours(found.item, found.xyxy), odds)
    return odds, _PLAIN_SHARE * (1 - 1 / np.maximum(temperature, 1.0))
