"""What holds for the whole installation, on one page."""

from __future__ import annotations

from flask import Flask

from jobs.db import transaction
from jobs.spending import limits
from tests.webapp import campaign
from tests.webapp.browsing import sign_in


def test_limits_fees_and_backups_are_told_and_the_rest_is_linked(app: Flask) -> None:
    with transaction(app.extensions["hitworks"].sessions) as session:
        limits.set_limits(
            session, "production", cap_micros=500_000_000, hourly_micros=None,
            actor="admin@example.org", now=campaign.NOW,
        )  # fmt: skip
    page = sign_in(app, "admin").get("/settings").text
    for text in ("$500.00", "20 %", "hitworks db backup", "/people", "/account", "/health"):
        assert text in page
    assert "/people" not in sign_in(app).get("/settings").text


def test_accounts_are_asked_for_after_the_page_and_a_silent_venue_is_no_error(app: Flask) -> None:
    client = sign_in(app)
    assert "/settings/payers" in client.get("/settings").text
    answer = client.get("/settings/payers")
    assert answer.status_code == 200
    for environment in limits.ENVIRONMENTS:
        assert environment in answer.text
    assert "not reached" in answer.text
