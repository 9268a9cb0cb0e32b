"""Decisions from the command line: work judged, bonuses paid, books compared; each once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jobs import findings
from jobs.db import Sessions, open_engine, open_sessions, transaction
from jobs.installation.migrating import upgrade
from jobs.planning import planning
from jobs.settings import Settings
from jobs.specs.job_specs import Policy, ReviewPolicy
from jobs.tables import Assignment, Finding, Intent, WorkerScore
from tests.factories import (
    NOW,
    make_answer,
    make_dataset,
    make_hits,
    make_job,
    make_route,
    make_worker,
)
from tests.jobs.lifecycle import Bench, Dial, open_bench
from webapp import cli
from webapp.marketplace.serving import serve
from webapp.marketplace.store import write
from webapp.marketplace.tables.work import Hit as MarketHit

BY_HAND = "review: {mode: screen}\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def sessions(settings: Settings) -> Iterator[Sessions]:
    """The very database that the commands of this test open."""
    settings.data_dir.mkdir()
    engine = open_engine(settings.database())
    upgrade(engine, NOW)
    yield open_sessions(engine)
    engine.dispose()


@pytest.fixture
def bench(tmp_path: Path, sessions: Sessions) -> Iterator[Bench]:
    """A marketplace whose time is the commands' own: today."""
    dial = Dial(datetime.now(UTC))
    with serve(database_url=f"sqlite:///{tmp_path / 'market.sqlite'}", clock=dial) as market:
        yield open_bench(tmp_path, sessions, market, dial)


@pytest.fixture
def submitted(sessions: Sessions) -> tuple[int, int]:
    """A job with two answers by Ben that wait for a person; its id and one assignment's."""
    with transaction(sessions) as session:
        items = make_dataset(session)
        policy = Policy(review=ReviewPolicy(mode="screen"))
        job = make_job(session, items, policy=policy)
        ben = make_worker(session, "ben")
        for hit in make_hits(session, make_route(session, job), items, state="posted"):
            answer = make_answer(session, hit, ben, {"tags": {"colour": "red"}}, state="Submitted")
        score = WorkerScore(
            job_id=job.id, worker_id=ben.id, kind="tags", n_answers=2, n_gold=4,
            gold_accuracy=0.25, gold_low=0.1, gold_high=0.4, consensus_accuracy=0.5,
            consensus_low=0.2, consensus_high=0.8, mean_seconds=8.0, details={}, computed_at=NOW,
        )  # fmt: skip
        session.add(score)
        session.flush()
        return job.id, answer.assignment_id


def ran(settings: Settings, *arguments: object, **more: Any) -> Result:
    command = [str(one) for one in arguments]
    return CliRunner().invoke(cli.hitworks, command, obj=settings, **more)


def told(settings: Settings, *arguments: object) -> Any:
    result = ran(settings, *arguments, "--json", catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(settings: Settings, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The message of a command that must end with exit code 2."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["--data-dir", str(settings.data_dir), *map(str, arguments)])
    assert ended.value.code == cli.BAD_INPUT
    return capsys.readouterr().err


def test_submitted_work_is_listed_with_the_evidence_about_its_worker(
    settings: Settings, submitted: tuple[int, int]
) -> None:
    job_id, assignment_id = submitted
    rows = told(settings, "assignment", "list", job_id)
    assert [row["provider_worker_id"] for row in rows] == ["ABEN", "ABEN"]
    assert {(row["state"], row["parse_state"], row["decision"]) for row in rows} == {
        ("Submitted", "parsed", "")
    }
    assert (rows[0]["n_gold"], rows[0]["gold_high"], rows[0]["consensus_low"]) == (4, 0.4, 0.2)
    after = told(settings, "assignment", "list", job_id, "--after", rows[0]["id"])
    assert [row["id"] for row in after] == [assignment_id]
    text = ran(settings, "assignment", "list", job_id).output
    assert "0.250 [0.100, 0.400] of 4" in text


def test_decided_work_waits_no_more(settings: Settings, submitted: tuple[int, int]) -> None:
    job_id, assignment_id = submitted
    assert len(told(settings, "assignment", "list", job_id, "--waiting")) == 2
    decided = told(settings, "assignment", "approve", assignment_id)
    assert (decided["decision"], decided["state"]) == ("approve", "Submitted")
    assert len(told(settings, "assignment", "list", job_id, "--waiting")) == 1
    assert told(settings, "background", "list")[0]["key"] == f"advance_job:{job_id}"


def test_a_rejection_shows_whom_it_touches_and_asks(
    settings: Settings, submitted: tuple[int, int]
) -> None:
    job_id, assignment_id = submitted
    reject = ("assignment", "reject", assignment_id, "--reason", "Every box is empty.")
    asked = ran(settings, *reject, input="n\n")
    assert asked.exit_code != 0
    assert "ABEN" in asked.output
    assert "$0.05" in asked.output
    assert len(told(settings, "assignment", "list", job_id, "--waiting")) == 2
    agreed = ran(settings, *reject, input="y\n", catch_exceptions=False)
    assert agreed.exit_code == 0
    (row,) = [one for one in told(settings, "assignment", "list", job_id) if one["decision"]]
    assert (row["id"], row["decision"]) == (assignment_id, "reject")
    assert row["decision_reason"] == "Every box is empty."
    assert row["decided_by"].startswith("cli:")


def test_work_is_not_rejected_on_a_look_alone_unless_that_is_meant(
    settings: Settings,
    sessions: Sessions,
    submitted: tuple[int, int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with transaction(sessions) as session:
        score = session.query(WorkerScore).one()
        score.gold_accuracy = score.gold_low = score.gold_high = None
    reject = ("assignment", "reject", submitted[1], "--reason", "No.", "--yes")
    assert "second kind of evidence" in refused(settings, capsys, *reject)
    meant = ran(settings, *reject, "--without-evidence", catch_exceptions=False)
    assert "Nothing measured speaks against this worker" in meant.output
    assert len(told(settings, "assignment", "list", submitted[0], "--waiting")) == 1


def test_a_rejection_can_be_seen_before_and_changes_nothing(
    settings: Settings, submitted: tuple[int, int]
) -> None:
    job_id, assignment_id = submitted
    reject = ("assignment", "reject", assignment_id, "--reason", "Every box is empty.")
    (worker,) = told(settings, *reject, "--preview")["workers"]
    assert (worker["lost_micros"], worker["assignment_ids"]) == (50_000, [assignment_id])
    assert [one["kind"] for one in worker["evidence"]] == ["known pictures"]
    assert len(told(settings, "assignment", "list", job_id, "--waiting")) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("assignment", "list", 77), "77"),
        (("assignment", "approve", 77), "77"),
        (("assignment", "reject", 1, "--yes"), "--reason"),
        (("assignment", "reject", 1, "--yes", "--reason", "  "), "must be told why"),
        (("worker", "bonus", 1, "0.10", "--reason", "Fine", "--yes"), "not decided yet"),
        (("worker", "bonus", 1, "-1", "--reason", "Fine", "--yes"), "-1"),
        (("worker", "bonus", 1, "0.001", "--reason", "Fine", "--yes"), "whole cents"),
        (("worker", "bonus", 77, "0.10", "--reason", "Fine", "--yes"), "77"),
        (("ledger", "resolve", 77), "77"),
        (("job", "stop", 77, "--yes"), "77"),
    ],
)
def test_bad_input_is_refused_and_decides_nothing(
    settings: Settings,
    submitted: tuple[int, int],
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[object, ...],
    message: str,
) -> None:
    assert message in refused(settings, capsys, *arguments)
    assert len(told(settings, "assignment", "list", submitted[0], "--waiting")) == 2


def test_findings_are_listed_and_closed_once(settings: Settings, sessions: Sessions) -> None:
    assert "no open findings" in ran(settings, "ledger", "findings").output
    with transaction(sessions) as session:
        findings.report(session, "reconcile:here", "HIT 7 is lost", NOW, None)
    (row,) = told(settings, "ledger", "findings")
    assert (row["message"], row["found_at"]) == ("HIT 7 is lost", NOW.isoformat())
    for _ in range(2):
        assert "0 open" in ran(settings, "ledger", "resolve", row["id"]).output
    assert told(settings, "ledger", "findings") == []


def test_a_stopped_job_is_not_stopped_again(
    settings: Settings, submitted: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    job_id = submitted[0]
    assert ran(settings, "job", "stop", job_id, input="n\n").exit_code != 0
    assert told(settings, "job", "list")[0]["state"] == "running"
    assert "1 batches" in ran(settings, "job", "stop", job_id, "--yes").output
    assert told(settings, "job", "list")[0]["state"] == "cancelled"
    assert "cancelled" in refused(settings, capsys, "job", "stop", job_id, "--yes")


def test_production_is_launched_only_by_the_name_of_the_job(
    settings: Settings,
    sessions: Sessions,
    bench: Bench,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    job_id = bench.create(name="real people", more="environment: production")
    launch = ("job", "launch", job_id, "--yes")
    assert "'real people'" in refused(settings, capsys, *launch)
    assert "'pets'" in refused(settings, capsys, *launch, "--confirm", "pets")
    assert bench.job(job_id).state == "draft"
    assert ran(settings, "job", "launch", job_id, input="pets\n").exit_code != 0
    assert bench.job(job_id).state == "draft"
    # The right name is not enough without credentials: nobody could say whose money it is.
    assert "who pays" in refused(settings, capsys, *launch, "--confirm", "real people")
    assert bench.job(job_id).state == "draft"
    with transaction(sessions) as session:
        place = bench.resources
        planning.launch(
            session, job_id, place.venues, place.blobs, NOW, "ada", confirmed="real people"
        )
    assert bench.job(job_id).state == "running"


def at_venue(bench: Bench, settings: Settings) -> Settings:
    """The settings of the test, with the bench's marketplace as the local venue."""
    return settings.model_copy(update={"mturk_local_url": bench.market.url})


def work_that_waits(bench: Bench) -> tuple[int, int, int]:
    """The job's id, and two assignments that no policy may decide: unreadable answers."""
    job_id = bench.launch(n_items=1, redundancy=2, more=BY_HAND)
    bench.drain()
    for name in ("ben", "cho"):
        assert bench.submit_raw(name, "nonsense")
    bench.settle_down(2)
    first, second = (row.id for row in bench.ours(Assignment))
    assert bench.count(Assignment, parse_state="unparsed", decision=None) == 2
    return job_id, first, second


def test_decisions_and_bonuses_take_effect_once_however_often_they_are_given(
    settings: Settings, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = at_venue(bench, settings)
    job_id, first, second = work_that_waits(bench)
    approve = ("assignment", "approve", first)
    reject = ("assignment", "reject", second, "--reason", "It is no answer.", "--yes")
    bonus = ("worker", "bonus", first, "0.10", "--reason", "Great boxes", "--yes")
    told(settings, *approve)
    told(settings, *reject)
    assert "decided" in refused(settings, capsys, *approve)
    assert "decided" in refused(settings, capsys, *reject)
    bench.settle_down()
    assert [row.state for row in bench.ours(Assignment)] == ["Approved", "Rejected"]
    assert "decided" in refused(settings, capsys, "assignment", "approve", second)
    undo = ("assignment", "reverse", second, "--reason", "It was our mistake.")
    assert told(settings, *undo, "--preview")["reward_micros"] == 50_000
    assert bench.count(Intent, operation="ApproveAssignment") == 1
    for _ in range(2):
        told(settings, *bonus)
        bench.settle_down()
        assert told(settings, *bonus)["amount_micros"] == 100_000
    assert "other parameters" in refused(
        settings, capsys, "worker", "bonus", first, "0.20", "--reason", "Great boxes", "--yes"
    )
    bench.settle_down()
    theirs = bench.spent_at_venue()
    assert (theirs.reward_cents, theirs.fee_cents) == (5, 1)
    assert (theirs.bonus_cents, theirs.bonus_fee_cents) == (10, 2)
    assert bench.count(Intent, operation="ApproveAssignment") == 1
    assert bench.count(Intent, operation="RejectAssignment") == 1
    assert bench.count(Intent, operation="SendBonus") == 1
    balances = told(settings, "ledger", "show", job_id)["balances"]
    assert (balances["reward"], balances["bonus"], balances["fee"]) == (50_000, 100_000, 30_000)
    assert told(settings, "ledger", "reconcile")["differences"] == {}


def test_reconciling_ends_with_1_while_a_finding_is_open(settings: Settings, bench: Bench) -> None:
    settings = at_venue(bench, settings)
    bench.dial.turn(hours=-1)
    bench.launch(n_items=1)
    bench.drain()
    clean = told(settings, "ledger", "reconcile")
    assert (clean["n_hits"], clean["differences"], clean["findings"]) == (1, {}, [])
    write(
        bench.market.market.sessions,
        lambda session: session.query(MarketHit).update(
            {"hit_id": "3" + "Z" * 29, "annotation": "", "status": "Disposed"}
        ),
    )
    for _ in range(2):
        found = ran(settings, "ledger", "reconcile", "--json", catch_exceptions=False)
        assert found.exit_code == 1
        assert len(json.loads(found.stdout)["findings"]) == 1
    assert bench.count(Finding) == 1
    (row,) = told(settings, "ledger", "findings")
    closed = ran(settings, "ledger", "resolve", row["id"])
    assert "paid calls are still stopped" in closed.output
    assert ran(settings, "ledger", "resume", "--reason", "looked into").exit_code == 0
