"""The default: a confusion model made safe, averaged with the skill-weighted vote.

At most two thirds of the posterior of ``_contested`` (less where an item's voters have
answered little), the rest the vote share weighted by each worker's skill. The model finds
biased and careless workers; the vote keeps its confidence honest where the model's
independence does not hold. Ordered scales learn errors by their distance; item features
add a classifier that learns from the consensus and votes in the next (two rounds,
``_features``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quality.consensus.shapes import Floats, Ints, TagAnswers, TagConsensus, WorkerEstimates
from quality.consensus.tags._coin import coin, scale
from quality.consensus.tags._contested import HABIT, ContestedFit, Target, fit_contested
from quality.consensus.tags._features import second_opinion
from quality.consensus.tags._leave_one_out import chance_corrected, estimates, model_of_others
from quality.consensus.tags._votes import Votes, collect, settle, unanswered, vote_share

VERSION = "4"
# Most the model counts in the average; the rest is the weighted vote.
MODEL_PART = 2.0 / 3.0
# Answers after which the model of a worker counts half of that.
KNOWN_AFTER = 5.0
FEATURE_ROUNDS = 2


@dataclass(frozen=True)
class Blend:
    """Posterior (n_items, K) over the truths, its weighted vote, the workers and the model."""

    posterior: Floats
    share: Floats
    workers: WorkerEstimates
    fit: ContestedFit


def combine(answers: TagAnswers) -> TagConsensus:
    """The most probable truth of each item, with a calibrated confidence.

    Works from the answers alone; gold and ``features`` help when given. Worker accuracy is
    leave-one-out, ``workers.weight`` the chance-corrected accuracy in (0, 1], and
    ``workers.details["confusion"]`` (n_workers, K, n_labels). Fails, as all do, where most
    workers share an error and no gold tells.
    """
    votes = collect(answers)
    if not len(votes):
        return unanswered(votes, method="auto", version=VERSION)
    target = scale if answers.ordered else coin
    found = blend(votes, target)
    if answers.features is not None:
        learned = (votes.per_item() > 0) | (votes.gold >= 0)
        for _ in range(FEATURE_ROUNDS):
            opinion = second_opinion(answers.features, found.posterior, learned)
            found = blend(votes, target, opinion=opinion)
    return settle(
        votes,
        found.posterior,
        found.workers,
        method="auto",
        version=VERSION,
        iterations=found.fit.iterations,
        log_likelihood=found.fit.log_likelihood,
    )


def blend(
    votes: Votes,
    target: Target,
    *,
    group: Ints | None = None,
    opinion: Floats | None = None,
    habit_part: float = HABIT,
) -> Blend:
    """The average of the model and the weighted vote.

    ``group`` (n_items,) tells items of different questions apart; ``opinion`` (n_items, K)
    is a classifier's p(truth), which stands for the truth prior and votes with its skill;
    ``habit_part`` is how much of the answers to contested items is habit.
    """
    fit = fit_contested(
        votes,
        vote_share(votes),
        target,
        group=group,
        item_prior=opinion,
        habit_part=habit_part,
    )
    right, judged = model_of_others(votes, fit.joint, fit.likelihood)
    accuracy = estimates(votes, right, judged).accuracy
    skill = chance_corrected(accuracy, len(votes.truths))
    details = {"confusion": fit.confusion.transpose(0, 2, 1)}
    share = vote_share(votes, skill[votes.worker])
    if opinion is not None:
        share = _with_opinion(votes, share, skill, opinion)
    posterior = averaged(votes, fit.posterior, share, votes.per_worker())
    return Blend(posterior, share, estimates(votes, right, judged, skill, details), fit)


def averaged(votes: Votes, model: Floats, share: Floats, n_answers: Ints) -> Floats:
    """The model's and the weighted vote's posterior (n_items, K), by how known the voters are.

    ``n_answers`` (n_workers,) is what each worker answered in all.
    """
    part = MODEL_PART * known_voters(votes, KNOWN_AFTER, n_answers)
    mixed: Floats = part * model + (1 - part) * share
    return mixed


def known_voters(votes: Votes, known_after: float, n_answers: Ints | None = None) -> Floats:
    """How well the model knows each item's voters, in [0, 1), (n_items, 1); 1/2 at ``known_after``.

    The mean of n / (n + known_after) over them, n being how many answers each has given
    (``n_answers`` (n_workers,); by default those in ``votes``).
    """
    n_given = votes.per_worker() if n_answers is None else n_answers
    known = n_given / (n_given + known_after)
    summed = np.bincount(votes.item, weights=known[votes.worker], minlength=votes.n_items)
    mean: Floats = summed / np.maximum(votes.per_item(), 1)
    return mean[:, None]


def _with_opinion(votes: Votes, share: Floats, skill: Floats, opinion: Floats) -> Floats:
    said = np.bincount(votes.item, weights=skill[votes.worker], minlength=votes.n_items)
    hit = float((share * opinion).sum() / max(len(share), 1))
    voice = chance_corrected(np.array([hit]), len(votes.truths))[0]
    mixed: Floats = (said[:, None] * share + voice * opinion) / (said[:, None] + voice)
    return mixed
