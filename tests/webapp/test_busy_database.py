"""A database that has no connection left, or that went away: asked again, and never a hang."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from jobs import calls, work
from jobs.db import MOST_CONNECTIONS, POOL_SECONDS, open_engine, transaction
from jobs.tables import Work
from tests.jobs.lifecycle import Bench
from tests.webapp.browsing import close, open_app, seed, sign_in
from tests.webapp.test_api import Program
from webapp import N_THREADS
from webapp.auth import limiter


def engine_of(app: Flask) -> Engine:
    bind = app.extensions["hitworks"].sessions.kw["bind"]
    assert isinstance(bind, Engine)
    return bind


def impatient(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The same pool, which gives up at once where it would wait for seconds."""
    monkeypatch.setattr(engine.pool, "_timeout", 0.01)
    return engine


def take_all(engine: Engine, held: ExitStack) -> None:
    for _ in range(MOST_CONNECTIONS):
        held.enter_context(engine.connect())


def take_one_too_many(engine: Engine) -> None:
    with ExitStack() as held:
        take_all(engine, held)
        held.enter_context(engine.connect())


def test_every_thread_of_the_server_can_have_two_connections() -> None:
    assert MOST_CONNECTIONS >= 2 * N_THREADS
    assert POOL_SECONDS <= 5


def test_a_request_without_a_free_connection_is_told_to_come_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, program = sign_in(app), Program(app, "manager")
    with ExitStack() as held:
        take_all(impatient(engine_of(app), monkeypatch), held)
        page, reply = client.get("/jobs"), program.get("/jobs")
        sent = program.send("/jobs/2/launch", {"confirm": True})
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert "Busy just now" in page.text
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "5")
    assert reply.json["error"]["code"] == sent.json["error"]["code"] == "unavailable"
    assert "SELECT" not in page.text + reply.text
    assert client.get("/jobs").status_code == program.get("/jobs").status_code == 200


@pytest.mark.postgres
def test_connections_that_died_with_the_server_are_replaced(
    tmp_path: Path, postgres_url: str, database_url: str
) -> None:
    """Every connection of the pool is cut, as by a restart; the next request notices nothing."""
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has no server")
    seed(tmp_path / "data", database_url=database_url)
    app = open_app(tmp_path / "data", database_url=database_url)
    limiter.enabled = False
    client = sign_in(app)
    assert client.get("/jobs").status_code == 200
    server = open_engine(postgres_url)
    with server.connect() as connection:
        n_cut = connection.scalar(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :n"
            ),
            {"n": engine_of(app).url.database},
        )
    server.dispose()
    assert n_cut
    assert client.get("/jobs").status_code == 200
    limiter.enabled = True
    close(app)


def test_background_work_without_a_connection_waits_for_none_of_us(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it fails so, it is tried again and no person has to look."""
    with transaction(bench.sessions) as session:
        row = work.enqueue(session, "watch_deadlines", 0, bench.dial())
    engine = impatient(bench.sessions.kw["bind"], monkeypatch)

    monkeypatch.setitem(calls.CALLS, "watch_deadlines", lambda *_: take_one_too_many(engine))
    for _ in range(work.MAX_FAILURES + 2):
        calls.run(bench.resources, row.id, "here")
        bench.dial.turn(minutes=6)
    (kept,) = bench.ours(Work, task_name="watch_deadlines")
    assert (kept.state, kept.failures) == ("ready", work.MAX_FAILURES + 2)
    assert "QueuePool limit" in kept.error
