"""Batches called in and extended from the web: the cost is shown first, and each is done once."""

from __future__ import annotations

import re

from flask import Flask
from sqlalchemy import func, select

from jobs.db import reading, transaction
from jobs.hits import extending
from jobs.spending import ledger
from jobs.tables import Extension, Work
from tests.webapp import campaign
from tests.webapp.browsing import sign_in


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return {name: value for name, value in found if name != "csrf_token"}


def n_orders(app: Flask) -> int:
    with reading(app.extensions["hitworks"].sessions) as session:
        return session.scalar(select(func.count()).select_from(Extension)) or 0


def test_a_batch_is_called_in_once_after_a_look_at_what_that_does(app: Flask) -> None:
    client = sign_in(app)
    assert "/batches/1/expire" in client.get("/jobs/1/batches").text
    assert "nobody new can accept them" in client.get("/batches/1/expire").text
    for _ in range(2):
        assert client.post("/batches/1/expire").headers["Location"] == "/jobs/1/batches"
    with reading(app.extensions["hitworks"].sessions) as session:
        found = select(func.count()).where(Work.key == "expire_batch:1")
        assert session.scalar(found) == 1
    assert client.post("/batches/99/expire").status_code == 404


def test_more_answers_are_priced_then_ordered_once(app: Flask) -> None:
    client, address = sign_in(app), "/batches/1/extend"
    page = client.post(address, data={"n_more": "2"}).text
    assert "at most $" in page
    assert "left in the budget" in page
    assert n_orders(app) == 0
    form = hidden(page)
    assert client.post(address, data=form).status_code == 302
    n_hits = n_orders(app)
    assert n_hits > 0
    assert client.post(address, data=form).status_code == 409
    assert n_orders(app) == n_hits


def test_a_page_from_before_an_extension_buys_nothing_again(app: Flask) -> None:
    client, address = sign_in(app), "/batches/1/extend"
    form = hidden(client.post(address, data={"n_more": "1"}).text)
    client.post(address, data=form)
    with transaction(app.extensions["hitworks"].sessions) as session:
        for row in session.scalars(select(Extension)):
            row.state = "done"
        session.flush()
        assert sum(extending.n_done(session, 1).values()) == n_orders(app)
    before = n_orders(app)
    answer = client.post(address, data=form)
    assert answer.status_code == 409
    assert "since this page was shown" in answer.text
    assert n_orders(app) == before


def test_more_than_the_budget_carries_cannot_be_pressed_and_says_what_lacks(app: Flask) -> None:
    sessions = app.extensions["hitworks"].sessions
    with transaction(sessions) as session:
        left = ledger.balances(session, 1)["available"]
        ledger.set_budget(
            session, 1, 25_000_000 - left, key="budget:test", now=campaign.NOW,
            reason=ledger.Reason("manager@example.org"),
        )  # fmt: skip
    page = sign_in(app).post("/batches/1/extend", data={"n_more": "2"}).text
    assert "The budget lacks $" in page
    assert "Ask for them" not in page


def test_a_number_of_answers_that_is_none_is_refused_in_words(app: Flask) -> None:
    client = sign_in(app)
    for text in ("0", "-1", "1e3", "", "٣", "1001"):
        answer = client.post("/batches/1/extend", data={"n_more": text, "confirmed": "yes"})
        assert answer.status_code == 422
        assert "expected a whole number" in answer.text
    assert client.post("/batches/99/extend", data={"n_more": "1"}).status_code == 404
    assert n_orders(app) == 0
