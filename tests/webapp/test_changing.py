"""The budget, the terms and the end of HITs: shown before they change, changed once."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import Flask
from sqlalchemy import func, select

from jobs.db import reading
from jobs.planning import amending
from jobs.reports.disagreements import STATES, disagreements, most_split
from jobs.reports.heads import JobHead, job_head
from jobs.tables import Hit, Intent, LedgerTransaction, Work
from tests.webapp.browsing import sign_in


def _head(app: Flask) -> JobHead:
    with reading(app.extensions["hitworks"].sessions) as session:
        return job_head(session, 1)


WANTED = {
    "name": "Desk", "sure_at": "50", "max_extra_answers": "2", "review": "screen",
    "second_look": "sampled", "share": "25", "disputes": "manager",
}  # fmt: skip


def _kept(page: str) -> dict[str, str]:
    """The fields of a preview that a press sends."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


def test_a_budget_is_raised_after_a_look_and_once_however_often_it_is_pressed(app: Flask) -> None:
    client = sign_in(app)
    before = _head(app).budget_micros
    seen = client.post("/jobs/1/cap", data={"budget": "40"})
    assert "raised by $15.00 to $40.00" in seen.text
    assert _head(app).budget_micros == before
    for _ in range(2):
        assert client.post("/jobs/1/cap", data=_kept(seen.text)).status_code == 302
    assert _head(app).budget_micros == 40_000_000
    assert client.get("/jobs/1").text.count("$25.00 → $40.00") == 1
    with reading(app.extensions["hitworks"].sessions) as session:
        moved = LedgerTransaction.kind == "budget"
        n_moved = session.scalar(select(func.count()).where(LedgerTransaction.job_id == 1, moved))
    assert n_moved == 2  # the job's first budget, and this one


def test_a_budget_under_what_is_used_is_refused_with_what_to_do(app: Flask) -> None:
    answer = sign_in(app).post("/jobs/1/cap", data={"budget": "0.01"})
    assert answer.status_code == 422
    assert "Nothing was changed. To spend less, call batches in first." in answer.text


def test_terms_are_shown_with_what_they_do_and_then_set(app: Flask) -> None:
    client = sign_in(app)
    seen = client.post("/jobs/1/terms", data=WANTED)
    assert "Sure enough at: 90 %, then 50 %." in seen.text
    assert "Where somebody asks for it, then For a share of all questions." in seen.text
    assert "What people have decided so far stays decided" in seen.text
    assert "questions combined so far" in seen.text
    assert _head(app).name == "Desk and sky"
    assert client.post("/jobs/1/terms", data=_kept(seen.text)).status_code == 302
    with reading(app.extensions["hitworks"].sessions) as session:
        assert amending.terms_of(session, 1) == amending.Terms(
            "Desk", 0.5, 2, "screen", "sampled", 0.25, "manager"
        )
        assert session.scalar(select(Work.state).where(Work.key == "advance_job:1")) == "ready"
    shown = client.get("/jobs/1").text
    assert "90 % → 50 %" in shown
    assert "Where somebody asks for it → For a share of all questions" in shown
    again = client.post("/jobs/1/terms", data=WANTED)
    assert "Nothing is different from now." in again.text


def test_terms_that_make_no_sense_are_refused_and_what_was_typed_stays(app: Flask) -> None:
    answer = sign_in(app).post("/jobs/1/terms", data={**WANTED, "sure_at": "500"})
    assert answer.status_code == 422
    assert 'value="Desk"' in answer.text


def test_a_draft_has_no_terms_to_change(app: Flask) -> None:
    assert sign_in(app).post("/jobs/2/terms", data=WANTED).status_code == 409


def test_hits_are_kept_open_after_a_look_and_asked_for_once(app: Flask) -> None:
    client = sign_in(app)
    with app.extensions["hitworks"].sessions.begin() as session:
        for hit in session.scalars(select(Hit).where(Hit.batch_id == 1)):
            hit.expires_at = (hit.posted_at or hit.collected_at) + timedelta(days=1)
    seen = client.post("/batches/1/prolong", data={"days": "9"})
    assert "HITs end sooner than in 9 days" in seen.text
    assert "No money moves" in seen.text
    for _ in range(2):
        assert client.post("/batches/1/prolong", data=_kept(seen.text)).status_code == 302
    with reading(app.extensions["hitworks"].sessions) as session:
        asked = select(func.count()).where(Intent.key.startswith("prolong:batch:1:"))
        assert session.scalar(asked) == 1
    assert client.post("/batches/1/prolong", data={"days": "900"}).status_code == 422
    lost = {"confirmed": "yes", "until": "tomorrow"}
    assert client.post("/batches/1/prolong", data=lost).status_code == 409


def test_the_gallery_shows_conflicts_first_and_then_the_least_sure(app: Flask) -> None:
    with reading(app.extensions["hitworks"].sessions) as session:
        found = disagreements(session, 1, 40)
        few = disagreements(session, 1, 2)
    states = [row.state for row in found]
    assert states == sorted(states, key=STATES.index)
    assert found[:2] == few
    assert all(row.n_answers > 1 for row in found)
    assert any(row.drawings for row in found)


def test_the_most_even_attribute_is_told() -> None:
    answers = [
        {"colour": "red", "has": ["sky", "sea"]},
        {"colour": "red", "has": ["sea", "sky"]},
        {"colour": "blue", "has": []},
    ]
    assert most_split([*answers, {"has": ["sky"]}]) == "has: 2 sea + sky; 1 nothing; 1 sky"
    assert most_split([]) == ""
