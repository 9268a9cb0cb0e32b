"""Box answers in one canonical order, so that the order of rows can never matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from quality.consensus.boxes._threads import over
from quality.consensus.shapes import Bools, BoxAnswers, Floats, Ints

_BLOCK_BOXES = 60_000


@dataclass(frozen=True)
class TidyBoxes:
    """Distinct, valid boxes sorted by item and left side, and who looked at what.

    ``response`` (n,) points from each box to its row of ``response_item`` and
    ``response_worker``, which are distinct and sorted. ``score`` is NaN for a person's box.
    ``row`` (n_given,) gives each box that came in its place here, -1 if it was not valid.
    """

    response_item: Ints
    response_worker: Ints
    item: Ints
    worker: Ints
    label: Ints
    xyxy: Floats
    score: Floats
    response: Ints
    row: Ints
    size: Floats
    n_items: int
    n_workers: int
    n_labels: int
    n_answers: Ints


def tidy(answers: BoxAnswers) -> TidyBoxes:
    """``answers`` without duplicate rows or boxes of no area, in canonical order.

    The geometry comes before the ids in the sort, so renamed workers keep the order. A box
    of someone with no response row counts as a response.
    """
    xyxy = np.asarray(answers.xyxy, dtype=np.float64).reshape(-1, 4)
    score = np.full(len(xyxy), np.nan) if answers.score is None else answers.score
    valid = np.isfinite(xyxy).all(axis=1) & (xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)
    order = np.flatnonzero(valid)
    item, worker, label = answers.item[order], answers.worker[order], answers.label[order]
    kept, place = _distinct(item, worker, label, xyxy[order], np.asarray(score)[order])
    row = np.full(len(xyxy), -1, dtype=np.int64)
    row[order] = place
    order = order[kept]
    item, worker = answers.item[order].astype(np.int64), answers.worker[order].astype(np.int64)
    key = item * max(answers.n_workers, 1) + worker
    given = answers.response_item.astype(np.int64) * max(answers.n_workers, 1)
    responses = np.unique(np.concatenate([given + answers.response_worker, key]))
    response_item = responses // max(answers.n_workers, 1)
    return TidyBoxes(
        response_item=response_item,
        response_worker=responses % max(answers.n_workers, 1),
        item=item,
        worker=worker,
        label=answers.label[order].astype(np.int64),
        xyxy=xyxy[order],
        score=np.asarray(score, dtype=np.float64)[order],
        response=np.searchsorted(responses, key),
        row=row,
        size=_sizes(answers),
        n_items=answers.n_items,
        n_workers=answers.n_workers,
        n_labels=answers.n_labels,
        n_answers=np.bincount(response_item, minlength=answers.n_items).astype(np.int64),
    )


def blocks(item: Ints) -> Iterator[tuple[int, int]]:
    """Row ranges of about 60,000 boxes that never split an item; ``item`` is sorted."""
    start = 0
    while start < len(item):
        stop = min(start + _BLOCK_BOXES, len(item))
        if stop < len(item):
            stop = int(np.searchsorted(item, item[stop - 1], side="right"))
        yield start, stop
        start = stop


def _distinct(
    item: Ints, worker: Ints, label: Ints, xyxy: Floats, score: Floats
) -> tuple[Ints, Ints]:
    """Rows to keep, in canonical order, and for every row its place among them."""
    keys = (score, worker, label, xyxy[:, 3], xyxy[:, 1], xyxy[:, 2], xyxy[:, 0], item)
    by_item = np.argsort(item, kind="stable")

    def sort(ends: tuple[int, int]) -> Ints:
        rows = by_item[slice(*ends)]
        return rows[np.lexsort([column[rows] for column in keys])]

    found = over(blocks(item[by_item]), sort)
    order = np.concatenate(found) if found else by_item
    new = np.zeros(len(order), dtype=bool)
    new[:1] = True
    for column in keys:
        new[1:] |= _changes(column[order])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.cumsum(new) - 1
    return order[new], place


def _changes(column: Floats | Ints) -> Bools:
    before, after = column[:-1], column[1:]
    if column.dtype.kind != "f":
        return np.asarray(before != after)
    return np.asarray((before != after) & ~(np.isnan(before) & np.isnan(after)))


def _sizes(answers: BoxAnswers) -> Floats:
    """Image sizes; where none is known, the furthest box."""
    size = np.array(answers.size, dtype=np.float64).reshape(-1, 2)
    if len(size) != answers.n_items:
        size = np.full((answers.n_items, 2), np.nan)
    unknown = ~(np.isfinite(size) & (size > 0)).all(axis=1)
    if unknown.any():
        reach = np.ones((answers.n_items, 2))
        finite = np.isfinite(answers.xyxy).all(axis=1) if len(answers.item) else answers.item > 0
        np.maximum.at(reach, answers.item[finite], answers.xyxy[finite][:, 2:])
        size[unknown] = reach[unknown]
    return size
