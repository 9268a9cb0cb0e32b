"""Whole jobs under faults, a hundred seeds a test, and the promise that a seed replays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.run import Tally, failure_text, run_in_processes, run_seed, run_seeds
from tests.simulation.stage import Stage, open_stage

N_PARTS, SEEDS_A_PART = 20, 105
LEAST_FAULTS_A_PART = 1_250
"""Twenty parts of it are the 25,000 faults that docs/reliability.md speaks of."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """One for all parts: SQLAlchemy compiles each statement once an engine."""
    with open_stage() as opened:
        yield opened


@pytest.mark.parametrize("part", range(N_PARTS))
def test_whole_jobs_under_faults_end_well(part: int, stage: Stage) -> None:
    tally = Tally()
    for report in run_seeds(range(part * SEEDS_A_PART, (part + 1) * SEEDS_A_PART), stage):
        tally.add(report)
    assert not tally.failed, "\n".join(map(failure_text, tally.failed))
    assert tally.n_faults >= LEAST_FAULTS_A_PART


def test_a_seed_tells_the_same_story_alone_after_others_and_in_another_process(
    stage: Stage,
) -> None:
    alone = run_seed(17)
    after_others = [run_seed(seed, stage) for seed in (12, 10, 17)][-1]
    (elsewhere,) = run_in_processes([17], 1)
    assert alone.trace == after_others.trace
    assert alone.digest == after_others.digest
    assert (alone.trace_sha256, alone.digest) == (elsewhere.trace_sha256, elsewhere.digest)
    assert len(alone.trace) > 20


def test_other_seeds_tell_other_stories(stage: Stage) -> None:
    traces = {report.trace_sha256 for report in run_seeds(range(5), stage)}
    assert len(traces) == 5
