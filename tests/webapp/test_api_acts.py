"""What pages do to running jobs, work, workers and the installation, done by a program."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from jobs.db import reading, transaction
from jobs.tables import Assignment, Batch, Hit, Intent, LetterCopy, StandingChange, Work, Worker
from tests.webapp.browsing import sign_in
from tests.webapp.campaign import NOW
from tests.webapp.test_api import JOB, Program, code


def _sessions(app: Flask):  # type: ignore[no-untyped-def]
    return app.extensions["hitworks"].sessions


def _count(app: Flask, table: type, *where: object) -> int:
    with reading(_sessions(app)) as session:
        return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


def _worker(app: Flask, known: str) -> int:
    with reading(_sessions(app)) as session:
        found = session.scalar(select(Worker.id).where(Worker.provider_worker_id == known))
    assert found is not None
    return found


@pytest.fixture
def undecided(app: Flask) -> int:
    """An assignment that waits for its decision."""
    with transaction(_sessions(app)) as session:
        row = session.scalars(select(Assignment).order_by(Assignment.id)).first()
        assert row is not None
        row.state, row.decision, row.decided_by, row.decision_reason = "Submitted", None, "", ""
        return row.id


def test_work_is_paid_once_and_a_second_decision_is_refused(app: Flask, undecided: int) -> None:
    program = Program(app)
    seen = program.get("/jobs/1/assignments?state=Submitted").json
    assert seen is not None and [row["id"] for row in seen["rows"]] == [undecided]
    paid = program.send(f"/assignments/{undecided}/approve", {})
    assert paid.json is not None and paid.json["assignment"]["decision"] == "approve"
    again = program.send(f"/assignments/{undecided}/reject", {"reason": "late"})
    assert (again.status_code, code(again)) == (409, "conflict")


def test_work_is_refused_only_on_purpose_where_nothing_speaks_against_it(
    app: Flask, undecided: int
) -> None:
    program = Program(app)
    seen = program.get(f"/assignments/{undecided}/reject").json
    assert seen is not None and seen["n_assignments"] == 1
    with transaction(_sessions(app)) as session:
        session.get_one(Assignment, undecided).worker_id = _worker(app, "A1MAYA")
    body = {"reason": "The boxes are empty."}
    assert program.send(f"/assignments/{undecided}/reject", body).status_code == 409
    done = program.send(f"/assignments/{undecided}/reject", {**body, "without_evidence": True})
    assert done.json is not None and done.json["assignment"]["decision"] == "reject"


def test_a_person_pays_and_refuses_on_the_pages_after_a_look(app: Flask, undecided: int) -> None:
    client = sign_in(app)
    assert f"/assignments/{undecided}/reject" in client.get("/jobs/1/assignments").text
    seen = client.get(f"/assignments/{undecided}/reject").text
    assert "Approved of all their work for you" in seen
    assert client.post(f"/assignments/{undecided}/reject", data={}).status_code == 422
    assert "paid from what is held" in client.get(f"/assignments/{undecided}/approve").text
    assert client.post(f"/assignments/{undecided}/approve", data={}).status_code == 302
    assert client.post(f"/assignments/{undecided}/approve", data={}).status_code == 409
    assert client.get(f"/assignments/{undecided}/approve").status_code == 409


def test_a_bonus_is_paid_once_under_one_key(app: Flask) -> None:
    program = Program(app)
    body = {"amount": "0.25", "reason": "Careful work", "key": "june"}
    for _ in range(2):
        assert program.send("/assignments/1/bonus", body).status_code == 202
    assert _count(app, Intent, Intent.operation == "SendBonus") == 1
    other = program.send("/assignments/1/bonus", {**body, "amount": "0.50"})
    assert code(other) == "conflict"


def test_workers_are_looked_at_kept_out_let_in_and_written_to(app: Flask) -> None:
    program, worker = Program(app), _worker(app, "A5ZOE")
    place = f"/jobs/1/workers/{worker}"
    assert program.get(f"{place}/habits").json["rows"]  # type: ignore[index]
    assert program.get(f"{place}/exclude").json["is_excluded"] is False  # type: ignore[index]
    for _ in range(2):
        kept_out = program.send(f"{place}/exclude", {"reason": "spam"}).json
        assert kept_out is not None and kept_out["is_excluded"] is True
    assert _count(app, StandingChange) == 1
    assert program.send(f"{place}/readmit", {"reason": "a mistake"}).status_code == 200
    score = {"name": "boxes", "value": 3, "reason": "a test"}
    rows = program.send(f"{place}/qualify", score).json["rows"]  # type: ignore[index]
    assert (rows[0]["name"], rows[0]["value"]) == ("boxes", 3)
    assert len(program.get(f"{place}/standing").json["rows"]) == 3  # type: ignore[index]
    for _ in range(2):
        letter = {"subject": "Boxes", "text": "Please draw tightly."}
        assert program.send(f"{place}/letters", letter).status_code == 202
    assert _count(app, LetterCopy) == 1


def test_batches_are_called_in_extended_and_kept_open(app: Flask) -> None:
    program = Program(app)
    with transaction(_sessions(app)) as session:
        for hit in session.scalars(select(Hit).where(Hit.batch_id == 1)):
            hit.expires_at = NOW + timedelta(days=1)
    rows = program.get("/jobs/1/batches").json["rows"]  # type: ignore[index]
    assert len(rows) == _count(app, Batch, Batch.job_id == 1)
    until = {"until": (NOW + timedelta(days=9)).isoformat()}
    for _ in range(2):
        assert program.send("/batches/1/prolong", until).json["n"] > 0  # type: ignore[index]
    assert _count(app, Intent, Intent.key.startswith("prolong:")) == 1
    assert code(program.send("/batches/1/prolong", {"until": "2026-03-09"})) == "invalid_input"
    seen = program.get("/batches/1/extend?n_more=1").json
    assert seen is not None and seen["worst_micros"] > 0
    assert program.send("/batches/1/extend", {"n_more": 1}).status_code == 202
    assert program.send("/batches/1/expire").status_code == 202
    assert _count(app, Work, Work.key == "expire_batch:1") == 1


def test_a_jobs_terms_and_a_drafts_plan_change(app: Flask) -> None:
    program = Program(app)
    seen = program.send("/jobs/1", {"sure_at": 0.5, "review": "screen"}, "PATCH").json
    assert seen is not None and [one[0] for one in seen["changes"]] == ["sure_at", "review"]
    assert program.send("/jobs/1", {"sure_at": 0.5}, "PATCH").json["changes"] == []  # type: ignore[index]
    assert code(program.send("/jobs/2", {"name": "x"}, "PATCH")) == "conflict"
    plan = {**JOB, "name": "A draft", "budget": "30.00"}
    changed = program.send("/jobs/2/plan", plan, "PUT").json
    assert changed is not None and changed["summary"]["budget_micros"] == 30_000_000
    assert program.get("/jobs/2/plan").json["name"] == "A draft"  # type: ignore[index]
    assert code(program.send("/jobs/1/plan", plan, "PUT")) == "conflict"
    progress = program.get("/jobs/1/progress").json
    assert progress is not None and progress["spending"][0]["points"]
    totals = program.get("/jobs/1/ledger/totals").json
    assert totals is not None and {"routes", "days", "workers"} == set(totals)


def test_no_call_takes_a_job_to_another_venue_once_it_is_made(app: Flask) -> None:
    program = Program(app)
    before = program.get("/jobs/1").json
    for odd in (
        {"environment": "production"}, {"mode": "production"}, {"endpoint_url": "http://evil"},
        {"sure_at": 0.5, "environment": "sandbox"}, {"routes": []}, {"budget": "9"},
    ):  # fmt: skip
        assert program.send("/jobs/1", odd, "PATCH").status_code == 422, odd
        assert program.send("/jobs/2/plan", {**JOB, **odd, "seed": "x"}, "PUT").status_code == 422
    assert program.get("/jobs/1").json == before
    elsewhere = {**JOB, "name": "A draft", "environment": "production"}
    program.send("/jobs/2/plan", elsewhere, "PUT")
    assert program.get("/jobs/2").json["summary"]["environment"] == "local"  # type: ignore[index]
    for address in ("/installation", "/installation/settings", "/settings", "/settings/local"):
        for method in ("PUT", "PATCH", "POST"):
            sent = program.send(address, {"mturk_local_url": "http://evil"}, method)
            assert sent.status_code in (404, 405), (method, address)


def test_paid_calls_are_stopped_and_go_on_and_limits_are_set(app: Flask) -> None:
    program = Program(app)
    paused = program.send("/installation/pause", {"reason": "a look"}).json
    assert paused is not None and paused["switch"]["is_on"] is True
    going = program.send("/installation/resume", {"reason": "all well"}).json
    assert going is not None and going["switch"]["is_on"] is False
    limits = {"cap": "500", "hourly": None}
    made = program.send("/installation/limits/production", limits, "PUT").json
    assert made is not None and (made["cap_micros"], made["hourly_micros"]) == (500_000_000, None)
    assert program.send("/installation/limits/mars", limits, "PUT").status_code == 404
    assert program.get("/findings").json["rows"] == []  # type: ignore[index]
    assert program.send("/findings/reconcile").status_code == 202
    assert program.send("/findings/1/resolve", {"note": "seen"}).status_code == 404


def test_people_are_added_changed_and_given_passwords_told_once(app: Flask) -> None:
    program = Program(app, "admin")
    program.headers["Idempotency-Key"] = "add-zoe"
    body = {"email": "zoe@example.org", "name": "Zoe", "role": "adjudicator"}
    made, again = program.send("/people", body).json, program.send("/people", body).json
    assert made is not None and again is not None
    assert len(made["password"]) >= 12
    assert (again["person"], again["password"]) == (made["person"], None)
    del program.headers["Idempotency-Key"]
    number = made["person"]["id"]
    change = {"role": "manager", "is_active": False}
    closed = program.send(f"/people/{number}", change, "PATCH").json
    assert closed is not None and (closed["role"], closed["is_active"]) == ("manager", False)
    fresh = program.send(f"/people/{number}/password").json
    assert fresh is not None and fresh["password"] != made["password"]
    assert "password" not in str(program.get("/people").json)
    assert Program(app, "manager").get("/people").status_code == 403
    assert Program(app, "admin", ("read", "write", "spend")).get("/people").status_code == 403
