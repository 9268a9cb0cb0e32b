"""``hitworks db backup`` and ``restore`` as a person runs them."""

from __future__ import annotations

import json

import pytest

from jobs.db import open_engine, open_sessions, transaction
from jobs.tables import Worker
from tests.factories import NOW
from webapp import cli


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """What a command printed, on either stream, after it ended with ``code``."""
    monkeypatch.setenv("HITWORKS_DATA_DIR", str(tmp_path / "data"))

    def said(*arguments: str, code: int = 0) -> str:
        ended = 0
        try:
            cli.main(list(arguments))
        except SystemExit as error:
            ended = error.code or 0
        printed = capsys.readouterr()
        assert ended == code, printed
        return printed.out + printed.err

    return said


def add_worker(tmp_path, name: str) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'data' / 'hitworks.sqlite'}")
    with transaction(open_sessions(engine)) as session:
        session.add(Worker(provider="mturk", provider_worker_id=name, created_at=NOW))
    engine.dispose()


def test_a_backup_comes_back_and_paid_calls_wait_for_reconciling(run, tmp_path):
    run("db", "upgrade")
    add_worker(tmp_path, "first")
    file = str(tmp_path / "hitworks.backup")
    made = json.loads(run("db", "backup", file, "--json"))
    assert (made["rows"]["worker"], made["pictures"]) == (1, "included")
    add_worker(tmp_path, "second")
    assert "--replace" in run("db", "restore", file, code=2)
    assert "exists already" in run("db", "backup", file, code=2)
    said = run("db", "restore", file, "--replace")
    assert "run: hitworks ledger reconcile" in said
    assert "0 differences" in run("ledger", "reconcile")
    assert json.loads(run("db", "status", "--json"))["is_current"]


def test_a_file_that_is_no_backup_is_named(run, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("no backup")
    assert "notes.txt: expected a whole backup of ours" in run("db", "restore", str(file), code=2)
    run("db", "restore", str(tmp_path / "missing"), code=2)


@pytest.mark.parametrize("command", [("status",), ("backup", "new.backup")])
def test_without_a_data_folder_one_line_says_so(run, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    assert "database: cannot be opened" in run("db", *command, code=2)
    assert not (tmp_path / "new.backup").exists()


def test_an_older_state_brought_back_by_other_means_is_marked(run):
    run("db", "upgrade")
    assert "run: hitworks ledger reconcile" in run("db", "mark-restored")
    assert "0 differences" in run("ledger", "reconcile")
