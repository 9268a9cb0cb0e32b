"""Answers made canonical, and the one way a method's posterior becomes a result.

Every method starts from ``Votes`` and ends in ``settle``: rows are sorted and single, so
neither the order of the rows nor a duplicated row can reach a method, and ties are
settled in one place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quality.consensus.shapes import Bools, Floats, Ints, TagAnswers, TagConsensus, WorkerEstimates

# Posteriors closer than this are a tie: less than this is rounding, not evidence.
TIE = 1e-9


@dataclass(frozen=True)
class Votes:
    """Distinct answers sorted by item, worker, label; columns of equal length n.

    ``truths`` (K,) are the label indices that can be the truth; ``gold`` (n_items,) is a
    position in ``truths`` or -1; ``share`` (K,) is each truth's part of all the votes.
    """

    item: NDArray[np.integer]
    worker: NDArray[np.integer]
    label: NDArray[np.integer]
    n_items: int
    n_workers: int
    n_labels: int
    truths: Ints
    gold: Ints
    share: Floats

    def __len__(self) -> int:
        """Count of distinct answers."""
        return int(self.item.size)

    def per_item(self) -> Ints:
        """How many answers each item has, (n_items,)."""
        return np.bincount(self.item, minlength=self.n_items).astype(np.int64)

    def per_worker(self) -> Ints:
        """How many answers each worker gave, (n_workers,)."""
        return np.bincount(self.worker, minlength=self.n_workers).astype(np.int64)

    def counts(self, weight: Floats | None = None) -> Floats:
        """Votes (or summed weights) of each item for each label, (n_items, n_labels)."""
        cell = self.item.astype(np.int64) * self.n_labels + self.label
        flat = np.bincount(cell, weights=weight, minlength=self.n_items * self.n_labels)
        return flat.reshape(self.n_items, self.n_labels).astype(np.float64, copy=False)


def collect(answers: TagAnswers) -> Votes:
    """The distinct answers in canonical order.

    Raises:
        ValueError: when columns differ in length, an index is out of range, or no label
            can be the truth.

    """
    _check(answers)
    item, worker, label = _distinct(answers)
    truths = np.arange(answers.n_labels, dtype=np.int64)
    if answers.truth is not None:
        truths = np.flatnonzero(answers.truth).astype(np.int64)
    votes = np.bincount(label, minlength=answers.n_labels).astype(np.float64)[truths]
    share = votes / votes.sum() if votes.sum() else np.full(len(truths), 1 / max(len(truths), 1))
    return Votes(
        item,
        worker,
        label,
        answers.n_items,
        answers.n_workers,
        answers.n_labels,
        truths,
        _gold_positions(answers, truths),
        share,
    )


def _distinct(
    answers: TagAnswers,
) -> tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.integer]]:
    key = answers.item.astype(np.int64)
    key *= answers.n_workers
    key += answers.worker
    key *= answers.n_labels
    key += answers.label
    if not np.all(key[1:] > key[:-1]):
        key.sort()
        new = np.concatenate(([True], key[1:] > key[:-1]))
        if not new.all():
            key = key[new]
    pair = key // max(answers.n_labels, 1)
    key -= pair * answers.n_labels
    label = key.astype(np.int32)
    item = pair // max(answers.n_workers, 1)
    pair -= item * answers.n_workers
    return item.astype(np.int32), pair.astype(np.int32), label


def _gold_positions(answers: TagAnswers, truths: Ints) -> Ints:
    if answers.gold is None:
        return np.full(answers.n_items, -1, dtype=np.int64)
    position = np.full(answers.n_labels + 1, -1, dtype=np.int64)
    position[truths] = np.arange(len(truths))
    gold = position[answers.gold]
    wrong = np.flatnonzero((answers.gold >= 0) & (gold < 0))
    if wrong.size:
        raise ValueError(
            f"gold of item {wrong[0]}: expected a label that can be the truth, "
            f"got label {answers.gold[wrong[0]]}"
        )
    return gold


def _check(answers: TagAnswers) -> None:
    n = len(answers.item)
    bounds = {
        "item": (answers.item, answers.n_items),
        "worker": (answers.worker, answers.n_workers),
        "label": (answers.label, answers.n_labels),
    }
    for name, (column, stop) in bounds.items():
        if len(column) != n:
            raise ValueError(f"{name}: expected {n} rows as in item, got {len(column)}")
        if n and (column.min() < 0 or column.max() >= stop):
            row = int(np.flatnonzero((column < 0) | (column >= stop))[0])
            raise ValueError(f"{name} row {row}: expected 0 to {stop - 1}, got {column[row]}")
    if answers.truth is not None and len(answers.truth) != answers.n_labels:
        raise ValueError(f"truth: expected {answers.n_labels} flags, got {len(answers.truth)}")
    if answers.truth is not None and answers.n_labels and not np.any(answers.truth):
        raise ValueError("truth: expected at least one label that can be the truth, got none")
    if answers.gold is not None:
        _check_gold(answers.gold, answers.n_items, answers.n_labels)


def _check_gold(gold: Ints, n_items: int, n_labels: int) -> None:
    if len(gold) != n_items:
        raise ValueError(f"gold: expected {n_items} entries, one an item, got {len(gold)}")
    wrong = np.flatnonzero((gold < -1) | (gold >= n_labels))
    if wrong.size:
        raise ValueError(
            f"gold of item {wrong[0]}: expected -1 to {n_labels - 1}, got {gold[wrong[0]]}"
        )


def vote_share(votes: Votes, weight: Floats | None = None) -> Floats:
    """Part of each item's (weighted) votes for each truth, (n_items, K); rows sum to 1.

    Votes that can be no truth are left out; an item with none else gets the share of the
    whole crowd. Gold items are certain.
    """
    cast = votes.counts(weight)[:, votes.truths]
    total = cast.sum(axis=1, keepdims=True)
    share = np.where(total > 0, cast / np.where(total > 0, total, 1.0), votes.share)
    return clamp(votes, share)


def clamp(votes: Votes, posterior: Floats) -> Floats:
    """``posterior`` with the rows of gold items set to certainty, in place."""
    known = np.flatnonzero(votes.gold >= 0)
    posterior[known] = 0.0
    posterior[known, votes.gold[known]] = 1.0
    return posterior


def winners(votes: Votes, posterior: Floats) -> Ints:
    """Position in ``truths`` of each row's largest value, (n_items,).

    A tie goes to the truth with more votes in the whole set, then to the lower index.
    """
    if posterior.shape[0] == 0 or posterior.shape[1] == 0:
        return np.zeros(posterior.shape[0], dtype=np.int64)
    order = np.lexsort((votes.truths, -votes.share))
    ranked = posterior[:, order]
    near = ranked >= ranked.max(axis=1, keepdims=True) - TIE
    first: Ints = order[np.argmax(near, axis=1)].astype(np.int64)
    return first


def settle(
    votes: Votes,
    posterior: Floats,
    workers: WorkerEstimates,
    *,
    method: str,
    version: str,
    iterations: int = 0,
    log_likelihood: float = 0.0,
) -> TagConsensus:
    """The result of a method from its ``posterior`` (n_items, K) over the truths; gold holds."""
    posterior = clamp(votes, posterior)
    n_answers = votes.per_item()
    answered = (n_answers > 0) | (votes.gold >= 0)
    position = winners(votes, posterior)
    label = np.full(votes.n_items, -1, dtype=np.int64)
    confidence = np.zeros(votes.n_items)
    if len(votes.truths):
        label = np.where(answered, votes.truths[position], -1)
        best = np.take_along_axis(posterior, position[:, None], axis=1)[:, 0]
        confidence = np.where(answered, best, 0.0)
    same = votes.label == label[votes.item]
    return TagConsensus(
        label=label,
        confidence=np.clip(confidence, 0.0, 1.0),
        posterior=_over_labels(votes, posterior, answered),
        votes=np.bincount(votes.item[same], minlength=votes.n_items).astype(np.int64),
        n_answers=n_answers,
        workers=workers,
        iterations=iterations,
        log_likelihood=log_likelihood,
        method=method,
        version=version,
    )


def _over_labels(votes: Votes, posterior: Floats, answered: Bools) -> Floats:
    """``posterior`` (n_items, K) over the truths spread to (n_items, n_labels)."""
    if len(votes.truths) == votes.n_labels and answered.all():
        return posterior
    full = np.zeros((votes.n_items, votes.n_labels))
    full[:, votes.truths] = np.where(answered[:, None], posterior, 0.0)
    return full


def unanswered(votes: Votes, *, method: str, version: str) -> TagConsensus:
    """The result when there is no answer at all: nothing is known but the gold."""
    accuracy = np.full(votes.n_workers, np.nan)
    workers = WorkerEstimates(accuracy, np.ones(votes.n_workers), votes.per_worker())
    return settle(votes, vote_share(votes), workers, method=method, version=version)
