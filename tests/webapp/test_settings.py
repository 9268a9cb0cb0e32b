"""What holds for the whole installation, on one page."""

from __future__ import annotations

import pytest
from flask import Flask

from jobs.db import transaction
from jobs.errors import ProviderError
from jobs.records import Identity
from jobs.spending import limits
from tests.webapp import campaign
from tests.webapp.browsing import sign_in
from webapp.payer_words import known, unknown


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
    assert "Our own marketplace does not answer." in answer.text
    words, _, raw = answer.text.partition("<details")
    assert "get_account_balance" not in words
    assert "get_account_balance" in raw


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [
        ("NoCredentialsError", "not set up", "No AWS keys"),
        ("ExpiredTokenException", "refused", "too old"),
        ("InvalidClientTokenId", "refused", "does not know"),
        ("AccessDeniedException", "refused", "may not use MTurk"),
        ("ThrottlingException", "busy", "in a minute"),
        ("EndpointConnectionError", "not reached", "internet"),
        ("Something", "not known", "does not say who pays"),
    ],
)
def test_why_nobody_can_say_who_pays_is_told_in_words(code: str, state: str, words: str) -> None:
    line = unknown("production", ProviderError("get_x: raw", permanent=False, code=code))
    assert (line.state, line.raw, line.is_known) == (state, "get_x: raw", False)
    assert words in line.words


def test_who_pays_is_told_by_name_and_the_rest_kept_behind() -> None:
    arn = "arn:aws:iam::123456789012:user/mia"
    line = known(Identity("production", "https://mturk", "123456789012", 12_500_000, arn))
    assert line.words == "AWS account 123456789012 pays, as mia. It holds $12.50."
    assert line.raw == f"{arn} at https://mturk"
    ours = known(Identity("local", "http://127.0.0.1", "local", None))
    assert ours.words == "The account “local” pays. What is in it is not known."
