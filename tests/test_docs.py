"""The documents name what there is, and point at what exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def test_the_reference_says_what_the_program_says() -> None:
    program = "import write_reference as w; import sys; sys.stdout.write(w.reference())"
    said = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT}", "PATH": "", "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (ROOT / "docs/reference.md").read_text() == said, "run scripts/write_reference.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = [one for one in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in one]
    assert [one for one in links if not (page.parent / one).exists()] == []
    scripts = set(re.findall(r"(?<![\w/])scripts/[a-z_]+(?:\.py)?(?![\w/*<])", text))
    assert [one for one in scripts if not (ROOT / one).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_reachable_from_the_first_one(page: Path) -> None:
    if page.name == "README.md":
        return
    linked = (ROOT / "README.md").read_text()
    assert f"{page.name}" in linked


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(r"(tests/[\w/]+\.py)::(\w+)", page.read_text(encoding="utf-8"))
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).is_file()
        or f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert not missing


def test_the_tours_pictures_exist_and_are_small() -> None:
    text = (ROOT / "docs/tour.md").read_text()
    named = set(re.findall(r'(?:src|srcset)="(images/[^"]+)"', text))
    assert named == {f"images/{path.name}" for path in (ROOT / "docs/images").glob("tour-*")}
    assert all((ROOT / "docs" / name).stat().st_size <= 60_000 for name in named)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_in_yaml_and_json_can_be_read(page: Path) -> None:
    for kind, text in re.findall(r"^```(yaml|json)\n(.*?)^```", page.read_text(), re.M | re.S):
        assert yaml.safe_load(text), (page.name, kind)
