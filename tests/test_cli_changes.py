"""A job's terms and plan, the end of HITs, people and findings, changed by commands."""

from __future__ import annotations

import json

from jobs import findings
from jobs.db import transaction
from jobs.tables import Finding, Intent
from tests.jobs.lifecycle import JOB
from tests.test_cli_decisions import (  # noqa: F401 (fixtures are found by name)
    at_venue,
    bench,
    ran,
    refused,
    sessions,
    settings,
    told,
)


def test_terms_are_previewed_changed_and_left_alone_when_they_are_the_same(
    bench,  # noqa: F811
    settings,  # noqa: F811
    capsys,
):
    job_id = bench.launch()
    change = ("job", "change", job_id, "--sure-at", "0.9", "--review", "screen")
    assert len(told(settings, *change, "--preview")["changes"]) == 2
    assert len(told(settings, *change)["changes"]) == 2
    assert told(settings, *change)["changes"] == []
    rows = told(settings, "job", "changes", job_id)
    assert [(row["what"], row["before"], row["after"]) for row in rows] == [
        ("sure_at", "0.5", "0.9"),
        ("review", "approve", "screen"),
    ]
    assert "range" in refused(settings, capsys, "job", "change", job_id, "--sure-at", "2")


def test_pausing_resuming_and_stopping_are_told_with_who_did_it(bench, settings):  # noqa: F811
    job_id = bench.launch()
    told(settings, "job", "pause", job_id)
    told(settings, "job", "resume", job_id)
    told(settings, "job", "stop", job_id, "--yes")
    rows = told(settings, "job", "changes", job_id)
    assert [(row["what"], row["before"], row["after"]) for row in rows] == [
        ("state", "running", "paused"),
        ("state", "paused", "running"),
        ("state", "running", "cancelled"),
    ]
    assert {row["actor"].split(":")[0] for row in rows} == {"cli"}


def test_a_draft_takes_the_plan_of_another_file(bench, settings, tmp_path):  # noqa: F811
    job_id = bench.create()
    file = tmp_path / "job.yaml"
    file.write_text(
        JOB.format(
            name="cats", budget="9.00", provider="mturk", kind="tags", redundancy=1, reward="0.02",
            tasks_per_hit=1, options="{}", slicing="{gold_rate: 0}", more="",
        )
    )  # fmt: skip
    assert told(settings, "job", "replan", job_id, file)["name"] == "cats"
    assert bench.job(job_id).budget_micros == 9_000_000


def test_hits_are_kept_open_once(bench, settings):  # noqa: F811
    bench.launch()
    bench.drain()
    given = at_venue(bench, settings)
    assert told(given, "batch", "prolong", 1, "--days", "9")["n_prolonged"] == 2
    done = bench.ours(Intent, operation="UpdateExpirationForHIT", state="done")
    assert [one.attempts for one in done] == [0, 1, 1]  # the order, and a call for each HIT


def test_habits_and_totals_are_told(bench, settings):  # noqa: F811
    job_id = bench.launch(n_items=2, redundancy=2)
    bench.drain()
    bench.answer_all()
    bench.settle_down(2)
    rows = told(settings, "worker", "list", job_id)
    (habit,) = told(settings, "worker", "habits", job_id, rows[0]["worker_id"])
    assert habit["n_looked_at"] == 2
    assert "colour: 2 of 2 as settled" in ran(settings, "worker", "habits", job_id, 1).output
    totals = told(settings, "ledger", "totals", job_id)
    spent = sum(row["spent_micros"] for row in totals["days"])
    assert spent == bench.job(job_id).spent_micros > 0
    assert len(totals["workers"]) == 2


def test_people_and_their_tokens_are_changed_and_ended(settings):  # noqa: F811
    ran(
        settings,
        "user",
        "add",
        "ada@example.org",
        "--name",
        "Ada",
        "--role",
        "admin",
        "--password",
        "long enough for us",
    )
    ran(
        settings,
        "user",
        "add",
        "bob@example.org",
        "--name",
        "Bob",
        "--role",
        "manager",
        "--password",
        "long enough for us",
    )
    changed = told(settings, "user", "change", "bob@example.org", "--role", "annotator", "--closed")
    assert (changed["role"], changed["is_active"]) == ("annotator", False)
    assert len(told(settings, "user", "password", "bob@example.org")["password"]) >= 12
    told(settings, "user", "token", "ada@example.org", "--name", "nightly")
    (token,) = told(settings, "user", "tokens", "ada@example.org")
    assert token["revoked_at"] is None
    for _ in range(2):
        told(settings, "user", "revoke", "ada@example.org", token["id"])
    assert told(settings, "user", "tokens", "ada@example.org")[0]["revoked_at"]


def test_a_finding_is_resolved_with_what_was_found_out(bench, settings):  # noqa: F811
    with transaction(bench.sessions) as session:
        findings.report(session, "books:1", "They differ.", bench.dial(), None)
    assert told(settings, "ledger", "resolve", 1, "--note", "A refund.")["n_open_findings"] == 0
    (row,) = bench.ours(Finding)
    assert "A refund." in json.dumps(row.message)
