"""Print how right every box method is: real crowd, simulated crowds, stopping replay.

    python -m scripts.bench.accuracy_boxes --data FOLDER [--replay | --detector | --kinds]

FOLDER holds ``pedestrians`` (answers and gold) and the gold of ``bccd`` and ``coco_tiny``.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from quality.box_stopping import (
    box_gain,
    box_risk,
    first_answers,
    replay_until,
    sure_enough,
)
from quality.consensus.boxes import load, names
from scripts.bench import box_data, box_peers, box_scores

RISKS = (0.2, 0.1, 0.05, 0.02, 0.01)
GAINS = (0.03, 0.01)
# Crowd, answers an image, sd of hardness, distractors an image: no constant was fitted to these.
KINDS = (
    ("mild", 5, 1.0, None),
    ("mixed", 5, 1.0, None),
    ("spam", 5, 1.0, None),
    ("medium", 3, 1.0, None),
    ("medium", 10, 1.0, None),
    ("hard", 3, 1.0, None),
    ("hard", 10, 1.0, None),
    ("hard", 5, 2.0, 1.0),
    ("hard", 5, 0.5, 6.0),
    ("mixed", 2, 1.0, None),
)
KINDS_SEED = 1000
HEAD = (
    f"{'set':28} {'method':14} {'F1':>6} {'AP':>6} {'ECE':>6} {'worker':>7} "
    f"{'cpu s':>8} {'boxes/second':>12}"
)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--replay", action="store_true", help="the stopping curve instead")
    parser.add_argument("--detector", action="store_true", help="a model as one more worker")
    parser.add_argument("--kinds", action="store_true", help="more kinds of crowds, the default")
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    real = box_data.recorded(chosen.data / "pedestrians")
    if chosen.replay:
        print_replay(real, chosen.seeds)
        return
    if chosen.detector:
        print_detector(real, chosen.seeds)
        return
    if chosen.kinds:
        print_kinds(chosen.data)
        return
    few = first_answers(real.answers, 1, np.random.default_rng(0))
    for peer in box_peers.methods().values():
        peer(few)  # compiled at the first call, which is not to count
    print(HEAD)
    for per_item in (3, 5, 7):
        cases = [
            box_data.Case(
                f"pedestrians x{per_item}",
                first_answers(real.answers, per_item, np.random.default_rng(seed)),
                real.gold,
            )
            for seed in range(chosen.seeds if per_item < 7 else 1)
        ]
        print_case(cases)
    for folder in ("bccd", "coco_tiny"):
        for crowd in ("medium", "hard"):
            cases = [
                box_data.simulated(chosen.data / folder, crowd, seed=seed)
                for seed in range(chosen.seeds)
            ]
            print_case(cases)


def print_case(cases) -> None:
    """One line a method: means over the cases."""
    methods = {name: load(name) for name in names()} | box_peers.methods()
    n_boxes = float(np.mean([len(case.answers.item) for case in cases]))
    for name, combine in methods.items():
        scores = np.mean([score(combine, case) for case in cases], axis=0)
        f1, ap, error, workers, seconds = scores
        print(
            f"{cases[0].name:28} {name:14} {f1:6.3f} {ap:6.3f} {error:6.3f} {workers:7.3f} "
            f"{seconds:8.2f} {n_boxes / max(seconds, 1e-3):12,.0f}",
            flush=True,
        )


def score(combine, case):
    start = time.process_time()
    result = combine(case.answers)
    seconds = time.process_time() - start
    return (
        box_scores.f1(result, case.gold),
        box_scores.average_precision(result, case.gold),
        box_scores.calibration_error(result, case.gold),
        box_scores.worker_correlation(result, case.answers, case.gold),
        seconds,
    )


def print_replay(case, seeds: int) -> None:
    """F1 against answers an item: fixed redundancy, then stopping by risk and by gain.

    The saving holds a rule's answers against what fixed redundancy needs for the same F1,
    read off the straight lines between its points; ``error`` is F1's standard error.
    """
    combine = load("probabilistic")
    print(f"{'rule':34} {'answers':>8} {'F1':>7} {'fixed needs':>12} {'saving':>7} {'error':>8}")
    fixed = [mean_f1(case, combine, per_item, seeds) for per_item in range(1, 8)]
    for per_item, f1 in enumerate(fixed, start=1):
        print(f"{f'fixed, {per_item} each':34} {per_item:8.2f} {f1:7.4f}", flush=True)
    rules = {f"risk at most {risk:g}": by_risk(risk) for risk in RISKS}
    rules |= {f"gain of an answer under {gain:g}": by_gain(gain) for gain in GAINS}
    for name, done in rules.items():
        ends = [
            replay_until(case.answers, combine, done, np.random.default_rng(seed))
            for seed in range(seeds)
        ]
        f1s = np.array([box_scores.f1(end.consensus, case.gold) for end in ends])
        used = np.mean([end.n_used.mean() for end in ends])
        f1, noise = f1s.mean(), f1s.std() / max(seeds - 1, 1) ** 0.5
        needed = np.interp(f1, fixed, np.arange(1, 8))
        print(
            f"{name:34} {used:8.2f} {f1:7.4f} {needed:12.2f} {1 - used / needed:7.0%} {noise:8.4f}",
            flush=True,
        )


def by_risk(most_wrong: float):
    return lambda now, used: sure_enough(box_risk(now), used, most_wrong, fewest=1)


def by_gain(least: float):
    return lambda now, used: box_gain(now).total < least


def print_kinds(data: Path) -> None:
    """F1, AP and calibration error of the default on more kinds of crowds."""
    combine = load("probabilistic")
    print(f"{'crowd':44} {'F1':>6} {'AP':>6} {'ECE':>6}")
    for folder in ("bccd", "coco_tiny"):
        for crowd, per_item, hardness, tempting in KINDS:
            case = box_data.simulated(
                data / folder, crowd, per_item, KINDS_SEED, hardness, tempting
            )
            name = f"{case.name} hardness {hardness:g} distractors {tempting or 'usual'}"
            values = score(combine, case)[:3]
            print(f"{name:44} " + " ".join(f"{value:6.3f}" for value in values), flush=True)


def print_detector(case, seeds: int) -> None:
    """Three workers an image alone, and with a made-up detector, its scores told or not."""
    combine = load("probabilistic")
    print(f"{'pedestrians x3':28} {'F1':>6} {'AP':>6} {'ECE':>6}")
    rows: dict[str, list] = {}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        people = box_data.Case("", first_answers(case.answers, 3, rng), case.gold)
        both = box_data.with_detector(people, rng)
        unscored = replace(both, score=None)
        for name, answers in (
            ("people", people.answers),
            ("and a detector, no scores", unscored),
            ("and a detector's scores", both),
        ):
            rows.setdefault(name, []).append(
                score(combine, box_data.Case(name, answers, case.gold))[:3]
            )
    for name, found in rows.items():
        print(f"{name:28} " + " ".join(f"{value:6.3f}" for value in np.mean(found, axis=0)))


def mean_f1(case, combine, per_item: int, seeds: int) -> float:
    """F1 of the same number of answers for every item, over random orders."""
    parts = (
        first_answers(case.answers, per_item, np.random.default_rng(seed)) for seed in range(seeds)
    )
    return float(np.mean([box_scores.f1(combine(part), case.gold) for part in parts]))


if __name__ == "__main__":
    main()
