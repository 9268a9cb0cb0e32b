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


@dataclass(frozen=True)
class ConfusionFit:
    """What EM found.

    ``posterior`` (n_items, K), ``confusion`` (n_workers, n_labels, K) with p(label | truth)
    summing to 1 over labels, ``prior`` (K,), and the log-posterior density reached.
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
    """Rows of ``log_weight`` (n, K) as probabilities, and their log normalisers (n,)."""
    top = log_weight.max(axis=1, keepdims=True)
    log_weight = log_weight - top
    np.exp(log_weight, out=log_weight)
    total = log_weight.sum(axis=1, keepdims=True)
    log_weight /= total
    return log_weight, (np.log(total) + top)[:, 0]


# Mean change of an item's posterior below which another round changes no label.
TOLERANCE = 5e-4
MAX_ITERATIONS = 60


def fit_confusion(
    votes: Votes, start: Floats, *, strength: float, max_iterations: int = MAX_ITERATIONS
) -> ConfusionFit:
    """Dawid-Skene by EM in log space, maximum a posteriori, from the posterior ``start``.

    Each worker's confusion column has a Dirichlet prior worth ``strength`` answers around
    the crowd's own column, so a worker with two answers is taken for an average one. Gold
    rows of ``start`` stay as they are.
    """
    answers = incidence(votes)
    transposed = answers.T
    posterior = start
    known = votes.gold >= 0
    log_likelihood, iterations = -np.inf, 0
    confusion, prior = np.zeros((votes.n_workers, votes.n_labels, len(votes.truths))), votes.share
    for iteration in range(1, max_iterations + 1):
        confusion, prior = _estimate(transposed @ posterior, posterior, votes, strength)
        log_weight = answers @ np.log(confusion).reshape(-1, confusion.shape[2])
        log_weight += np.log(prior)
        new, evidence = soft_max(log_weight)
        new[known] = start[known]
        iterations, change = (
            iteration,
            float(np.abs(new - posterior).sum()) / max(len(posterior), 1),
        )
        posterior, log_likelihood = new, float(evidence.sum())
        if change < TOLERANCE:
            break
    return ConfusionFit(posterior, confusion, prior, iterations, log_likelihood)


def _estimate(
    flat: Floats, posterior: Floats, votes: Votes, strength: float
) -> tuple[Floats, Floats]:
    seen = flat.reshape(votes.n_workers, votes.n_labels, len(votes.truths))
    crowd = seen.sum(axis=0) + 1.0 / votes.n_labels
    crowd /= crowd.sum(axis=0)
    confusion = seen + strength * crowd
    confusion /= confusion.sum(axis=1, keepdims=True)
    prior = posterior.sum(axis=0) + 1.0
    return confusion, prior / prior.sum()
