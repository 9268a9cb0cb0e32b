"""The default: Dawid-Skene tempered by the vote share."""

from __future__ import annotations

from quality.consensus.shapes import TagAnswers, TagConsensus
from quality.consensus.tags._confusion import fit_confusion
from quality.consensus.tags._leave_one_out import confusion_estimates
from quality.consensus.tags._votes import collect, settle, unanswered, vote_share

VERSION = "1"


def combine(answers: TagAnswers) -> TagConsensus:
    """The most probable truth of each item, with a calibrated confidence."""
    votes = collect(answers)
    if not len(votes):
        return unanswered(votes, method="auto", version=VERSION)
    share = vote_share(votes)
    fit = fit_confusion(votes, share.copy(), strength=4.0)
    return settle(
        votes,
        (fit.posterior + share) / 2,
        confusion_estimates(votes, fit.posterior, fit.confusion),
        method="auto",
        version=VERSION,
        iterations=fit.iterations,
        log_likelihood=fit.log_likelihood,
    )
