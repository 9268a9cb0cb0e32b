"""Bridge from box answers to the quality engine and back. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.votes import Combined, Score, Vote, by_item, first_of_each_worker, index_of, voters
from quality import box_workers
from quality.boxes import box_f1, stitch
from quality.consensus import boxes as methods
from quality.consensus.shapes import BoxAnswers, BoxConsensus

Sizes = Mapping[int, tuple[int, int]]
Gold = Mapping[int, dict[str, Any]]
Tiles = Mapping[int, tuple[float, float, float, float]]
SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class _Columns:
    votes: list[Vote]
    units: list[int]
    unit_place: dict[int, int]
    worker_ids: list[int]
    box_vote: NDArray[np.int64]  # for each box the index of the vote that holds it
    answers: BoxAnswers


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
    columns = _columns(votes, classes, sizes)
    if not columns.votes:
        return [], {}
    result = methods.load(method)(columns.answers)
    weight = dict(zip(columns.worker_ids, map(float, result.workers.weight), strict=True))
    objects = _objects_by_unit(columns, result, classes)
    combined = [
        _combined(item_id, group, objects, classes, tiles, result, columns, weight)
        for item_id, group in sorted(by_item(columns.votes).items())
    ]
    return combined, _scores(columns, result, gold, tiles)


def _columns(votes: Sequence[Vote], classes: Sequence[str], sizes: Sizes) -> _Columns:
    kept = first_of_each_worker(votes)
    units, unit_place = index_of([vote.unit for vote in kept])
    worker_ids, worker_place = index_of([vote.worker_id for vote in kept])
    item_of = {vote.unit: vote.item_id for vote in kept}
    place = {name: index for index, name in enumerate(classes)}
    rows = [(index, box) for index, vote in enumerate(kept) for box in vote.value["boxes"]]
    box_vote = np.array([index for index, _ in rows], dtype=np.int64)
    scores = [box.get("score") for _, box in rows]
    answers = BoxAnswers(
        response_item=unit_place,
        response_worker=worker_place,
        item=unit_place[box_vote],
        worker=worker_place[box_vote],
        label=np.array([place[box["label"]] for _, box in rows], dtype=np.int64),
        xyxy=np.array([[box[side] for side in SIDES] for _, box in rows], float).reshape(-1, 4),
        size=np.array([sizes[item_of[unit]] for unit in units], float).reshape(-1, 2),
        n_items=len(units),
        n_workers=len(worker_ids),
        n_labels=len(classes),
        score=np.array([np.nan if score is None else score for score in scores], float),
    )
    places = {unit: place for place, unit in enumerate(units)}
    return _Columns(kept, units, places, worker_ids, box_vote, answers)


def _objects_by_unit(
    columns: _Columns, result: BoxConsensus, classes: Sequence[str]
) -> dict[int, list[dict[str, Any]]]:
    """The objects of each unit, believed or not, with the answers that drew them."""
    drawn_by: dict[int, list[int]] = defaultdict(list)
    for box, row in enumerate(result.member):
        if row >= 0:
            drawn_by[int(row)].append(columns.votes[columns.box_vote[box]].answer_id)
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in range(len(result.item)):
        sides = {side: round(float(x), 2) for side, x in zip(SIDES, result.xyxy[row], strict=True)}
        found[columns.units[result.item[row]]].append(
            {
                "box": {"label": classes[result.label[row]], **sides},
                "confidence": round(float(result.confidence[row]), 6),
                "exists": bool(result.exists[row]),
                "votes": int(result.votes[row]),
                "sd": [None if np.isnan(x) else round(float(x), 3) for x in result.sd[row]],
                "answers": sorted(drawn_by[row]),
            }
        )
    return found


def _combined(
    item_id: int,
    group: Sequence[Vote],
    objects: Mapping[int, list[dict[str, Any]]],
    classes: Sequence[str],
    tiles: Tiles,
    result: BoxConsensus,
    columns: _Columns,
    weight: dict[int, float],
) -> Combined:
    units = sorted({vote.unit for vote in group})
    believed = [
        (unit, found) for unit in units for found in objects.get(unit, []) if found["exists"]
    ]
    kept = [found for _, found in believed]
    if any(unit in tiles for unit in units):
        kept = _stitched(believed, classes, tiles)
    # By place, not by confidence: a hair's difference in confidence must not reorder a label.
    kept.sort(key=lambda found: [found["box"][key] for key in (*SIDES, "label")])
    places = [columns.unit_place[unit] for unit in units]
    return Combined(
        item_id=item_id,
        value={"boxes": [{**found["box"], "score": found["confidence"]} for found in kept]},
        confidence=float(np.min(result.item_confidence[places])),
        agreement=_agreement(group),
        n_answers=len(group),
        complete=True,
        method=f"{result.method}@{result.version}",
        provenance={
            "voters": voters(group, weight),
            "boxes": [
                {key: found[key] for key in ("confidence", "votes", "sd", "answers")}
                for found in kept
            ],
            "doubted": [
                {"box": found["box"], "confidence": found["confidence"], "votes": found["votes"]}
                for unit in units
                for found in objects.get(unit, [])
                if not found["exists"]
            ],
        },
    )


def _stitched(
    believed: Sequence[tuple[int, dict[str, Any]]],
    classes: Sequence[str],
    tiles: Tiles,
) -> list[dict[str, Any]]:
    """Objects of overlapping tiles joined into objects of the item."""
    if not believed:
        return []
    xyxy = np.array([[found["box"][side] for side in SIDES] for _, found in believed], float)
    label = np.array([list(classes).index(found["box"]["label"]) for _, found in believed])
    score = np.array([found["confidence"] for _, found in believed])
    tile = np.array([tiles[unit] for unit, _ in believed], float)
    joined = stitch(xyxy, label, score, tile)
    whole: list[dict[str, Any]] = []
    for row in range(len(joined.xyxy)):
        parts = [believed[index][1] for index in np.flatnonzero(joined.source == row).tolist()]
        sides = dict(zip(SIDES, (round(float(x), 2) for x in joined.xyxy[row]), strict=True))
        best = max(parts, key=lambda part: part["confidence"])
        answers = sorted({answer for part in parts for answer in part["answers"]})
        whole.append({**best, "box": {"label": best["box"]["label"], **sides}, "answers": answers})
    return whole


def _agreement(votes: Sequence[Vote]) -> float | None:
    """Mean F1 at IoU 0.5 over pairs of workers who saw the same unit; None without a pair."""
    by_unit: dict[int, list[Vote]] = defaultdict(list)
    for vote in votes:
        by_unit[vote.unit].append(vote)
    values = [
        _f1(one.value, other.value)
        for group in by_unit.values()
        for place, one in enumerate(group)
        for other in group[place + 1 :]
    ]
    return float(np.mean(values)) if values else None


def _f1(one: dict[str, Any], other: dict[str, Any]) -> float:
    (a, a_labels), (b, b_labels) = _corners(one), _corners(other)
    return box_f1(a, b, a_labels, b_labels)


def _corners(value: dict[str, Any]) -> tuple[NDArray[np.float64], list[str]]:
    boxes = value["boxes"]
    sides = np.array([[box[side] for side in SIDES] for box in boxes], float).reshape(-1, 4)
    return sides, [box["label"] for box in boxes]


def _scores(columns: _Columns, result: BoxConsensus, gold: Gold, tiles: Tiles) -> dict[int, Score]:
    counts = box_workers.against_others(columns.answers, result)
    scores: dict[int, Score] = {}
    for index, worker_id in enumerate(columns.worker_ids):
        scores[worker_id] = Score(
            others_right=float(counts.n_right[index]),
            others_all=float(counts.n_judged[index]),
            details=_details(result, index),
        )
    for vote in columns.votes:
        score = scores[vote.worker_id]
        score.n_answers += 1
        if vote.item_id in gold and vote.unit not in tiles:  # gold is known of whole items
            _score_against_gold(score, vote, gold[vote.item_id])
    return scores


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
