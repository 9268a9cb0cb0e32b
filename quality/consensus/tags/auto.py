"""The default: a confusion model made safe, averaged with the skill-weighted vote.

Two thirds of the posterior of ``_contested`` and one third of the vote share weighted by
each worker's skill. The model finds biased and careless workers; the vote keeps its
confidence honest where the model's independence does not hold. Ordered scales use a bell
around the truth instead of even errors; item features add a classifier (``_features``).
"""

from __future__ import annotations

from quality.consensus.shapes import TagAnswers, TagConsensus
from quality.consensus.tags._coin import coin, scale
from quality.consensus.tags._contested import fit_contested
from quality.consensus.tags._leave_one_out import chance_corrected, estimates, model_of_others
from quality.consensus.tags._votes import collect, settle, unanswered, vote_share

VERSION = "2"
# Part of the model in the average; the rest is the weighted vote.
MODEL_PART = 2.0 / 3.0


def combine(answers: TagAnswers) -> TagConsensus:
    """The most probable truth of each item, with a calibrated confidence."""
    votes = collect(answers)
    if not len(votes):
        return unanswered(votes, method="auto", version=VERSION)
    fit = fit_contested(votes, vote_share(votes), scale if answers.ordered else coin)
    right, judged = model_of_others(votes, fit.joint, fit.likelihood)
    workers = estimates(votes, right, judged)
    skill = chance_corrected(workers.accuracy, len(votes.truths))
    workers = estimates(
        votes, right, judged, skill, {"confusion": fit.confusion.transpose(0, 2, 1)}
    )
    share = vote_share(votes, skill[votes.worker])
    return settle(
        votes,
        MODEL_PART * fit.posterior + (1 - MODEL_PART) * share,
        workers,
        method="auto",
        version=VERSION,
        iterations=fit.iterations,
        log_likelihood=fit.log_likelihood,
    )
