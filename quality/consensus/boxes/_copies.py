"""Who copies whom: boxes of two workers nearer to each other than two hands can be.

Two people who draw the same object by themselves are apart by their noise; a copy is not. How
far two hands of their kind are apart, others say: on objects that at least two others drew, too,

    h² = mean of (x_a - m)² + (x_b - m)² - 2 s²/n,   m and s² of the n others,

less two standard errors, each worker's constant offset taken out. Careful people have a small
h, people who share a sloppy source a large one. Without such objects h is three pixels. Boxes
of one object are then compared under two stories,

    by themselves:  distance ~ N(0, d²), d as this pair's own upper quartile says, at least h / 3
    one copied:     distance ~ N(0, (h / 8)²)

both a little wider, for pixels are whole, and the share of copied boxes is fitted to each pair.
Where the evidence for it outweighs the number of pairs looked at, answers that agree so are
**one voice**: each of g counts 1 / g. Sides on the border of the image tell nothing, and where
all workers are equally near (edges everyone snaps to, boxes drawn beforehand) nobody stands out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, logit

from quality.consensus.boxes._corners import extents, sums
from quality.consensus.boxes._threads import over
from quality.consensus.boxes._tidy import TidyBoxes, blocks
from quality.consensus.shapes import Bools, Floats, Ints

_GROWTH = 0.35
_COPIED, _NEAREST = 1 / 8, 1 / 3  # of h
_PIXEL = 0.5  # the standard deviation that whole pixels add to a difference
_UNKNOWN = 3.0  # pixels that two hands are apart, if nobody else says how far
_TOLD_BY = 2
_WILD = 3.0  # times the usual distance, further off nobody counts
_BORDER = 1.0
_BINS, _LOWEST, _HIGHEST = 96, -6.0, 6.0  # of log distances
_QUARTILE, _AT_QUARTILE = 0.75, 1.16  # of the root mean square of four normal numbers
_PRIOR_PAIRS = 10.0
_SHARES = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97])
_HABIT = 0.5  # from this share on, two empty answers are one voice, too
_SAME = 0.5  # of the boxes of two answers that are one voice
_RISK = 0.01


@dataclass(frozen=True)
class Copies:
    """``voice`` (r,): the part of a voice that each response counts; 1 for what is no copy.

    Per pair of workers who copy (p,): ``a`` < ``b``, the ``share`` of their ``n_common``
    objects whose boxes are copied, and ``log_odds`` against chance, allowed for all pairs.
    """

    voice: Floats
    a: Ints
    b: Ints
    share: Floats
    n_common: Ints
    log_odds: Floats


@dataclass(frozen=True)
class _Near:
    """Boxes of two workers on one object (k,): the pair, rows, how far apart, sides that tell.

    ``distance`` is a root mean square in units of extent ** 0.35, and so is ``pixel``, what
    whole pixels add to it.
    """

    pair: Ints
    first: Ints
    second: Ints
    distance: Floats
    n_sides: Floats
    pixel: Floats


def find(tidy: TidyBoxes, cluster: Ints) -> Copies:
    """Copies among the boxes (n,) of ``tidy`` whose objects are ``cluster`` (n,)."""
    n = max(tidy.n_workers, 1)
    near = over(blocks(tidy.item), lambda ends: _near(tidy, cluster, *ends))
    usual = _usual_distances(tidy.worker, near, n)
    pairs, some = _suspects(near, usual)
    hands = _hands(tidy, cluster, some, _of_both(usual, pairs))
    own = np.maximum(_own_distances(some, len(pairs)), _NEAREST * hands)
    odds = _log_odds(some, own[some.pair], hands[some.pair])
    share, log_odds = _evidence(some.pair, odds, len(pairs))
    log_odds -= np.log(max(min(sum(len(part.pair) for part in near), n * n), 1) / _RISK)
    sure = log_odds > 0
    voice = np.ones(len(tidy.response_item))
    if sure.any():
        copied = expit(odds + logit(share)[some.pair])
        habitual = pairs[sure & (share >= _HABIT)]
        edges = (_same_boxes(tidy, some, copied * sure[some.pair]), _same_nothing(tidy, habitual))
        voice = _voices(np.concatenate(edges, axis=1), len(voice))
    count = np.bincount(some.pair, minlength=len(pairs))
    a, b = pairs[sure] // n, pairs[sure] % n
    return Copies(voice, a, b, share[sure], count[sure], log_odds[sure])


def _near(tidy: TidyBoxes, cluster: Ints, start: int, stop: int) -> _Near:
    """All pairs of boxes on one object, of rows ``start`` to ``stop``."""
    first, second = _within(cluster[start:stop])
    boxes, worker = tidy.xyxy[start:stop], tidy.worker[start:stop]
    unit = extents(boxes) ** _GROWTH
    frame = np.tile(tidy.size[tidy.item[start:stop]], 2)
    inner = (boxes > _BORDER) & (boxes < frame - _BORDER)
    tells = inner[first] | inner[second]
    scale = 0.5 * (unit[first] + unit[second])
    off = np.where(tells, (boxes[first] - boxes[second]) / scale, 0.0)
    n_sides = tells.sum(axis=1)
    distance = np.sqrt((off * off).sum(axis=1) / np.maximum(n_sides, 1))
    # Half the usual width: on three million boxes these are the largest columns there are.
    return _Near(
        _pair(worker[first], worker[second], max(tidy.n_workers, 1)),
        (start + first).astype(np.int32),
        (start + second).astype(np.int32),
        distance.astype(np.float32),
        n_sides.astype(np.float32),
        (_PIXEL / scale.mean(axis=1)).astype(np.float32),
    )


def _pair(a: Ints, b: Ints, n: int) -> Ints:
    """One number for two, whatever their order."""
    return np.minimum(a, b) * n + np.maximum(a, b)


def _within(group: Ints) -> tuple[Ints, Ints]:
    """All pairs of rows with the same ``group`` (n,)."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    at = np.arange(len(group))
    first, second = [at[:0]], [at[:0]]
    step = 1
    while len(at):
        at = at[at + step < len(group)]
        at = at[ordered[at] == ordered[at + step]]
        first.append(order[at])
        second.append(order[at + step])
        step += 1
    return np.concatenate(first), np.concatenate(second)


def _usual_distances(worker: Ints, near: Sequence[_Near], n: int) -> Floats:
    """How far each worker (w,) usually is from others, shrunk to the crowd."""
    counts = np.zeros((n, _BINS))
    for some in near:
        told = some.n_sides > 0
        log = np.log(np.maximum(some.distance[told], 1e-9))
        place = np.clip((log - _LOWEST) / (_HIGHEST - _LOWEST) * _BINS, 0, _BINS - 1).astype(int)
        for rows in (some.first, some.second):
            cell = worker[rows[told]] * _BINS + place
            counts += np.bincount(cell, minlength=n * _BINS).reshape(n, _BINS)
    own, crowd = _upper_quartile(counts), _upper_quartile(counts.sum(axis=0, keepdims=True))
    total = counts.sum(axis=1)
    square = (total * own**2 + _PRIOR_PAIRS * crowd**2) / (total + _PRIOR_PAIRS)
    usual: Floats = np.sqrt(square) / _AT_QUARTILE
    return usual


def _upper_quartile(counts: Floats) -> Floats:
    """The upper quartile (w,) of distances from their histogram (w, bins)."""
    below = np.cumsum(counts, axis=1)
    wanted = _QUARTILE * below[:, -1]
    place = np.minimum((below < wanted[:, None]).sum(axis=1), _BINS - 1)
    row = np.arange(len(counts))
    held = np.maximum(counts[row, place], 1e-9)
    part = np.clip((wanted - below[row, place]) / held + 1.0, 0.0, 1.0)
    upper: Floats = np.exp(_LOWEST + (place + part) * (_HIGHEST - _LOWEST) / _BINS)
    return upper


def _of_both(usual: Floats, pair: Ints) -> Floats:
    """What is usual for each pair (k,) of workers, from what is for each worker (w,)."""
    a, b = usual[pair // len(usual)], usual[pair % len(usual)]
    both: Floats = np.sqrt(0.5 * (a * a + b * b))
    return both


def _suspects(near: Sequence[_Near], usual: Floats) -> tuple[Ints, _Near]:
    """Pairs of workers with a box in common that looks copied, and all they have in common."""
    alike = [some.pair[_log_odds(some, *[_of_both(usual, some.pair)] * 2) > 0] for some in near]
    pairs = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *alike]))
    columns = []
    for some in near:
        place, known = _at(some.pair, pairs)
        kept = [getattr(some, field.name)[known] for field in fields(some)]
        columns.append([place[known], *kept[1:]])
    if not columns:
        none = np.zeros(0, dtype=np.int64)
        return pairs, _Near(none, none, none, *[np.zeros(0)] * 3)
    return pairs, _Near(*(np.concatenate(column) for column in zip(*columns, strict=True)))


def _at(values: Ints, wanted: Ints) -> tuple[Ints, Bools]:
    """Where each value lies in the sorted ``wanted``, and whether it does."""
    if not len(wanted):
        return np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=bool)
    place = np.minimum(np.searchsorted(wanted, values), len(wanted) - 1)
    return place, wanted[place] == values


def _own_distances(some: _Near, n_pairs: int) -> Floats:
    """How far the two of each pair (p,) are apart: their upper quartile as a deviation."""
    order = np.lexsort((some.distance, some.pair))
    count = np.bincount(some.pair, minlength=n_pairs)
    first = np.cumsum(count) - count
    own: Floats = some.distance[order][first + (_QUARTILE * (count - 1)).astype(int)]
    return own / _AT_QUARTILE


def _hands(tidy: TidyBoxes, cluster: Ints, some: _Near, usual: Floats) -> Floats:
    """How far the two of each pair (p,) are apart at least if nobody copies, as others tell."""
    n_pairs, n_objects = len(usual), int(cluster.max(initial=-1)) + 1
    votes = np.bincount(cluster, minlength=n_objects)
    owner = cluster[some.first]
    told = np.flatnonzero(votes[owner] >= _TOLD_BY + 2)
    first, second, owner, pair = some.first[told], some.second[told], owner[told], some.pair[told]
    n_others = (votes[owner] - 2.0)[:, None]
    a, b = tidy.xyxy[first], tidy.xyxy[second]
    total, squares = (sums(cluster, tidy.xyxy**power, n_objects)[owner] for power in (1, 2))
    mean = (total - a - b) / n_others
    spread = (squares - a * a - b * b - n_others * mean * mean) / (n_others - 1)
    unit = 0.5 * (extents(a) + extents(b))
    scale = unit**_GROWTH
    count = np.maximum(np.bincount(pair, minlength=n_pairs), 1)
    apart = -2 * np.maximum(spread, 0.0) / n_others / scale**2
    for box in (a, b):
        off = (box - mean) / unit
        off -= (sums(pair, off, n_pairs) / count[:, None])[pair]
        apart += (off * unit / scale) ** 2
    each = np.clip(apart.mean(axis=1), -((_WILD * usual[pair]) ** 2), (_WILD * usual[pair]) ** 2)
    middle = np.bincount(pair, weights=each, minlength=n_pairs) / count
    noise = np.bincount(pair, weights=(each - middle[pair]) ** 2, minlength=n_pairs)
    least = middle - 2 * np.sqrt(noise) / np.maximum(count - 1.0, 1.0)
    pixel = np.bincount(some.pair, weights=some.pixel, minlength=n_pairs) / np.bincount(
        some.pair, minlength=n_pairs
    )
    blind = _UNKNOWN * pixel / _PIXEL
    hands: Floats = np.minimum(np.sqrt(np.maximum(least, blind**2)), usual)
    return hands


def _log_odds(some: _Near, by_themselves: Floats, hands: Floats) -> Floats:
    """Log odds (k,) that two boxes are a copy rather than drawn by two hands."""
    pixel2 = some.pixel.astype(np.float64) ** 2
    apart, copied = by_themselves**2 + pixel2, (_COPIED * hands) ** 2 + pixel2
    square = some.distance.astype(np.float64) ** 2
    odds: Floats = 0.5 * some.n_sides * (np.log(apart / copied) - square * (1 / copied - 1 / apart))
    return odds


def _evidence(pair: Ints, odds: Floats, n_pairs: int) -> tuple[Floats, Floats]:
    """The likeliest share of copied boxes (p,) of each pair, and its log odds against none."""
    total = np.zeros((n_pairs, len(_SHARES)))
    for column, share in enumerate(_SHARES):
        log = np.logaddexp(np.log1p(-share), np.log(share) + odds)
        total[:, column] = np.bincount(pair, weights=log, minlength=n_pairs)
    best = total.argmax(axis=1)
    return _SHARES[best], total[np.arange(n_pairs), best]


def _same_boxes(tidy: TidyBoxes, some: _Near, copied: Floats) -> Ints:
    """Responses (2, edges) that are for the most part copies; ``copied`` (k,) are chances."""
    n = len(tidy.response_item)
    n_boxes = np.bincount(tidy.response, minlength=n)
    pair = _pair(tidy.response[some.first], tidy.response[some.second], n)
    pair, place = np.unique(pair, return_inverse=True)
    same = np.bincount(place, weights=copied, minlength=len(pair))
    a, b = pair // n, pair % n
    kept = 2 * same >= _SAME * (n_boxes[a] + n_boxes[b])
    return np.stack([a[kept], b[kept]])


def _same_nothing(tidy: TidyBoxes, pairs: Ints) -> Ints:
    """Responses (2, edges) of copying ``pairs`` that are both empty."""
    n = max(tidy.n_workers, 1)
    is_empty = np.ones(len(tidy.response_item), dtype=bool)
    is_empty[tidy.response] = False
    copies = np.isin(tidy.response_worker, np.concatenate([pairs // n, pairs % n]))
    rows = np.flatnonzero(is_empty & copies)
    first, second = (rows[part] for part in _within(tidy.response_item[rows]))
    _, known = _at(_pair(tidy.response_worker[first], tidy.response_worker[second], n), pairs)
    return np.stack([first[known], second[known]])


def _voices(edges: Ints, n: int) -> Floats:
    """One over the number (n,) of responses that say the same."""
    graph = coo_array((np.ones(edges.shape[1]), (edges[0], edges[1])), shape=(n, n))
    _, group = connected_components(graph, directed=False)
    voice: Floats = 1.0 / np.bincount(group)[group]
    return voice
