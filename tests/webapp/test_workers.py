"""What is done about a worker or their work: shown first, and done once."""

from __future__ import annotations

import re

from flask import Flask
from pytest import MonkeyPatch
from sqlalchemy import func, select

from jobs.db import reading, transaction
from jobs.spending import ledger
from jobs.tables import (
    Assignment,
    Intent,
    LedgerTransaction,
    Letter,
    Reversal,
    StandingChange,
)
from tests.webapp.browsing import sign_in
from tests.webapp.test_api import Program

REASON = {"reason": "three answers in one second"}


def count(app: Flask, table: type, *where: object) -> int:
    with reading(app.extensions["hitworks"].sessions) as session:
        return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


def left(app: Flask) -> int:
    with reading(app.extensions["hitworks"].sessions) as session:
        return ledger.balances(session, 1)["available"]


def hidden(page: str) -> dict[str, str]:
    """The fields that the page's form keeps unseen."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return {name: value for name, value in found if name != "csrf_token"}


def reject_one(app: Flask) -> int:
    """An assignment that its venue holds as rejected."""
    with transaction(app.extensions["hitworks"].sessions) as session:
        row = session.scalars(select(Assignment).order_by(Assignment.id).limit(1)).one()
        row.state, row.decision, row.decided_by = "Rejected", "reject", "manager@example.org"
        row.decision_reason = "Boxes <b>far</b> off"
        return row.id


def test_a_workers_page_shows_figures_standing_work_and_what_can_be_done(app: Flask) -> None:
    page = sign_in(app).get("/jobs/1/workers/1").text
    for text in ("A1MAYA", "Against gold", "Work in this job", "Exclude…", "Write…", "Bonus…"):
        assert text in page
    assert "Standing" not in page


def test_a_worker_is_shown_then_excluded_once_and_let_in_again(app: Flask) -> None:
    client = sign_in(app)
    page = client.get("/jobs/1/workers/1/exclude").text
    assert "would not vote any more" in page
    assert count(app, StandingChange) == 0
    for _ in range(2):
        assert client.post("/jobs/1/workers/1/exclude", data=REASON).status_code == 302
    assert count(app, StandingChange) == 1
    page = client.get("/jobs/1/workers/1").text
    assert "Readmit…" in page
    assert REASON["reason"] in page
    assert "excluded already" in client.get("/jobs/1/workers/1/exclude").text
    for _ in range(2):
        assert client.post("/jobs/1/workers/1/readmit", data=REASON).status_code == 302
    assert count(app, StandingChange) == 2


def test_who_is_not_excluded_cannot_be_readmitted_and_a_reason_is_needed(app: Flask) -> None:
    client = sign_in(app)
    assert client.post("/jobs/1/workers/1/readmit", data=REASON).status_code == 409
    answer = client.post("/jobs/1/workers/1/exclude", data={"reason": " "})
    assert answer.status_code == 422
    assert "expected" in answer.text
    assert client.get("/jobs/1/workers/99").status_code == 404
    assert client.get("/jobs/2/workers/1").status_code == 404
    assert count(app, StandingChange) == 0


def test_a_qualification_is_shown_first_and_given_once(app: Flask) -> None:
    client, address = sign_in(app), "/jobs/1/workers/2/grant"
    form = {"name": "Careful <eyes>", "value": "80", **REASON}
    page = client.post(address, data=form)
    assert page.status_code == 200
    assert "gets the score 80" in page.text
    assert "<eyes>" not in page.text
    assert count(app, StandingChange) == 0
    for _ in range(2):
        assert client.post(address, data={**form, "confirmed": "yes"}).status_code == 302
    assert count(app, StandingChange) == 1
    for wrong in ({"value": "-1"}, {"value": "٣"}, {"name": ""}, {"value": "9" * 10}):
        assert client.post(address, data={**form, **wrong}).status_code == 422
    taken = client.post(address, data={**form, "value": "", "confirmed": "yes"})
    assert taken.status_code == 302
    assert count(app, StandingChange) == 2


def test_a_letter_is_read_before_it_is_sent_and_sent_once(app: Flask) -> None:
    client, address = sign_in(app), "/jobs/1/workers/1/warn"
    form = {"subject": "Your boxes", "text": "Please draw them\r\ntighter."}
    page = client.post(address, data=form).text
    assert "Please draw them\ntighter." in page
    assert count(app, Letter) == 0
    for _ in range(2):
        assert client.post(address, data=hidden(page)).status_code == 302
    assert count(app, Letter) == 1
    assert client.post(address, data={**form, "subject": ""}).status_code == 422


def test_a_bonus_shows_its_fee_and_one_page_pays_one(app: Flask) -> None:
    client, address = sign_in(app), "/assignments/1/bonus"
    before = left(app)
    page = client.post(address, data={"amount": "0.50", "reason": "Fine work"}).text
    assert "a fee of $0.10" in page
    assert left(app) == before
    for _ in range(2):
        assert client.post(address, data=hidden(page)).status_code == 302
    assert count(app, Intent, Intent.operation == "SendBonus") == 1
    assert before - left(app) == 600_000
    again = client.post(address, data={"amount": "0.50", "reason": "Fine work"}).text
    assert "before: $0.50" in again
    assert client.post(address, data=hidden(again)).status_code == 302
    assert before - left(app) == 1_200_000


def test_a_bonus_over_the_budget_or_of_half_cents_is_refused_in_words(app: Flask) -> None:
    client, before = sign_in(app), left(app)
    for amount in ("9000", "0.001", "-1", "", "1e3"):
        answer = client.post(
            "/assignments/1/bonus",
            data={"amount": amount, "reason": "Fine work", "confirmed": "yes"},
        )
        assert answer.status_code == 422, amount
        assert 'role="alert"' in answer.text
    assert left(app) == before


def test_a_rejection_is_taken_back_once_from_the_list_of_work(app: Flask) -> None:
    client, number = sign_in(app), reject_one(app)
    page = client.get("/jobs/1/assignments?state=Rejected").text
    assert f"/assignments/{number}/reverse" in page
    assert "Boxes &lt;b&gt;far&lt;/b&gt; off" in page
    seen = client.get(f"/assignments/{number}/reverse").text
    assert "until 2026-03-31" in seen
    before = left(app)
    for _ in range(2):
        answer = client.post(f"/assignments/{number}/reverse", data={"reason": "We were wrong"})
        assert answer.status_code == 302
    assert count(app, Reversal) == 1
    held = count(app, LedgerTransaction, LedgerTransaction.key.startswith("hold:intent:"))
    assert held == 1
    assert left(app) < before
    assert "already" in client.get(f"/assignments/{number}/reverse", follow_redirects=True).text


def test_work_that_was_not_rejected_has_nothing_to_take_back(app: Flask) -> None:
    client = sign_in(app)
    assert client.get("/assignments/2/reverse").status_code == 409
    assert client.post("/assignments/2/reverse", data={"reason": "x"}).status_code == 409
    assert client.get("/assignments/99999/reverse").status_code == 404
    assert client.get("/jobs/1/assignments?state=gone").status_code == 422


def test_the_list_of_workers_goes_on_page_by_page(app: Flask, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.dashboards.workers.N_WORKERS", 2)
    client, seen = sign_in(app), []
    address = "/jobs/1/workers"
    while address:
        page = client.get(address).text
        seen += re.findall(r'<th scope="rowgroup"[^>]*><a href="/jobs/1/workers/(\d+)"', page)
        further = re.search(r'href="(/jobs/1/workers\?after=\d+)">Next page', page)
        assert ("First page" in page) == ("after=" in address)
        address = further[1] if further else ""
    assert len(seen) == len(set(seen)) > 4
    assert client.get("/jobs/1/workers?after=999").status_code == 404
    rows, after = [], 0
    while after is not None:
        answer = Program(app).get(f"/jobs/1/workers?limit=2&after={after}").json
        assert answer is not None
        rows += [str(row["worker_id"]) for row in answer["rows"]]
        after = answer["next"]
    assert list(dict.fromkeys(rows)) == seen
