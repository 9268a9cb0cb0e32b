"""Dawid and Skene's model: one confusion matrix a worker, found by EM.

p(answer l of worker w | truth t) = C[w, l, t], p(t) = pi[t]; EM alternates the posterior
of the truths and the maximum a posteriori C and pi, in log space. The prior pulls each
worker's matrix towards the crowd's. A. P. Dawid, A. M. Skene, *Maximum likelihood
estimation of observer error-rates using the EM algorithm*, 1979.
"""

from __future__ import annotations

from quality.consensus.shapes import TagAnswers, TagConsensus
from quality.consensus.tags._confusion import fit_confusion
from quality.consensus.tags._leave_one_out import confusion_estimates
from quality.consensus.tags._votes import collect, settle, unanswered, vote_share

VERSION = "1"
# Answers' worth of the crowd's confusion in each worker's matrix.
STRENGTH = 2.0


def combine(answers: TagAnswers) -> TagConsensus:
    """The most probable truth of each item under one confusion matrix a worker.

    ``confidence`` is the model's own posterior, which is over-confident when workers err
    together or answers are few. ``workers.details["confusion"]`` is (n_workers, K, n_labels).
    """
    votes = collect(answers)
    if not len(votes):
        return unanswered(votes, method="dawid_skene", version=VERSION)
    fit = fit_confusion(votes, vote_share(votes), strength=STRENGTH)
    return settle(
        votes,
        fit.posterior,
        confusion_estimates(votes, fit.posterior, fit.confusion),
        method="dawid_skene",
        version=VERSION,
        iterations=fit.iterations,
        log_likelihood=fit.log_likelihood,
    )
