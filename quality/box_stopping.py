"""When an image's set of boxes is sure enough, and where another answer is worth its price.

The risk of an item is the number of objects expected to be wrong in its consensus, by cause:
an object believed in vain or not believed though there, a wrong class, a box out of place,
and objects nobody has drawn yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import comb

import numpy as np

from quality.consensus.shapes import Bools, BoxAnswers, BoxConsensus, Floats, Ints
from quality.stopping import LOOK_AHEAD, AnswerPrice

# The chance that one more worker draws an object in doubt if it is real, and if it is not
# (on a real crowd, left out in turn, workers drew 19 to 64 % of those in doubt).
_DRAWN = (0.7, 0.3)
# The chance that one more worker names the class that is in the lead, if it is right and if not.
_NAMED = (0.9, 0.1)


@dataclass(frozen=True)
class BoxRisk:
    """Objects expected to be wrong, per item (n_items,); infinite where nobody answered.

    ``existence``: false ones believed and real ones not; ``label``: wrong class;
    ``place``: IoU under 0.5 with the truth; ``missed``: drawn by nobody.
    """

    existence: Floats
    label: Floats
    place: Floats
    missed: Floats

    @property
    def total(self) -> Floats:
        """The sum of all causes."""
        return self.existence + self.label + self.place + self.missed


def box_risk(consensus: BoxConsensus) -> BoxRisk:
    """The risk of each item, by cause.

    Raises:
        ValueError: when the method does not say what its confidence is made of.

    """
    there, named, placed = _reasons(consensus)
    believed = consensus.exists

    def per_item(values: Floats) -> Floats:
        total = np.bincount(consensus.item, weights=values, minlength=len(consensus.n_answers))
        return np.where(consensus.n_answers > 0, total, np.inf)

    return BoxRisk(
        existence=per_item(np.where(believed, 1 - there, there)),
        label=per_item(np.where(believed, there * (1 - named), 0.0)),
        place=per_item(np.where(believed, there * named * (1 - placed), 0.0)),
        missed=np.where(consensus.n_answers > 0, consensus.details["missed"], np.inf),
    )


def _reasons(consensus: BoxConsensus) -> tuple[Floats, Floats, Floats]:
    """The chances (m,) that each object is there, has its class and is in its place."""
    details = consensus.details
    if not {"existence", "named", "placed", "missed"} <= set(details):
        raise ValueError(f"expected a probabilistic box consensus, got {consensus.method}")
    return details["existence"], details["named"], details["placed"]


def sure_enough(
    risk: BoxRisk, n_answers: Ints, most_wrong: float, fewest: int = 2, place_weight: float = 0.5
) -> Bools:
    """Which items (n_items,) need no further answer.

    At least ``fewest`` answers, and at most ``most_wrong`` objects expected wrong. A box out
    of place weighs ``place_weight``: another answer moves it little.
    """
    weighed = risk.existence + risk.label + place_weight * risk.place + risk.missed
    enough: Bools = (n_answers >= fewest) & (weighed <= most_wrong)
    return enough


@dataclass(frozen=True)
class BoxGain:
    """Verdicts one more answer is expected to mend, per item (n_items,), by cause.

    ``existence``: objects wrongly believed or not; ``label``: wrong classes; ``place``: boxes
    brought to IoU 0.5. Infinite where nobody answered.
    """

    existence: Floats
    label: Floats
    place: Floats

    @property
    def total(self) -> Floats:
        """The sum of all causes."""
        return self.existence + self.label + self.place


def box_gain(consensus: BoxConsensus) -> BoxGain:
    """What an average next answer is expected to mend, the best over looking 1 to 3 ahead.

    A verdict is mended only if the answers can flip it: an object that one of two people drew
    is worth asking about, one that six of six drew is not, however dear a mistake would be.

    Raises:
        ValueError: when the method does not say what its confidence is made of.

    """
    there, named, placed = _reasons(consensus)
    believed = consensus.exists
    votes = np.maximum(consensus.votes, 1)
    # The part of the variance that is not shared by all workers shrinks as votes are added.
    steadier = _odds_of_place(placed) * ((votes + 1) / votes) ** 2
    moved = np.where(believed, there * named * (steadier / (1 + steadier) - placed), 0.0)
    seen = consensus.n_answers > 0

    def per_item(values: Floats) -> Floats:
        total = np.bincount(consensus.item, weights=values, minlength=len(seen))
        return np.where(seen, total, np.inf)

    return BoxGain(
        existence=per_item(_flips(there, *_DRAWN)),
        label=per_item(np.where(believed, there, 0.0) * _flips(named, *_NAMED)),
        place=per_item(np.maximum(moved, 0.0)),
    )


def _odds_of_place(placed: Floats) -> Floats:
    """Odds (m,) of IoU 0.5 or more; they grow with the square of the sides' precision."""
    sure = np.clip(placed, 1e-9, 1 - 1e-9)
    odds: Floats = sure / (1 - sure)
    return odds


def _flips(chance: Floats, if_true: float, if_false: float) -> Floats:
    """Rise an answer (m,) of the chance to be right about a statement of ``chance`` (m,).

    Each answer says yes with ``if_true`` or ``if_false``; the best over looking ahead.
    """
    now, best = np.maximum(chance, 1 - chance), np.zeros(len(chance))
    for ahead in range(1, LOOK_AHEAD + 1):
        after = np.zeros(len(chance))
        for yes in range(ahead + 1):
            ways, no = comb(ahead, yes), ahead - yes
            right = chance * if_true**yes * (1 - if_true) ** no
            wrong = (1 - chance) * if_false**yes * (1 - if_false) ** no
            after += ways * np.maximum(right, wrong)
        best = np.maximum(best, (after - now) / ahead)
    return np.maximum(best, 0.0)


def is_worth_it(
    gain: BoxGain, n_answers: Ints, price: AnswerPrice, right_object_micros: int
) -> Bools:
    """Where the verdicts to be mended, each worth the given sum, cover the next answer's price.

    The price holds the venue's fee, with its step for all answers from the tenth on.
    """
    return np.asarray(gain.total * right_object_micros >= price.of_next(n_answers))


def worth(risk: BoxRisk, n_answers: Ints) -> Floats:
    """What one more answer is expected to take off each item's risk (n_items,).

    The n-th answer is taken to settle the share 1 / (n + 1) of what is open; items without
    answers come first (infinite).
    """
    return risk.total / (n_answers + 1.0)


def next_items(risk: BoxRisk, n_answers: Ints, price: Floats, budget: float) -> Ints:
    """The items to buy an answer for, most risk taken off per price first, within ``budget``.

    ``price`` (n_items,) is what the next answer of each costs, in the unit of ``budget``
    (it may rise where a venue's fee steps up). Ties go to the lower index.
    """
    per_price = worth(risk, n_answers) / np.maximum(price, 1e-12)
    order = np.argsort(-per_price, kind="stable")
    spent = np.cumsum(price[order])
    return order[spent <= budget].astype(np.int64)


@dataclass(frozen=True)
class Replay:
    """The end of a replay: its consensus, answers used and answers there were (n_items,)."""

    consensus: BoxConsensus
    n_used: Ints
    n_available: Ints


def replay(
    answers: BoxAnswers,
    combine: Callable[[BoxAnswers], BoxConsensus],
    most_wrong: float,
    rng: np.random.Generator,
    fewest: int = 2,
) -> Replay:
    """Recorded answers bought one at a time in random order until each item is sure enough."""

    def done(consensus: BoxConsensus, n_used: Ints) -> Bools:
        return sure_enough(box_risk(consensus), n_used, most_wrong, fewest)

    return replay_until(answers, combine, done, rng, fewest)


def replay_until(
    answers: BoxAnswers,
    combine: Callable[[BoxAnswers], BoxConsensus],
    done: Callable[[BoxConsensus, Ints], Bools],
    rng: np.random.Generator,
    fewest: int = 1,
) -> Replay:
    """Recorded answers bought in random order until ``done(consensus, n_used)`` (n_items,).

    After each round the consensus is fitted anew on what was bought, so an item that seemed
    settled may open again.
    """
    turn = _turns(answers, rng)
    n_available = np.bincount(answers.response_item, minlength=answers.n_items).astype(np.int64)
    n_used = np.minimum(n_available, fewest)
    while True:
        consensus = combine(_bought(answers, turn, n_used))
        open_items = ~done(consensus, n_used) & (n_used < n_available)
        if not open_items.any():
            return Replay(consensus, n_used, n_available)
        n_used = n_used + open_items


def first_answers(answers: BoxAnswers, n: int, rng: np.random.Generator) -> BoxAnswers:
    """``n`` random answers of every item (all where there are fewer)."""
    n_used = np.full(answers.n_items, n, dtype=np.int64)
    return _bought(answers, _turns(answers, rng), n_used)


def _turns(answers: BoxAnswers, rng: np.random.Generator) -> Ints:
    """Each response's place (r,) in the random order of its item."""
    order = np.lexsort((rng.random(len(answers.response_item)), answers.response_item))
    item = answers.response_item[order]
    turn = np.empty(len(order), dtype=np.int64)
    turn[order] = np.arange(len(order)) - np.searchsorted(item, item)
    return turn


def _bought(answers: BoxAnswers, turn: Ints, n_used: Ints) -> BoxAnswers:
    kept = turn < n_used[answers.response_item]
    key = answers.response_item * answers.n_workers + answers.response_worker
    own = np.isin(answers.item * answers.n_workers + answers.worker, key[kept])
    return replace(
        answers,
        response_item=answers.response_item[kept],
        response_worker=answers.response_worker[kept],
        item=answers.item[own],
        worker=answers.worker[own],
        label=answers.label[own],
        xyxy=answers.xyxy[own],
        score=None if answers.score is None else answers.score[own],
    )
