"""Prints how right, how calibrated and how frugal the tag methods are on real crowds.

    python -m scripts.bench.accuracy_tags --data FOLDER [--stopping SET ...] [--seeds 20]

FOLDER holds NAME/answers.csv (item,worker,label[,seconds]) and NAME/gold.csv (item,label).
crowd-kit's methods are added when it is installed. Nothing is tuned here: every method runs
as it is called by default, without gold.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from quality.consensus import tags
from quality.consensus.shapes import Floats, TagConsensus
from quality.replay import answers_needed, fixed_redundancy, mean_curve, replay
from quality.stopping import Rule, outlook, vote_share_outlook
from scripts.bench import tag_peers
from scripts.bench.tag_sets import (
    TagSet,
    calibration_error,
    log_loss,
    read_sets,
    worker_truth,
)

LEAST_GOLD_ANSWERS = 10
RULES = (0.98, 0.99, 0.995)
# The budget curves are drawn this far: beyond it little is left to buy.
MOST_SHOWN = 12


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--stopping", nargs="*", default=[], metavar="SET")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--methods", nargs="*", default=list(tags.names()))
    parser.add_argument("--slow-peers", action="store_true", help="also crowd-kit's slow ones")
    options = parser.parse_args(arguments)
    sets = read_sets(options.data)
    found = {}
    for name in options.methods:
        combine = tags.load(name)
        started = time.process_time()
        found[name] = [combine(data.answers) for data in sets]
        print(f"{name}: {time.process_time() - started:.2f} s CPU", flush=True)
    print_labels(sets, found)
    print_peers(sets, tag_peers.METHODS + options.slow_peers * tag_peers.SLOW_METHODS)
    print_workers(sets, found)
    for data in sets:
        if data.name in options.stopping:
            print_stopping(data, options.seeds)


def print_labels(sets: list[TagSet], found: dict[str, list[TagConsensus]]) -> None:
    print("\naccuracy %, log loss, calibration error")
    print(_row("method", [data.name for data in sets], ["mean", "log loss", "cal. error"]))
    for name, results in found.items():
        pairs = list(zip(results, sets, strict=True))
        right = [data.accuracy(result.label) for result, data in pairs]
        loss = np.mean([log_loss(result, data.truth) for result, data in pairs])
        error = np.mean([calibration_error(result, data.truth) for result, data in pairs])
        cells = [f"{100 * share:.1f}" for share in right]
        print(_row(name, cells, [f"{100 * np.mean(right):.2f}", f"{loss:.3f}", f"{error:.3f}"]))


def print_peers(sets: list[TagSet], names: tuple[str, ...]) -> None:
    """One line a method of crowd-kit, as ours, and how well it knows the workers."""
    if not tag_peers.is_installed():
        print("\ncrowd-kit is not installed: no comparison")
        return
    print(f"\ncrowd-kit {metadata.version('crowd-kit')}, accuracy %; workers as below")
    measures = ["mean", "log loss", "cal. error", "Spearman", "RMSE", "CPU s"]
    print(_row("method", [data.name for data in sets], measures))
    for name in names:
        started = time.process_time()
        found = [tag_peers.fit(name, data.answers) for data in sets]
        spent = time.process_time() - started
        right = [data.accuracy(one.label) for one, data in zip(found, sets, strict=True)]
        pairs = list(zip(found, sets, strict=True))
        loss = np.mean([log_loss(one, data.truth) for one, data in pairs])
        error = np.mean([calibration_error(one, data.truth) for one, data in pairs])
        scores = [
            _worker_scores(one.accuracy, data) for one, data in pairs if one.accuracy is not None
        ]
        known = [f"{score:.3f}" for score in _mean_scores(scores)[:2]] if scores else ["-", "-"]
        cells = [f"{100 * share:.1f}" for share in right]
        means = [f"{100 * np.mean(right):.2f}", f"{loss:.3f}", f"{error:.3f}"]
        print(_row(name, cells, [*means, *known, f"{spent:.1f}"]), flush=True)


def _mean_scores(scores: list[tuple[float, float, float] | None]) -> Floats:
    return np.array([score for score in scores if score is not None]).mean(axis=0)


def print_workers(sets: list[TagSet], found: dict[str, list[TagConsensus]]) -> None:
    print(f"\nworkers' accuracy against gold ({LEAST_GOLD_ANSWERS} answers or more on gold)")
    print(_row("method", [data.name for data in sets], ["Spearman", "RMSE", "bias"]))
    for name, results in found.items():
        scores = [
            _worker_scores(result.workers.accuracy, data)
            for result, data in zip(results, sets, strict=True)
        ]
        cells = ["-" if score is None else f"{score[0]:.2f}" for score in scores]
        means = _mean_scores(scores)
        print(_row(name, cells, [f"{means[0]:.3f}", f"{means[1]:.3f}", f"{means[2]:+.3f}"]))


def _worker_scores(accuracy: Floats, data: TagSet) -> tuple[float, float, float] | None:
    truth, judged = worker_truth(data, LEAST_GOLD_ANSWERS)
    if len(judged) < 5:
        return None
    gap = accuracy[judged] - truth[judged]
    rank = spearmanr(accuracy[judged], truth[judged]).statistic
    return float(rank), float(np.sqrt((gap**2).mean())), float(gap.mean())


def print_stopping(data: TagSet, n_seeds: int) -> None:
    most = int(np.bincount(data.answers.item).max())
    seeds = range(n_seeds)
    fixed = [
        fixed_redundancy(data.answers, data.truth, range(1, most + 1), np.random.default_rng(seed))
        for seed in seeds
    ]
    usual = mean_curve(fixed, fixed[0].n_answers)
    votes = tags.load("majority")(data.answers)
    goal = data.accuracy(votes.label)
    print(f"\n{data.name}: fixed redundancy {usual.n_answers[-1]:.1f}: {usual.accuracy[-1]:.4f}")
    for certainty in RULES:
        ends = [_end(data, Rule(certainty, 2, most), seed) for seed in seeds]
        spent, right = np.mean(ends, axis=0)
        needed = answers_needed(usual, right)
        needed = usual.n_answers[-1] if np.isnan(needed) else needed
        print(f"  certainty {certainty}: {spent:.2f} answers, accuracy {right:.4f}, ", end="")
        print(f"fixed needs {needed:.2f}: {100 * (1 - spent / needed):.0f} % fewer", flush=True)
    print_goal(data, goal, min(most, MOST_SHOWN), n_seeds)


def print_goal(data: TagSet, goal: float, most: int, n_seeds: int) -> None:
    at = np.linspace(2, most, 200)
    views: dict[str, Callable[..., object]] = {"model": outlook, "vote share": vote_share_outlook}
    for name, view in views.items():
        curves = [
            replay(
                data.answers, data.truth, Rule(1.0, 2, most), np.random.default_rng(seed), view=view
            )
            for seed in range(n_seeds)
        ]
        mean = mean_curve(curves, at)
        picks = " ".join(f"{np.interp(x, at, mean.accuracy):.4f}" for x in (2, 3, 4, 5, 7, 10))
        needed = answers_needed(mean, goal)
        print(f"  budget by {name}: all votes' {goal:.4f} with {needed:.2f} answers; ", end="")
        print(f"accuracy at 2 3 4 5 7 10: {picks}", flush=True)


def _end(data: TagSet, rule: Rule, seed: int) -> tuple[float, float]:
    curve = replay(data.answers, data.truth, rule, np.random.default_rng(seed))
    return float(curve.n_answers[-1]), float(curve.accuracy[-1])


def _row(name: str, cells: list[str], means: list[str]) -> str:
    return f"{name:20s}" + "".join(f"{cell[:10]:>11s}" for cell in cells + means)


if __name__ == "__main__":
    main()
