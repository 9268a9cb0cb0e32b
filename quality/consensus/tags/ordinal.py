"""A model for ordered scales: each worker has a bias and a spread along the scale.

p(l | t, w) is proportional to exp(-(l - t - bias[w])^2 / (2 spread[w]^2)) over the grades;
EM in log space. A rater's two numbers replace a K x K matrix, so a few grades suffice. In
the spirit of Raykar et al., *Learning from crowds*, 2010, section 4 (ordinal labels).
"""

from __future__ import annotations

import numpy as np

from quality.consensus.shapes import TagAnswers, TagConsensus
from quality.consensus.tags._coin import scale
from quality.consensus.tags._confusion import (
    MAX_ITERATIONS,
    TOLERANCE,
    class_prior,
    incidence,
    soft_max,
)
from quality.consensus.tags._leave_one_out import confusion_estimates
from quality.consensus.tags._votes import clamp, collect, settle, unanswered, vote_share

VERSION = "1"


def combine(answers: TagAnswers) -> TagConsensus:
    """The most probable grade, taking label indices as steps of a scale.

    Labels that can be no truth ("cannot tell") stand beside the scale. Wrong for labels
    without an order.
    """
    votes = collect(answers)
    if not len(votes):
        return unanswered(votes, method="ordinal", version=VERSION)
    table = incidence(votes)
    shape = (votes.n_workers, votes.n_labels, len(votes.truths))
    posterior, iterations, change = vote_share(votes), 0, np.inf
    while iterations < MAX_ITERATIONS and change >= TOLERANCE:
        matrices = scale(votes, (table.T @ posterior).reshape(shape))
        log_weight = table @ np.log(matrices).reshape(-1, shape[2])
        new, evidence = soft_max(log_weight + np.log(class_prior(posterior)))
        clamp(votes, new)
        change = float(np.abs(new - posterior).sum()) / len(new)
        posterior, iterations = new, iterations + 1
    return settle(
        votes,
        posterior,
        confusion_estimates(votes, posterior, matrices),
        method="ordinal",
        version=VERSION,
        iterations=iterations,
        log_likelihood=float(evidence.sum()),
    )
