"""A job's items dealt into HITs: tiles, golds, hidden repeats; the same seed, the same plan."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.errors import InvalidInput
from jobs.specs.plan_counts import are_repeats_within, repeats_a_hit, totals, whole

Tile = tuple[int, int, int, int]


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


@dataclass(frozen=True, eq=False)
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
    check_choices(tasks_per_hit, gold_rate, repeat_rate, tile, overlap)
    if len({item.item_id for item in items}) != len(items):
        raise InvalidInput("items: expected each once")
    generator = np.random.default_rng(seed)
    ordered = sorted(items, key=lambda item: item.item_id)
    ordinary, marked = _questions(ordered, golds, gold_rate, repeat_rate, tile, overlap, generator)
    n_asked = len(ordinary) + len(marked)
    if not n_asked:
        return Plan(())
    n_all, n_golds, n_repeats = totals(len(ordinary), len(marked), gold_rate, repeat_rate)
    n_hits = math.ceil(n_all / tasks_per_hit)
    sizes = _spread(n_all, n_hits)
    hits = _deal_golds(marked, min(n_golds, n_hits * len(marked)), n_hits)
    within = are_repeats_within(tasks_per_hit, n_hits)
    golds_a_hit = np.array([len(hit) for hit in hits], dtype=np.int64)
    repeats = repeats_a_hit(golds_a_hit, np.array(sizes), n_repeats, within).tolist()
    _deal_ordinary(hits, ordinary, sizes, repeats)
    if within:
        _repeat_within(hits, repeats, tasks_per_hit, generator)
    else:
        _repeat_later(hits, repeats, tasks_per_hit, generator)
    return _placed([hit for hit in hits if hit])


def count_questions(
    items: Sequence[ItemSize],
    golds: Collection[int],
    *,
    gold_rate: float,
    repeat_rate: float,
    tile: int | None,
    overlap: int,
    seed: int,
) -> tuple[int, int]:
    """Ordinary questions and those that ``plan`` marks as golds, where images are cut."""
    ordered = sorted(items, key=lambda item: item.item_id)
    generator = np.random.default_rng(seed)
    ordinary, marked = _questions(ordered, golds, gold_rate, repeat_rate, tile, overlap, generator)
    return len(ordinary), len(marked)


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


def check_choices(
    tasks_per_hit: int, gold_rate: float, repeat_rate: float, tile: int | None, overlap: int
) -> None:
    """Refuse what no plan can be made of; InvalidInput says what was expected."""
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
    wanted = whole(gold_rate * n_all / (1 - repeat_rate))
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


def _deal_golds(marked: list[_Question], n_golds: int, n_hits: int) -> list[list[_Question]]:
    """Golds spread evenly over the HITs; in rotation, so that none comes twice in a HIT."""
    hits: list[list[_Question]] = []
    dealt = 0
    for count in _spread(n_golds, n_hits):
        hits.append([marked[(dealt + step) % len(marked)] for step in range(count)])
        dealt += count
    return hits


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
