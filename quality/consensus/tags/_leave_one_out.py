"""What the others say: the posterior of an answer's item with that answer's vote removed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quality.consensus.shapes import Bools, Floats, Ints, WorkerEstimates
from quality.consensus.tags._votes import Votes

# Answers' worth of crowd opinion a worker's estimate starts with.
SHRINK = 4.0


def agreement_with_others(votes: Votes) -> tuple[Floats, Bools]:
    """Chance that each answer is right by the vote share of the others, and who is judged.

    Both have one entry an answer. Not judged: an answer that can be no truth, or one whose
    item has neither gold nor another vote for a possible truth.
    """
    possible = np.zeros(votes.n_labels, dtype=bool)
    possible[votes.truths] = True
    counts = votes.counts()
    others = counts[:, votes.truths].sum(axis=1)[votes.item] - 1.0
    same = counts[votes.item, votes.label] - 1.0
    right = same / np.maximum(others, 1.0)
    gold = votes.gold[votes.item]
    known = gold >= 0
    right[known] = votes.label[known] == votes.truths[gold[known]]
    judged = possible[votes.label] & ((others > 0) | known)
    return np.where(judged, right, 0.0), judged


def estimates(
    votes: Votes,
    right: Floats,
    judged: Bools,
    weight: Floats | None = None,
    details: dict[str, NDArray[np.generic]] | None = None,
) -> WorkerEstimates:
    """Workers' accuracy from the chance ``right`` of each ``judged`` answer.

    Shrunk by a few answers to the crowd's mean; NaN for a worker without answers. A worker
    none of whose answers could be judged gets the crowd's mean.
    """
    n_right = np.bincount(votes.worker, weights=right * judged, minlength=votes.n_workers)
    n_judged = np.bincount(votes.worker, weights=judged, minlength=votes.n_workers)
    crowd = (n_right.sum() + 1.0) / (n_judged.sum() + 2.0)
    accuracy = (n_right + SHRINK * crowd) / (n_judged + SHRINK)
    n_answers: Ints = votes.per_worker()
    accuracy[n_answers == 0] = np.nan
    if weight is None:
        weight = np.ones(votes.n_workers)
    return WorkerEstimates(accuracy, weight, n_answers, details or {})


def confusion_estimates(votes: Votes, posterior: Floats, confusion: Floats) -> WorkerEstimates:
    """Workers' accuracy from a confusion model, each answer judged by the other answers.

    ``posterior`` (n_items, K) and ``confusion`` (n_workers, n_labels, K): an answer's own
    likelihood is divided out of its item's posterior before it is judged.
    """
    place = np.full(votes.n_labels, -1, dtype=np.int64)
    place[votes.truths] = np.arange(len(votes.truths))
    truth = place[votes.label]
    judged = truth >= 0
    others = posterior[votes.item] / confusion[votes.worker, votes.label]
    others /= np.maximum(others.sum(axis=1, keepdims=True), 1e-300)
    right = np.where(judged, others[np.arange(len(votes)), truth], 0.0)
    known = votes.gold[votes.item] >= 0
    right = np.where(known, posterior[votes.item, truth], right)
    matrix = confusion.transpose(0, 2, 1)
    diagonal = matrix[:, np.arange(len(votes.truths)), votes.truths]
    skill = np.clip(diagonal.mean(axis=1), 0.01, 0.99)
    return estimates(votes, right, judged, skill / (1 - skill), {"confusion": matrix})
