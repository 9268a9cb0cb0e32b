"""Prints CPU time and memory of the tag methods on simulated crowds.

    python -m scripts.bench.speed_tags [--answers 1e5 1e6 1e7] [--classes 10] [--data FOLDER]

Each case runs in a process of its own on one thread. crowd-kit's Dawid-Skene is measured in
the same run when it is installed. FOLDER (see accuracy_tags) times ``auto`` on real sets.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from quality.consensus import tags
from quality.consensus.shapes import Ints, TagAnswers
from scripts.bench.tag_sets import read_sets

METHODS = ("majority", "weighted_majority", "one_coin", "dawid_skene", "auto")
PER_ITEM = 5
N_WORKERS = 1000
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--answers", type=float, nargs="*", default=[1e5, 1e6, 1e7])
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--peer-iterations", type=int, default=100)
    options = parser.parse_args(arguments)
    for name in THREADS:
        os.environ[name] = "1"
    print(f"import quality: {import_seconds():.3f} s")
    print(f"{'answers':>10s} {'method':22s} {'CPU s':>8s} {'rounds':>7s} {'accuracy':>9s}", end="")
    print(f" {'ms CPU/round/1M':>16s} {'extra B/answer':>15s}")
    for n in map(int, options.answers):
        for method in options.methods:
            in_own_process(measure, n, options.classes, method)
        if find_spec("crowdkit"):
            in_own_process(measure_peer, n, options.classes, options.peer_iterations)
    if options.data:
        in_own_process(measure_real, options.data)


def simulate(n: int, n_labels: int) -> tuple[TagAnswers, Ints]:
    """A crowd of 1,000 workers of beta-distributed skill, five answers an item, shuffled."""
    rng = np.random.default_rng(1)
    truth = rng.integers(n_labels, size=n // PER_ITEM)
    item = np.repeat(np.arange(len(truth)), PER_ITEM)
    worker = rng.integers(N_WORKERS, size=len(item))
    knows = rng.random(len(item)) < rng.beta(4, 3, size=N_WORKERS)[worker]
    label = np.where(knows, truth[item], rng.integers(n_labels, size=len(item)))
    order = rng.permutation(len(item))
    answers = TagAnswers(item[order], worker[order], label[order], len(truth), N_WORKERS, n_labels)
    return answers, truth


def measure(n: int, n_labels: int, method: str) -> None:
    answers, truth = simulate(n, n_labels)
    combine = tags.load(method)
    combine(simulate(1000, n_labels)[0])  # imports and first calls are not what is measured
    before, started = peak_bytes(), time.process_time()
    found = combine(answers)
    spent = time.process_time() - started
    extra = (peak_bytes() - before) / n
    report(n, method, spent, found.iterations, float(np.mean(found.label == truth)), extra)


def measure_peer(n: int, n_labels: int, n_iterations: int) -> None:
    answers, truth = simulate(n, n_labels)
    frames = import_module("pandas")
    peer = import_module("crowdkit.aggregation").DawidSkene(n_iter=n_iterations)
    columns = {"task": answers.item, "worker": answers.worker, "label": answers.label}
    frame = frames.DataFrame(columns)
    before, started = peak_bytes(), time.process_time()
    found = peer.fit_predict(frame)
    spent = time.process_time() - started
    extra = (peak_bytes() - before) / n
    right = float(np.mean(found.sort_index().to_numpy() == truth))
    report(n, "crowd-kit DawidSkene", spent, len(peer.loss_history_), right, extra)


def measure_real(folder: Path) -> None:
    sets, combine = read_sets(folder), tags.load("auto")
    started = time.process_time()
    for data in sets:
        combine(data.answers)
    print(f"auto on {len(sets)} real sets: {time.process_time() - started:.2f} s CPU")


def report(n: int, method: str, spent: float, rounds: int, right: float, extra: float) -> None:
    each = 1e9 * spent / max(rounds, 1) / n
    print(f"{n:10d} {method:22s} {spent:8.3f} {rounds:7d} {right:9.4f}", end="")
    print(f" {each:16.1f} {extra:15.0f}", flush=True)


def in_own_process(work: object, *arguments: object) -> None:
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)  # type: ignore[arg-type]
    process.start()
    process.join()


def import_seconds() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import quality"], check=True)
    with_import = time.perf_counter() - started
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return with_import - (time.perf_counter() - started)


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
