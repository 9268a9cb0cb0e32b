"""What a worker's errors look like when only how often, or how far, is known of them."""

from __future__ import annotations

import numpy as np

from quality.consensus.shapes import Floats
from quality.consensus.tags._votes import Votes

# Answers' worth of the crowd's rate in each worker's own.
STRENGTH = 2.0
FLOOR = 1e-3


def coin(votes: Votes, seen: Floats) -> Floats:
    """One-coin matrices (n_workers, n_labels, K): right at one rate, errors spread evenly.

    ``seen`` are expected counts of (worker, label, truth). A label that can be no truth is
    given at the worker's own rate whatever the truth is.
    """
    n_truths = len(votes.truths)
    possible = seen[:, votes.truths, :]
    right = np.trace(possible, axis1=1, axis2=2)
    rate = _shrunk(right, possible.sum(axis=(1, 2)))[:, None, None]
    same = np.eye(n_truths)
    shape = rate * same + (1.0 - rate) * (1.0 - same) / max(n_truths - 1, 1)
    if n_truths == 1:
        shape = np.ones_like(shape)
    return _with_other_labels(votes, seen, shape)


def scale(votes: Votes, seen: Floats) -> Floats:
    """Matrices for an ordered scale: only how far, and to which side, an answer is off counts.

    p(label | truth) is proportional to r[label - truth], one rate for each of the 2K - 1
    steps along the scale, each worker's shrunk to the crowd's: bias, spread and careless
    answers all fit, and an error at one grade teaches about every other.
    """
    n_truths = len(votes.truths)
    possible = seen[:, votes.truths, :]
    grade = np.arange(n_truths)
    step = np.subtract.outer(grade, grade) + n_truths - 1
    at_step = np.zeros((n_truths, n_truths, 2 * n_truths - 1))
    at_step[grade[:, None], grade, step] = 1.0
    made = np.einsum("wlt,lts->ws", possible, at_step)
    could = possible.sum(axis=1) @ at_step.sum(axis=0)
    made_by_all = made.sum(axis=0) + 1.0 / n_truths
    made_by_all[n_truths - 1] += 1.0
    crowd = made_by_all / (could.sum(axis=0) + n_truths)
    rate = (made + STRENGTH * crowd) / (could + STRENGTH)
    shape = np.maximum(rate[:, step], 1e-9)
    shape /= shape.sum(axis=1, keepdims=True)
    return _with_other_labels(votes, seen, shape)


def _shrunk(part: Floats, total: Floats) -> Floats:
    crowd = (part.sum() + 1.0) / (total.sum() + 2.0)
    rate = (part + STRENGTH * crowd) / (total + STRENGTH)
    clipped: Floats = np.clip(rate, FLOOR, 1.0 - FLOOR)
    return clipped


def _with_other_labels(votes: Votes, seen: Floats, shape: Floats) -> Floats:
    if len(votes.truths) == votes.n_labels:
        return shape
    other = np.setdiff1d(np.arange(votes.n_labels), votes.truths)
    given = seen.sum(axis=2)
    total = given.sum(axis=1, keepdims=True)
    crowd = (given.sum(axis=0) + 1.0) / (given.sum() + votes.n_labels)
    rate = (given + STRENGTH * crowd) / (total + STRENGTH)
    full = np.empty((votes.n_workers, votes.n_labels, len(votes.truths)))
    full[:, other, :] = rate[:, other, None]
    full[:, votes.truths, :] = shape * (1.0 - rate[:, other].sum(axis=1))[:, None, None]
    return full
