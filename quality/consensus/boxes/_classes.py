"""Which class an object has, and how often each worker names the right one.

A worker names the true class with their own probability, else a wrong one in the crowd's
proportions; both are shrunk. Only classes somebody named compete, the rest share a bucket.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quality.consensus.boxes._blocks import Block
from quality.consensus.boxes._result import weighted
from quality.consensus.shapes import Floats, Ints

_RIGHT = 0.9
_PRIOR = 6.0
_SMOOTH = 10.0  # pseudo-counts of wrong names a class, or as many as there are classes


@dataclass(frozen=True)
class Namers:
    """``right`` (w,), ``wrong`` (k, k) rows sum to 1 off the diagonal, ``share`` (k,)."""

    right: Floats
    wrong: Floats
    share: Floats


@dataclass(frozen=True)
class Ballots:
    """Candidates (object, class) and, one row a vote, the candidates of its object."""

    owner: Ints
    name: Ints
    vote: Ints
    candidate: Ints


def first_namers(n_workers: int, n_labels: int, label: Ints) -> Namers:
    """Everyone alike, classes as often as they were named."""
    k = max(n_labels, 1)
    wrong = (1.0 - np.eye(k)) / max(k - 1, 1)
    share = (np.bincount(label, minlength=k) + 1.0) / (len(label) + k)
    return Namers(np.full(n_workers, _RIGHT), wrong, share)


def ballots(cluster: Ints, label: Ints, n_labels: int) -> Ballots:
    """The classes named for each object, joined with its votes."""
    key = np.unique(cluster * n_labels + label)
    owner, name = key // n_labels, key % n_labels
    first = np.searchsorted(owner, cluster)
    count = np.searchsorted(owner, cluster, side="right") - first
    vote = np.repeat(np.arange(len(cluster)), count)
    offset = np.arange(len(vote)) - np.repeat(np.cumsum(count) - count, count)
    return Ballots(owner, name, vote, first[vote] + offset)


def elect(box: Ballots, block: Block, namers: Namers) -> Floats:
    """The chance (candidates,) of each named class; what is missing to 1 is "another class"."""
    n_objects = len(block.item)
    said, truth, who = block.label[box.vote], box.name[box.candidate], block.worker[box.vote]
    right = namers.right[who]
    chance = np.where(said == truth, right, (1 - right) * namers.wrong[truth, said])
    n = len(box.owner)
    part = block.part[box.vote]
    said_so = np.log(np.maximum(chance, 1e-12)) * part
    score = np.bincount(box.candidate, weights=said_so, minlength=n)
    score += np.log(namers.share[box.name])
    k = len(namers.share)
    first = np.searchsorted(box.owner, np.arange(n_objects))
    cluster = box.owner[box.candidate]
    own = said == truth
    other = np.full(n_objects, -np.inf)
    if k > 1:
        miss = np.log(np.maximum(1 - right[own], 1e-12) / (k - 1)) * part[own]
        named = np.add.reduceat(namers.share[box.name], first) if n else np.zeros(0)
        other = np.bincount(cluster[own], weights=miss, minlength=n_objects)
        other += np.log(np.maximum(1 - named, 1e-12))
    top = np.maximum(np.maximum.reduceat(score, first), other) if n else other
    odds = np.exp(score - top[box.owner])
    total = np.bincount(box.owner, weights=odds, minlength=n_objects) + np.exp(other - top)
    elected: Floats = odds / total[box.owner]
    return elected


def gather(
    box: Ballots, chance: Floats, block: Block, belief: Floats, namers: Namers
) -> list[Floats]:
    """Sums to learn from: right names (w,), all (w,), wrong names (k, k), classes (k,)."""
    k, n_workers = len(namers.share), len(namers.right)
    said, truth, who = block.label[box.vote], box.name[box.candidate], block.worker[box.vote]
    counts = belief[block.cluster] * block.part
    weight = chance[box.candidate] * counts[box.vote]
    hit = said == truth
    miss = weighted((truth * k + said)[~hit], weight[~hit], k * k)
    return [
        weighted(who[hit], weight[hit], n_workers),
        weighted(block.worker, counts, n_workers),
        miss.reshape(k, k),
        weighted(truth[hit], weight[hit], k),
    ]


def learn(totals: list[Floats]) -> Namers:
    """Workers' and the crowd's confusion, shrunk."""
    right, total, miss, seen = totals
    k = len(seen)
    crowd = (right.sum() + _RIGHT * _PRIOR) / (total.sum() + _PRIOR)
    own = (right + crowd * _PRIOR) / (total + _PRIOR)
    # With many classes and few answers the table would learn each odd vote by heart.
    wrong = miss + max(_SMOOTH, k) / max(k - 1, 1) * (1 - np.eye(k))
    wrong = wrong / np.maximum(wrong.sum(axis=1, keepdims=True), 1e-12)
    share = (seen + 1.0) / (seen.sum() + k)
    return Namers(np.clip(own, 1.0 / (k + 1), 0.999), wrong, share)
