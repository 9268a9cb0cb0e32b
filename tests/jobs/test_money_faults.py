"""Every single fault point of a job's life, from launch to labels; pairs on request."""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

import pytest

from tests.jobs.fault_points import Point, tell
from tests.jobs.lifecycle import Dial
from webapp.marketplace.serving import serve

EFFECTS = ("drop_before", "drop_after", "fault_before", "fault_after", "throttle")
PAIRS = "HITWORKS_TEST_FAULT_PAIRS"  # how many pairs to try; their choice is seeded
STEP = "HITWORKS_TEST_FAULT_STEP"  # every which point is tried on PostgreSQL: 1 for all


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    folder = tmp_path_factory.mktemp("market")
    with serve(database_url=f"sqlite:///{folder / 'market.sqlite'}", clock=Dial()) as running:
        yield running


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def server(request):
    """The URL of a PostgreSQL server, or nothing for SQLite."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else ""


@pytest.fixture(scope="module")
def peace(market, server, tmp_path_factory):
    ending = tell(tmp_path_factory.mktemp("peace"), market, (), server)
    assert not ending.troubles
    return ending


def points_of(ending) -> list[Point]:
    commits = range(1, ending.n_commits + 1)
    calls = range(1, ending.n_calls + 1)
    return [
        *(Point("before_commit", number) for number in commits),
        *(Point("after_commit", number) for number in commits),
        *(Point(effect, number) for effect in EFFECTS for number in calls),
    ]


def failures(market, server, folder, breaks) -> dict[tuple[Point, ...], tuple[str, ...]]:
    found = {}
    for number, points in enumerate(breaks):
        story = folder / str(number)
        story.mkdir()
        troubles = tell(story, market, points, server).troubles
        if troubles:
            found[points] = troubles
    return found


def test_the_story_has_as_many_points_as_are_published(peace):
    published = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text()
    assert f"{len(points_of(peace))} points" in published


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["before_commit", "after_commit", *EFFECTS])
def test_a_fault_at_any_single_point_doubles_and_loses_nothing(
    market, server, peace, tmp_path, kind
):
    breaks = [(point,) for point in points_of(peace) if point.where == kind]
    assert len(breaks) > 5
    if server:
        breaks = breaks[:: int(os.environ.get(STEP, "6"))]
    assert failures(market, server, tmp_path, breaks) == {}


@pytest.mark.timeout(36_000)
def test_faults_at_two_points_double_and_lose_nothing(market, server, peace, tmp_path):
    pairs = list(itertools.combinations(points_of(peace), 2))
    random.Random(7).shuffle(pairs)
    n_pairs = int(os.environ.get(PAIRS, "20"))
    assert failures(market, server, tmp_path, pairs[:n_pairs]) == {}
