"""Majority vote: the label most people gave, with the share of the votes as confidence.

A tie goes to the label with more votes in the whole set, then to the lower index.
"""

from __future__ import annotations

from quality.consensus.shapes import TagAnswers, TagConsensus
from quality.consensus.tags._leave_one_out import agreement_with_others, estimates
from quality.consensus.tags._votes import collect, settle, vote_share

VERSION = "1"


def combine(answers: TagAnswers) -> TagConsensus:
    """The most voted label of each item; ``confidence`` is its part of the votes.

    Every vote counts alike; votes for labels that can be no truth are left out, and gold is
    certain. Worker accuracy is agreement with the other voters. Empty input gives an empty
    result. It fails where the crowd shares an error or few answers tie.
    """
    votes = collect(answers)
    right, judged = agreement_with_others(votes)
    return settle(
        votes,
        vote_share(votes),
        estimates(votes, right, judged),
        method="majority",
        version=VERSION,
    )
