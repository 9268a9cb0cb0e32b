"""Is one more answer worth its price? Which items to ask about next, and when to stop.

Two ways to drive it: a threshold (buy while an item is less certain than asked for) or a
budget (spend n answers where they are needed most). Either way buy a small batch, weakest
items first, look again, and let items open and close as workers become known.

``certainty`` is a cost knob, not an error rate: it is the model's own posterior (the weighted
vote's where the voters are new), which is sharper than the confidence shown to people and
stops sooner at equal accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import comb, factorial, prod

import numpy as np

from quality.consensus.shapes import Bools, Floats, Ints, TagAnswers
from quality.consensus.tags._coin import coin, scale
from quality.consensus.tags._votes import Votes, clamp, collect, settle, unanswered, vote_share
from quality.consensus.tags.auto import Blend, blend, known_voters

# Answers looked ahead, and the most combinations of labels tried for it.
LOOK_AHEAD = 3
MAX_COMBINATIONS = 60
# Answers after which a worker's model counts as much as the weighted vote in certainty.
KNOWN_AFTER = 2.0
# The same against the plain vote in labels and in the order of purchases: a few answers tell
# how sure one may be sooner than they tell who is right.
TRUSTED_AFTER = 40.0


@dataclass(frozen=True)
class Rule:
    """When an item has enough answers: ``certainty`` reached, between ``least`` and ``most``."""

    certainty: float = 0.99
    least: int = 2
    most: int = 10

    def __post_init__(self) -> None:
        """Refuse a rule that could never stop or never start."""
        if not 0 < self.certainty <= 1:
            raise ValueError(f"certainty: expected above 0 up to 1, got {self.certainty}")
        if not 1 <= self.least <= self.most:
            raise ValueError(f"expected 1 <= least <= most, got {self.least} and {self.most}")


@dataclass(frozen=True)
class Outlook:
    """What is known of each item now; all arrays (n_items,).

    ``label`` (-1 where nobody answered) and its ``confidence`` lean on the plain vote while
    workers are new, and order the purchases; ``certainty`` of the model says when to stop;
    ``gain``: how much an average next answer is expected to raise the chance of being right,
    looking a few answers ahead; ``n_answers`` so far.
    """

    label: Ints
    confidence: Floats
    certainty: Floats
    gain: Floats
    n_answers: Ints


@dataclass(frozen=True)
class AnswerPrice:
    """What answers to one item cost at a venue, in micro-dollars.

    Each answer costs ``reward_micros`` and a fee of ``fee_percent`` of it, at least
    ``minimum_fee_micros``; from ``step_at`` answers on, every answer to the item costs
    ``step_percent`` more (MTurk: 20 %, one cent at least, 20 % more from ten assignments).
    """

    reward_micros: int
    fee_percent: int = 20
    minimum_fee_micros: int = 10_000
    step_at: int = 10
    step_percent: int = 20

    def total(self, n_answers: Ints) -> Ints:
        """Price of ``n_answers`` answers to one item, fees half up."""
        n = np.asarray(n_answers, dtype=np.int64)
        low = self._each(self.fee_percent)
        high = self._each(self.fee_percent + self.step_percent)
        prices: Ints = n * np.where(n >= self.step_at, high, low)
        return prices

    def of_next(self, n_answers: Ints) -> Ints:
        """Price of one more answer after ``n_answers``, the step on all of them included."""
        n = np.asarray(n_answers, dtype=np.int64)
        more: Ints = self.total(n + 1) - self.total(n)
        return more

    def _each(self, percent: int) -> int:
        fee = (self.reward_micros * percent + 50) // 100
        return self.reward_micros + max(fee, self.minimum_fee_micros)


def outlook(answers: TagAnswers) -> Outlook:
    """How sure the answers so far make each item, and what one more would add.

    Deterministic and order-free as every consensus. Items without answers have certainty 0
    and the gain of a first answer; gold items are certain and gain nothing.
    """
    votes = collect(answers)
    if not len(votes):
        known = (votes.gold >= 0).astype(float)
        nothing = unanswered(votes, method="stopping", version="2")
        return Outlook(nothing.label, known, known, 1.0 - known, nothing.n_answers)
    # Contested items are left out of this model: early on nearly every item looks contested.
    found = blend(votes, scale if answers.ordered else coin, habit_part=0.0)
    trusted = known_voters(votes, TRUSTED_AFTER)
    leaning = trusted * found.fit.posterior + (1 - trusted) * vote_share(votes)
    result = settle(votes, leaning, found.workers, method="stopping", version="2")
    known = known_voters(votes, KNOWN_AFTER)
    model = clamp(votes, known * found.fit.posterior + (1 - known) * found.share)
    heard = (result.n_answers > 0) | (votes.gold >= 0)
    certainty = np.where(heard, model.max(axis=1), 0.0)
    return Outlook(
        result.label, result.confidence, certainty, _gain(votes, found, model), result.n_answers
    )


def vote_share_outlook(answers: TagAnswers) -> Outlook:
    """The usual rule for comparison: certainty is the winner's share of the votes."""
    votes = collect(answers)
    empty = unanswered(votes, method="stopping", version="2")
    share = clamp(votes, vote_share(votes)).max(axis=1, initial=0.0)
    certainty = np.where(empty.label >= 0, share, 0.0)
    return Outlook(empty.label, certainty, certainty, 1.0 - certainty, empty.n_answers)


def wanted(now: Outlook, rule: Rule) -> Bools:
    """Which items want one more answer under ``rule``."""
    unsure = now.certainty < rule.certainty
    return (now.n_answers < rule.least) | (unsure & (now.n_answers < rule.most))


def next_purchases(now: Outlook, rule: Rule, n: int) -> Ints:
    """Up to ``n`` items to ask one more answer about, those under ``rule.least`` first.

    Then those with the least confidence; equals in item order. Fewer, or none, when no more
    want one.
    """
    open_items = np.flatnonzero(wanted(now, rule))
    starting = now.n_answers[open_items] < rule.least
    first = np.where(starting, -1.0 / (1.0 + now.n_answers[open_items]), now.confidence[open_items])
    order = np.lexsort((open_items, first, ~starting))
    return open_items[order][: max(n, 0)].astype(np.int64)


def within_budget(now: Outlook, rule: Rule, price: AnswerPrice, budget_micros: int) -> Ints:
    """The items to ask about next that ``budget_micros`` pays for, in the order of need."""
    order = next_purchases(now, rule, len(now.label))
    cost = np.cumsum(price.of_next(now.n_answers[order]))
    return order[cost <= budget_micros]


def is_worth_it(now: Outlook, price: AnswerPrice, right_label_micros: int) -> Bools:
    """Where the expected gain in right labels, each worth the given sum, covers the price."""
    return now.gain * right_label_micros >= price.of_next(now.n_answers)


def _gain(votes: Votes, found: Blend, model: Floats) -> Floats:
    """Expected rise of the largest posterior an answer, the best over looking 1 to 3 ahead.

    One answer alone can seldom flip an item, two or three can: a one-step view stops too soon.
    """
    n_truths = model.shape[1]
    likelihood = found.fit.likelihood[:, :, :n_truths]
    share = votes.per_worker() / len(votes)
    average = np.tensordot(share, likelihood, axes=1)
    now, best = model.max(axis=1), np.zeros(len(model))
    n_labels = votes.n_labels
    for ahead in range(1, LOOK_AHEAD + 1):
        if ahead > 1 and comb(n_labels + ahead - 1, ahead) > MAX_COMBINATIONS:
            break
        after = np.zeros(len(model))
        for labels in combinations_with_replacement(range(n_labels), ahead):
            repeats = [labels.count(label) for label in set(labels)]
            ways = factorial(ahead) / prod(factorial(count) for count in repeats)
            after += (model * (ways * average[list(labels)].prod(axis=0))).max(axis=1)
        best = np.maximum(best, (after - now) / ahead)
    return np.clip(best, 0.0, 1.0)
