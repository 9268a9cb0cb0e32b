"""Robots at once, on a real process and both databases: nothing lost, doubled or shared."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts.bench import load


@pytest.fixture
def plan() -> load.Plan:
    return load.Plan(n_robots=20, n_assignments=400, per_hit=5, n_clients=2)


def test_twenty_robots_do_four_hundred_assignments_and_every_promise_holds(
    empty_database_url: str, tmp_path: Path, plan: load.Plan
) -> None:
    with ThreadPoolExecutor(1) as thread:  # a browser test may have left its loop in this one
        report = thread.submit(load.run, plan, empty_database_url, tmp_path).result()
    assert report.faults == []
    assert (report.n_hits, report.n_assignments) == (80, 400)
    assert report.n_repeats_refused > 0
    assert report.n_returned > 0
