"""Expectation maximisation over one confusion matrix a worker, as two sparse products.

A is the (items, workers x labels) matrix with a one for each answer. The E step is
A @ log p(label | truth, worker), the M step A.T @ posterior: no array is larger than the
answers, the items x truths, or the workers x labels x truths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from quality.consensus.shapes import Floats
from quality.consensus.tags._votes import Votes

# Mean change of an item's posterior below which another round changes no label.
TOLERANCE = 5e-4
MAX_ITERATIONS = 60


@dataclass(frozen=True)
class ConfusionFit:
    """What EM found.

    ``posterior`` (n_items, K), ``confusion`` (n_workers, n_labels, K) with p(label | truth)
    summing to 1 over labels, ``prior`` (K,), and the log-likelihood of the answers.
    """

    posterior: Floats
    confusion: Floats
    prior: Floats
    iterations: int
    log_likelihood: float


def incidence(votes: Votes) -> csr_matrix:
    """The (n_items, n_workers * n_labels) matrix with a one for each answer."""
    start = np.zeros(votes.n_items + 1, dtype=np.int32)
    np.cumsum(np.bincount(votes.item, minlength=votes.n_items), out=start[1:])
    column = votes.worker * np.int32(votes.n_labels) + votes.label
    shape = (votes.n_items, votes.n_workers * votes.n_labels)
    return csr_matrix((np.ones(len(votes)), column, start), shape=shape)


def soft_max(log_weight: Floats) -> tuple[Floats, Floats]:
    """Rows of ``log_weight`` (n, K) made probabilities in place, and their log sums (n,)."""
    top = log_weight.max(axis=1, keepdims=True)
    log_weight -= top
    np.exp(log_weight, out=log_weight)
    total = log_weight.sum(axis=1, keepdims=True)
    log_weight /= total
    return log_weight, (np.log(total) + top)[:, 0]


def pooled_confusion(votes: Votes, seen: Floats, strength: float) -> Floats:
    """p(label | truth) of each worker from counts ``seen`` (n_workers, n_labels, K).

    A Dirichlet prior worth ``strength`` answers a truth pulls each worker to the crowd, so
    someone with two answers is taken for an average worker. The crowd itself starts with
    one right answer a truth and one spread over the labels.
    """
    crowd = seen.sum(axis=0) + 1.0 / votes.n_labels
    crowd[votes.truths, np.arange(len(votes.truths))] += 1.0
    crowd /= crowd.sum(axis=0)
    confusion = seen + strength * crowd
    shares: Floats = confusion / confusion.sum(axis=1, keepdims=True)
    return shares


def class_prior(posterior: Floats) -> Floats:
    """p(truth) (K,) from a posterior (n_items, K), with one item's worth of doubt each."""
    prior = posterior.sum(axis=0) + 1.0
    shares: Floats = prior / prior.sum()
    return shares


def fit_confusion(
    votes: Votes, start: Floats, *, strength: float, max_iterations: int = MAX_ITERATIONS
) -> ConfusionFit:
    """Dawid-Skene by EM in log space, maximum a posteriori, from the posterior ``start``.

    Rows of ``start`` whose item has gold are kept; ``start`` itself is used up.
    """
    answers = incidence(votes)
    transposed = answers.T
    shape = (votes.n_workers, votes.n_labels, len(votes.truths))
    known = np.flatnonzero(votes.gold >= 0)
    certain = start[known]
    posterior, iterations, change = start, 0, np.inf
    while iterations < max_iterations and change >= TOLERANCE:
        confusion = pooled_confusion(votes, (transposed @ posterior).reshape(shape), strength)
        prior = class_prior(posterior)
        log_weight = answers @ np.log(confusion).reshape(-1, shape[2])
        log_weight += np.log(prior)
        new, evidence = soft_max(log_weight)
        new[known] = certain
        posterior -= new
        change = float(np.abs(posterior, out=posterior).sum()) / len(new)
        posterior = new
        iterations += 1
    return ConfusionFit(posterior, confusion, prior, iterations, float(evidence.sum()))
