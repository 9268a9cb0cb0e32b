"""Whole jobs under faults, a hundred seeds a test, and the promise that a seed replays."""

from __future__ import annotations

import pytest

from tests.simulation.run import Tally, failure_text, run_in_processes, run_seed, run_seeds
from tests.simulation.stage import open_stage

N_PARTS, SEEDS_A_PART = 20, 100
LEAST_FAULTS_A_PART = 1_250
"""Twenty parts of it are the 25,000 faults that docs/reliability.md speaks of."""


@pytest.mark.parametrize("part", range(N_PARTS))
def test_whole_jobs_under_faults_end_well(part: int) -> None:
    tally = Tally()
    for report in run_seeds(range(part * SEEDS_A_PART, (part + 1) * SEEDS_A_PART)):
        tally.add(report)
    assert not tally.failed, "\n".join(map(failure_text, tally.failed))
    assert tally.n_faults >= LEAST_FAULTS_A_PART


def test_a_seed_tells_the_same_story_alone_after_others_and_in_another_process() -> None:
    alone = run_seed(11)
    with open_stage() as stage:
        after_others = [run_seed(seed, stage) for seed in (12, 10, 11)][-1]
    (elsewhere,) = run_in_processes([11], 1)
    assert alone.trace == after_others.trace
    assert alone.digest == after_others.digest
    assert (alone.trace_sha256, alone.digest) == (elsewhere.trace_sha256, elsewhere.digest)
    assert len(alone.trace) > 20


def test_other_seeds_tell_other_stories() -> None:
    traces = {report.trace_sha256 for report in run_seeds(range(5))}
    assert len(traces) == 5
