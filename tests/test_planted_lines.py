"""A planted bug whose line has moved is found by nobody: the list follows the code."""

from __future__ import annotations

from pathlib import Path

from tests.planted_bugs import BUGS

ROOT = Path(__file__).parents[1]


def test_the_line_of_each_planted_bug_stands_once_in_its_file() -> None:
    moved = [
        f"{bug.name}: {bug.file}"
        for bug in BUGS
        if (ROOT / bug.file).read_text(encoding="utf-8").count(bug.before) != 1
    ]
    assert not moved


def test_the_tests_of_each_planted_bug_exist() -> None:
    missing = [
        f"{bug.name}: {one}"
        for bug in BUGS
        for one in bug.tests
        if not _exists(*one.partition("::")[::2])
    ]
    assert not missing


def _exists(file: str, test: str) -> bool:
    path = ROOT / file
    name = test.partition("[")[0]
    return path.exists() and (not name or f"def {name}(" in path.read_text(encoding="utf-8"))
