"""Bridge from box answers to the quality engine and back. Pure.

Answers go in an item at a time and are kept as columns of numbers; combined answers come out
an item at a time again. See ``tag_consensus`` for the same of tags.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.combining.comparing import corners
from jobs.combining.stitching import Tiles, stitched
from jobs.combining.votes import (
    Combined,
    Score,
    Vote,
    by_item,
    first_of_each_worker,
    index_of,
    voters,
)
from quality import box_workers
from quality.boxes import box_f1
from quality.consensus import boxes as methods
from quality.consensus.shapes import BoxAnswers, BoxConsensus

Sizes = Mapping[int, tuple[int, int]]
Gold = Mapping[int, dict[str, Any]]
SIDES = ("left", "top", "right", "bottom")


def combine_boxes(
    votes: Sequence[Vote],
    classes: Sequence[str],
    sizes: Sizes,
    method: str,
    gold: Gold,
    tiles: Tiles,
) -> tuple[list[Combined], dict[int, Score]]:
    """Each item's combined boxes, by item id, and each worker's score.

    ``sizes`` gives (width, height) by item id, ``tiles`` the part of the item that a unit
    showed, where it was not the whole; tiles are combined one by one, then stitched.
    """
    columns = BoxColumns(classes, gold)
    groups = sorted(by_item(votes).items())
    for item_id, group in groups:
        columns.add(group, sizes[item_id], tiles)
    fitted = columns.fit(method)
    return [fitted.combined(group, tiles) for _, group in groups], fitted.scores


def tiles_of(votes: Sequence[Vote]) -> Tiles:
    """The part of the item that each unit showed, where it was not the whole."""
    return {vote.unit: vote.tile for vote in votes if vote.tile is not None}


def _untold(_n_done: int, _n_total: int) -> None:
    """Nobody waits for the fit."""


@dataclass
class BoxColumns:
    """Answers to a job's box question, an item after the other by rising id.

    Unit i is task ``unit[i]`` about item ``unit_item[i]``; response j is a look at unit
    ``seen[j]`` by ``worker[j]``; box k belongs to response ``response[k]``.
    """

    classes: Sequence[str]
    gold: Gold
    unit: array[int] = field(default_factory=lambda: array("q"))
    unit_item: array[int] = field(default_factory=lambda: array("q"))
    size: array[float] = field(default_factory=lambda: array("d"))
    seen: array[int] = field(default_factory=lambda: array("q"))
    worker: array[int] = field(default_factory=lambda: array("q"))
    answer: array[int] = field(default_factory=lambda: array("q"))
    response: array[int] = field(default_factory=lambda: array("q"))
    label: array[int] = field(default_factory=lambda: array("h"))
    xyxy: array[float] = field(default_factory=lambda: array("d"))
    score: array[float] = field(default_factory=lambda: array("d"))
    scores: dict[int, Score] = field(default_factory=lambda: defaultdict(Score))

    def add(self, votes: Sequence[Vote], size: tuple[int, int], tiles: Tiles) -> None:
        """Take in all answers to one item, which is ``size`` pixels wide and high."""
        label_of = {name: label for label, name in enumerate(self.classes)}
        for vote in first_of_each_worker(votes):  # by unit
            if not self.unit or self.unit[-1] != vote.unit:
                self.unit.append(vote.unit)
                self.unit_item.append(vote.item_id)
                self.size.extend(size)
            for box in vote.value["boxes"]:
                self.response.append(len(self.seen))
                self.label.append(label_of[box["label"]])
                self.xyxy.extend(float(box[side]) for side in SIDES)
                self.score.append(np.nan if box.get("score") is None else float(box["score"]))
            self.seen.append(len(self.unit) - 1)
            self.worker.append(vote.worker_id)
            self.answer.append(vote.answer_id)
            score = self.scores[vote.worker_id]
            score.n_answers += 1
            if vote.item_id in self.gold and vote.unit not in tiles:  # known of whole items
                _score_against_gold(score, vote, self.gold[vote.item_id])

    def fit(self, method: str, progress: methods.Progress = _untold) -> FittedBoxes:
        """What the method makes of all the answers; ``progress`` hears of its rounds."""
        if not self.unit:
            return FittedBoxes(self, None, {}, {})
        answers, worker_ids = self._answers()
        found = methods.load_telling(method)(answers, progress)
        counts = box_workers.against_others(answers, found)
        for index, worker_id in enumerate(worker_ids):
            score = self.scores[worker_id]
            score.others_right = float(counts.n_right[index])
            score.others_all = float(counts.n_judged[index])
            score.details = _details(found, index)
        weight = dict(zip(worker_ids, map(float, found.workers.weight), strict=True))
        return FittedBoxes(self, found, weight, dict(self.scores))

    def _answers(self) -> tuple[BoxAnswers, list[int]]:
        worker_ids, workers = index_of(np.frombuffer(self.worker, np.int64))
        seen = np.frombuffer(self.seen, np.int64)
        response = np.frombuffer(self.response, np.int64) if self.response else _NONE
        answers = BoxAnswers(
            response_item=seen,
            response_worker=workers,
            item=seen[response],
            worker=workers[response],
            label=np.array(self.label, dtype=np.int64),
            xyxy=np.array(self.xyxy, dtype=float).reshape(-1, 4),
            size=np.array(self.size, dtype=float).reshape(-1, 2),
            n_items=len(self.unit),
            n_workers=len(worker_ids),
            n_labels=len(self.classes),
            score=np.array(self.score, dtype=float),
        )
        return answers, worker_ids


_NONE: NDArray[np.int64] = np.zeros(0, dtype=np.int64)


@dataclass
class FittedBoxes:
    """What was learned; ``combined`` gives an item's answer from it."""

    columns: BoxColumns
    found: BoxConsensus | None
    weight: Mapping[int, float]
    scores: dict[int, Score]

    def __post_init__(self) -> None:
        columns = self.columns
        self._unit_item = np.array(columns.unit_item, dtype=np.int64)
        response = np.array(columns.response, dtype=np.int64)
        self._box_unit = np.array(columns.seen, dtype=np.int64)[response]
        self._box_answer = np.array(columns.answer, dtype=np.int64)[response]

    def combined(self, votes: Sequence[Vote], tiles: Tiles) -> Combined:
        """The combined answer to one item that was taken in with these votes."""
        group, found = first_of_each_worker(votes), self.found
        if found is None:
            raise ValueError(f"item {group[0].item_id}: expected answers taken in before the fit")
        item_id = group[0].item_id
        low, high = np.searchsorted(self._unit_item, [item_id, item_id + 1]).tolist()
        objects = [(place, one) for place in range(low, high) for one in self._objects(place)]
        units = self.columns.unit
        believed = [(units[place], one) for place, one in objects if one["exists"]]
        kept = [one for _, one in believed]
        if any(units[place] in tiles for place in range(low, high)):
            kept = stitched(believed, self.columns.classes, tiles)
        # By place, not by confidence: a hair's difference in confidence must not reorder a label.
        kept.sort(key=lambda one: [one["box"][key] for key in (*SIDES, "label")])
        return Combined(
            item_id=item_id,
            value={"boxes": [{**one["box"], "score": one["confidence"]} for one in kept]},
            confidence=float(np.min(found.item_confidence[low:high])),
            agreement=_agreement(group),
            n_answers=len(group),
            complete=True,
            method=f"{found.method}@{found.version}",
            provenance={
                "voters": voters(group, self.weight),
                "boxes": [
                    {key: one[key] for key in ("confidence", "votes", "sd", "answers")}
                    for one in kept
                ],
                "doubted": [
                    {"box": one["box"], "confidence": one["confidence"], "votes": one["votes"]}
                    for _, one in objects
                    if not one["exists"]
                ],
            },
        )

    def _objects(self, place: int) -> list[dict[str, Any]]:
        """The objects of a unit, believed or not, with the answers that drew them."""
        found = self.found
        if found is None:
            return []
        low, high = np.searchsorted(found.item, [place, place + 1]).tolist()
        first, last = np.searchsorted(self._box_unit, [place, place + 1]).tolist()
        drawn_by: dict[int, list[int]] = defaultdict(list)
        for row, answer in zip(
            found.member[first:last].tolist(), self._box_answer[first:last].tolist(), strict=True
        ):
            drawn_by[row].append(answer)
        return [
            {
                "box": {
                    "label": self.columns.classes[found.label[row]],
                    **{
                        side: round(float(x), 2)
                        for side, x in zip(SIDES, found.xyxy[row], strict=True)
                    },
                },
                "confidence": round(float(found.confidence[row]), 6),
                "exists": bool(found.exists[row]),
                "votes": int(found.votes[row]),
                "sd": [None if np.isnan(x) else round(float(x), 3) for x in found.sd[row]],
                "answers": sorted(drawn_by[row]),
            }
            for row in range(low, high)
        ]


def _agreement(votes: Sequence[Vote]) -> float | None:
    """Mean F1 at IoU 0.5 over pairs of workers who saw the same unit; None without a pair."""
    by_unit: dict[int, list[tuple[NDArray[np.float64], list[str]]]] = defaultdict(list)
    for vote in votes:
        by_unit[vote.unit].append(corners(vote.value))
    values = [
        box_f1(one[0], other[0], one[1], other[1])
        for group in by_unit.values()
        for place, one in enumerate(group)
        for other in group[place + 1 :]
    ]
    return float(np.mean(values)) if values else None


def _f1(one: dict[str, Any], other: dict[str, Any]) -> float:
    (a, a_labels), (b, b_labels) = corners(one), corners(other)
    return box_f1(a, b, a_labels, b_labels)


def _score_against_gold(score: Score, vote: Vote, known: dict[str, Any]) -> None:
    n_boxes = len(vote.value["boxes"]) + len(known.get("boxes", []))
    if n_boxes == 0:  # an empty item rightly called empty is one right answer
        score.gold_right += 1
        score.gold_all += 1
        return
    score.gold_right += _f1(vote.value, known) * n_boxes / 2
    score.gold_all += n_boxes / 2


def _details(result: BoxConsensus, index: int) -> dict[str, Any]:
    return {
        name: np.round(np.asarray(values[index], float), 6).tolist()
        for name, values in sorted(result.workers.details.items())
        if np.asarray(values).ndim <= 2 and np.all(np.isfinite(np.asarray(values[index], float)))
    }
