"""The list of planted bugs fits the code it would damage; scripts/planted_bugs.py runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planted_bugs import BUGS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_has_its_place_and_its_tests(bug):
    assert (ROOT / bug.file).read_text().count(bug.before) == 1
    assert bug.after != bug.before
    assert all((ROOT / test.partition("::")[0]).exists() for test in bug.tests)


def test_there_are_as_many_planted_bugs_as_are_published():
    published = (ROOT / "docs" / "reliability.md").read_text()
    assert len(BUGS) == len({bug.name for bug in BUGS}) >= 20
    assert f"{len(BUGS)} planted bugs" in published
