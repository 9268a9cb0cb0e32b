"""What stands between a draft and its first cent, on the web."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from jobs import intents
from jobs.db import reading, transaction
from jobs.reports import job_report
from jobs.spending import limits
from jobs.tables import Work
from tests.webapp import campaign
from tests.webapp.browsing import launched, sign_in
from tests.webapp.test_api import Program, code


def state(app: Flask, job_id: int) -> str:
    with reading(app.extensions["hitworks"].sessions) as session:
        return job_report(session, job_id).summary.state


def test_the_gate_names_environment_payer_and_amounts_and_changes_nothing(app: Flask) -> None:
    client = sign_in(app)
    assert "/jobs/2/gate" in client.get("/jobs/2/review").text
    page = client.get("/jobs/2/gate").text
    assert "Environment: local" in page
    assert "is posted there at once" in page
    assert "mturk" in page
    assert "launched already" in client.get("/jobs/1/gate").text
    assert state(app, 2) == "draft"


def test_a_budget_that_is_too_small_says_what_is_missing_and_nothing_is_launched(
    app: Flask,
) -> None:
    client = sign_in(app)
    assert client.post("/jobs/2/budget", data={"budget": "1"}).status_code == 302
    assert "is missing" in client.get("/jobs/2/gate").text
    assert "The budget lacks $" in client.get("/jobs/2/review").text
    answer = client.post("/jobs/2/launch")
    assert answer.status_code == 422
    assert "is missing" in answer.text
    assert state(app, 2) == "draft"


def test_the_cap_of_all_jobs_is_part_of_the_gate(app: Flask) -> None:
    with transaction(app.extensions["hitworks"].sessions) as session:
        limits.set_limits(
            session, "local", cap_micros=30_000_000, hourly_micros=None,
            actor="admin@example.org", now=campaign.NOW,
        )  # fmt: skip
    client = sign_in(app)
    assert "left under the cap of all local jobs" in client.get("/jobs/2/gate").text


def test_real_money_is_refused_while_nobody_can_say_who_pays(app: Flask) -> None:
    client = sign_in(app)
    page = client.get("/jobs/3/gate").text
    assert "Environment: production" in page
    assert "nobody could say who pays" in page
    assert client.post("/jobs/3/launch", data={"confirm": "Real money"}).status_code == 422
    assert state(app, 3) == "draft"


def test_a_launch_is_made_once(app: Flask) -> None:
    client = sign_in(app)
    assert [client.post("/jobs/2/launch").status_code for _ in range(2)] == [302, 409]
    assert state(app, 2) == "launching"
    assert launched(app, 2) == "running"
    assert client.post("/jobs/2/launch").status_code == 409


def test_the_page_tells_how_far_a_launch_is_and_moves_on_by_itself(app: Flask) -> None:
    client = sign_in(app)
    client.post("/jobs/2/launch")
    page = client.get("/jobs/2").text
    assert "Preparing HITs" in page
    assert "/jobs/2/launching" in page
    part = client.get("/jobs/2/launching")
    assert "Waiting for a background worker" in part.text
    assert "HX-Refresh" not in part.headers
    assert launched(app, 2) == "running"
    assert client.get("/jobs/2/launching").headers["HX-Refresh"] == "true"
    assert "Preparing HITs" not in client.get("/jobs/2").text


def test_a_launch_that_was_not_carried_out_says_why_and_can_be_repeated(app: Flask) -> None:
    client, program = sign_in(app), Program(app)
    client.post("/jobs/2/launch")
    assert program.send("/jobs/2/budget", {"budget": "1", "key": "less"}, "PUT").status_code == 200
    assert launched(app, 2) == "draft"
    page = client.get("/jobs/2").text
    assert "The launch was not carried out" in page
    assert "the budget is $1.00" in page
    told = program.get("/jobs/2").json["launch"]  # type: ignore[index]
    assert told["state"] == "refused"
    assert "is missing" in told["problem"]
    assert client.post("/jobs/2/budget", data={"budget": "500"}).status_code == 302
    assert client.post("/jobs/2/launch").status_code == 302
    assert launched(app, 2) == "running"


def test_nothing_is_launched_while_paid_calls_are_paused(app: Flask) -> None:
    with transaction(app.extensions["hitworks"].sessions) as session:
        intents.set_pause(session, True, reason="lunch", actor="ada", now=campaign.NOW)
    client = sign_in(app)
    assert "paused by ada: lunch" in client.get("/jobs/2/gate").text
    refused = client.post("/jobs/2/launch")
    assert refused.status_code == 409
    assert "paused by ada: lunch" in refused.text
    answer = Program(app).send("/jobs/2/launch")
    assert (answer.status_code, code(answer)) == (409, "paused")
    assert state(app, 2) == "draft"


def test_a_launch_that_gave_up_is_asked_for_again_on_its_page(app: Flask) -> None:
    client = sign_in(app)
    client.post("/jobs/2/launch")
    with transaction(app.extensions["hitworks"].sessions) as session:
        row = session.scalars(select(Work).where(Work.key == "launch_job:2")).one()
        row.state, row.error = "needs_person", "Oops: the disk is full"
    page = client.get("/jobs/2").text
    assert "The launch stands still" in page
    assert "Oops: the disk is full" in page
    assert client.post("/jobs/2/launch").status_code == 302
    assert launched(app, 2) == "running"


def test_a_launch_under_way_can_be_stopped_for_good(app: Flask) -> None:
    client = sign_in(app)
    client.post("/jobs/2/launch")
    assert "/jobs/2/stop" in client.get("/jobs/2").text
    assert client.post("/jobs/2/stop").status_code == 302
    assert launched(app, 2) == "cancelled"
