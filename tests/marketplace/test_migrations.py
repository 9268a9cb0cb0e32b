"""The marketplace's tables: made by versions, brought up from any of them, equal to the code's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, inspect, text

from webapp.marketplace.market import open_market
from webapp.marketplace.migrating import StoreMismatch, _config, drift, upgrade, version_of
from webapp.marketplace.store import open_store

HEAD = "0002"


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    opened = create_engine(empty_database_url)
    yield opened
    opened.dispose()


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def at(engine: Engine, version: str) -> None:
    with engine.begin() as connection:
        command.upgrade(_config(connection), version)


def version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return version_of(connection)


def indexes(engine: Engine, table: str) -> set[str | None]:
    return {index["name"] for index in inspect(engine).get_indexes(table)}


def test_the_versions_make_the_tables_of_the_code(engine: Engine) -> None:
    upgrade(engine)
    assert drift(engine) == []
    assert version(engine) == HEAD
    upgrade(engine)
    assert version(engine) == HEAD


def test_a_database_from_before_versions_is_recognised_and_keeps_its_rows(engine: Engine) -> None:
    at(engine, "0001")
    run(
        engine,
        "DROP TABLE market_schema_version",
        "INSERT INTO market_setting (name, value) VALUES ('store_version', '1'), ('kept', '7')",
    )
    upgrade(engine)
    assert version(engine) == HEAD
    assert "market_transfer_by_hit" in indexes(engine, "market_transfer")
    assert "market_assignment_worker" not in indexes(engine, "market_assignment")
    assert drift(engine) == []
    with engine.connect() as connection:
        kept = connection.scalar(text("SELECT COUNT(*) FROM market_setting WHERE name = 'kept'"))
    assert kept == 1


def test_tables_that_were_never_released_are_refused_unchanged(engine: Engine) -> None:
    run(engine, "CREATE TABLE market_hit (id INTEGER PRIMARY KEY, odd INTEGER)")
    with pytest.raises(StoreMismatch, match="market_hit"):
        upgrade(engine)
    assert inspect(engine).get_table_names() == ["market_hit"]


def test_a_newer_program_s_database_is_refused(engine: Engine, empty_database_url: str) -> None:
    upgrade(engine)
    run(engine, "UPDATE market_schema_version SET version_num = '9999'")
    with pytest.raises(StoreMismatch, match="version 9999"):
        open_store(empty_database_url)


def test_tables_of_others_in_the_same_database_are_left_alone(engine: Engine) -> None:
    run(engine, "CREATE TABLE item (id INTEGER)", "CREATE TABLE alembic_version (version_num TEXT)")
    upgrade(engine)
    assert drift(engine) == []
    assert {"item", "alembic_version"} <= set(inspect(engine).get_table_names())


def test_both_origins_open_the_same_database(empty_database_url: str) -> None:
    for _ in range(2):
        market = open_market(
            database_url=empty_database_url,
            worker_origin="http://127.0.0.1:1",
            content_origin="http://127.0.0.1:2",
        )
        market.sessions.kw["bind"].dispose()
