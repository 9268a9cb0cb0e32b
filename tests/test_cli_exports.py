"""``hitworks export``: written, counted, listed and made again from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.db import open_engine, open_sessions
from jobs.exporting.files import sha256_of
from jobs.installation.migrating import upgrade
from jobs.resources import open_resources
from jobs.settings import Settings
from tests.factories import NOW
from tests.jobs.exporting_bench import Exporting
from tests.jobs.lifecycle import Dial
from webapp import cli

Run = Callable[..., Any]


@pytest.fixture
def labeled(tmp_path: Path) -> Exporting:
    """A data folder whose one job has labels of three photos."""
    settings = Settings(data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    engine = open_engine(settings.database())
    upgrade(engine, NOW)
    dial = Dial()
    made = Exporting(open_resources(settings, open_sessions(engine), dial), dial)
    assert made.job() == 1
    return made


@pytest.fixture
def told(labeled: Exporting, capsys: pytest.CaptureFixture[str]) -> Run:
    """What a command of ``export`` prints as JSON; or, refused, its message."""

    def run(*arguments: str, code: int = 0) -> Any:
        command = ["--data-dir", str(labeled.resources.settings.data_dir), "export", *arguments]
        if code:
            with pytest.raises(SystemExit) as ended:
                cli.main(command)
            assert ended.value.code == code
            return capsys.readouterr().err
        cli.main([*command, "--json"])
        return json.loads(capsys.readouterr().out)

    return run


def test_a_snapshot_is_written_copied_and_made_again(
    labeled: Exporting, told: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    made = told("write", "1", "--format", "coco", "--snapshot", "June", "--out", str(out))
    path = Path(made["path"])
    data = path.read_bytes()
    assert [each.name for each in out.iterdir()] == [path.name]
    assert (made["snapshot"], made["n_labels"], made["n_bytes"]) == ("June", 6, len(data))
    assert sha256_of(path) == made["sha256"]
    labeled.change(1, "photo-0.jpg", "tags", {"tags": {"colour": "blue"}}, 2)
    path.unlink()
    (labeled.folder / path.name).unlink()
    again = told("again", "1", "--snapshot", "June", "--out", str(out))
    assert {**again, "path": ""} == {**made, "path": ""}
    assert path.read_bytes() == data
    (row,) = told("list", "1")
    assert (row["name"], row["state"], row["sha256"]) == ("June", "done", made["sha256"])
    assert row["checked_at"]


def test_filters_and_extras_reach_the_file(told: Run) -> None:
    chosen = ("--kind", "boxes", "--class", "dog", "--tag", "colour=red", "--min-confidence", "0.5")
    assert told("count", "1", "--format", "jsonl", *chosen) == {"n_labels": 3, "n_final": 6}
    made = told("write", "1", "--format", "jsonl", *chosen, "--without", "licence")
    lines = Path(made["path"]).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    assert all({box["label"] for box in json.loads(line)["value"]["boxes"]} == {"dog"}
               for line in lines)  # fmt: skip
    assert "licence" not in lines[0]
    assert told("count", "1", "--format", "jsonl", "--only-decided")["n_labels"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("write", "1", "--format", "coco", "--class", "unicorn"), "class 'unicorn': expected one"),
        (("write", "1", "--format", "coco", "--tag", "colour=pink"), "tag 'colour=pink': expected"),
        (("count", "1", "--format", "voc", "--kind", "tags"), "kind: expected boxes"),
        (("write", "1", "--format", "coco", "--with-images"), "images: format coco has no room"),
        (("write", "1", "--format", "coco", "--min-confidence", "2"), "2"),
        (("write", "1", "--format", "coco", "--without", "licenses"), "licenses"),
        (("write", "1", "--format", "coco", "--only-decided"), "the filters leave no labels"),
        (("write", "7", "--format", "coco"), "job 7: no such job"),
        (("again", "1", "--snapshot", "never"), "job 1 has no export named 'never'"),
    ],
)
def test_what_cannot_be_exported_ends_with_code_2(
    labeled: Exporting, told: Run, arguments: tuple[str, ...], message: str
) -> None:
    assert message in told(*arguments, code=2)
    assert told("list", "1") == []
    assert not labeled.folder.exists()


def test_a_name_is_used_once_and_a_failure_says_why(labeled: Exporting, told: Run) -> None:
    told("write", "1", "--format", "csv_tags", "--snapshot", "June")
    again = told("write", "1", "--format", "voc", "--snapshot", "June", code=2)
    assert "choose another name" in again
    missing = told("write", "1", "--format", "voc", "--with-images", code=2)
    assert "no such image" in missing
    assert told("list", "1")[0]["state"] == "failed"
