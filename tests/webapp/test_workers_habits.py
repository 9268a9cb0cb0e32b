"""What a worker takes for what, where they draw, and what speaks against them."""

from __future__ import annotations

from collections import Counter

import pytest
from flask import Flask
from sqlalchemy import event, select

from jobs.db import reading
from jobs.reports import worker_page
from jobs.reports.habits import confusion, signs, worker_habits
from jobs.tables import Worker
from tests.webapp.browsing import sign_in
from webapp.overlay import hand


def _id_of(app: Flask, known: str) -> int:
    with reading(app.extensions["hitworks"].sessions) as session:
        found = session.scalar(select(Worker.id).where(Worker.provider_worker_id == known))
    assert found is not None
    return found


def test_a_confusion_lists_names_in_order_and_nothing_last() -> None:
    found = confusion("class", Counter({("cup", "cup"): 3, ("cup", ""): 1, ("", "eye"): 2}))
    assert found.names == ("cup", "eye", "")
    assert found.rows == ((3, 0, 1), (0, 0, 0), (0, 2, 0))
    assert (found.n, found.n_right) == (6, 3)


def test_a_spammers_page_shows_more_wrong_than_a_careful_workers(app: Flask) -> None:
    shares = {}
    for known in ("A1MAYA", "A5ZOE"):
        with reading(app.extensions["hitworks"].sessions) as session:
            tables = [
                table
                for habit in worker_habits(session, 1, _id_of(app, known))
                for table in habit.confusions
            ]
        shares[known] = sum(one.n_right for one in tables) / sum(one.n for one in tables)
    assert shares["A5ZOE"] < shares["A1MAYA"] - 0.2


def test_the_list_shows_what_speaks_against_whom(app: Flask) -> None:
    with reading(app.extensions["hitworks"].sessions) as session:
        rows = worker_page(session, 1).rows
        found = signs(session, 1, rows)
    assert found.keys() == {(row.worker_id, row.kind) for row in rows}
    assert sum(map(len, found.values())) > 0
    accused = {worker_id for (worker_id, _), told in found.items() if told}
    assert _id_of(app, "A1MAYA") not in accused
    page = sign_in(app).get("/jobs/1/workers").text
    assert page.count('class="pill bad sign" tabindex="0"') == sum(map(len, found.values()))


def test_a_workers_part_costs_a_fixed_number_of_queries(app: Flask) -> None:
    client, seen = sign_in(app), []
    engine = app.extensions["hitworks"].sessions.kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    counts = []
    for known in ("A1MAYA", "A2IVAN"):
        seen.clear()
        answer = client.get(f"/jobs/1/workers/{_id_of(app, known)}/habits")
        assert "taken for" in answer.text
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_stranger_to_the_job_has_no_habits_in_it(app: Flask) -> None:
    assert sign_in(app).get("/jobs/1/workers/999/habits").status_code == 404


def test_the_hand_is_drawn_in_hundredths_of_the_box() -> None:
    found = hand({"bias": [0.02, 0, -0.01, 0], "spread": [0.05, 0.05, 0.05, 0.05]})
    assert found is not None
    assert (found.left, found.width) == pytest.approx((2, 97))
    assert found.band.startswith("M-8.0 -10.0")
    assert hand({}) is None
