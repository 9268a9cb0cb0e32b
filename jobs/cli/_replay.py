"""``consensus replay``: recorded answers bought again, to see what a stopping rule would cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.table import Table

from jobs.answer_files import BoxResponse
from jobs.cli import _door
from jobs.errors import InvalidInput
from quality import box_stopping
from quality.boxes import box_f1
from quality.consensus.boxes import load as load_boxes
from quality.consensus.shapes import BoxAnswers, BoxConsensus, TagAnswers
from quality.replay import Curve, answers_needed, fixed_redundancy, mean_curve, replay
from quality.stopping import Rule

Progress = Callable[[int, int], None]
# Fixed redundancies shown at most; beyond this a curve is flat.
MOST_SHOWN = 12
FEWEST = 2


@dataclass(frozen=True)
class Point:
    """One rule: mean answers an item, how right its labels are (tags: share, boxes: F1).

    ``fixed_needs`` answers an item reach the same with fixed redundancy, ``saved`` is the
    share of them not bought; both None for fixed redundancy itself, and where it never does.
    """

    rule: str
    n_answers: float
    right: float
    fixed_needs: float | None = None
    saved: float | None = None


@dataclass(frozen=True)
class Replayed:
    """The stopping curve of a file, means over ``seeds`` random orders of its answers."""

    measure: str
    n_items: int
    n_known: int
    seeds: int
    points: tuple[Point, ...]


def replay_tags(
    answers: TagAnswers, certainties: Sequence[float], seeds: int, progress: Progress
) -> Replayed:
    """The curve of tags; ``answers.gold`` only scores, it never votes.

    Raises:
        InvalidInput: when no item with answers has gold.

    """
    truth = np.full(answers.n_items, -1) if answers.gold is None else answers.gold
    if not np.any(truth >= 0):
        raise InvalidInput("--gold: expected a known label of at least one item with answers")
    asked = replace(answers, gold=None)
    most = int(np.bincount(asked.item, minlength=1).max())
    redundancies = range(1, min(most, MOST_SHOWN) + 1)
    fixed, ends = [], []
    for seed in range(seeds):
        rng = [np.random.default_rng(seed) for _ in range(len(certainties) + 1)]
        fixed.append(fixed_redundancy(asked, truth, redundancies, rng[0]))
        rules = [Rule(certainty, min(FEWEST, most), most) for certainty in certainties]
        curves = [replay(asked, truth, rule, own) for rule, own in zip(rules, rng[1:], strict=True)]
        ends.append([(curve.n_answers[-1], curve.accuracy[-1]) for curve in curves])
        progress(seed + 1, seeds)
    usual = mean_curve(fixed, fixed[0].n_answers)
    reached = np.mean(ends, axis=0)
    named = [f"certainty {certainty:g}" for certainty in certainties]
    names = [f"fixed, {redundancy} each" for redundancy in redundancies]
    points = _points(names, usual, named, reached)
    return Replayed("accuracy", asked.n_items, int(np.sum(truth >= 0)), seeds, points)


def replay_boxes(
    columns: tuple[list[str], list[str], list[str], BoxAnswers],
    known: dict[str, BoxResponse],
    risks: Sequence[float],
    seeds: int,
    progress: Progress,
) -> Replayed:
    """The curve of boxes: F1 at IoU 0.5 on the images in ``known``, which never vote.

    Raises:
        InvalidInput: when no image with answers has gold.

    """
    images, _workers, classes, answers = columns
    gold = {place: known[image] for place, image in enumerate(images) if image in known}
    if not gold:
        raise InvalidInput("--gold: expected the boxes of at least one image with answers")
    combine = load_boxes("probabilistic")
    most = int(np.bincount(answers.response_item).max())
    redundancies = range(1, min(most, MOST_SHOWN) + 1)
    fixed, ends = [], []
    for seed in range(seeds):
        rows = []
        for redundancy in redundancies:
            some = box_stopping.first_answers(answers, redundancy, np.random.default_rng(seed))
            used = len(some.response_item) / answers.n_items
            rows.append((used, _f1(combine(some), gold, classes)))
        fixed.append(Curve(*np.array(rows).T))
        stops = [
            box_stopping.replay(answers, combine, risk, np.random.default_rng(seed))
            for risk in risks
        ]
        ends.append([(end.n_used.mean(), _f1(end.consensus, gold, classes)) for end in stops])
        progress(seed + 1, seeds)
    usual = mean_curve(fixed, fixed[0].n_answers)
    names = [f"fixed, {redundancy} each" for redundancy in redundancies]
    named = [f"risk at most {risk:g}" for risk in risks]
    points = _points(names, usual, named, np.mean(ends, axis=0))
    return Replayed("F1", len(images), len(gold), seeds, points)


def table(found: Replayed) -> Table:
    """The curve for people."""
    rows = [
        (
            point.rule,
            f"{point.n_answers:.2f}",
            f"{point.right:.4f}",
            None if point.fixed_needs is None else f"{point.fixed_needs:.2f}",
            None if point.saved is None else f"{100 * point.saved:.0f}%",
        )
        for point in found.points
    ]
    return _door.table(["rule", "answers", found.measure, "fixed needs", "saved"], rows)


def _points(
    names: Sequence[str], usual: Curve, named: Sequence[str], reached: np.ndarray
) -> tuple[Point, ...]:
    plain = [
        Point(name, float(n), float(right))
        for name, n, right in zip(names, usual.n_answers, usual.accuracy, strict=True)
    ]
    return (*plain, *(_stop(name, usual, *end) for name, end in zip(named, reached, strict=True)))


def _stop(name: str, usual: Curve, n_answers: float, right: float) -> Point:
    needed = answers_needed(usual, right)
    if np.isnan(needed):
        return Point(name, float(n_answers), float(right))
    return Point(name, float(n_answers), float(right), needed, 1 - float(n_answers) / needed)


def _f1(found: BoxConsensus, gold: dict[int, BoxResponse], classes: Sequence[str]) -> float:
    """F1 of the believed boxes over all images with gold, same class."""
    place = {name: index for index, name in enumerate(classes)}
    matched = total = 0.0
    for item, truth in gold.items():
        rows = np.flatnonzero((found.item == item) & found.exists)
        corners = np.array([box[1:5] for box in truth.boxes], float).reshape(-1, 4)
        names = np.array([place.get(box[0], -1) for box in truth.boxes], np.int64)
        both = len(rows) + len(corners)
        total += both
        matched += both * box_f1(found.xyxy[rows], corners, found.label[rows], names)
    return matched / max(total, 1.0)
