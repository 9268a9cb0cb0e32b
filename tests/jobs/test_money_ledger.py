"""The ledger: never over the cap, never twice, never changed, always balanced."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from jobs.db import reading, transaction
from jobs.errors import BudgetExceeded, Conflict
from jobs.installation.migrating import drift, upgrade
from jobs.spending import ledger
from jobs.spending.ledger import Reason
from jobs.tables import Answer, Job, LedgerEntry, LedgerTransaction, RawSubmission
from tests.factories import (
    NOW,
    make_answer,
    make_dataset,
    make_hits,
    make_job,
    make_route,
    make_worker,
)

WHO = Reason("ada")


@pytest.fixture
def job_id(sessions):
    with transaction(sessions) as session:
        job = make_job(session, make_dataset(session), budget_micros=0)
        ledger.set_budget(session, job.id, 100, key="budget:1", reason=WHO, now=NOW)
        return job.id


def move(sessions, verb, job_id, amount, key, reason=WHO):
    with transaction(sessions) as session:
        return verb(session, job_id, amount, key=key, reason=reason, now=NOW)


def test_a_hold_over_the_budget_is_refused_with_the_missing_amount(sessions, job_id):
    move(sessions, ledger.hold, job_id, 70, "a")
    with pytest.raises(BudgetExceeded) as refused:
        move(sessions, ledger.hold, job_id, 31, "b")
    assert refused.value.missing_micros == 1
    with reading(sessions) as session:
        assert ledger.balances(session, job_id) == {"budget": -100, "available": 30, "held": 70}


def test_holding_settling_and_releasing_twice_moves_money_once(sessions, job_id):
    assert move(sessions, ledger.hold, job_id, 70, "hold")
    assert not move(sessions, ledger.hold, job_id, 70, "hold")
    spent = {"reward": 40, "fee": 8}
    assert move(sessions, ledger.settle, job_id, spent, "settle")
    assert not move(sessions, ledger.settle, job_id, spent, "settle")
    assert move(sessions, ledger.release, job_id, 22, "release")
    assert not move(sessions, ledger.release, job_id, 22, "release")
    with reading(sessions) as session:
        assert ledger.balances(session, job_id) == {
            "budget": -100,
            "available": 52,
            "held": 0,
            "reward": 40,
            "fee": 8,
        }
        job = session.get_one(Job, job_id)
        assert (job.held_micros, job.spent_micros) == (0, 48)
        assert ledger.differences(session) == []


def test_more_than_is_held_can_neither_be_spent_nor_released(sessions, job_id):
    move(sessions, ledger.hold, job_id, 10, "hold")
    with pytest.raises(Conflict):
        move(sessions, ledger.settle, job_id, {"reward": 11}, "settle")
    with pytest.raises(Conflict):
        move(sessions, ledger.release, job_id, 11, "release")


def test_one_hit_cannot_spend_what_is_held_for_another(sessions, job_id):
    with transaction(sessions) as session:
        job = session.get_one(Job, job_id)
        items = make_dataset(session, 2, name="more")
        first, second = make_hits(session, make_route(session, job), items, state="posted")
    on = [Reason("ada", hit_id=hit.id) for hit in (first, second)]
    move(sessions, ledger.hold, job_id, 30, "first", on[0])
    move(sessions, ledger.hold, job_id, 30, "second", on[1])
    with pytest.raises(Conflict):
        move(sessions, ledger.settle, job_id, {"reward": 31}, "settle", on[0])
    with reading(sessions) as session:
        assert ledger.differences(session) == []


def test_the_budget_cannot_fall_under_what_is_committed(sessions, job_id):
    move(sessions, ledger.hold, job_id, 70, "hold")
    with pytest.raises(BudgetExceeded) as refused, transaction(sessions) as session:
        ledger.set_budget(session, job_id, 60, key="budget:2", reason=WHO, now=NOW)
    assert refused.value.missing_micros == 10
    with transaction(sessions) as session:
        ledger.set_budget(session, job_id, 75, key="budget:2", reason=WHO, now=NOW)
        ledger.set_budget(session, job_id, 75, key="budget:2", reason=WHO, now=NOW)
        assert ledger.balances(session, job_id) == {"budget": -75, "available": 5, "held": 70}
        assert ledger.differences(session) == []


@pytest.mark.parametrize("table", [LedgerEntry, LedgerTransaction, RawSubmission, Answer])
def test_the_database_refuses_to_change_or_delete_money_and_evidence(sessions, job_id, table):
    with transaction(sessions) as session:
        job = session.get_one(Job, job_id)
        items = make_dataset(session, 1, name="more")
        (hit,) = make_hits(session, make_route(session, job), items)
        make_answer(session, hit, make_worker(session, "ben"), {"tags": {"colour": "red"}})
    number = next(iter(table.__table__.primary_key)).name
    for change in (update(table).values({number: 999}), delete(table)):
        with pytest.raises(DBAPIError, match="insert-only"), transaction(sessions) as session:
            session.execute(change)


def test_the_database_itself_refuses_to_go_over_the_budget(sessions, job_id):
    with pytest.raises(DBAPIError), transaction(sessions) as session:
        session.execute(text(f"UPDATE job SET held_micros = 101 WHERE id = {job_id}"))


def test_a_job_never_changes_its_environment(sessions, job_id):
    with pytest.raises(DBAPIError, match="fixed"), transaction(sessions) as session:
        session.execute(update(Job).values(environment="production"))
    with transaction(sessions) as session:
        session.execute(update(Job).values(environment="local", name="renamed"))


def test_migrations_leave_no_difference_to_the_tables_and_repeat_without_effect(engine):
    upgrade(engine, NOW)
    assert drift(engine) == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["hold", "settle", "release", "budget"]),
            st.integers(0, 120),
            st.integers(0, 12),
        ),
        max_size=25,
    )
)
def test_the_books_balance_after_any_story(story):
    engine = create_engine("sqlite://")
    upgrade(engine, NOW)
    with Session(engine) as session:
        job = make_job(session, make_dataset(session), budget_micros=0)
        for verb, amount, key in story:
            what = {"reward": amount} if verb == "settle" else amount
            do = getattr(ledger, "set_budget" if verb == "budget" else verb)
            with contextlib.suppress(BudgetExceeded, Conflict):
                do(session, job.id, what, key=f"{verb}:{key}", reason=WHO, now=NOW)
            assert job.held_micros + job.spent_micros <= job.budget_micros
        assert ledger.differences(session) == []
    engine.dispose()
