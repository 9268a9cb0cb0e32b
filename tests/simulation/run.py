"""Many seeds in several processes; the same seeds give the same reports, whoever plays them."""

from __future__ import annotations

import gc
import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event

from tests.simulation.stage import Stage, open_stage
from tests.simulation.story import Report, Story
from tests.simulation.troubles import KINDS

COMMAND = "scripts/simulate --first {seed} --seeds 1 --trace"
_SEEDS_BETWEEN_COLLECTIONS = 50


@dataclass
class Tally:
    """What came of the seeds so far."""

    n_seeds: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(KINDS, 0)))
    failed: list[Report] = field(default_factory=list)

    @property
    def n_faults(self) -> int:
        return self.faults.total()

    def add(self, report: Report) -> None:
        self.n_seeds += 1
        self.faults.update(report.faults)
        self.troubles.update(trouble.kind for trouble in report.troubles)
        if report.troubles:
            self.failed.append(report)


def run_seed(seed: int, stage: Stage | None = None) -> Report:
    """The story of one seed, on a stage of its own unless one is given."""
    if stage is not None:
        return Story(stage, seed).play()
    with open_stage() as fresh:
        return Story(fresh, seed).play()


def run_seeds(seeds: Sequence[int], stage: Stage | None = None) -> Iterator[Report]:
    """The stories of the seeds, one after the other in this process; as ``run_seed``."""
    opened = nullcontext(stage) if stage is not None else open_stage()
    with opened as used, _collecting_rarely():
        for number, seed in enumerate(seeds):
            yield run_seed(seed, used)
            if number % _SEEDS_BETWEEN_COLLECTIONS == _SEEDS_BETWEEN_COLLECTIONS - 1:
                gc.collect()


def run_in_processes(seeds: Sequence[int], n_processes: int) -> Iterator[Report]:
    """The same in several processes, in the order in which they end; stopped with the iterator.

    The trace of a seed that ended well stays in its process.
    """
    context = multiprocessing.get_context("spawn")
    reports: SimpleQueue[Report | None] = context.SimpleQueue()
    stop = context.Event()
    parts = [seeds[start::n_processes] for start in range(n_processes)]
    workers = [
        context.Process(target=_work, args=(part, reports, stop), daemon=True) for part in parts
    ]
    for worker in workers:
        worker.start()
    try:
        n_working = len(workers)
        while n_working:
            report = reports.get()
            if report is None:
                n_working -= 1
            else:
                yield report
    finally:
        stop.set()
        for worker in workers:
            worker.terminate()
            worker.join()


def failure_text(report: Report) -> str:
    """How to replay a seed that failed, what was wrong at its end, and all that happened."""
    lines = [
        f"seed {report.seed} failed; replay it with: {COMMAND.format(seed=report.seed)}",
        *(f"  {trouble}" for trouble in report.troubles),
        *report.trace,
    ]
    return "\n".join(lines)


def _work(seeds: Sequence[int], reports: SimpleQueue[Report | None], stop: Event) -> None:
    try:
        for report in run_seeds(seeds):
            reports.put(report if report.troubles else replace(report, trace=()))
            if stop.is_set():
                return
    finally:
        reports.put(None)


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """A seed makes much garbage in cycles; looking for it after each is a tenth of its time."""
    was_on = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_on:
            gc.enable()
