"""A draft rehearsed from its page: once at a time, in a process of its own, nothing posted."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from jobs.db import reading, transaction
from jobs.errors import NotFound
from jobs.rehearsals import saved
from jobs.tables import Hit, Rehearsal
from tests.webapp import campaign
from tests.webapp.browsing import sign_in

BEGUN = campaign.NOW + timedelta(hours=2)
SMALL = {"items": "4", "runs": "2"}


def n_rows(app: Flask, table: type) -> int:
    with reading(app.extensions["hitworks"].sessions) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def plan(app: Flask) -> int | None:
    with transaction(app.extensions["hitworks"].sessions) as session:
        return saved.plan_rehearsal(session, 2, actor="ada@example.org", now=BEGUN)


def test_a_draft_is_rehearsed_from_its_page_and_its_forecast_stays(app: Flask) -> None:
    client = sign_in(app)
    assert "/jobs/2/rehearsal" in client.get("/jobs/2/review").text
    assert "Rehearse" in client.get("/jobs/2/rehearsal").text
    n_hits = n_rows(app, Hit)
    assert client.post("/jobs/2/rehearse", data=SMALL).headers["Location"] == "/jobs/2/rehearse"
    page = ""
    for _ in range(600):
        page = client.get("/jobs/2/rehearsal").text
        if "hx-trigger" not in page:
            break
        time.sleep(0.5)
    for text in ("Cost", "Judgments an item", "Agreement", "Accuracy of tags", "Time from launch",
                 "At least", "2 rehearsals of 4 items", "Rehearse again"):  # fmt: skip
        assert text in page, page
    assert n_rows(app, Hit) == n_hits
    assert n_rows(app, Rehearsal) == 1


def test_a_second_press_begins_no_second_rehearsal(app: Flask) -> None:
    number = plan(app)
    assert number is not None
    assert plan(app) is None
    client = sign_in(app)
    answer = client.post("/jobs/2/rehearse", follow_redirects=True)
    assert "under way already" in answer.text
    assert n_rows(app, Rehearsal) == 1
    with transaction(app.extensions["hitworks"].sessions) as session:
        saved.note_progress(session, number, 3)
        saved.note_progress(session, number, 2)
    assert "3 of 5 runs done" in client.get("/jobs/2/rehearsal").text


def test_a_rehearsal_that_ended_is_left_as_it_is(app: Flask) -> None:
    number = plan(app)
    assert number is not None
    with transaction(app.extensions["hitworks"].sessions) as session:
        saved.end_rehearsal(session, number, campaign.NOW, None, "no <picture> could be read")
        assert saved.asked(session, number) is None
        saved.end_rehearsal(session, number, campaign.NOW, None, "said later")
    page = sign_in(app).get("/jobs/2/rehearsal").text
    assert "no &lt;picture&gt; could be read" in page
    assert plan(app) == number + 1


def test_one_whose_process_is_gone_counts_as_failed_after_an_hour(app: Flask) -> None:
    assert plan(app)
    later = BEGUN + saved.GIVEN_UP_AFTER + timedelta(seconds=1)
    with reading(app.extensions["hitworks"].sessions) as session:
        found = saved.newest(session, 2, later)
        assert found is not None
        assert (found.state, "start it again" in found.problem) == ("failed", True)
        with pytest.raises(NotFound):
            saved.asked(session, 99)


def test_only_a_draft_is_rehearsed(app: Flask) -> None:
    client = sign_in(app)
    assert client.post("/jobs/1/rehearse").status_code == 409
    assert client.post("/jobs/99/rehearse").status_code == 404
    for wrong in ({"items": "0"}, {"runs": "1"}, {"runs": "٣"}, {"items": "1e3"}):
        assert client.post("/jobs/2/rehearse", data=wrong).status_code == 422
    assert n_rows(app, Rehearsal) == 0
