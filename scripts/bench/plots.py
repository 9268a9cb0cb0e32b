"""Draws the pictures of docs/quality.md and docs/quality-boxes.md from measured results.

    python -m scripts.bench.plots --data FOLDER [--out docs/images] [--seeds 5]

FOLDER holds ``tags`` and ``boxes`` as for ``accuracy``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from quality.box_stopping import first_answers
from quality.box_stopping import replay as replay_boxes
from quality.consensus import boxes, tags
from quality.replay import fixed_redundancy, mean_curve, replay
from quality.stopping import Rule, outlook, vote_share_outlook
from scripts.bench import box_data, box_scores
from scripts.bench.svg import Axis, Line, chart
from scripts.bench.tag_sets import TagSet, read_sets

BINS = 10
LEAST_IN_BIN = 10
STOPPING_SETS = ("rte", "temp", "bluebird")
RISKS = (0.4, 0.1, 0.05, 0.02, 0.01, 0.003)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    sets = read_sets(options.data / "tags")
    case = box_data.recorded(options.data / "boxes" / "pedestrians")
    pictures = {
        "tags-accuracy": tag_accuracy(sets),
        "tags-reliability": tag_reliability(sets),
        "boxes-reliability": box_reliability(case),
        "boxes-stopping": box_stopping(case, min(options.seeds, 3)),
    }
    for data in sets:
        if data.name in STOPPING_SETS:
            pictures[f"tags-stopping-{data.name}"] = tag_stopping(data, options.seeds)
    for name, text in pictures.items():
        (options.out / f"{name}.svg").write_text(text, encoding="utf-8")
        print(f"{name}.svg: {len(text.encode()):,} bytes")


def tag_accuracy(sets: list[TagSet]) -> str:
    lines = []
    for name in ("auto", "dawid_skene", "majority"):
        right = [100 * data.accuracy(tags.load(name)(data.answers).label) for data in sets]
        lines.append(Line(name, range(len(sets)), right, is_joined=False))
    x = Axis("", -0.0, len(sets) - 1.0, 1.0, [data.name for data in sets])
    return chart("Labels right on eleven real sets", x, Axis("% right", 50, 100, 10), lines)


def tag_reliability(sets: list[TagSet]) -> str:
    lines = [_ideal()]
    for name in ("auto", "dawid_skene", "majority"):
        confidence, right = [], []
        for data in sets:
            found = tags.load(name)(data.answers)
            known = np.flatnonzero(data.truth >= 0)
            confidence.append(found.confidence[known])
            right.append(found.label[known] == data.truth[known])
        lines.append(_reliability(name, np.concatenate(confidence), np.concatenate(right)))
    x, y = Axis("confidence", 0, 1, 0.2), Axis("share right", 0, 1, 0.2)
    return chart("Is confidence honest? Tags, all eleven sets", x, y, lines)


def tag_stopping(data: TagSet, n_seeds: int) -> str:
    most = min(int(np.bincount(data.answers.item).max()), 12)
    fixed = [
        fixed_redundancy(data.answers, data.truth, range(1, most + 1), np.random.default_rng(seed))
        for seed in range(n_seeds)
    ]
    usual = mean_curve(fixed, fixed[0].n_answers)
    at = np.linspace(2, most, 30)
    lines = [Line("same number for all", usual.n_answers, usual.accuracy, is_dashed=True)]
    for name, view in (("weakest first", outlook), ("by vote share", vote_share_outlook)):
        curves = [
            replay(
                data.answers, data.truth, Rule(1.0, 2, most), np.random.default_rng(seed), view=view
            )
            for seed in range(n_seeds)
        ]
        mean = mean_curve(curves, at)
        lines.append(Line(name, mean.n_answers, mean.accuracy, has_marks=False))
    low = np.floor(20 * min(min(line.y) for line in lines)) / 20
    high = np.ceil(20 * max(max(line.y) for line in lines)) / 20
    x, y = Axis("answers an item", 0, most, 2), Axis("share right", low, high, 0.05)
    return chart(f"What bought answers yield: {data.name}", x, y, lines)


def box_reliability(case: box_data.Case) -> str:
    lines = [_ideal()]
    for name in ("probabilistic", "iou_clusters", "cvat"):
        found = boxes.load(name)(case.answers)
        known = np.isin(found.item, list(case.gold))
        hits = box_scores.found(found, case.gold)[:, 0]
        lines.append(_reliability(name, found.confidence[known], hits[known]))
    x, y = Axis("confidence", 0, 1, 0.2), Axis("share found in the gold, IoU 0.5", 0, 1, 0.2)
    return chart("Is confidence honest? Boxes, pedestrians x7", x, y, lines)


def box_stopping(case: box_data.Case, n_seeds: int) -> str:
    combine, seeds = boxes.load("probabilistic"), range(n_seeds)
    fixed = [
        np.mean(
            [
                box_scores.f1(
                    combine(first_answers(case.answers, n, np.random.default_rng(seed))), case.gold
                )
                for seed in seeds
            ]
        )
        for n in range(2, 8)
    ]
    ends = [
        [replay_boxes(case.answers, combine, risk, np.random.default_rng(seed)) for seed in seeds]
        for risk in RISKS
    ]
    used = [float(np.mean([end.n_used.mean() for end in group])) for group in ends]
    reached = [
        float(np.mean([box_scores.f1(end.consensus, case.gold) for end in group])) for group in ends
    ]
    lines = [
        Line("same number for all", range(2, 8), fixed, is_dashed=True),
        Line("until sure enough", used, reached),
    ]
    x, y = Axis("answers an image", 1, 7, 1), Axis("F1 at IoU 0.5", 0.91, 0.945, 0.005)
    return chart("What bought answers yield: boxes, pedestrians", x, y, lines)


def _reliability(name: str, confidence: np.ndarray, right: np.ndarray) -> Line:
    """Share right against mean confidence, in ten bins with enough in them."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    held = np.bincount(place, minlength=BINS)
    full = held >= LEAST_IN_BIN
    held = np.maximum(held, 1)
    x = np.bincount(place, weights=confidence, minlength=BINS) / held
    y = np.bincount(place, weights=right.astype(float), minlength=BINS) / held
    return Line(name, x[full], y[full])


def _ideal() -> Line:
    return Line("honest", (0, 1), (0, 1), is_dashed=True, has_marks=False)


if __name__ == "__main__":
    main()
