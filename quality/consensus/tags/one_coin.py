"""The one-coin model: each worker is right with one probability, errors spread evenly.

p(l | t, w) = a[w] if l = t else (1 - a[w]) / (K - 1), truths equally likely beforehand; EM
in log space. The homogeneous form of Dawid and Skene 1979. An estimated truth prior
is left out on purpose: with skewed errors it collapses onto one label.
"""

from __future__ import annotations

import numpy as np

from quality.consensus.shapes import TagAnswers, TagConsensus
from quality.consensus.tags._coin import coin
from quality.consensus.tags._confusion import MAX_ITERATIONS, TOLERANCE, incidence, soft_max
from quality.consensus.tags._leave_one_out import confusion_estimates
from quality.consensus.tags._votes import clamp, collect, settle, unanswered, vote_share

VERSION = "1"


def combine(answers: TagAnswers) -> TagConsensus:
    """The most probable truth when each worker has one accuracy.

    Good with few answers a worker. Fails where some labels are harder than others.
    """
    votes = collect(answers)
    if not len(votes):
        return unanswered(votes, method="one_coin", version=VERSION)
    table = incidence(votes)
    shape = (votes.n_workers, votes.n_labels, len(votes.truths))
    posterior, iterations, change = vote_share(votes), 0, np.inf
    while iterations < MAX_ITERATIONS and change >= TOLERANCE:
        matrices = coin(votes, (table.T @ posterior).reshape(shape))
        new, evidence = soft_max(table @ np.log(matrices).reshape(-1, shape[2]))
        clamp(votes, new)
        change = float(np.abs(new - posterior).sum()) / len(new)
        posterior, iterations = new, iterations + 1
    return settle(
        votes,
        posterior,
        confusion_estimates(votes, posterior, matrices),
        method="one_coin",
        version=VERSION,
        iterations=iterations,
        log_likelihood=float(evidence.sum()) - votes.n_items * float(np.log(shape[2])),
    )
