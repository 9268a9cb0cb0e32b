"""Dawid-Skene made safe: errors' directions half believed, and items that can be contested.

Two things go wrong with plain confusion matrices on real crowds, both because workers err
together. The *direction* of errors, learned from items the crowd itself decided, drags
labels to a class that never was; and many answers to a hard item multiply to a certainty
nobody has. So (1) each worker's matrix is pulled a third of the way to the one that knows
only how often the worker errs, and (2) an item is either clear, or contested: then
workers mostly answer by habit, whatever the truth is.

p(l | t, w, clear) = C[w, l, t]; p(l | t, w, contested) = (1 - H) C[w, l, t] + H M[w, l] with M
the worker's own label rates; p(contested) is learned. EM on truth and clearness at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quality.consensus.shapes import Bools, Floats, Ints
from quality.consensus.tags._confusion import (
    MAX_ITERATIONS,
    TOLERANCE,
    incidence,
    pooled_confusion,
    soft_max,
)
from quality.consensus.tags._votes import Votes

# Answers' worth of the crowd's confusion in each worker's matrix.
STRENGTH = 2.0
# How far each matrix is pulled to the one without error directions.
PULL = 1.0 / 3.0
# Part of the answers to a contested item that are given by habit.
HABIT = 0.9
# Even use of each label, in answers, that the crowd's habits start with: without it a few
# like answers are as well explained by habit as by the truth.
EVEN_HABIT = 10.0
# Answers from which an item helps to learn how many are contested: two that differ are as well
# explained by one careless worker.
TELLING = 3
# Items below which the rounds go on for longer: of few items each one's last step counts.
FEW_ITEMS = 10_000

Target = Callable[[Votes, Floats], Floats]


@dataclass(frozen=True)
class ContestedFit:
    """What EM found.

    ``joint`` (n_items, 2K): truth when clear, then truth when contested; ``likelihood``
    (n_workers, n_labels, 2K) alike; ``confusion`` (n_workers, n_labels, K) when clear.
    """

    joint: Floats
    likelihood: Floats
    confusion: Floats
    iterations: int
    log_likelihood: float

    @property
    def posterior(self) -> Floats:
        """p(truth) of each item, (n_items, K)."""
        half = self.joint.shape[1] // 2
        return self.joint[:, :half] + self.joint[:, half:]


def fit_contested(
    votes: Votes,
    start: Floats,
    target: Target,
    *,
    group: Ints | None = None,
    item_prior: Floats | None = None,
    habit_part: float = HABIT,
    max_iterations: int = MAX_ITERATIONS,
) -> ContestedFit:
    """The model above from the posterior ``start`` (n_items, K), whose gold rows are kept.

    ``target`` makes the matrices without error directions. ``group`` (n_items,) gives
    items of different questions a truth prior of their own; ``item_prior`` (n_items, K)
    replaces the learned truth prior. With ``habit_part`` 0 no item is contested.
    """
    answers = incidence(votes)
    transposed = answers.T
    n_truths = start.shape[1]
    shape = (votes.n_workers, votes.n_labels, 2 * n_truths)
    habit = habit_part * habits(given_labels(votes))[:, :, None]
    meant_part = 1.0 - habit_part
    gold = gold_mask(votes, n_truths)
    tells = telling(votes)
    joint = np.concatenate([start, start], axis=1) / 2.0
    clear = (transposed @ start).reshape(votes.n_workers, votes.n_labels, n_truths)
    confusion = matrices(votes, clear, target)
    tolerance = tolerance_of(votes.n_items)
    iterations, change = 0, np.inf
    while iterations < max_iterations and change >= tolerance:
        likelihood = np.concatenate([confusion, meant_part * confusion + habit], axis=2)
        log_weight = answers @ np.log(likelihood).reshape(-1, shape[2])
        log_weight += _log_prior(joint, tells, group, item_prior)
        if gold is not None:
            log_weight += gold
        new, evidence = soft_max(log_weight)
        change = moved(joint, new) / len(new)
        joint = new
        iterations += 1
        confusion = matrices(votes, told(transposed @ joint, meant_part * confusion, habit), target)
    return ContestedFit(joint, likelihood, confusion, iterations, float(evidence.sum()))


def tolerance_of(n_items: int) -> float:
    """The mean change of an item at which the rounds end."""
    return TOLERANCE * min(1.0, n_items / FEW_ITEMS)


def moved(before: Floats, after: Floats) -> float:
    """How far the truths' posteriors of all items moved in a round, summed."""
    n_truths = before.shape[1] // 2
    step = after - before
    return float(np.abs(step[:, :n_truths] + step[:, n_truths:]).sum())


def told(flat: Floats, meant: Floats, habit: Floats) -> Floats:
    """Expected counts (n_workers, n_labels, K) of the answers that were not given by habit."""
    n_truths = meant.shape[2]
    seen = flat.reshape(*meant.shape[:2], 2 * n_truths)
    counts: Floats = seen[:, :, :n_truths] + seen[:, :, n_truths:] * (meant / (meant + habit))
    return counts


def matrices(votes: Votes, counts: Floats, target: Target) -> Floats:
    """p(label | truth) of each worker (n_workers, n_labels, K) from expected ``counts`` alike."""
    return (1 - PULL) * pooled_confusion(votes, counts, STRENGTH) + PULL * target(votes, counts)


def given_labels(votes: Votes) -> Floats:
    """How often each worker gave each label, (n_workers, n_labels)."""
    cell = votes.worker.astype(np.int64) * votes.n_labels + votes.label
    given = np.bincount(cell, minlength=votes.n_workers * votes.n_labels).astype(float)
    return given.reshape(votes.n_workers, votes.n_labels)


def habits(given: Floats) -> Floats:
    """Each worker's label rates from the counts ``given`` (n_workers, n_labels), shrunk."""
    crowd = given.sum(axis=0) + EVEN_HABIT
    shrunk = given + STRENGTH * crowd / crowd.sum()
    rates: Floats = shrunk / shrunk.sum(axis=1, keepdims=True)
    return rates


def telling(votes: Votes) -> Bools:
    """Which items have answers enough to tell clear from contested, (n_items,)."""
    return votes.per_item() >= TELLING


def clear_counts(joint: Floats, tells: Bools) -> Floats:
    """How many of the telling items are clear, and how many contested, (2,), expected."""
    by_state = tells @ joint
    half = len(by_state) // 2
    return np.array([by_state[:half].sum(), by_state[half:].sum()])


def log_prior(truth: Floats, clear: Floats) -> Floats:
    """Log p(truth, clear), then p(truth, contested), from expected counts (K,) and (2,)."""
    counts, doubted = truth + 1.0, clear + 2.0
    log_truth = np.log(counts / counts.sum())
    log_clear = np.log(doubted / doubted.sum())
    return np.concatenate([log_truth + log_clear[0], log_truth + log_clear[1]])


def _log_prior(
    joint: Floats, tells: Bools, group: Ints | None, item_prior: Floats | None
) -> Floats:
    n_truths = joint.shape[1] // 2
    truth = joint[:, :n_truths] + joint[:, n_truths:]
    clear = clear_counts(joint, tells)
    log_clear = np.log((clear + 2.0) / (clear.sum() + 4.0))
    if item_prior is not None:
        log_truth = np.log(item_prior)
    elif group is None:
        return log_prior(truth.sum(axis=0), clear)[None, :]
    else:
        total = np.ones((int(group.max()) + 1, n_truths))
        np.add.at(total, group, truth)
        log_truth = np.log(total / total.sum(axis=1, keepdims=True))[group]
    return np.concatenate([log_truth + log_clear[0], log_truth + log_clear[1]], axis=1)


def gold_mask(votes: Votes, n_truths: int) -> Floats | None:
    """What to add to log weights (n_items, 2K) so that gold holds; None without gold."""
    known = np.flatnonzero(votes.gold >= 0)
    if not known.size:
        return None
    mask = np.zeros((votes.n_items, 2 * n_truths))
    mask[known] = -1e6
    mask[known, votes.gold[known]] = 0.0
    mask[known, votes.gold[known] + n_truths] = 0.0
    return mask
