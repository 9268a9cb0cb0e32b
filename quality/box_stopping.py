"""When an image's set of boxes is sure enough, and where another answer is worth its price.

The risk of an item is the number of objects expected to be wrong in its consensus, by cause:
an object believed in vain or not believed though there, a wrong class, a box out of place,
and objects nobody has drawn yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from quality.consensus.shapes import Bools, BoxAnswers, BoxConsensus, Floats, Ints


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
    details = consensus.details
    if not {"existence", "named", "placed", "missed"} <= set(details):
        raise ValueError(f"box_risk: expected a probabilistic consensus, got {consensus.method}")
    there, named, placed = (details[name] for name in ("existence", "named", "placed"))
    believed = consensus.exists

    def per_item(values: Floats) -> Floats:
        total = np.bincount(consensus.item, weights=values, minlength=len(consensus.n_answers))
        return np.where(consensus.n_answers > 0, total, np.inf)

    return BoxRisk(
        existence=per_item(np.where(believed, 1 - there, there)),
        label=per_item(np.where(believed, there * (1 - named), 0.0)),
        place=per_item(np.where(believed, there * named * (1 - placed), 0.0)),
        missed=np.where(consensus.n_answers > 0, details["missed"], np.inf),
    )


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
    """Recorded answers bought one at a time in random order until each item is sure enough.

    After each round the consensus is fitted anew on what was bought, so an item that seemed
    settled may open again.
    """
    turn = _turns(answers, rng)
    n_available = np.bincount(answers.response_item, minlength=answers.n_items).astype(np.int64)
    n_used = np.minimum(n_available, fewest)
    while True:
        consensus = combine(_bought(answers, turn, n_used))
        done = sure_enough(box_risk(consensus), n_used, most_wrong, fewest)
        open_items = ~done & (n_used < n_available)
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
