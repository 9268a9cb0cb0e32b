"""What the others say: the posterior of an answer's item with that answer's vote removed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from quality.consensus.shapes import Bools, Floats, Ints, WorkerEstimates
from quality.consensus.tags._votes import Votes

# Answers' worth of crowd opinion a worker's accuracy starts with.
SHRINK = 2.0
# Answers handled at a time, to bound memory on large crowds.
CHUNK = 1 << 13


def agreement_with_others(votes: Votes, weight: Floats | None = None) -> tuple[Floats, Bools]:
    """Chance that each answer is right by the (weighted) vote of the others, and who is judged.

    Both have one entry an answer; ``weight`` (n_workers,). Not judged: an answer that can be
    no truth, or one whose item has neither gold nor another vote for a possible truth.
    """
    own = np.ones(1) if weight is None else weight[votes.worker]
    counts = votes.counts(None if weight is None else own)
    others = counts[:, votes.truths].sum(axis=1)[votes.item] - own
    cell = votes.item.astype(np.int64) * votes.n_labels + votes.label
    right = counts.ravel()[cell] - own
    heard = others > 1e-9
    right /= np.where(heard, others, 1.0)
    judged = _possible(votes)[votes.label] >= 0
    if np.any(votes.gold >= 0):
        gold = votes.gold[votes.item]
        known = gold >= 0
        right = np.where(known, votes.label == votes.truths[gold], right)
        heard |= known
    judged &= heard
    right *= judged
    return np.clip(right, 0.0, 1.0, out=right), judged


def model_of_others(votes: Votes, joint: Floats, likelihood: Floats) -> tuple[Floats, Bools]:
    """Chance that each answer is right by a model, the answer's own likelihood divided out.

    ``joint`` (n_items, m K) is the posterior over truths (times any states of the item),
    ``likelihood`` (n_workers, n_labels, m K) what each answer put into it. The estimates of
    the workers themselves still rest on all answers. Gold items count as known.
    """
    n_truths = len(votes.truths)
    truth = _possible(votes)[votes.label]
    right = np.zeros(len(votes))
    for first in range(0, len(votes), CHUNK):
        part = slice(first, first + CHUNK)
        item = votes.item[part]
        others = joint[item] / likelihood[votes.worker[part], votes.label[part]]
        total = others.sum(axis=1)
        others = others.reshape(len(item), -1, n_truths).sum(axis=1)
        mine = others[np.arange(len(item)), truth[part]]
        right[part] = mine / np.maximum(total, np.finfo(float).tiny)
    judged = truth >= 0
    return np.where(judged, right, 0.0), judged


def estimates(
    votes: Votes,
    right: Floats,
    judged: Bools,
    weight: Floats | None = None,
    details: Mapping[str, NDArray[np.generic]] | None = None,
) -> WorkerEstimates:
    """Workers' accuracy from the chance ``right`` of each ``judged`` answer.

    Shrunk by a few answers to the crowd's mean; NaN for a worker without answers. A worker
    none of whose answers could be judged gets the crowd's mean.
    """
    n_right = np.bincount(votes.worker, weights=right * judged, minlength=votes.n_workers)
    n_judged = np.bincount(votes.worker, weights=judged, minlength=votes.n_workers)
    return estimates_of(
        n_right.astype(float), n_judged.astype(float), votes.per_worker(), weight, details
    )


def estimates_of(
    n_right: Floats,
    n_judged: Floats,
    n_answers: Ints,
    weight: Floats | None = None,
    details: Mapping[str, NDArray[np.generic]] | None = None,
) -> WorkerEstimates:
    """The same from summed chances and counts, all (n_workers,)."""
    crowd = (n_right.sum() + 1.0) / (n_judged.sum() + 2.0)
    accuracy = (n_right + SHRINK * crowd) / (n_judged + SHRINK)
    accuracy[n_answers == 0] = np.nan
    if weight is None:
        weight = np.ones(len(n_answers))
    return WorkerEstimates(accuracy, weight, n_answers, dict(details or {}))


def confusion_estimates(votes: Votes, posterior: Floats, confusion: Floats) -> WorkerEstimates:
    """Workers' accuracy from a confusion model, each answer judged by the other answers.

    ``posterior`` (n_items, K) and ``confusion`` (n_workers, n_labels, K). ``weight`` is the
    odds of the mean diagonal.
    """
    right, judged = model_of_others(votes, posterior, confusion)
    weight, matrix = confusion_weight(votes, confusion)
    return estimates(votes, right, judged, weight, {"confusion": matrix})


def confusion_weight(votes: Votes, confusion: Floats) -> tuple[Floats, Floats]:
    """Odds (n_workers,) of the mean diagonal, and the matrices (n_workers, K, n_labels)."""
    matrix = confusion.transpose(0, 2, 1)
    diagonal = matrix[:, np.arange(len(votes.truths)), votes.truths]
    skill = np.clip(diagonal.mean(axis=1), 0.01, 0.99)
    return skill / (1 - skill), matrix


def chance_corrected(accuracy: Floats, n_truths: int) -> Floats:
    """Skill in (0, 1] from accuracy: 0 (kept just above) at guessing, 1 when always right."""
    guess = 1.0 / max(n_truths, 2)
    skill = (np.nan_to_num(accuracy, nan=guess) - guess) / (1.0 - guess)
    return np.maximum(skill, 1e-3)


def _possible(votes: Votes) -> NDArray[np.int64]:
    place = np.full(votes.n_labels, -1, dtype=np.int64)
    place[votes.truths] = np.arange(len(votes.truths))
    return place
