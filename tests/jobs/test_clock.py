"""The database's time decides: a machine whose clock is off neither steals nor loses work."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from jobs import work
from jobs.clock import database_clock, machine_time
from jobs.db import open_engine, transaction
from jobs.tables import Work

OFF = timedelta(minutes=10)


def test_postgres_says_the_time_whatever_the_machine_thinks(engine):
    clocks = [database_clock(engine, lambda off=off: machine_time() + off) for off in (-OFF, OFF)]
    behind, ahead = (clock() for clock in clocks)
    if engine.dialect.name == "sqlite":  # one machine, one clock
        assert ahead - behind > OFF
        return
    with engine.connect() as connection:
        there = connection.scalar(text("SELECT clock_timestamp()"))
    assert abs(behind - there) < timedelta(seconds=5) > abs(ahead - there)
    assert behind.utcoffset() == timedelta(0)


def test_between_two_questions_a_counter_goes_on(engine, monkeypatch):
    clock = database_clock(engine)
    first = clock()
    monkeypatch.setattr(engine, "connect", lambda: pytest.fail("asked again"))
    time.sleep(0.02)
    assert timedelta(milliseconds=15) < clock() - first


@pytest.mark.postgres
@pytest.mark.parametrize("dialect", ["postgres"], indirect=True)
def test_while_the_database_is_away_its_last_answer_counts_on(database_url, monkeypatch):
    engine = open_engine(database_url)
    clock = database_clock(engine)
    first = clock()
    monkeypatch.setattr("jobs.clock.ASK_AGAIN_SECONDS", 0.0)
    away = open_engine(make_url(database_url).set(database="nowhere").render_as_string(False))
    monkeypatch.setattr(engine, "connect", away.connect)
    assert first <= clock() < first + timedelta(minutes=1)
    with pytest.raises(DBAPIError):
        database_clock(away)()
    engine.dispose()
    away.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("dialect", ["postgres"], indirect=True)
def test_a_worker_with_a_clock_ten_minutes_off_neither_steals_nor_loses_work(engine, sessions):
    right, behind, ahead = (
        database_clock(engine, lambda off=off: machine_time() + off)
        for off in (timedelta(0), -OFF, OFF)
    )
    with transaction(sessions) as session:
        row = work.enqueue(session, "publish_batch", 1, behind())
        later = work.enqueue(
            session, "publish_batch", 2, right(), at=right() + timedelta(minutes=5)
        )
    with transaction(sessions) as session:
        claim = work.claim(session, row.id, "right", right(), 60)
    assert claim is not None
    for name, clock in (("behind", behind), ("ahead", ahead)):
        with transaction(sessions) as session:
            assert work.claim(session, row.id, name, clock(), 60) is None
            assert work.claim(session, later.id, name, clock(), 60) is None
            assert work.sweep(session, name, clock(), 0) == []
            work.renew(session, claim, clock(), 60, 1, 2)
    with transaction(sessions) as session:
        assert work.finish(session, claim, right(), again_at=None)
        assert session.get_one(Work, row.id).state == "done"
