"""The simpler tag methods over shards of items, in bounded memory (see ``quality.tag_shards``).

Votes need nothing of other shards but how often each label was given (for ties) and how often
each worker agrees with the others; one confusion matrix a worker needs sums of its answers by
truth, as the default does. ``ebcc`` is left out: its kinds of items are fitted by restarts
that look at all items at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from quality.consensus.shapes import Floats, TagConsensus, WorkerEstimates
from quality.consensus.tags import dawid_skene, majority, one_coin, ordinal, weighted_majority
from quality.consensus.tags._coin import coin, scale
from quality.consensus.tags._confusion import (
    MAX_ITERATIONS,
    TOLERANCE,
    class_prior,
    incidence,
    pooled_confusion,
    soft_max,
)
from quality.consensus.tags._leave_one_out import (
    agreement_with_others,
    chance_corrected,
    confusion_weight,
    estimates_of,
    model_of_others,
)
from quality.consensus.tags._votes import Votes, clamp, settle, vote_share
from quality.tag_shards import Shards, Totals, count_answers, each_shard, votes_of

Progress = Callable[[int, int], None]
VERSIONS = {
    "dawid_skene": dawid_skene.VERSION,
    "majority": majority.VERSION,
    "one_coin": one_coin.VERSION,
    "ordinal": ordinal.VERSION,
    "weighted_majority": weighted_majority.VERSION,
}
_VOTES = ("majority", "weighted_majority")


@dataclass(frozen=True)
class PlainFit:
    """What was learned of all shards: enough to label any one of them."""

    method: str
    share: Floats
    workers: WorkerEstimates
    n_items: int
    iterations: int
    log_likelihood: float


@dataclass(frozen=True)
class _Sums:
    seen: Floats
    truth: Floats
    moved: float
    evidence: float


def fit(shards: Shards, method: str, progress: Progress | None = None) -> PlainFit | None:
    """The workers under ``method``, one of ``VERSIONS``; None when there is no answer at all.

    ``progress`` is told the round and the most there can be.
    """
    empty, totals = count_answers(shards)
    if not totals.given.any():
        return None
    if method in _VOTES:
        return _weigh(shards, totals, len(empty.truths), method)
    return _expect(shards, empty, totals, method, progress)


def labels(shards: Shards, found: PlainFit) -> Iterator[TagConsensus]:
    """Each shard's labels, in order; worker estimates are those of all shards."""
    for index in range(shards.count):
        votes = votes_of(shards, index, found.share)
        if found.method in _VOTES:
            posterior = vote_share(votes, found.workers.weight[votes.worker])
        else:
            posterior = shards.scratch[index]
        yield settle(
            votes,
            posterior,
            found.workers,
            method=found.method,
            version=VERSIONS[found.method],
            iterations=found.iterations,
            log_likelihood=found.log_likelihood,
        )


def _weigh(shards: Shards, totals: Totals, n_truths: int, method: str) -> PlainFit:
    """Votes that count alike, or by how far each worker agrees with the others."""
    n_answers = totals.given.sum(axis=1).astype(np.int64)
    weight, moved, rounds = np.ones(len(n_answers)), np.inf, 0
    most = weighted_majority.ROUNDS if method == "weighted_majority" else 0
    right, judged = _agreement(shards, totals, None)
    while rounds < most and moved >= weighted_majority.TOLERANCE:
        if rounds:
            right, judged = _agreement(shards, totals, weight)
        new = chance_corrected(estimates_of(right, judged, n_answers).accuracy, n_truths)
        moved, weight, rounds = float(np.abs(new - weight).max()), new, rounds + 1
    workers = estimates_of(right, judged, n_answers, weight)
    return PlainFit(method, totals.share, workers, totals.n_items, rounds, 0.0)


def _agreement(shards: Shards, totals: Totals, weight: Floats | None) -> tuple[Floats, Floats]:
    """How often each worker (w,) is right by the others, and is judged at all."""

    def of(index: int) -> tuple[Floats, Floats]:
        votes = votes_of(shards, index, totals.share)
        right, judged = agreement_with_others(votes, weight)
        return _by_worker(votes, right * judged), _by_worker(votes, judged.astype(float))

    return _added(each_shard(shards, of))


def _expect(
    shards: Shards, empty: Votes, totals: Totals, method: str, progress: Progress | None
) -> PlainFit:
    """Expectation maximisation over a matrix a worker, as the method has it in one piece."""
    shape = (empty.n_workers, empty.n_labels, len(empty.truths))
    now = _pooled(each_shard(shards, lambda i: _start(shards, i, totals.share)))
    iterations, change = 0, np.inf
    confusion = np.zeros(shape)
    while iterations < MAX_ITERATIONS and change >= TOLERANCE:
        confusion = _matrices(method, empty, now.seen.reshape(shape))
        prior = np.zeros(shape[2]) if method == "one_coin" else np.log(class_prior(now.truth[None]))
        table = np.log(confusion).reshape(-1, shape[2])
        now = _pooled(each_shard(shards, partial(_step, shards, table, prior)))
        change, iterations = now.moved / totals.n_items, iterations + 1
        if progress:
            progress(iterations, MAX_ITERATIONS)
    right, judged = _added(
        each_shard(shards, lambda i: _others(shards, i, totals.share, confusion))
    )
    n_answers = totals.given.sum(axis=1).astype(np.int64)
    weight, matrix = confusion_weight(empty, confusion)
    workers = estimates_of(right, judged, n_answers, weight, {"confusion": matrix})
    evidence = now.evidence
    if method == "one_coin":
        evidence -= totals.n_items * float(np.log(shape[2]))
    return PlainFit(method, totals.share, workers, totals.n_items, iterations, evidence)


def _matrices(method: str, empty: Votes, seen: Floats) -> Floats:
    if method == "dawid_skene":
        return pooled_confusion(empty, seen, dawid_skene.STRENGTH)
    return coin(empty, seen) if method == "one_coin" else scale(empty, seen)


def _start(shards: Shards, index: int, share: Floats) -> _Sums:
    votes = votes_of(shards, index, share)
    start = vote_share(votes)
    shards.scratch[index] = start
    return _Sums(incidence(votes).T @ start, start.sum(axis=0), np.inf, 0.0)


def _step(shards: Shards, table: Floats, prior: Floats, index: int) -> _Sums:
    votes = votes_of(shards, index, np.zeros(len(prior)))
    answers = incidence(votes)
    log_weight = answers @ table
    log_weight += prior
    posterior, evidence = soft_max(log_weight)
    clamp(votes, posterior)
    moved = float(np.abs(posterior - shards.scratch[index]).sum())
    shards.scratch[index] = posterior
    return _Sums(answers.T @ posterior, posterior.sum(axis=0), moved, float(evidence.sum()))


def _others(shards: Shards, index: int, share: Floats, confusion: Floats) -> tuple[Floats, Floats]:
    votes = votes_of(shards, index, share)
    right, judged = model_of_others(votes, shards.scratch[index], confusion)
    return _by_worker(votes, right * judged), _by_worker(votes, judged.astype(float))


def _by_worker(votes: Votes, values: Floats) -> Floats:
    return np.bincount(votes.worker, weights=values, minlength=votes.n_workers).astype(float)


def _added(parts: Iterator[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Sums in the order of the shards, so that threads change nothing."""
    right, judged = next(parts)
    for more_right, more_judged in parts:
        right, judged = right + more_right, judged + more_judged
    return right, judged


def _pooled(parts: Iterator[_Sums]) -> _Sums:
    total = next(parts)
    for part in parts:
        total = _Sums(
            total.seen + part.seen,
            total.truth + part.truth,
            total.moved + part.moved,
            total.evidence + part.evidence,
        )
    return total
