"""A job's items dealt into HITs: tiles, golds, hidden repeats; the same seed, the same plan."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.errors import InvalidInput

Tile = tuple[int, int, int, int]

# A repeat hides in its original's HIT only where enough other tasks lie between them.
_LEAST_FOR_REPEATS_WITHIN = 4


@dataclass(frozen=True)
class ItemSize:
    """An item to label: its id and its upright size in pixels."""

    item_id: int
    width: int
    height: int


@dataclass(frozen=True)
class PlannedTask:
    """One question about an item or a tile of it.

    ``tile`` is (left, top, right, bottom) in the item's pixels, None for the whole image.
    ``repeat_of`` is the index in ``Plan.tasks`` of the earlier task that this one repeats.
    """

    item_id: int
    tile: Tile | None
    is_gold: bool = False
    repeat_of: int | None = None


@dataclass(frozen=True)
class Plan:
    """HITs, each a tuple of tasks in the order in which the page shows them."""

    hits: tuple[tuple[PlannedTask, ...], ...]

    @property
    def tasks(self) -> tuple[PlannedTask, ...]:
        """All tasks, HIT after HIT: what ``repeat_of`` counts in."""
        return tuple(task for hit in self.hits for task in hit)


@dataclass(frozen=True)
class _Question:
    """What is asked, before it has a place. ``original`` is the question it repeats."""

    item_id: int
    tile: Tile | None
    is_gold: bool = False
    original: _Question | None = None


def plan(
    items: Sequence[ItemSize],
    golds: Collection[int],
    *,
    tasks_per_hit: int,
    gold_rate: float = 0.0,
    repeat_rate: float = 0.0,
    tile: int | None = None,
    overlap: int = 0,
    seed: int,
) -> Plan:
    """Every item (or tile) asked exactly once, plus what quality control adds.

    ``golds`` are ids of items whose answer is known; they are asked like any other.
    ``gold_rate`` is the share of all tasks marked ``is_gold``. With golds to spare, a
    random part of them is marked and the rest are ordinary tasks; with too few, golds are
    asked again in further HITs, never twice in one, so the share may stay below the rate.
    ``repeat_rate`` is the share of all tasks that repeat an ordinary one unannounced:
    within its HIT at four tasks a HIT or more, in a later HIT otherwise. Shares are
    rounded down. HITs differ in size by at most one task as far as repeats allow.
    An image larger than ``tile`` is cut into tiles of that side which overlap by at least
    ``overlap`` pixels. The order of ``items`` does not matter.

    Raises:
        InvalidInput: for rates out of bounds, an impossible tile, or an item given twice.

    """
    _check(items, tasks_per_hit, gold_rate, repeat_rate, tile, overlap)
    generator = np.random.default_rng(seed)
    ordered = sorted(items, key=lambda item: item.item_id)
    ordinary, marked = _questions(ordered, golds, gold_rate, repeat_rate, tile, overlap, generator)
    n_asked = len(ordinary) + len(marked)
    if not n_asked:
        return Plan(())
    n_all, n_golds, n_repeats = _counts(len(ordinary), len(marked), gold_rate, repeat_rate)
    n_hits = math.ceil(n_all / tasks_per_hit)
    sizes = _spread(n_all, n_hits)
    hits = _deal_golds(marked, min(n_golds, n_hits * len(marked)), n_hits)
    within = tasks_per_hit >= _LEAST_FOR_REPEATS_WITHIN or n_hits == 1
    repeats = _repeats_a_hit(hits, sizes, n_repeats, within)
    _deal_ordinary(hits, ordinary, sizes, repeats)
    if within:
        _repeat_within(hits, repeats, tasks_per_hit, generator)
    else:
        _repeat_later(hits, repeats, tasks_per_hit, generator)
    return _placed([hit for hit in hits if hit])


def tiles(width: int, height: int, tile: int, overlap: int) -> list[Tile]:
    """Tiles (left, top, right, bottom) that cover the image, row by row, evenly spaced.

    Each is ``tile`` pixels a side (or the image's side, if that is smaller) and overlaps
    its neighbours by at least ``overlap`` pixels.
    """
    return [
        (left, top, min(left + tile, width), min(top + tile, height))
        for top in _starts(height, tile, overlap)
        for left in _starts(width, tile, overlap)
    ]


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    if length <= tile:
        return [0]
    n_tiles = math.ceil((length - overlap) / (tile - overlap))
    return [index * (length - tile) // (n_tiles - 1) for index in range(n_tiles)]


def _check(
    items: Sequence[ItemSize],
    tasks_per_hit: int,
    gold_rate: float,
    repeat_rate: float,
    tile: int | None,
    overlap: int,
) -> None:
    if tasks_per_hit < 1:
        raise InvalidInput(f"tasks_per_hit: expected 1 or more, got {tasks_per_hit}")
    for name, rate in (("gold_rate", gold_rate), ("repeat_rate", repeat_rate)):
        if not 0 <= rate <= 0.5:
            raise InvalidInput(f"{name}: expected a share from 0 to 0.5, got {rate}")
    if gold_rate + repeat_rate > 0.5:
        raise InvalidInput(
            f"gold_rate and repeat_rate: expected at most 0.5 in all, got {gold_rate + repeat_rate}"
        )
    if tile is not None and not 0 <= overlap <= tile // 2:
        raise InvalidInput(f"overlap: expected 0 to half of the tile ({tile}), got {overlap}")
    if tile is not None and tile < 64:
        raise InvalidInput(f"tile: expected 64 pixels or more, got {tile}")
    if len({item.item_id for item in items}) != len(items):
        raise InvalidInput("items: expected each once")


def _questions(
    items: Iterable[ItemSize],
    golds: Collection[int],
    gold_rate: float,
    repeat_rate: float,
    tile: int | None,
    overlap: int,
    generator: np.random.Generator,
) -> tuple[list[_Question], list[_Question]]:
    """Ordinary questions and those marked as golds, each shuffled."""
    by_item = [(item.item_id, _cut(item, tile, overlap)) for item in items]
    n_all = sum(len(cut) for _, cut in by_item)
    wanted = _floor(gold_rate * n_all / (1 - repeat_rate))
    ordinary: list[_Question] = []
    marked: list[_Question] = []
    for index in generator.permutation(len(by_item)):
        item_id, cut = by_item[index]
        is_gold = item_id in golds and len(marked) < wanted
        target = marked if is_gold else ordinary
        target.extend(_Question(item_id, each, is_gold) for each in cut)
    _shuffle(ordinary, generator)
    _shuffle(marked, generator)
    return ordinary, marked


def _cut(item: ItemSize, tile: int | None, overlap: int) -> list[Tile | None]:
    if tile is None or (item.width <= tile and item.height <= tile):
        return [None]
    return list(tiles(item.width, item.height, tile, overlap))


def _counts(
    n_ordinary: int, n_marked: int, gold_rate: float, repeat_rate: float
) -> tuple[int, int, int]:
    """Tasks in all, golds, repeats; marked golds are never fewer than asked once."""
    n_all = max(
        n_ordinary / (1 - gold_rate - repeat_rate), (n_ordinary + n_marked) / (1 - repeat_rate)
    )
    if not n_marked:
        n_all = n_ordinary / (1 - repeat_rate)
    n_golds = max(n_marked, _floor(gold_rate * n_all)) if n_marked else 0
    n_repeats = min(_floor(repeat_rate * n_all), n_ordinary)
    return n_ordinary + n_golds + n_repeats, n_golds, n_repeats


def _deal_golds(marked: list[_Question], n_golds: int, n_hits: int) -> list[list[_Question]]:
    """Golds spread evenly over the HITs; in rotation, so that none comes twice in a HIT."""
    hits: list[list[_Question]] = []
    dealt = 0
    for count in _spread(n_golds, n_hits):
        hits.append([marked[(dealt + step) % len(marked)] for step in range(count)])
        dealt += count
    return hits


def _repeats_a_hit(
    hits: list[list[_Question]], sizes: list[int], n_repeats: int, within: bool
) -> list[int]:
    """Repeats of each HIT, spread evenly over the room that golds leave.

    Within a HIT at most half of the room, for each repeat needs its original there;
    otherwise the later half of the HITs repeats the earlier.
    """
    rooms = [size - len(hit) for hit, size in zip(hits, sizes, strict=True)]
    if within:
        rooms = [room // 2 for room in rooms]
    else:
        rooms[: len(rooms) // 2] = [0] * (len(rooms) // 2)
    slots = [number for number, room in enumerate(rooms) for _ in range(room)]
    counts = [0] * len(hits)
    n_fitting = min(n_repeats, len(slots))
    for step in range(n_fitting):
        counts[slots[(2 * step + 1) * len(slots) // (2 * n_fitting)]] += 1
    return counts


def _deal_ordinary(
    hits: list[list[_Question]], ordinary: list[_Question], sizes: list[int], repeats: list[int]
) -> None:
    rest = list(reversed(ordinary))
    for hit, size, n_repeats in zip(hits, sizes, repeats, strict=True):
        for _ in range(size - n_repeats - len(hit)):
            if rest:
                hit.append(rest.pop())
    # Rounding may leave a few: they fill the room kept for repeats that will not fit.
    for hit, size in zip(hits, sizes, strict=True):
        while rest and len(hit) < size:
            hit.append(rest.pop())


def _repeat_within(
    hits: list[list[_Question]],
    repeats: list[int],
    tasks_per_hit: int,
    generator: np.random.Generator,
) -> None:
    """Shuffle each HIT; originals of repeats move to its front part, repeats to its end."""
    for hit, n_repeats in zip(hits, repeats, strict=True):
        _shuffle(hit, generator)
        ordinary = [question for question in hit if not question.is_gold]
        n = min(n_repeats, len(ordinary), tasks_per_hit - len(hit))
        if n <= 0:
            continue
        chosen = ordinary[:n]
        for question in chosen:
            hit.remove(question)
        head = [*hit[: len(hit) // 3], *chosen]
        _shuffle(head, generator)
        tail = [*hit[len(hit) // 3 :]]
        again = [_again(question) for question in head if question in chosen]
        cut = max(0, len(tail) - len(tail) // 3)
        hit[:] = [*head, *tail[:cut], *again, *tail[cut:]]


def _repeat_later(
    hits: list[list[_Question]],
    repeats: list[int],
    tasks_per_hit: int,
    generator: np.random.Generator,
) -> None:
    earlier = [q for hit in hits[: len(hits) // 2] for q in hit if not q.is_gold]
    _shuffle(earlier, generator)
    for hit, n_repeats in zip(hits, repeats, strict=True):
        for _ in range(min(n_repeats, tasks_per_hit - len(hit))):
            if earlier:
                hit.append(_again(earlier.pop()))
        _shuffle(hit, generator)


def _again(question: _Question) -> _Question:
    return _Question(question.item_id, question.tile, original=question)


def _placed(hits: Sequence[Sequence[_Question]]) -> Plan:
    """The plan, with each repeat pointing at its original's index."""
    flat = [question for hit in hits for question in hit]
    place = {question: index for index, question in enumerate(flat) if question.original is None}
    return Plan(
        tuple(
            tuple(
                PlannedTask(q.item_id, q.tile, q.is_gold, place[q.original] if q.original else None)
                for q in hit
            )
            for hit in hits
        )
    )


def _spread(total: int, n: int) -> list[int]:
    """``total`` as ``n`` whole parts that differ by at most one, the larger ones mixed in."""
    return [(index + 1) * total // n - index * total // n for index in range(n)]


def _shuffle(questions: list[_Question], generator: np.random.Generator) -> None:
    order = generator.permutation(len(questions))
    questions[:] = [questions[index] for index in order]


def _floor(number: float) -> int:
    return math.floor(number + 1e-9)
