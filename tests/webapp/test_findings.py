"""Findings on the web: looked into, resolved with a note, and nothing spent until then."""

from __future__ import annotations

import csv
import io

import pytest
from flask import Flask
from sqlalchemy import func, select

from jobs import findings
from jobs.db import reading, transaction
from jobs.tables import Finding, Work
from tests.webapp import campaign
from tests.webapp.browsing import sign_in


def found(app: Flask, message: str = "HIT <i>H7</i> is not at the venue") -> int:
    with transaction(app.extensions["hitworks"].sessions) as session:
        findings.report(session, f"reconcile:{message}", message, campaign.NOW, 1)
        return session.scalars(select(Finding.id).order_by(Finding.id.desc()).limit(1)).one()


def test_a_finding_is_shown_at_home_and_resolved_once_with_a_note(app: Flask) -> None:
    client, number = sign_in(app), found(app)
    assert "/findings" in client.get("/").text
    page = client.get("/findings").text
    assert "HIT &lt;i&gt;H7&lt;/i&gt; is not at the venue" in page
    assert client.post(f"/findings/{number}/resolve", data={"note": " "}).status_code == 422
    for note in ("Disposed of by hand", "A second press"):
        answer = client.post(f"/findings/{number}/resolve", data={"note": note})
        assert answer.status_code == 302
    page = client.get("/findings").text
    assert "No open finding" in page
    assert "manager@example.org: Disposed of by hand" in page
    assert "A second press" not in page
    assert client.post("/findings/99/resolve", data={"note": "x"}).status_code == 404


def test_a_finding_made_again_opens_again_without_the_old_note(app: Flask) -> None:
    client, number = sign_in(app), found(app)
    client.post(f"/findings/{number}/resolve", data={"note": "Settled"})
    assert found(app) == number
    page = client.get("/findings").text
    assert f"Resolve finding {number}" in page
    assert "Settled" not in page


def test_paid_calls_go_on_only_when_no_finding_is_open(app: Flask) -> None:
    client, number = sign_in(app), found(app)
    stop = {"pause": "yes", "reason": "to look into it", "back": "findings"}
    assert client.post("/health/pause", data=stop).headers["Location"] == "/findings"
    page = client.get("/findings").text
    assert "to look into it" in page
    assert "once every finding below is resolved" in page
    go_on = {"pause": "no", "reason": "understood", "back": "findings"}
    answer = client.post("/health/pause", data=go_on)
    assert answer.status_code == 409
    assert "stay paused while findings are open" in answer.text
    client.post(f"/findings/{number}/resolve", data={"note": "Settled"})
    for _ in range(2):
        assert client.post("/health/pause", data=go_on).status_code == 302
    assert "understood" in client.get("/findings").text


def test_a_comparison_asked_for_twice_is_one_row_of_work(app: Flask) -> None:
    client = sign_in(app)
    for _ in range(2):
        assert client.post("/findings/reconcile").status_code == 302
    with reading(app.extensions["hitworks"].sessions) as session:
        due = select(Work.next_try_at).where(Work.task_name == "reconcile")
        assert session.scalar(select(func.count()).select_from(due.subquery())) == 1
        assert session.scalars(due).one() <= app.extensions["hitworks"].clock()


def lines(app: Flask, query: str) -> list[dict[str, str]]:
    text = sign_in(app).get(f"/jobs/1/ledger.csv?{query}").text
    return list(csv.DictReader(io.StringIO(text)))


def test_the_ledger_is_filtered_by_route_worker_and_day_on_the_page_and_in_the_file(
    app: Flask,
) -> None:
    every = lines(app, "")
    of_worker = lines(app, "worker=A1MAYA")
    assert of_worker
    assert of_worker == [line for line in every if line["worker"] == "A1MAYA"]
    routes = [lines(app, f"route={number}") for number in (1, 2)]
    assert all(routes)
    assert sum(map(len, routes)) == sum(line["route"] != "" for line in every)
    assert lines(app, "from=2026-03-01&to=2026-03-01") == every
    assert not lines(app, "from=2026-03-02") + lines(app, "to=2026-02-28")
    page = sign_in(app).get("/jobs/1/ledger?worker=A1MAYA").text
    assert "A2IVAN" not in page
    assert "ledger.csv?worker=A1MAYA" in page
    assert "Nothing of that kind" in sign_in(app).get("/jobs/1/ledger?worker=nobody").text


@pytest.mark.parametrize(
    "query",
    ["route=x", "from=yesterday", "to=2026-02-30", "from=٢٠٢٦-٠٣-٠١", "worker=" + "w" * 300],
)
def test_a_filter_that_makes_no_sense_is_refused_on_the_page_and_in_the_file(
    app: Flask, query: str
) -> None:
    client = sign_in(app)
    for address in ("/jobs/1/ledger", "/jobs/1/ledger.csv"):
        assert client.get(f"{address}?{query}").status_code == 422
