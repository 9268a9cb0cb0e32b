"""The ``hitworks`` command: from images to a launched job, and what it says to bad input."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from webapp import cli

ROOT = Path(__file__).parents[1]
SCHEMA = """
name: things
classes: [cat, cup]
attributes:
  - {name: light, kind: one, options: [dark, normal, bright]}
"""
JOB = """
name: first
dataset: photos
schema: things
budget: 5.00
routes:
  - provider: model
    kind: tags
    attributes: [light]
    tasks_per_hit: 4
    options:
      tagger: photometry
      tagger_options: {attributes: {light: {measure: brightness}}}
  - {provider: mturk, kind: boxes, redundancy: 2, reward: 0.05}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HITWORKS_DATA_DIR", str(tmp_path / "data"))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        Image.new("RGB", (64, 48), (80 * number, 10, 10)).save(pictures / f"{number}.png")
    (tmp_path / "schema.yaml").write_text(SCHEMA)
    (tmp_path / "job.yaml").write_text(JOB)
    return tmp_path


def told(*arguments: str) -> Any:
    """What a command prints as JSON."""
    result = CliRunner().invoke(cli.hitworks, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def said(*arguments: str) -> str:
    result = CliRunner().invoke(cli.hitworks, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The message of a command that must end with exit code 2."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    assert ended.value.code == cli.BAD_INPUT
    return capsys.readouterr().err


def prepared() -> int:
    """A draft job; its id."""
    told("dataset", "import", "pictures", "--name", "photos")
    told("schema", "save", "schema.yaml")
    return int(told("job", "create", "job.yaml")["id"])


def read_terminal(ours: int) -> str:
    """All that a process draws on the terminal, until it ends."""
    drawn = b""
    with suppress(OSError), open(ours, "rb", buffering=0) as terminal:  # EIO when it has gone
        while part := terminal.read(4096):
            drawn += part
    return drawn.decode()


def test_a_job_goes_from_images_to_launch_by_commands(folder: Path) -> None:
    report = told("dataset", "import", "pictures", "--name", "photos")
    assert (report["n_rows"], report["n_accepted"], report["n_refused"]) == (3, 3, 0)
    again = told("dataset", "import", "pictures", "--name", "photos")
    assert (again["n_rows"], again["n_accepted"], again["n_refused"]) == (3, 0, 3)
    assert told("schema", "save", "schema.yaml")["version"] == 1
    assert told("schema", "save", "schema.yaml")["version"] == 1
    job_id = str(told("job", "create", "job.yaml")["id"])
    estimate = told("job", "estimate", job_id)
    assert 0 < estimate["likely_micros"] <= estimate["worst_micros"] <= 5_000_000
    told("job", "launch", job_id, "--yes")
    (job,) = told("job", "list")
    assert job["state"] == "running"
    assert len(told("batch", "list", job_id)) == 2
    assert {row["state"] for row in told("background", "list")} == {"ready"}
    assert told("job", "show", job_id)["summary"]["n_labels"] == 0
    assert told("ledger", "check") == {"differences": [], "findings": []}
    assert told("dataset", "list")[0]["n_items"] == 3
    assert [one["n_accepted"] for one in told("dataset", "imports", "photos")] == [0, 3]
    report = told("dataset", "report", "2", "--refused", "refused.csv")
    assert report["facts"]["faults"] == {"duplicate": 3}
    assert len((folder / "refused.csv").read_text().splitlines()) == 4
    said("job", "pause", job_id)
    assert told("job", "list")[0]["state"] == "paused"
    said("job", "resume", job_id)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_launch_shows_its_progress_on_a_terminal_and_nowhere_else(
    folder: Path, form: tuple[str, ...]
) -> None:
    job_id = prepared()
    launch = (sys.executable, "-m", "webapp.cli", "job", "launch", str(job_id), "--yes", *form)
    ours, theirs = pty.openpty()
    place = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(launch, stdout=subprocess.PIPE, stderr=theirs, env=place) as process:
        os.close(theirs)
        drawn = read_terminal(ours)
        printed, _ = process.communicate()
    assert process.returncode == 0
    assert ("Planning HITs" in drawn) is (not form)
    assert b"Planning HITs" not in printed
    assert told("job", "list")[0]["state"] == "running"


def test_a_launch_that_nobody_watches_draws_nothing(folder: Path) -> None:
    assert "Planning" not in said("job", "launch", str(prepared()), "--yes")


def test_an_archive_is_imported_and_leaves_nothing_unpacked(folder: Path) -> None:
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        for path in (folder / "pictures").iterdir():
            archive.write(path, f"in/{path.name}")
    report = told("dataset", "import", "photos.zip", "--name", "photos")
    assert (report["n_accepted"], report["n_refused"]) == (3, 0)
    assert not list((folder / "data" / "uploads").iterdir())


def test_every_reading_command_has_text_for_people(folder: Path) -> None:
    job_id = str(prepared())
    for command in (
        ("dataset", "list"),
        ("dataset", "formats"),
        ("schema", "list"),
        ("schema", "show", "things"),
        ("schema", "check", "schema.yaml"),
        ("job", "list"),
        ("job", "show", job_id),
        ("job", "estimate", job_id),
        ("batch", "list", job_id),
        ("worker", "list", job_id),
        ("label", "conflicts", job_id),
        ("label", "show", job_id, "1"),
        ("ledger", "show", job_id),
        ("ledger", "check"),
        ("export", "list", job_id),
        ("template", "list"),
        ("background", "list"),
        ("user", "list"),
        ("db", "status"),
    ):
        assert said(*command).strip(), command


def test_a_template_is_rendered_and_its_size_told(folder: Path) -> None:
    said("template", "render", "schema.yaml", "--kind", "tags", "--image", "http://x/a.jpg",
         "--out", "hit.html")  # fmt: skip
    assert "crowd-radio-button" in (folder / "hit.html").read_text()


def test_people_and_tokens_are_made(folder: Path) -> None:
    assert told("user", "first-run")["token"]
    said("user", "add", "a@b.example", "--name", "A", "--password", "long enough, surely")
    assert told("user", "list")[0]["email"] == "a@b.example"
    assert told("user", "token", "a@b.example", "--name", "ci")["secret"].startswith("hwk_")


def test_a_job_without_labels_has_nothing_to_export(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job_id = str(prepared())
    error = refused(capsys, "export", "write", job_id, "--format", "jsonl", "--out", "out")
    assert "no labels" in error
    assert list((folder / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("reward: 0.05", "reward: -0.05"), "reward"),
        (("redundancy: 2", "redundancy: 0"), "redundancy"),
        (("attributes: [light]", "attributes: [taste]"), "taste"),
        (("dataset: photos", "dataset: nowhere"), "nowhere"),
        (("schema: things", "schema: nothing"), "nothing"),
        (("provider: mturk", "provider: turk"), "turk"),
        (("budget: 5.00", "budget: lots"), "budget"),
        (("name: first", "name: [first"), "line 3"),
    ],
)
def test_a_wrong_job_file_is_refused_and_nothing_is_half_written(
    folder: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], message: str
) -> None:
    told("dataset", "import", "pictures", "--name", "photos")
    told("schema", "save", "schema.yaml")
    (folder / "job.yaml").write_text(JOB.replace(*change))
    assert message in refused(capsys, "job", "create", "job.yaml")
    assert told("job", "list") == []


def test_a_budget_too_small_is_refused_with_the_missing_amount(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "job.yaml").write_text(JOB.replace("budget: 5.00", "budget: 0.10"))
    job_id = prepared()
    assert "$" in refused(capsys, "job", "launch", str(job_id), "--yes")
    (job,) = told("job", "list")
    assert (job["state"], job["held_micros"]) == ("draft", 0)
    assert told("background", "list") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dataset", "import", "nowhere", "--name", "x"), "nowhere"),
        (("dataset", "import", "job.yaml", "--name", "x", "--format", "tarot"), "tarot"),
        (("schema", "save", "job.yaml"), "routes"),
        (("schema", "save", "nowhere.yaml"), "nowhere.yaml"),
        (("job", "show", "7"), "7"),
        (("job", "launch", "seven"), "seven"),
        (("worker", "list"), "JOB_ID"),
        (("export", "write", "1", "--format", "tarot"), "tarot"),
        (("ledger", "budget", "1", "-5", "--key", "k"), "-5"),
        (("no-such-noun",), "no-such-noun"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    error = refused(capsys, *arguments)
    assert message in error
    assert "Traceback" not in error


def test_errors_are_json_too_where_json_was_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "7" in json.loads(refused(capsys, "job", "show", "7", "--json"))["error"]


def test_the_data_folder_can_be_named_on_the_command_line(folder: Path) -> None:
    result = CliRunner().invoke(cli.hitworks, ["--data-dir", "elsewhere", "job", "list"])
    assert result.exit_code == 0
    assert (folder / "elsewhere" / "hitworks.sqlite").is_file()
    assert not (folder / "data").exists()


def test_the_command_is_installed_under_its_name() -> None:
    text = Path(__file__).parents[1].joinpath("pyproject.toml").read_text()
    assert 'hitworks = "webapp.cli:main"' in text
    assert sys.modules["webapp.cli"].main is cli.main
