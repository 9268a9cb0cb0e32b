"""A POST with an Idempotency-Key happens once, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from jobs import kept_replies
from jobs.db import reading, transaction
from jobs.errors import Conflict
from jobs.kept_replies import Ticket
from jobs.tables import Export, Job, KeptReply
from tests.webapp.browsing import close, open_app, seed
from tests.webapp.campaign import NOW
from tests.webapp.test_api import JOB, SCHEMA, Program, code
from webapp.auth import limiter


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    seed(tmp_path / "data", database_url=database_url)
    app = open_app(tmp_path / "data", database_url=database_url)
    limiter.enabled = False
    yield app
    limiter.enabled = True
    close(app)


def post(program: Program, path: str, key: str, body: Any = None) -> TestResponse:
    headers = {**program.headers, "Idempotency-Key": key}
    client = program.client.application.test_client()
    return client.post(f"/api/v1{path}", headers=headers, json={} if body is None else body)


def count(app: Flask, table: type[Any]) -> int:
    with reading(app.extensions["hitworks"].sessions) as session:
        return int(session.scalar(select(func.count()).select_from(table)) or 0)


def test_a_call_sent_twice_gives_its_first_reply_and_happens_once(place: Flask) -> None:
    program = Program(place)
    n_jobs = count(place, Job)
    calls = (
        ("/jobs", JOB),
        ("/schemas", SCHEMA),
        ("/jobs/2/launch", {}),
        ("/jobs/2/stop", {}),
        ("/jobs/1/pause", {}),
        ("/jobs/1/resume", {}),
        ("/jobs/1/exports", {"format": "jsonl"}),
        ("/templates/cats/versions", {"source": "<p>${image_url}</p>", "language": "fields"}),
    )
    for number, (path, body) in enumerate(calls):
        first = post(program, path, f"key-{number}", body)
        again = post(program, path, f"key-{number}", body)
        assert first.status_code in (200, 201, 202), (path, first.text)
        assert (again.status_code, again.data) == (first.status_code, first.data)
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
    assert count(place, Job) == n_jobs + 1
    assert count(place, Export) == 1


def test_calls_at_once_under_one_key_happen_once(place: Flask) -> None:
    program = Program(place)
    n_jobs, start = count(place, Job), Barrier(4)

    def send(_: int) -> TestResponse:
        start.wait()
        return post(program, "/jobs", "at-once", JOB)

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(send, range(4)))
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.data for answer in made}) == 1
    for answer in answers:
        assert answer.status_code == 201 or code(answer) == "conflict"
    assert count(place, Job) == n_jobs + 1
    assert post(program, "/jobs", "at-once", JOB).data == made[0].data


def test_a_key_with_another_body_or_address_is_refused(place: Flask) -> None:
    program = Program(place)
    assert post(program, "/schemas", "k", SCHEMA).status_code == 201
    for path, body in (("/schemas", {**SCHEMA, "classes": ["cat"]}), ("/schemas?a=1", SCHEMA),
                       ("/jobs", SCHEMA)):  # fmt: skip
        refused = post(program, path, "k", body)
        assert refused.status_code == 422, path
        assert code(refused) == "invalid_input"


def test_keys_of_different_people_do_not_meet(place: Flask) -> None:
    first, second = Program(place, "manager"), Program(place, "admin")
    assert post(first, "/schemas", "k", SCHEMA).status_code == 201
    other = post(second, "/schemas", "k", {**SCHEMA, "name": "other"})
    assert other.status_code == 201
    assert "Idempotent-Replayed" not in other.headers


def test_a_call_that_failed_leaves_its_key_free(place: Flask) -> None:
    program = Program(place)
    assert post(program, "/jobs", "k", {**JOB, "dataset": "gone"}).status_code == 422
    assert count(place, KeptReply) == 0
    assert post(program, "/jobs", "k", JOB).status_code == 201


def test_a_reply_is_not_given_to_a_token_that_may_not_call(place: Flask) -> None:
    assert post(Program(place), "/jobs", "k", JOB).status_code == 201
    assert post(Program(place, scopes=("read",)), "/jobs", "k", JOB).status_code == 403


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "\xe9"])
def test_a_key_that_is_none_is_refused(app: Flask, key: str) -> None:
    answer = post(Program(app), "/schemas", key, SCHEMA)
    assert (answer.status_code, code(answer)) == (422, "invalid_input")


def test_keys_end_after_a_day(place: Flask) -> None:
    sessions = place.extensions["hitworks"].sessions
    person = Program(place).person_id
    later = NOW + kept_replies.LIFETIME
    with transaction(sessions) as session:
        ticket = kept_replies.begin(session, person, "k", "a" * 64, NOW)
        assert isinstance(ticket, Ticket)
        kept_replies.keep(session, ticket, kept_replies.Reply(200, "{}"))
    with transaction(sessions) as session:
        just_before = later - timedelta(seconds=1)
        found = kept_replies.begin(session, person, "k", "a" * 64, just_before)
        assert found == kept_replies.Reply(200, "{}")
        assert isinstance(kept_replies.begin(session, person, "k", "b" * 64, later), Ticket)
    assert count(place, KeptReply) == 1


def test_a_run_that_was_taken_over_cannot_commit(place: Flask) -> None:
    sessions = place.extensions["hitworks"].sessions
    person = Program(place).person_id
    with transaction(sessions) as session:
        lost = kept_replies.begin(session, person, "k", "a" * 64, NOW)
    with pytest.raises(Conflict, match="still running"), transaction(sessions) as session:
        kept_replies.begin(session, person, "k", "a" * 64, NOW)
    later = NOW + kept_replies.LONGEST_RUN
    with transaction(sessions) as session:
        heir = kept_replies.begin(session, person, "k", "a" * 64, later)
    assert isinstance(lost, Ticket)
    assert isinstance(heir, Ticket)
    with pytest.raises(Conflict, match="taken over"), transaction(sessions) as session:
        kept_replies.note_effect(session, lost)
    with transaction(sessions) as session:
        kept_replies.note_effect(session, heir)
    much_later = later + kept_replies.LONGEST_RUN
    with pytest.raises(Conflict, match="reply was lost"), transaction(sessions) as session:
        kept_replies.begin(session, person, "k", "a" * 64, much_later)
