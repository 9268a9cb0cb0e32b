"""How right each worker is, with a credible interval: against gold, and against the others.

A worker is never scored against a consensus that holds the worker's own vote: that
would flatter everyone, most of all where few people answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from quality.consensus.shapes import Floats, Ints, TagAnswers
from quality.consensus.tags._leave_one_out import agreement_with_others
from quality.consensus.tags._votes import collect

# Answers' worth of crowd opinion a worker starts with (measured best near 4 on real crowds).
PRIOR_ANSWERS = 4.0
INTERVAL = 0.95


@dataclass(frozen=True)
class Accuracy:
    """Share right, in [0, 1], and its 95 % credible interval; floats or equal shapes."""

    mean: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class WorkerScores:
    """Each worker's accuracy, its evidence, and the prior it was shrunk to.

    ``n_right`` (n_workers,) may be fractional: the summed probability of being right.
    ``accuracy`` is NaN in all three arrays for a worker without judged answers.
    """

    accuracy: Accuracy
    n_right: Floats
    n_judged: Ints
    prior: tuple[float, float]


def accuracy(
    n_right: ArrayLike, n_all: ArrayLike, prior: tuple[float, float] = (1.0, 1.0)
) -> Accuracy:
    """Accuracy after ``n_right`` right answers of ``n_all``, with a 95 % interval.

    The posterior is Beta(a + n_right, b + n_all - n_right) for the ``prior`` (a, b), both
    above 0: a pseudo-right and b pseudo-wrong answers. Arrays broadcast. Without answers
    the prior itself is given back.

    Raises:
        ValueError: when more are right than were given, or the prior is not positive.

    """
    right, total = np.broadcast_arrays(np.asarray(n_right, float), np.asarray(n_all, float))
    if np.any(right < 0) or np.any(right > total + 1e-9):
        raise ValueError("n_right: expected 0 to n_all in every entry")
    if min(prior) <= 0:
        raise ValueError(f"prior: expected two positive numbers, got {prior}")
    a = prior[0] + right
    b = prior[1] + np.maximum(total - right, 0.0)
    tail = (1 - INTERVAL) / 2
    return Accuracy(a / (a + b), betaincinv(a, b, tail), betaincinv(a, b, 1 - tail))


def crowd_prior(
    n_right: ArrayLike, n_all: ArrayLike, answers: float = PRIOR_ANSWERS
) -> tuple[float, float]:
    """A prior worth ``answers`` answers whose mean is the whole crowd's share right."""
    share = (np.sum(n_right) + 1.0) / (np.sum(n_all) + 2.0)
    return (float(answers * share), float(answers * (1 - share)))


def against_gold(answers: TagAnswers) -> WorkerScores:
    """Each worker's accuracy on the items whose ``gold`` is known, shrunk to the crowd."""
    votes = collect(answers)
    known = votes.gold[votes.item] >= 0
    worker = votes.worker[known]
    truth = votes.truths[votes.gold[votes.item[known]]]
    right = (votes.label[known] == truth).astype(float)
    return _scores(
        np.bincount(worker, weights=right, minlength=votes.n_workers).astype(float),
        np.bincount(worker, minlength=votes.n_workers).astype(np.int64),
    )


def against_others(answers: TagAnswers) -> WorkerScores:
    """Each worker's accuracy against what the others say of the same items.

    The chance that an answer is right is taken from the consensus of all other answers to
    its item. Gold items count as known. Answers on items nobody else answered, and
    answers that can be no truth, are not judged.
    """
    votes = collect(answers)
    right, judged = agreement_with_others(votes)
    return _scores(
        np.bincount(votes.worker, weights=right * judged, minlength=votes.n_workers).astype(float),
        np.bincount(votes.worker[judged], minlength=votes.n_workers).astype(np.int64),
    )


def pooled(parts: Sequence[WorkerScores]) -> WorkerScores:
    """The scores of workers whose answers were judged in one or more parts, by disjoint items.

    Raises:
        ValueError: without any part.

    """
    if not parts:
        raise ValueError("pooled: expected at least one part, got none")
    n_right = np.sum([part.n_right for part in parts], axis=0)
    return _scores(n_right, np.sum([part.n_judged for part in parts], axis=0))


def _scores(n_right: Floats, n_judged: Ints) -> WorkerScores:
    prior = crowd_prior(n_right, n_judged)
    found = accuracy(n_right, n_judged, prior)
    none = n_judged == 0
    for column in (found.mean, found.low, found.high):
        column[none] = np.nan
    return WorkerScores(found, n_right, n_judged, prior)
