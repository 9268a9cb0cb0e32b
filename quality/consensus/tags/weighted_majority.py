"""Majority vote in which people who agree with the others count for more.

Round by round: each worker's accuracy against the weighted vote of the others, then
weights a - 1/K over 1 - 1/K (0 at guessing, 1 when always right), then the vote again.
The rule of Zheng et al., *Truth inference in crowdsourcing*, VLDB 2017 (ZenCrowd's
kin), with each worker scored on the others only.
"""

from __future__ import annotations

import numpy as np

from quality.consensus.shapes import TagAnswers, TagConsensus
from quality.consensus.tags._leave_one_out import (
    agreement_with_others,
    chance_corrected,
    estimates,
)
from quality.consensus.tags._votes import collect, settle, unanswered, vote_share

VERSION = "1"
ROUNDS = 10
TOLERANCE = 1e-3


def combine(answers: TagAnswers) -> TagConsensus:
    """The label with the most weight; ``confidence`` is its part of the weight.

    ``workers.weight`` is in (0, 1]. Robust and nearly as cheap as majority vote; it cannot
    correct a worker's bias, and errs where most of a crowd shares an error.
    """
    votes = collect(answers)
    if not len(votes):
        return unanswered(votes, method="weighted_majority", version=VERSION)
    weight, moved, rounds = np.ones(votes.n_workers), np.inf, 0
    while rounds < ROUNDS and moved >= TOLERANCE:
        right, judged = agreement_with_others(votes, weight)
        workers = estimates(votes, right, judged)
        new = chance_corrected(workers.accuracy, len(votes.truths))
        moved, weight, rounds = float(np.abs(new - weight).max()), new, rounds + 1
    return settle(
        votes,
        vote_share(votes, weight[votes.worker]),
        estimates(votes, right, judged, weight),
        method="weighted_majority",
        version=VERSION,
        iterations=rounds,
    )
