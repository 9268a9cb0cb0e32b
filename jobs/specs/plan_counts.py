"""How many HITs of which size a plan has, from counts alone: what an estimate needs.

``jobs.specs.slicing`` deals by the same numbers, so that what was foretold is what is posted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

_LEAST_FOR_REPEATS_WITHIN = 4


@dataclass(frozen=True)
class PlanCounts:
    """What a plan amounts to: how many HITs there are of each size, and what they ask."""

    n_hits_by_size: Mapping[int, int]
    n_tasks: int
    n_golds: int
    n_repeats: int

    @property
    def n_hits(self) -> int:
        return sum(self.n_hits_by_size.values())


def count_plan(
    n_ordinary: int,
    n_marked: int,
    *,
    tasks_per_hit: int,
    gold_rate: float,
    repeat_rate: float,
) -> PlanCounts:
    """The counts of ``slicing.plan`` for so many questions, exactly, without dealing any of them.

    ``n_ordinary`` and ``n_marked`` are what ``slicing.count_questions`` says.
    """
    if not n_ordinary + n_marked:
        return PlanCounts({}, 0, 0, 0)
    n_all, n_golds, n_repeats = totals(n_ordinary, n_marked, gold_rate, repeat_rate)
    n_hits = math.ceil(n_all / tasks_per_hit)
    sizes = _parts(n_all, n_hits)
    golds = _parts(min(n_golds, n_hits * n_marked), n_hits)
    within = are_repeats_within(tasks_per_hit, n_hits)
    repeats = repeats_a_hit(golds, sizes, n_repeats, within)
    ordinary = _taken(np.maximum(sizes - repeats - golds, 0), n_ordinary)
    ordinary += _taken(sizes - golds - ordinary, n_ordinary - int(ordinary.sum()))
    room = np.minimum(repeats, tasks_per_hit - golds - ordinary)
    if within:
        again = np.maximum(np.minimum(room, ordinary), 0)
    else:
        again = _taken(np.maximum(room, 0), int(ordinary[: n_hits // 2].sum()))
    lengths = golds + ordinary + again
    found, how_many = np.unique(lengths[lengths > 0], return_counts=True)
    by_size = dict(zip(found.tolist(), how_many.tolist(), strict=True))
    return PlanCounts(by_size, int(lengths.sum()), int(golds.sum()), int(again.sum()))


def count_whole(
    n_items: int, n_golds: int, *, gold_rate: float, repeat_rate: float
) -> tuple[int, int]:
    """Ordinary questions and those marked as golds, where every image is asked whole."""
    n_marked = min(n_golds, whole(gold_rate * n_items / (1 - repeat_rate)))
    return n_items - n_marked, n_marked


def repeats_a_hit(golds: Counts, sizes: Counts, n_repeats: int, within: bool) -> Counts:
    """Repeats of each HIT, spread evenly over the room that golds leave.

    Within a HIT at most half of the room, for each repeat needs its original there;
    otherwise the later half of the HITs repeats the earlier.
    """
    rooms = sizes - golds
    if within:
        rooms //= 2
    else:
        rooms[: len(rooms) // 2] = 0
    slots = np.repeat(np.arange(len(rooms)), rooms)
    n_fitting = min(n_repeats, len(slots))
    if not n_fitting:
        return np.zeros(len(rooms), dtype=np.int64)
    places = (2 * np.arange(n_fitting) + 1) * len(slots) // (2 * n_fitting)
    return np.bincount(slots[places], minlength=len(rooms)).astype(np.int64)


def _taken(wanted: Counts, n_there: int) -> Counts:
    """What each gets of ``n_there`` when all take what they want in turn."""
    reached = np.minimum(np.cumsum(wanted), n_there)
    return np.diff(reached, prepend=0)


def _parts(total: int, n: int) -> Counts:
    """``_spread`` as an array."""
    edges = np.arange(n + 1, dtype=np.int64) * total // n
    return np.diff(edges)


def totals(
    n_ordinary: int, n_marked: int, gold_rate: float, repeat_rate: float
) -> tuple[int, int, int]:
    """Tasks in all, golds, repeats; marked golds are never fewer than asked once."""
    n_all = max(
        n_ordinary / (1 - gold_rate - repeat_rate), (n_ordinary + n_marked) / (1 - repeat_rate)
    )
    if not n_marked:
        n_all = n_ordinary / (1 - repeat_rate)
    n_golds = max(n_marked, whole(gold_rate * n_all)) if n_marked else 0
    n_repeats = min(whole(repeat_rate * n_all), n_ordinary)
    return n_ordinary + n_golds + n_repeats, n_golds, n_repeats


def are_repeats_within(tasks_per_hit: int, n_hits: int) -> bool:
    """Whether a repeat hides in its original's HIT: enough other tasks must lie between them."""
    return tasks_per_hit >= _LEAST_FOR_REPEATS_WITHIN or n_hits == 1


def whole(number: float) -> int:
    """The number rounded down, forgiving what floats lose."""
    return math.floor(number + 1e-9)
