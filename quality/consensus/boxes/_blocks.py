"""All objects of some images, small enough for a processor's cache, and work over many such.

What a round of the fit needs of a block is a few sums per worker, so blocks can be worked on
in any number of threads and memory stays flat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quality.consensus.boxes._threads import over
from quality.consensus.boxes._tidy import TidyBoxes, blocks
from quality.consensus.shapes import Bools, Floats, Ints

_SLIGHT = 1e-6


@dataclass(frozen=True)
class Block:
    """Rows ``rows`` of the boxes, objects ``objects``, and who looked at them.

    Per box (n,): ``cluster`` (the object, from 0 within the block), ``worker``, ``label``,
    ``xyxy``, ``score``. Per object (m,): ``size``, the log of its share of the image, and
    ``n_looks``. Per look, sorted by object: ``looker`` and ``drew``; ``start`` (m,) is where
    an object's looks begin. ``part`` (n,) is how much of a voice each box is, ``voice`` (looks,)
    each look, and ``n_voices`` (m,) their sum; all looks are whole unless somebody copies.
    """

    rows: slice
    objects: slice
    cluster: Ints
    worker: Ints
    label: Ints
    xyxy: Floats
    score: Floats
    item: Ints
    size: Floats
    start: Ints
    n_looks: Ints
    looker: Ints
    drew: Bools
    boxes: Floats
    part: Floats
    voice: Floats
    n_voices: Floats


def split(tidy: TidyBoxes, cluster: Ints, voice: Floats) -> list[Block]:
    """The blocks; ``cluster`` (n,) numbers the objects in order of their first box.

    ``voice`` (r,) is how much each response counts.
    """
    return over(blocks(tidy.item), lambda ends: _block(tidy, cluster, voice, *ends))


def _block(tidy: TidyBoxes, cluster: Ints, voice: Floats, start: int, stop: int) -> Block:
    rows = slice(start, stop)
    first = int(cluster[rows].min())
    local = cluster[rows] - first
    n = int(local.max()) + 1
    item = np.zeros(n, dtype=np.int64)
    item[local] = tidy.item[rows]
    part = voice[tidy.response[rows]]
    boxes = median_boxes(local, tidy.xyxy[rows], n, part)
    share = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) / tidy.size[item].prod(axis=1)
    first_look = np.searchsorted(tidy.response_item, item)
    n_looks = tidy.n_answers[item]
    begin = np.cumsum(n_looks) - n_looks
    response = np.arange(int(n_looks.sum())) + np.repeat(first_look - begin, n_looks)
    drew = np.zeros(len(response), dtype=bool)
    drew[(begin - first_look)[local] + tidy.response[rows]] = True
    return Block(
        rows=rows,
        objects=slice(first, first + n),
        cluster=local,
        worker=tidy.worker[rows],
        label=tidy.label[rows],
        xyxy=tidy.xyxy[rows],
        score=tidy.score[rows],
        item=item,
        size=np.log(np.maximum(share, 1e-6)),
        start=begin,
        n_looks=n_looks,
        looker=tidy.response_worker[response],
        drew=drew,
        boxes=boxes,
        part=part,
        voice=voice[response],
        n_voices=np.add.reduceat(voice[response], begin),
    )


def median_boxes(cluster: Ints, xyxy: Floats, n: int, part: Floats | None = None) -> Floats:
    """The side-wise median box (n, 4) of each cluster (mean of the middle two if even).

    Where ``part`` (rows,) is not one throughout, it weighs the boxes.
    """
    if part is not None and (part < 1).any():
        return _weighted_median_boxes(cluster, xyxy, n, part)
    count = np.bincount(cluster, minlength=n)
    first = np.cumsum(count) - count
    low, high = first + (count - 1) // 2, first + count // 2
    reach = 4.0 * (1.0 + float(np.abs(xyxy).max(initial=0.0)))
    base = np.arange(n) * reach
    result = np.empty((n, 4))
    for side in range(4):
        # Sorting values instead of indices is several times faster.
        ordered = np.sort(base[cluster] + xyxy[:, side])
        result[:, side] = 0.5 * (ordered[low] + ordered[high]) - base
    return result


def _weighted_median_boxes(cluster: Ints, xyxy: Floats, n: int, part: Floats) -> Floats:
    """The mean of the lower and the upper weighted median of each side."""
    total = np.bincount(cluster, weights=part, minlength=n)
    count = np.bincount(cluster, minlength=n)
    end = np.cumsum(count)
    result = np.empty((n, 4))
    for side in range(4):
        order = np.lexsort((xyxy[:, side], cluster))
        sums = np.cumsum(part[order])
        half = (sums[end - 1] - total) + 0.5 * total
        last = end - 1
        low = np.minimum(np.searchsorted(sums, half - _SLIGHT), last)
        high = np.minimum(np.searchsorted(sums, half + _SLIGHT), last)
        result[:, side] = 0.5 * (xyxy[order[low], side] + xyxy[order[high], side])
    return result
