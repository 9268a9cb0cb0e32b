"""EBCC: workers' errors are correlated through hidden kinds of items, found variationally.

Each truth k has M kinds of item with proportions ~ Dirichlet(A / M); worker w answers an item
of truth k and kind m by a vector ~ Dirichlet(b), b larger where label = truth. Mean field on
(truth, kind) jointly, restarted from seeded random splits, the best evidence bound kept.
Y. Li, B. Rubinstein, T. Cohn, *Exploiting worker correlation for label aggregation in
crowdsourcing*, ICML 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import digamma, gammaln

from quality.consensus.shapes import Floats, Ints, TagAnswers, TagConsensus
from quality.consensus.tags._confusion import incidence, soft_max
from quality.consensus.tags._leave_one_out import estimates, model_of_others
from quality.consensus.tags._votes import Votes, collect, settle, unanswered, vote_share

VERSION = "1"
KINDS = 3
RESTARTS = 5
MAX_ITERATIONS = 150
TOLERANCE = 5e-4
KIND_PRIOR = 0.1
TRUTH_PRIOR = 1.0
RIGHT_PRIOR, WRONG_PRIOR = 4.0, 1.0


@dataclass(frozen=True)
class _Fit:
    joint: Floats  # (n_items, M K), kind by kind
    log_answer: Floats  # (n_workers, n_labels, M K)
    counts: Floats
    bound: float
    iterations: int


def combine(answers: TagAnswers) -> TagConsensus:
    """The most probable truth when kinds of items mislead workers alike.

    Strong where many people answer each item and share errors; with few answers an item the
    kinds cannot be told apart. Deterministic: restarts draw by fixed seeds
    for each distinct row of votes, so names and order of items do not matter.
    """
    votes = collect(answers)
    if not len(votes):
        return unanswered(votes, method="ebcc", version=VERSION)
    table = incidence(votes)
    fits = (_fit(votes, table, np.random.default_rng(seed)) for seed in range(RESTARTS))
    best = max(fits, key=lambda fit: round(fit.bound, 6))
    n_truths = len(votes.truths)
    posterior = best.joint.reshape(votes.n_items, KINDS, n_truths).sum(axis=1)
    right, judged = model_of_others(votes, best.joint, np.exp(best.log_answer))
    confusion = best.counts.reshape(votes.n_workers, votes.n_labels, KINDS, n_truths).sum(axis=2)
    confusion /= confusion.sum(axis=1, keepdims=True)
    return settle(
        votes,
        posterior,
        estimates(votes, right, judged, None, {"confusion": confusion.transpose(0, 2, 1)}),
        method="ebcc",
        version=VERSION,
        iterations=best.iterations,
        log_likelihood=best.bound,
    )


def _fit(votes: Votes, table: csr_matrix, rng: np.random.Generator) -> _Fit:
    n_truths = len(votes.truths)
    shape = (votes.n_workers, votes.n_labels, KINDS * n_truths)
    start = vote_share(votes)
    joint = (_split(votes, rng) * start[:, None, :]).reshape(votes.n_items, -1)
    prior = _answer_prior(votes)
    known = np.flatnonzero(votes.gold >= 0)
    iterations, change = 0, np.inf
    while iterations < MAX_ITERATIONS and change >= TOLERANCE:
        counts = (table.T @ joint).reshape(shape) + prior
        log_answer = digamma(counts) - digamma(counts.sum(axis=1, keepdims=True))
        log_state, penalty = _states(joint, n_truths)
        log_weight = table @ log_answer.reshape(-1, shape[2]) + log_state
        log_weight[known] += _only(votes, known)
        new, evidence = soft_max(log_weight)
        change = float(np.abs(new - joint).sum()) / len(new)
        joint, iterations = new, iterations + 1
    bound = float(evidence.sum()) + penalty + _dirichlet_gain(counts, prior, log_answer, axis=1)
    return _Fit(joint, log_answer, counts, bound, iterations)


def _split(votes: Votes, rng: np.random.Generator) -> Floats:
    """A random start (n_items, KINDS, K), the same for items with the same votes."""
    _, alike = np.unique(votes.counts(), axis=0, return_inverse=True)
    size = (int(alike.max()) + 1, len(votes.truths))
    split = rng.dirichlet(np.ones(KINDS), size=size).transpose(0, 2, 1)
    drawn: Floats = split[alike]
    return drawn


def _answer_prior(votes: Votes) -> Floats:
    prior = np.full((votes.n_labels, len(votes.truths)), WRONG_PRIOR)
    prior[votes.truths, np.arange(len(votes.truths))] = RIGHT_PRIOR
    return np.tile(prior, (1, KINDS))[None]


def _states(joint: Floats, n_truths: int) -> tuple[Floats, float]:
    """Expected log-probability of each (kind, truth), and the bound's part for their priors."""
    held = joint.sum(axis=0).reshape(KINDS, n_truths)
    kind, truth = held + KIND_PRIOR / KINDS, held.sum(axis=0) + TRUTH_PRIOR
    log_kind = digamma(kind) - digamma(kind.sum(axis=0, keepdims=True))
    log_truth = digamma(truth) - digamma(truth.sum())
    penalty = _dirichlet_gain(kind, np.full_like(kind, KIND_PRIOR / KINDS), log_kind, axis=0)
    penalty += _dirichlet_gain(truth, np.full_like(truth, TRUTH_PRIOR), log_truth, axis=0)
    return (log_kind + log_truth).ravel(), penalty


def _dirichlet_gain(counts: Floats, prior: Floats, expected_log: Floats, axis: int) -> float:
    """Minus the divergence of Dirichlet(counts) from Dirichlet(prior), summed."""
    prior = np.broadcast_to(prior, counts.shape)
    norm = gammaln(counts).sum(axis=axis) - gammaln(counts.sum(axis=axis))
    norm -= gammaln(prior).sum(axis=axis) - gammaln(prior.sum(axis=axis))
    return float(norm.sum() - ((counts - prior) * expected_log).sum())


def _only(votes: Votes, known: Ints) -> Floats:
    mask = np.full((len(known), len(votes.truths)), -1e6)
    mask[np.arange(len(known)), votes.gold[known]] = 0.0
    return np.tile(mask, (1, KINDS))
