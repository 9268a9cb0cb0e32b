"""Money from the command line: further answers, calling in, limits, the switch; JSON too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from jobs import findings
from jobs.db import open_engine, open_sessions, transaction
from jobs.installation.migrating import upgrade
from jobs.settings import Settings
from jobs.tables import Extension, Hit
from tests.factories import NOW
from tests.jobs.lifecycle import Bench, Dial, open_bench
from webapp import cli
from webapp.marketplace.serving import serve

PRINTS_A_FILE = {"schema show", "template render", "template show"}  # the file itself
RUNS_ON = {
    "background run",
    "batch finish-rehearsal",
    "template finish-trial",
    "up",
    "web",
    "worker",
    "marketplace",
}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    folder = tmp_path / "data"
    folder.mkdir()
    engine = open_engine(Settings(data_dir=folder).database())
    upgrade(engine, NOW)
    dial = Dial(datetime.now(UTC))
    with serve(database_url=f"sqlite:///{tmp_path / 'market.sqlite'}", clock=dial) as market:
        yield open_bench(tmp_path, open_sessions(engine), market, dial)
    engine.dispose()


def ran(bench: Bench, *arguments: object, **more: Any) -> Result:
    command = [str(one) for one in arguments]
    return CliRunner().invoke(cli.hitworks, command, obj=bench.resources.settings, **more)


def told(bench: Bench, *arguments: object) -> Any:
    result = ran(bench, *arguments, "--json", catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_batch_is_extended_after_its_cost_was_shown(bench: Bench) -> None:
    job_id = bench.launch(n_items=2)
    bench.drain()
    asked = ran(bench, "batch", "extend", 1, 2, input="n\n")
    assert "2 more from 2 HITs, at most $0.24 of $49.76 left?" in asked.output
    assert bench.count(Extension) == 0
    found = told(bench, "batch", "extend", 1, 2, "--yes")
    assert (found["ordered"]["worst_micros"], found["result"]["n_extended"]) == (240_000, 2)
    assert [hit.max_assignments for hit in bench.ours(Hit)] == [4, 4]
    assert bench.job(job_id).held_micros == 480_000
    bench.check_books()


def test_one_hit_of_a_batch_is_extended_and_what_cannot_be_is_said(bench: Bench) -> None:
    bench.launch(n_items=2)
    bench.drain()
    told(bench, "batch", "extend", 1, 1, "--hit", 2, "--yes")
    assert [hit.max_assignments for hit in bench.ours(Hit)] == [2, 3]
    refused = ran(bench, "batch", "extend", 1, 9, "--yes")
    assert "HIT 1 stays as it is: a HIT made with fewer than 10" in refused.output
    assert "no HIT can be extended" in str(refused.exception)
    for wrong in (("batch", "extend", 9, 1), ("batch", "extend", 1, 1, "--hit", 77)):
        assert ran(bench, *wrong, "--yes").exception
    assert ran(bench, "batch", "extend", 1, 0, "--yes").exit_code == 2


def test_a_batch_is_called_in_once_asked(bench: Bench) -> None:
    bench.launch(n_items=2)
    bench.drain()
    assert ran(bench, "batch", "expire", 1, input="n\n").exit_code != 0
    assert {status for _, status in bench.market_hits()} == {"Assignable"}
    assert told(bench, "batch", "expire", 1, "--yes") == {"batch_id": 1, "n_expired": 2}
    told(bench, "batch", "expire", 1, "--yes")
    assert {status for _, status in bench.market_hits()} == {"Reviewable"}


def test_limits_are_set_shown_and_taken_away(bench: Bench) -> None:
    found = told(bench, "ledger", "limit", "production", "--cap", "100", "--hourly", "5.50")
    assert (found[0]["cap_micros"], found[0]["hourly_micros"]) == (100_000_000, 5_500_000)
    (after,) = told(bench, "ledger", "limit", "production", "--hourly", "none")
    assert (after["cap_micros"], after["hourly_micros"]) == (100_000_000, None)
    assert "$100.00" in ran(bench, "ledger", "limit").output
    assert len(told(bench, "ledger", "limit")) == 3
    for wrong in (("--cap", "1"), ("moon", "--cap", "1"), ("local", "--cap", "-1")):
        assert ran(bench, "ledger", "limit", *wrong).exception


def test_paid_calls_go_on_only_without_open_findings(bench: Bench) -> None:
    assert told(bench, "ledger", "pause", "--reason", "look")["is_paused"] is True
    with transaction(bench.sessions) as session:
        findings.report(session, "odd", "HIT 7 is lost", NOW, None)
    refused = ran(bench, "ledger", "resume", "--reason", "done")
    assert "1: HIT 7 is lost" in str(refused.exception)
    assert told(bench, "ledger", "resolve", 1)["n_open_findings"] == 0
    assert told(bench, "ledger", "resume", "--reason", "done")["is_paused"] is False


def test_a_preview_says_what_a_launch_would_do_and_changes_nothing(bench: Bench) -> None:
    job_id = bench.create(n_items=2)
    found = told(bench, "job", "preview", job_id)
    assert found["payers"][0]["identity"]["account"] == "local"
    assert found["estimate"]["worst_micros"] == 240_000
    assert "account 'local'" in ran(bench, "job", "preview", job_id).output
    assert bench.job(job_id).state == "draft"


def test_jobs_are_paused_resumed_and_stopped_as_json(bench: Bench) -> None:
    job_id = bench.launch(n_items=1)
    assert told(bench, "job", "pause", job_id) == {"id": job_id, "state": "paused"}
    assert told(bench, "job", "resume", job_id)["state"] == "running"
    assert (
        told(bench, "ledger", "budget", job_id, "60", "--key", "k")["budget_micros"] == 60_000_000
    )
    assert told(bench, "job", "stop", job_id, "--yes")["n_batches"] == 1


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def test_every_command_can_answer_in_json() -> None:
    without = {
        name
        for name, command in commands(cli.hitworks)
        if not any(one.name == "as_json" for one in command.params)
    }
    assert without <= PRINTS_A_FILE | RUNS_ON
