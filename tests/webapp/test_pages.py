"""What people see and do on the requester's pages."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from flask import Flask

from jobs.db import reading, transaction
from jobs.reports import job_report
from jobs.reports.conflicts import conflicts
from tests.webapp import campaign
from tests.webapp.browsing import launched, sign_in
from webapp.dashboards.jobs import MAX_STREAMS, open_streams

PAGES = (
    "/", "/jobs", "/jobs/1",
    "/jobs/1/spending", "/jobs/1/throughput", "/jobs/1/items?class=eye&tag=colour%3Dred&route=1",
    "/jobs/1/items", "/jobs/1/items?state=conflict",
    "/jobs/1/items?confidence=90&agreement=80&kind=boxes&worker=1&more=1", "/jobs/1/items/1",
    "/jobs/1/items/1/decide/boxes", "/jobs/1/items/5/decide/tags", "/jobs/1/workers",
    "/jobs/1/ledger", "/jobs/1/ledger.csv", "/jobs/1/exports", "/adjudicate", "/adjudicate?job=1",
    "/datasets", "/datasets/1", "/jobs/new", "/jobs/new/question?dataset=1",
    "/jobs/new/plan?dataset=1&schema=1", "/jobs/2/review", "/jobs/1/review",
    "/jobs/2/plan", "/jobs/2/money", "/jobs/2/rehearse", "/people",
    "/jobs/new/question?dataset=1&schema=1&draft=2",
    "/datasets/imports/1", "/datasets/imports/1/state", "/datasets/imports/1/refused.csv",
    "/account", "/jobs/1/workers/1", "/jobs/1/workers/1/exclude",
    "/jobs/1/workers/1/habits",
    "/jobs/1/workers/1/readmit", "/jobs/1/workers/1/grant", "/jobs/1/workers/1/warn",
    "/jobs/1/batches", "/jobs/2/batches",
    "/jobs/1/cap", "/jobs/1/terms", "/batches/1/prolong", "/batches/1/extend", "/batches/1/expire",
    "/jobs/2/rehearsal", "/jobs/1/rehearsal", "/jobs/2/gate", "/jobs/1/gate", "/findings",
    "/jobs/1/ledger?worker=A1MAYA&from=2026-03-01", "/jobs/1/assignments",
    "/jobs/1/assignments?state=Rejected", "/assignments/1/bonus",
    "/health", "/health/queue", "/healthz", "/jobs/1/ledger/totals",
    "/settings/limits/local", "/settings", "/settings/payers",
)  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_every_page_shows_itself(app: Flask, address: str) -> None:
    answer = sign_in(app, "admin").get(address)
    assert answer.status_code == 200, answer.text
    assert "None" not in re.sub(r"<[^>]*>", "", answer.text)


@pytest.mark.parametrize(
    "address",
    [
        "/jobs/999", "/jobs/999/items", "/jobs/1/items/999", "/jobs/999/ledger",
        "/jobs/999/workers",
        "/jobs/999/exports", "/jobs/1/exports/9/file", "/datasets/99", "/jobs/99999999999999999999",
        "/jobs/0", "/jobs/-1", "/jobs/1/items/1/decide/polygons", "/static../app.css",
        "/static/..%2f..%2fpyproject.toml", "/media/CON", "/console", "/jobs/1/events/x",
        "/thumbnails/320/../../etc/passwd", "/thumbnails/99999/aa/b.jpg",
    ],
)  # fmt: skip
def test_what_is_not_there_is_a_plain_404(app: Flask, address: str) -> None:
    assert sign_in(app, "admin").get(address).status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/jobs/1/items?after=x", "/jobs/1/items?after=-1", "/jobs/1/items?state=gone",
        "/jobs/1/items?confidence=200", "/jobs/1/items?confidence=%D9%A3", "/jobs/1/items?kind=%00",
        "/jobs/1/ledger?after=1e9", "/adjudicate?after=zzz", "/adjudicate?after=nan~1",
        "/jobs/1/items?after=" + "9" * 400, "/adjudicate?job=%ED%A0%80",
    ],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_a_422_with_words(app: Flask, address: str) -> None:
    answer = sign_in(app, "admin").get(address)
    assert answer.status_code == 422
    assert "expected" in answer.text


def test_pages_ask_a_fixed_number_of_questions_whatever_the_rows(app: Flask) -> None:
    from sqlalchemy import event

    client = sign_in(app, "admin")
    engine = app.extensions["hitworks"].sessions.kw["bind"]
    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    counts = []
    for address in ("/jobs/1/items", "/jobs/1/items?after=14", "/jobs/1/items?after=15"):
        seen.clear()
        client.get(address)
        counts.append(len(seen))
    assert counts[0] == counts[1] == counts[2]


def test_pausing_twice_pauses_once_and_says_so(app: Flask) -> None:
    client = sign_in(app)
    assert client.post("/jobs/1/state", data={"to": "paused"}).status_code == 302
    assert client.post("/jobs/1/state", data={"to": "paused"}).status_code == 409
    assert client.post("/jobs/1/state", data={"to": "running"}).status_code == 302
    assert client.post("/jobs/1/state", data={"to": "cancelled"}).status_code == 422
    page = client.get("/jobs/1").text
    assert page.count("<strong>State</strong> running → paused") == 1
    assert page.count("<strong>State</strong> paused → running") == 1


def test_a_job_is_stopped_after_a_look_at_what_that_does(app: Flask) -> None:
    client = sign_in(app)
    assert "cannot be undone" in client.get("/jobs/1/stop").text
    assert client.post("/jobs/1/stop").status_code == 302
    assert "<strong>State</strong> running → cancelled" in client.get("/jobs/1").text
    assert client.post("/jobs/1/state", data={"to": "running"}).status_code == 409


def test_the_pause_switch_is_shown_with_its_reason(app: Flask) -> None:
    client = sign_in(app)
    client.post("/health/pause", data={"pause": "yes", "reason": "<b>fire</b> drill"})
    assert "&lt;b&gt;fire&lt;/b&gt; drill" in client.get("/").text
    client.post("/health/pause", data={"pause": "no"})
    assert "drill" not in client.get("/").text


def test_a_live_page_streams_its_part_and_lets_go(app: Flask) -> None:
    with sign_in(app).get("/jobs/1/events") as answer:
        assert answer.mimetype == "text/event-stream"
        assert "event: live\ndata: <section" in answer.text
        assert "Progress" in answer.text


def test_a_stream_too_many_brings_the_part_once_and_takes_no_place(app: Flask) -> None:
    app.config["STREAM_SECONDS"] = 20.0
    client = sign_in(app)
    for _ in range(MAX_STREAMS):
        assert open_streams.acquire(blocking=False)
    with client.get("/jobs/1/events") as answer:
        assert answer.text.startswith("retry: 5000")
        assert answer.text.count("event: live") == 1
    assert not open_streams.acquire(blocking=False)
    open_streams.release(MAX_STREAMS)


def test_a_decision_is_a_new_version_and_a_second_click_is_refused(app: Flask) -> None:
    client = sign_in(app, "adjudicator")
    place = app.extensions["hitworks"]
    with reading(place.sessions) as session:
        row = conflicts(session, job_id=1, limit=1)[0]
        n_before = job_report(session, 1).summary.n_conflicts
    address = f"/jobs/1/items/{row.item_id}/decide/{row.kind}"
    form = {
        "version": "0",
        "reason": "majority-wrong",
        "boxes": '[{"label": "eye", "left": 10, "top": 10, "right": 60, "bottom": 50}]',
    }
    if row.kind == "tags":
        form = {
            "version": "0",
            "reason": "majority-wrong",
            "asked-colour": "yes",
            "tag-colour": "red",
        }
    assert client.post(address, data=form).status_code == 302
    assert client.post(address, data=form).status_code == 409
    page = client.get(f"/jobs/1/items/{row.item_id}").text
    assert "adjudicator@example.org" in page
    assert "Decision" in page
    with reading(place.sessions) as session:
        assert job_report(session, 1).summary.n_conflicts == n_before - 1


def test_an_older_version_can_be_brought_back(app: Flask) -> None:
    client = sign_in(app, "adjudicator")
    with reading(app.extensions["hitworks"].sessions) as session:
        row = conflicts(session, job_id=1, limit=1)[0]
    where = f"/jobs/1/items/{row.item_id}"
    empty = {
        "version": "0",
        "reason": "corrected",
        "boxes": "[]",
        "asked-colour": "yes",
        "tag-colour": "red",
    }
    client.post(f"{where}/decide/{row.kind}", data=empty)
    other = {
        **empty,
        "version": "1",
        "boxes": '[{"label": "eye", "left": 1, "top": 1, "right": 9, "bottom": 9}]',
        "tag-colour": "blue",
    }
    assert client.post(f"{where}/decide/{row.kind}", data=other).status_code == 302
    assert "Bring back" in client.get(where).text
    assert client.post(f"{where}/revert/{row.kind}", data={"version": "1"}).status_code == 302
    assert "reverted" in client.get(where).text


@pytest.mark.parametrize(
    "boxes",
    [
        "", "{}", "null", "[1]", "[null]",
        '[{"label": "dragon", "left": 1, "top": 1, "right": 9, "bottom": 9}]',
        '[{"label": "eye", "left": NaN, "top": 1, "right": 9, "bottom": 9}]', "[" * 100_000,
        '[{"label": "eye", "left": 1e999, "top": 1, "right": 9, "bottom": 9}]',
        '[{"label": "eye", "left": 9, "top": 1, "right": 9, "bottom": 9}]',
        '[{"label": {"a": 1}, "left": 1, "top": 1, "right": 9, "bottom": 9}]',
        '[{"label": "\\ud800", "left": 1, "top": 1, "right": 9, "bottom": 9}]',
    ],
)  # fmt: skip
def test_boxes_that_are_none_are_refused_and_nothing_is_written(app: Flask, boxes: str) -> None:
    client = sign_in(app, "adjudicator")
    form = {"version": "0", "reason": "agreed", "boxes": boxes}
    answer = client.post("/jobs/1/items/2/decide/boxes", data=form)
    assert answer.status_code in (409, 422), answer.status_code


def test_the_ledger_as_csv_is_safe_in_a_spreadsheet(app: Flask) -> None:
    from jobs.tables import Worker

    place = app.extensions["hitworks"]
    with transaction(place.sessions) as session:
        session.get_one(Worker, 1).provider_worker_id = '=HYPERLINK("http://evil")'
    text = sign_in(app).get("/jobs/1/ledger.csv").text
    lines = text.splitlines()
    assert lines[0].startswith("id,at,kind,key,route,worker")
    assert "'=HYPERLINK" in text
    assert ",=" not in text
    assert "-0.072000" in text


def test_images_come_under_our_own_type_and_only_with_our_signature(app: Flask) -> None:
    place = app.extensions["hitworks"]
    key, other = (place.blobs.put(shot.data, "image/jpeg") for shot in campaign.shots()[:2])
    address = place.blobs.url(key).removeprefix(place.settings.web_url())
    stranger = app.test_client()
    answer = stranger.get(address)
    assert answer.mimetype == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    signature = address.split("/")[2]
    assert stranger.get(f"/media/{signature}/{other}").status_code == 404
    assert stranger.get(f"/media/{signature}é/{key}").status_code == 404
    assert stranger.get(f"/images/{key}").status_code == 302
    assert sign_in(app).get(f"/images/{key}").data == answer.data


def test_a_worker_name_that_is_a_script_stays_text(app: Flask) -> None:
    from jobs.tables import Item, Worker

    with transaction(app.extensions["hitworks"].sessions) as session:
        session.get_one(Worker, 1).name = '"><img src=x onerror=alert(1)>'
        session.get_one(Item, 1).name = "</title><script>alert(2)</script>"
    client = sign_in(app)
    for address in (
        "/jobs/1/workers",
        "/jobs/1/items",
        "/jobs/1/items/1",
        "/datasets/1",
        "/adjudicate",
    ):
        text = client.get(address).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_a_new_job_goes_from_question_to_launch(app: Flask) -> None:
    client = sign_in(app)
    question = {
        "name": "mugs", "title": "Mugs?", "instructions": "Look.\r\nAnswer.",
        "classes": "mug\r\nplate\r\n",
        "attribute-name-0": "size", "attribute-kind-0": "scale", "attribute-options-0": "1 to 5",
        "attribute-name-1": "clean", "attribute-kind-1": "yes_no", "attribute-name-2": "",
    }  # fmt: skip
    saved = client.post("/jobs/new/question?dataset=1", data=question)
    assert saved.status_code == 302
    plan = {
        "name": "Mugs", "environment": "local", "budget": "1.00", "use-mturk-boxes": "yes",
        "reward-mturk-boxes": "0.05", "redundancy-mturk-boxes": "3", "use-mturk-tags": "yes",
        "sure_at": "85",
    }  # fmt: skip
    drafted = client.post(saved.headers["Location"], data=plan)
    assert drafted.status_code == 302, drafted.text
    review = drafted.headers["Location"]
    page = client.get(review).text
    assert "lacks" in page
    job = review.split("/")[2]
    assert client.post(f"/jobs/{job}/launch").status_code == 422
    assert client.post(f"/jobs/{job}/budget", data={"budget": "50"}).status_code == 302
    assert client.post(f"/jobs/{job}/launch").status_code == 302
    assert client.post(f"/jobs/{job}/launch").status_code == 409
    assert launched(app, int(job)) == "running"
    assert "running" in client.get(f"/jobs/{job}").text


def test_example_pictures_travel_with_the_question_and_must_be_pictures(app: Flask) -> None:
    client = sign_in(app)
    form = {"name": "mugs", "classes": "mug", "example-text-good": "Like this"}
    for data, status in ((campaign.shots()[0].data, 302), (b"<script>", 422)):
        sent = {**form, "example-good": (io.BytesIO(data), "x.html")}
        answer = client.post(
            "/jobs/new/question?dataset=1", data=sent, content_type="multipart/form-data"
        )
        assert answer.status_code == status


def test_a_draft_can_be_changed_until_it_is_launched(app: Flask) -> None:
    client = sign_in(app)
    assert 'value="0.06"' in client.get("/jobs/2/money").text
    plan = {"name": "A better draft", "budget": "30", "use-mturk-boxes": "yes",
            "reward-mturk-boxes": "0.09", "redundancy-mturk-boxes": "2",
            "environment": "production"}  # fmt: skip
    assert client.post("/jobs/2/plan", data=plan).status_code == 302
    assert 'value="0.09"' in client.get("/jobs/2/money").text
    assert "production" not in client.get("/jobs/2").text
    assert client.post("/jobs/2/plan", data={**plan, "name": "Desk and sky"}).status_code == 409
    assert client.post("/jobs/2/plan", data={**plan, "budget": "-1"}).status_code == 422
    assert client.post("/jobs/2/launch").status_code == 302
    assert client.post("/jobs/2/plan", data=plan).status_code == 409


def test_real_money_needs_the_name_typed(app: Flask) -> None:
    client = sign_in(app)
    assert client.post("/jobs/3/launch", data={"confirm": "real money"}).status_code == 422
    assert "Real money" in client.get("/jobs/3/review").text
    with reading(app.extensions["hitworks"].sessions) as session:
        assert job_report(session, 3).summary.state == "draft"


@pytest.mark.parametrize(
    "changes",
    [
        {"budget": "-1"}, {"budget": "NaN"}, {"budget": "1e9"}, {"budget": "٠٫٠٥"},
        {"budget": "0,05"},
        {"budget": "1_0"}, {"budget": "9" * 400}, {"budget": ""}, {"reward-mturk-boxes": "-0.05"},
        {"reward-mturk-boxes": "0.001"}, {"redundancy-mturk-boxes": "0"},
        {"redundancy-mturk-boxes": "9.5"},
        {"redundancy-mturk-boxes": "1e9"}, {"name": ""}, {"name": "x" * 5000}, {"gold_rate": "500"},
        {"environment": "https://evil.example"}, {"use-mturk-boxes": None}, {"sure_at": "high"},
        {"name": "Desk and sky"}, {"use-model-tags": "yes", "tagger-model-tags": "../x"},
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused_in_words_and_nothing_is_kept(
    app: Flask, changes: dict[str, str | None]
) -> None:
    client = sign_in(app)
    plan = {"name": "New", "environment": "local", "budget": "9", "use-mturk-boxes": "yes"}
    form = {key: value for key, value in {**plan, **changes}.items() if value is not None}
    answer = client.post("/jobs/new/plan?dataset=1&schema=1", data=form)
    assert answer.status_code == 422
    assert "expected" in answer.text or "exists already" in answer.text or "at " in answer.text
    assert "/jobs/4" not in client.get("/jobs").text


def test_times_stand_in_utc_until_a_script_moves_them(app: Flask) -> None:
    later = campaign.NOW + timedelta(0)
    assert f'datetime="{later.isoformat(timespec="seconds")}"' in sign_in(app).get("/jobs").text
