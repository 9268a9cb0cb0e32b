"""A database of the released schema 0003, with a job half paid, keeps its rows and its triggers."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from jobs.db import open_engine, open_sessions, reading, transaction
from jobs.installation import migrating
from jobs.migrations.guards import INSERT_ONLY
from jobs.spending import ledger, limits
from jobs.spending.ledger import Reason
from tests.databases import guarded_tables
from tests.factories import NOW

AT = NOW.isoformat(sep=" ")
ROWS = (
    f"INSERT INTO dataset (id, name, created_at) VALUES (1, 'photos', '{AT}')",
    "INSERT INTO schema_version (id, name, version, body, sha256, created_at) "
    f"VALUES (1, 'pets', 1, '{{}}', 'x', '{AT}')",
    *(
        "INSERT INTO job (id, name, dataset_id, schema_id, environment, state, seed, policy, "
        "budget_micros, held_micros, spent_micros, created_at) VALUES "
        f"({number}, '{name}', 1, 1, '{place}', 'running', 0, '{{}}', 900, {held}, {spent}, '{AT}')"
        for number, name, place, held, spent in (
            (1, "one", "production", 100, 20),
            (2, "two", "production", 30, 4),
            (3, "three", "local", 5, 0),
        )
    ),
    "INSERT INTO intent (id, key, job_id, operation, token, \"window\", parameters, "
    "parameters_sha256, state, provider_reference, actor, attempts, error, created_at) VALUES "
    f"(1, 'publish:hit:1', 1, 'CreateHITWithHITType', 't', 0, '{{}}', 'x', 'done', '3A', "
    f"'background', 1, '', '{AT}')",
    "INSERT INTO ledger_transaction (id, key, job_id, intent_id, kind, actor, request_id, at) "
    f"VALUES (101, 'hold:intent:1:0', 1, 1, 'hold', 'background', '', '{AT}')",
    "INSERT INTO ledger_entry (id, transaction_id, account, amount_micros) "
    "VALUES (101, 101, 'held', 120), (102, 101, 'available', -120)",
)  # fmt: skip


@pytest.fixture
def released(empty_database_url):
    """A database at version 0003 with these rows."""
    engine = open_engine(empty_database_url)
    with engine.begin() as connection:
        command.upgrade(migrating._config(connection), "0003")
        for row in ROWS:
            connection.execute(text(row.replace(":", "\\:")))
    yield engine
    engine.dispose()


def test_the_sums_of_an_environment_begin_with_those_of_its_jobs(released):
    migrating.upgrade(released, NOW)
    with reading(open_sessions(released)) as session:
        found = {name: limits.limits_of(session, name, NOW) for name in limits.ENVIRONMENTS}
        assert limits.differences(session) == []
    sums = {name: (one.held_micros, one.spent_micros) for name, one in found.items()}
    assert sums == {"production": (130, 24), "sandbox": (0, 0), "local": (5, 0)}
    assert {one.left_micros for one in found.values()} == {None}


def test_rows_stay_and_money_goes_on_from_where_it_was(released):
    migrating.upgrade(released, NOW)
    sessions = open_sessions(released)
    with transaction(sessions) as session:
        limits.set_limits(
            session, "production", cap_micros=154, hourly_micros=None, actor="ada", now=NOW
        )
        ledger.release(session, 1, 60, key="back", reason=Reason("ada", intent_id=1), now=NOW)
        assert limits.limits_of(session, "production", NOW).left_micros == 60
    with released.connect() as connection:
        rows = connection.execute(text("SELECT key, state, request_id FROM intent")).all()
        assert [tuple(row) for row in rows] == [("publish:hit:1", "done", "")]
        assert connection.scalar(text("SELECT count(*) FROM ledger_entry")) == 4


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_transaction SET actor = 'x'",
        "DELETE FROM ledger_entry",
        "UPDATE job SET environment = 'sandbox' WHERE id = 1",
    ],
)
def test_what_could_not_be_changed_still_cannot(released, change):
    migrating.upgrade(released, NOW)
    with pytest.raises(DBAPIError), released.begin() as connection:
        connection.execute(text(change))


def test_an_upgraded_database_guards_what_a_new_one_does(released):
    migrating.upgrade(released, NOW)
    assert guarded_tables(released) == set(INSERT_ONLY)


def test_upgrading_twice_changes_nothing(released):
    for _ in range(2):
        migrating.upgrade(released, NOW)
    with released.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM account")) == 3
