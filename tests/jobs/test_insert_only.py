"""Evidence and money, once written, stay as they are: the newest database itself refuses."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from jobs.db import transaction
from jobs.migrations.guards import INSERT_ONLY
from jobs.spending import bonuses
from jobs.tables import Assignment
from tests.databases import guarded_tables
from tests.jobs.lifecycle import Bench

TABLES = ("raw_submission", "answer", "ledger_transaction", "ledger_entry")


@pytest.fixture
def paid(bench: Bench) -> Bench:
    """A finished job with answers, payments and a bonus."""
    bench.launch(n_items=1)
    bench.drain()
    bench.answer_all()
    bench.settle_down()
    with transaction(bench.sessions) as session:
        bonuses.grant_bonus(
            session, bench.ours(Assignment)[0].id, 10_000,
            reason_key="good", reason="Good work", actor="ada", now=bench.dial(),
        )  # fmt: skip
    bench.settle_down(2)
    return bench


def test_no_column_of_evidence_or_money_changes_and_no_row_goes(paid: Bench) -> None:
    engine = paid.sessions.kw["bind"]
    for table in TABLES:
        with engine.connect() as connection:
            before = connection.execute(text(f"SELECT * FROM {table} ORDER BY id")).all()
        assert before, table
        changes = [
            f"UPDATE {table} SET {column['name']} = {column['name']}"
            for column in inspect(engine).get_columns(table)
        ]
        for change in (*changes, f"DELETE FROM {table}"):
            with pytest.raises(DBAPIError, match="insert-only"), engine.begin() as connection:
                connection.execute(text(change))
        with engine.connect() as connection:
            after = connection.execute(text(f"SELECT * FROM {table} ORDER BY id")).all()
        assert after == before, table


@pytest.mark.parametrize("dialect", [pytest.param("postgres", marks=pytest.mark.postgres)])
def test_postgres_empties_no_such_table_even_for_its_owner(paid: Bench, dialect: str) -> None:
    engine = paid.sessions.kw["bind"]
    before = {table: _count(engine, table) for table in INSERT_ONLY}
    for table in (*INSERT_ONLY, "job", "dataset", "hit"):
        way = f"TRUNCATE {table} RESTART IDENTITY CASCADE"
        with pytest.raises(DBAPIError, match="insert-only"), engine.begin() as connection:
            connection.execute(text(way))
    assert {table: _count(engine, table) for table in INSERT_ONLY} == before
    assert all(before[table] for table in TABLES)


def test_every_table_that_takes_rows_alone_is_guarded_and_no_other(engine: Engine) -> None:
    assert guarded_tables(engine) == set(INSERT_ONLY)


def _count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
