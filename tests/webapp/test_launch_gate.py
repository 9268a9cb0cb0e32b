"""What stands between a draft and its first cent, on the web."""

from __future__ import annotations

from flask import Flask

from jobs.db import reading, transaction
from jobs.reports import job_report
from jobs.spending import limits
from tests.webapp import campaign
from tests.webapp.browsing import sign_in


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
    assert state(app, 2) == "running"
