"""Reads folders of real tag answers with gold: NAME/answers.csv and NAME/gold.csv."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quality.consensus.shapes import Floats, Ints, TagAnswers, TagConsensus
from scripts.bench.tag_peers import PeerLabels

BINS = 10
# A posterior of 0 for the truth would cost infinitely much; it costs this instead.
FLOOR = 1e-6


@dataclass(frozen=True)
class TagSet:
    name: str
    answers: TagAnswers
    truth: Ints  # (n_items,) label index or -1

    def accuracy(self, label: Ints) -> float:
        known = self.truth >= 0
        return float(np.mean(label[known] == self.truth[known]))


def read_sets(folder: Path) -> list[TagSet]:
    return [read_set(path.parent) for path in sorted(folder.glob("*/answers.csv"))]


def read_set(folder: Path) -> TagSet:
    with (folder / "answers.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    with (folder / "gold.csv").open(newline="") as lines:
        gold = {row["item"]: row["label"] for row in csv.DictReader(lines)}
    items = _index(row["item"] for row in rows)
    workers = _index(row["worker"] for row in rows)
    labels = _index([*(row["label"] for row in rows), *gold.values()])
    truth = np.full(len(items), -1, dtype=np.int64)
    for item, label in gold.items():
        if item in items:
            truth[items[item]] = labels[label]
    answers = TagAnswers(
        item=np.array([items[row["item"]] for row in rows], dtype=np.int64),
        worker=np.array([workers[row["worker"]] for row in rows], dtype=np.int64),
        label=np.array([labels[row["label"]] for row in rows], dtype=np.int64),
        n_items=len(items),
        n_workers=len(workers),
        n_labels=len(labels),
        seconds=np.array([float(row["seconds"]) for row in rows]) if "seconds" in rows[0] else None,
    )
    return TagSet(folder.name, answers, truth)


def log_loss(found: TagConsensus | PeerLabels, truth: Ints) -> float:
    known = np.flatnonzero(truth >= 0)
    chance = found.posterior[known, truth[known]]
    return float(-np.log(np.clip(chance, FLOOR, 1.0)).mean())


def calibration_error(found: TagConsensus | PeerLabels, truth: Ints) -> float:
    """Expected calibration error: confidence against accuracy in ten equal bins."""
    known = np.flatnonzero(truth >= 0)
    confidence = found.confidence[known]
    right = (found.label[known] == truth[known]).astype(float)
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gap = np.bincount(place, weights=confidence - right, minlength=BINS)
    return float(np.abs(gap).sum() / len(known))


def worker_truth(data: TagSet, least: int) -> tuple[Floats, Ints]:
    """Each worker's accuracy on gold items, and who has ``least`` or more answers there."""
    some = data.answers
    known = data.truth[some.item] >= 0
    right = (some.label[known] == data.truth[some.item[known]]).astype(float)
    n_right = np.bincount(some.worker[known], weights=right, minlength=some.n_workers)
    n_known = np.bincount(some.worker[known], minlength=some.n_workers)
    return n_right / np.maximum(n_known, 1), np.flatnonzero(n_known >= least)


def _index(names: object) -> dict[str, int]:
    return {name: place for place, name in enumerate(sorted(set(names)))}  # type: ignore[call-overload]
