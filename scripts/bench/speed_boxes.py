"""Print how fast the box methods are, and that the default is linear in images.

    python -m scripts.bench.speed_boxes [--items 100000] [--methods probabilistic ...]

Answers are made up: five workers an image, about six boxes each. Real time, processor time
and the peak of memory, each size in a process of its own.
"""

import argparse
import multiprocessing
import resource
import time

from quality.consensus.boxes import load
from scripts.bench.box_data import large

MIB = 1024


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--methods", nargs="+", default=["probabilistic"])
    chosen = parser.parse_args(arguments)
    head = ("method", "images", "boxes", "real s", "cpu s", "boxes/cpu s", "peak MiB")
    print("{:14} {:>8} {:>9} {:>8} {:>8} {:>12} {:>9}".format(*head))
    spawn = multiprocessing.get_context("spawn")
    for method in chosen.methods:
        for n_items in chosen.items:
            with spawn.Pool(1) as pool:
                n_boxes, real, cpu, peak = pool.apply(measure, (method, n_items))
            print(
                f"{method:14} {n_items:8} {n_boxes:9} {real:8.1f} {cpu:8.1f} "
                f"{n_boxes / cpu:12.0f} {peak:9.0f}",
                flush=True,
            )


def measure(method: str, n_items: int) -> tuple[int, float, float, float]:
    """Boxes, real and processor seconds, and the process's peak memory."""
    combine = load(method)
    answers = large(n_items)
    real, cpu = time.perf_counter(), time.process_time()
    combine(answers)
    real, cpu = time.perf_counter() - real, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    return len(answers.item), real, cpu, peak


if __name__ == "__main__":
    main()
