"""`hitworks template lint`: findings for people and programs, and an exit code for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobs.cli.template import group

GOOD = Path(__file__).parents[2] / "hit_templates" / "boxes.html"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.html"
    path.write_text("<!DOCTYPE html>\n<html><body><input name='${a}'></body></html>", "utf-8")
    return path


def test_a_clean_template_exits_with_0() -> None:
    result = CliRunner().invoke(group, ["lint", str(GOOD)])
    assert (result.exit_code, "nothing to mend" in result.output) == (0, True)


def test_an_error_exits_with_1_and_says_place_reason_and_remedy(broken: Path) -> None:
    result = CliRunner().invoke(group, ["lint", str(broken)])
    assert result.exit_code == 1
    assert f"{broken}:1:1: error (no-form)" in result.output
    assert "Why: " in result.output
    assert "Mend: " in result.output


def test_findings_come_as_json_too(broken: Path, tmp_path: Path) -> None:
    data = tmp_path / "rows.csv"
    data.write_text("b\n1\n", "utf-8")
    result = CliRunner().invoke(group, ["lint", str(broken), "--data", str(data), "--json"])
    rules = {finding["rule"] for finding in json.loads(result.output)}
    assert rules >= {"no-form", "outside-form", "missing-variable", "extra-variable"}
