"""Tags too many to hold: the default consensus over shards of items, in bounded memory.

An item's answers lie in one shard. All a round needs of a shard are sums over its answers (what
each worker said of which truth, how many items are of each truth), so only those, the
workers' matrices and the shards in work are ever held. The numbers are those of
``quality.consensus.tags.auto`` in one piece, but for the order in which sums are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from quality.consensus.shapes import Floats, TagAnswers, TagConsensus, WorkerEstimates
from quality.consensus.tags import _contested as contested
from quality.consensus.tags._coin import coin, scale
from quality.consensus.tags._confusion import MAX_ITERATIONS, incidence, soft_max
from quality.consensus.tags._leave_one_out import (
    chance_corrected,
    estimates_of,
    model_of_others,
)
from quality.consensus.tags._votes import Votes, collect, settle, vote_share
from quality.consensus.tags.auto import VERSION, averaged

R = TypeVar("R")


@dataclass(frozen=True)
class Shards:
    """Where the answers are: ``load(i)`` gives shard i of ``count``.

    A shard's items are numbered from 0 within it; ``n_workers``, ``n_labels``, ``truth`` and
    ``ordered`` are the same in all. ``scratch`` keeps one array a shard between the rounds
    (a dict holds them all; a mapping onto files bounds memory). ``n_threads`` shards are
    worked on at once.
    """

    count: int
    load: Callable[[int], TagAnswers]
    scratch: MutableMapping[int, Floats]
    n_threads: int = 2


@dataclass(frozen=True)
class ShardedFit:
    """What was learned of all shards: enough to label any one of them.

    ``share`` (K,) of all votes, ``likelihood`` (n_workers, n_labels, 2K).
    """

    share: Floats
    workers: WorkerEstimates
    likelihood: Floats
    n_items: int
    iterations: int
    log_likelihood: float


@dataclass(frozen=True)
class Totals:
    """Of all shards: items, each truth's ``share`` (K,) of votes, labels ``given`` (w, l)."""

    n_items: int
    share: Floats
    given: Floats


@dataclass(frozen=True)
class _Round:
    flat: Floats
    truth: Floats
    clear: Floats
    moved: float
    evidence: float


def fit(shards: Shards, progress: Callable[[int, int], None] | None = None) -> ShardedFit | None:
    """The default's model of all shards' answers; None when there is no answer at all.

    ``progress`` is told the round and the most there can be.
    """
    empty, totals = count_answers(shards)
    if not totals.given.any():
        return None
    target = scale if shards.load(0).ordered else coin
    n_truths = len(empty.truths)
    shape = (empty.n_workers, empty.n_labels, 2 * n_truths)
    habit = contested.HABIT * contested.habits(totals.given)[:, :, None]
    meant_part = 1.0 - contested.HABIT
    now = _pooled(each_shard(shards, lambda i: _start(shards, i, totals.share)))
    confusion = contested.matrices(empty, now.flat.reshape(*shape[:2], n_truths), target)
    tolerance, iterations, change = contested.tolerance_of(totals.n_items), 0, np.inf
    while iterations < MAX_ITERATIONS and change >= tolerance:
        likelihood = np.concatenate([confusion, meant_part * confusion + habit], axis=2)
        table = np.log(likelihood).reshape(-1, shape[2])
        prior = contested.log_prior(now.truth, now.clear)
        now = _pooled(each_shard(shards, lambda i, t=table, p=prior: _step(shards, i, t, p)))  # type: ignore[misc]
        change = now.moved / totals.n_items
        iterations += 1
        counts = contested.told(now.flat, meant_part * confusion, habit)
        confusion = contested.matrices(empty, counts, target)
        if progress:
            progress(iterations, MAX_ITERATIONS)
    workers = _judged(shards, totals, likelihood, confusion, n_truths)
    return ShardedFit(totals.share, workers, likelihood, totals.n_items, iterations, now.evidence)


def label(shards: Shards, found: ShardedFit, index: int) -> TagConsensus:
    """The labels of one shard's items; worker estimates are those of all shards."""
    votes = votes_of(shards, index, found.share)
    joint = shards.scratch[index]
    n_truths = joint.shape[1] // 2
    share = vote_share(votes, found.workers.weight[votes.worker])
    model = joint[:, :n_truths] + joint[:, n_truths:]
    return settle(
        votes,
        averaged(votes, model, share, found.workers.n_answers),
        found.workers,
        method="auto",
        version=VERSION,
        iterations=found.iterations,
        log_likelihood=found.log_likelihood,
    )


def labels(shards: Shards, found: ShardedFit) -> Iterator[TagConsensus]:
    """Each shard's labels, in order."""
    for index in range(shards.count):
        yield label(shards, found, index)


def count_answers(shards: Shards) -> tuple[Votes, Totals]:
    """A crowd without answers that knows the sizes, and the sums every round starts from."""
    none = np.zeros(0, np.int64)
    first = collect(replace(shards.load(0), item=none, worker=none, label=none))
    votes = list(each_shard(shards, lambda i: _summed(collect(shards.load(i)))))
    n_items = sum(n for n, _ in votes)
    given = sum((counts for _, counts in votes), np.zeros((first.n_workers, first.n_labels)))
    cast = given.sum(axis=0)[first.truths]
    share = cast / cast.sum() if cast.sum() else first.share
    return first, Totals(n_items, share, given)


def _summed(votes: Votes) -> tuple[int, Floats]:
    return votes.n_items, contested.given_labels(votes)


def votes_of(shards: Shards, index: int, share: Floats) -> Votes:
    """The answers of one shard; ``share`` (K,) is that of all."""
    return replace(collect(shards.load(index)), share=share)


def _start(shards: Shards, index: int, share: Floats) -> _Round:
    votes = votes_of(shards, index, share)
    start = vote_share(votes)
    shards.scratch[index] = np.concatenate([start, start], axis=1) / 2.0
    half = np.full(2, contested.telling(votes).sum() / 2.0)
    return _Round(incidence(votes).T @ start, start.sum(axis=0), half, np.inf, 0.0)


def _step(shards: Shards, index: int, table: Floats, prior: Floats) -> _Round:
    votes = votes_of(shards, index, np.zeros(len(prior) // 2))
    n_truths = len(prior) // 2
    answers = incidence(votes)
    log_weight = answers @ table
    log_weight += prior
    gold = contested.gold_mask(votes, n_truths)
    if gold is not None:
        log_weight += gold
    joint, evidence = soft_max(log_weight)
    moved = contested.moved(shards.scratch[index], joint)
    shards.scratch[index] = joint
    by_state = joint.sum(axis=0)
    return _Round(
        answers.T @ joint,
        by_state[:n_truths] + by_state[n_truths:],
        contested.clear_counts(joint, contested.telling(votes)),
        moved,
        float(evidence.sum()),
    )


def _pooled(parts: Iterator[_Round]) -> _Round:
    """Sums in the order of the shards, so that threads change nothing."""
    total = next(parts)
    for part in parts:
        total = _Round(
            total.flat + part.flat,
            total.truth + part.truth,
            total.clear + part.clear,
            total.moved + part.moved,
            total.evidence + part.evidence,
        )
    return total


def _judged(
    shards: Shards, totals: Totals, likelihood: Floats, confusion: Floats, n_truths: int
) -> WorkerEstimates:
    """Every worker's accuracy by the posterior of the others, over all shards."""
    right, judged = np.zeros(len(likelihood)), np.zeros(len(likelihood))
    for more_right, more_judged in each_shard(
        shards, lambda i: _others(votes_of(shards, i, totals.share), shards.scratch[i], likelihood)
    ):
        right += more_right
        judged += more_judged
    n_answers = totals.given.sum(axis=1).astype(np.int64)
    accuracy = estimates_of(right, judged, n_answers).accuracy
    skill = chance_corrected(accuracy, n_truths)
    details = {"confusion": confusion.transpose(0, 2, 1)}
    return estimates_of(right, judged, n_answers, skill, details)


def _others(votes: Votes, joint: Floats, likelihood: Floats) -> tuple[Floats, Floats]:
    right, judged = model_of_others(votes, joint, likelihood)
    n = votes.n_workers
    return (
        np.bincount(votes.worker, weights=right * judged, minlength=n).astype(float),
        np.bincount(votes.worker, weights=judged, minlength=n).astype(float),
    )


def each_shard(shards: Shards, work: Callable[[int], R]) -> Iterator[R]:
    """``work`` on every shard, results in order, never more than a few of them waiting."""
    if shards.n_threads < 2 or shards.count < 2:
        yield from map(work, range(shards.count))
        return
    with ThreadPoolExecutor(shards.n_threads) as pool:
        for first in range(0, shards.count, 2 * shards.n_threads):
            part = range(first, min(first + 2 * shards.n_threads, shards.count))
            yield from pool.map(work, part)
