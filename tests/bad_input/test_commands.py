"""Every command: what is not there, numbers that are none, help, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.bad_input.doors import JOB, House
from webapp import cli


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, by its words."""
    waiting: list[tuple[tuple[str, ...], click.Command]] = [((), cli.hitworks)]
    while waiting:
        words, command = waiting.pop()
        if isinstance(command, click.Group):
            waiting += [((*words, name), one) for name, one in command.commands.items()]
        else:
            yield words, command


COMMANDS = sorted(commands(), key=lambda found: found[0])
BY_ID = [
    words
    for words, command in COMMANDS
    if any(one.name in ("job_id", "batch_id") for one in command.params)
]
MORE = {
    ("batch", "dispose"): ("--yes",),
    ("batch", "expire"): ("--yes",),
    ("batch", "extend"): ("2", "--yes"),
    ("batch", "prolong"): ("--days", "3"),
    ("worker", "exclude"): ("W1", "--reason", "r"),
    ("worker", "grant"): ("W1", "q", "--reason", "r"),
    ("worker", "habits"): ("W1",),
    ("worker", "readmit"): ("W1", "--reason", "r"),
    ("worker", "standing"): ("W1",),
    ("worker", "warn"): ("W1", "--subject", "s", "--text", "t"),
    ("export", "write"): ("--format", "jsonl"),
    ("export", "count"): ("--format", "jsonl"),
    ("export", "again"): ("--snapshot", "x"),
    ("label", "adjudicate"): ("1", "--kind", "tags", "--value", "job.json", "--reason", "agreed",
                              "--version", "0"),
    ("label", "ask"): ("1", "--kind", "tags", "--note", "n", "--version", "0"),
    ("label", "decisions"): ("1",),
    ("label", "release"): ("1", "--kind", "tags"),
    ("label", "set-aside"): ("1", "--kind", "tags", "--reason", "private", "--version", "0"),
    ("label", "undo"): ("1", "--kind", "tags", "--version", "1"),
    ("label", "revert"): ("1", "--kind", "tags", "--version", "1"),
    ("label", "show"): ("1",),
    ("ledger", "budget"): ("5", "--key", "k"),
    ("job", "launch"): ("--yes",),
    ("job", "replan"): ("plan.json",),
    ("job", "stop"): ("--yes",),
}  # fmt: skip


@pytest.mark.parametrize("words", BY_ID, ids=" ".join)
def test_an_id_that_nothing_has_is_refused(house: House, words: tuple[str, ...]) -> None:
    house.write("job.json", "{}")
    house.write("plan.json", json.dumps(JOB))
    more = MORE.get(words, ())
    assert "999" in house.by_command(*words, "999", *more)
    for number in ("9" * 20, "0", "1.5", "1e9", "NaN", "true", "٣", "1_0"):
        assert number in house.by_command(*words, number, *more)


@pytest.mark.parametrize(
    "arguments",
    [
        ("job", "create", "nowhere"),
        ("schema", "save", "nowhere"),
        ("schema", "check", "nowhere"),
        ("schema", "show", "nowhere"),
        ("dataset", "import", "nowhere", "--name", "x"),
        ("dataset", "gold", "nowhere", "--name", "photos", "--schema", "things", "--format", "voc"),
        ("template", "lint", "nowhere"),
        ("template", "render", "nowhere", "--kind", "boxes", "--image", "http://x.example/a.jpg"),
        ("consensus", "tags", "nowhere", "--out", "x.csv"),
        ("consensus", "boxes", "nowhere", "--out", "x.csv"),
        ("agreement", "tags", "nowhere"),
        ("agreement", "boxes", "nowhere"),
    ],
)
def test_a_missing_file_is_named(house: House, arguments: tuple[str, ...]) -> None:
    assert "nowhere" in house.by_command(*arguments)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("job", "create", "pictures"), "pictures: expected a readable UTF-8 file"),
        (("job", "create", "pictures/0.png"), "0.png: expected a readable UTF-8 file"),
        (("job", "watch", "1", "--timeout", "nan"), "expected a number such as 0.5, got 'nan'"),
        (("job", "watch", "1", "--timeout", "-1"), "-1"),
        (("job", "watch", "1", "--timeout", "1e9"), "expected a number such as 0.5, got '1e9'"),
        (("ledger", "show", "1", "--limit", "٣"), "expected a whole number, got '٣'"),
        (("ledger", "show", "1", "--limit", "0"), "0"),
        (("agreement", "boxes", "schema.json", "--iou", "nan"), "expected a number such as 0.5"),
        (("agreement", "tags", "schema.json", "--seed", "-1"), "-1"),
        (("consensus", "tags", "tags.csv", "--out", "o.csv", "--method", "magic"), "expected one"),
        (("consensus", "tags", "tags.csv", "--out", "no/such/o.csv"), "no/such"),
        (("template", "render", "schema.json", "--kind", "tags", "--image", "javascript:1"),
         "image address: expected http or https"),
        (("template", "render", "schema.json", "--kind", "tags", "--image", "http://x.example/a",
          "--template", "fancy"), "template 'fancy': expected one of"),
        (("template", "render", "schema.json", "--kind", "tags", "--image", "http://x.example/a",
          "--attribute", "taste"), "has no attribute 'taste'"),
        (("template", "render", "schema.json", "--kind", "tags", "--image", "http://x.example/a",
          "--out", "no/such/x.html"), "no/such/x.html: No such file or directory"),
        (("export", "write", "1", "--format", "jsonl", "--out", "schema.json/x"),
         "schema.json/x: Not a directory"),
        (("user", "add", "nobody", "--name", "A", "--password", "long enough, surely"), "email"),
        (("user", "token", "no@example.org", "--name", "t"), "no@example.org"),
        (("--data-dir", "schema.json", "job", "list"), "schema.json"),
        (("--data-dir", "schema.json/x", "job", "list"), "schema.json/x: Not a directory"),
        (("--data-dir", "broken", "job", "list"), "database: cannot be opened: file is not"),
        (("job", "tango"), "tango"),
        (("job", "list", "--tango"), "--tango"),
    ],
)  # fmt: skip
def test_what_a_command_cannot_use_is_one_message(
    house: House, arguments: tuple[str, ...], told: str
) -> None:
    house.write("broken/hitworks.sqlite", "this is no database " * 99)
    house.write("tags.csv", "item,worker,label\na,w,x\n")
    assert told in house.by_command(*arguments)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("WEB_PORT", "abc", "HITWORKS_WEB_PORT: expected a whole number, got 'abc'"),
        ("POLL_SECONDS", "soon", "HITWORKS_POLL_SECONDS: expected a number, got 'soon'"),
        ("LOG_LEVEL", "loud", "HITWORKS_LOG_LEVEL: expected 'debug', 'info', 'warning' or"),
        ("BLOB_URL", "ftp://x", "HITWORKS_BLOB_URL: expected s3://bucket/prefix"),
        ("DATABASE_URL", "garbage", "database URL: expected one such as postgresql+psycopg://"),
        ("DATABASE_URL", "oracle://u:secret@h/x", "database URL: expected one such as"),
    ],
)
def test_a_setting_that_cannot_be_is_named(
    house: House, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(f"HITWORKS_{name}", value)
    message = house.by_command("dataset", "import", "pictures", "--name", "new")
    assert told in message
    assert "secret" not in message


@pytest.mark.parametrize(
    "arguments",
    [
        ("job", "show", "7"), ("job", "show", "seven"), ("job", "create", "nowhere"),
        ("job", "tango"), ("job", "show"), ("dataset", "import", "nowhere", "--name", "x"),
    ],
)  # fmt: skip
def test_errors_are_json_where_json_was_asked_for(house: House, arguments: tuple[str, ...]) -> None:
    assert json.loads(house.by_command(*arguments, "--json"))["error"]


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=[" ".join(one) for one, _ in COMMANDS])
def test_every_command_and_option_says_what_it_is_for(
    words: tuple[str, ...], command: click.Command
) -> None:
    result = CliRunner().invoke(cli.hitworks, [*words, "--help"])
    assert result.exit_code == 0
    assert result.output.startswith("Usage:")
    assert (command.help or "").rstrip().endswith(".")
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert [one.opts[0] for one in options if not one.help] == []


@pytest.mark.parametrize("words", [one for one, _ in COMMANDS if one[-1] in ("list", "formats")])
def test_every_list_is_there_as_json(house: House, words: tuple[str, ...]) -> None:
    more = (str(house.job_id()),) if words in BY_ID else ()
    house.capsys.readouterr()
    assert isinstance(house.told(*words, *more), (list, dict))


def test_help_is_shown_for_a_noun_alone(house: House) -> None:
    assert "Commands:" in house.by_command("job")
    assert "Commands:" in house.by_command()


def test_nothing_here_was_made_outside_the_folder(house: House) -> None:
    house.by_command("job", "create", "nowhere")
    assert not list(Path(house.folder).glob("*.sqlite"))
