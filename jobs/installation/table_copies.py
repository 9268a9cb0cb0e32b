"""Every row of one database in another of the same schema version, whatever their makers.

Rows travel by what the database itself says of its columns, so that a version older or newer
than the tables in the code can be copied too. JSON travels as the text that was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    column,
    delete,
    func,
    insert,
    select,
    table,
    text,
)

from jobs.tables.base import UtcDateTime

VERSION_TABLE = "alembic_version"
_ROWS_AT_ONCE = 1000


def tables_of(connection: Connection) -> list[Table]:
    """The database's tables, parents before children, without the one of schema versions."""
    found = MetaData()
    found.reflect(connection)
    return [one for one in found.sorted_tables if one.name != VERSION_TABLE]


def count_rows(connection: Connection) -> dict[str, int]:
    """Rows by table."""
    return {
        one.name: connection.scalar(select(func.count()).select_from(one)) or 0
        for one in tables_of(connection)
    }


def copy_rows(source: Connection, target: Connection) -> None:
    """The tables of ``target`` with the rows of ``source`` and no others; nothing is committed."""
    # SQLite forgets what a column holds (a time is text to it); PostgreSQL knows.
    tables = tables_of(source if _is_postgres(source) else target)
    with _without_triggers(target, tables):
        for one in reversed(tables):  # a new schema has first rows of its own
            target.execute(delete(one))
        for one in tables:
            _copy_table(source, target, one)
    if _is_postgres(target):
        _advance_sequences(target)


@contextmanager
def _without_triggers(target: Connection, tables: Sequence[Table]) -> Iterator[None]:
    """Rows come as they are: nothing is counted a second time while they are copied."""
    if _is_postgres(target):
        for one in tables:
            target.execute(text(f'ALTER TABLE "{one.name}" DISABLE TRIGGER USER'))
        yield
        for one in tables:
            target.execute(text(f'ALTER TABLE "{one.name}" ENABLE TRIGGER USER'))
        return
    found = target.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
    ).all()
    for name, _ in found:
        target.exec_driver_sql(f'DROP TRIGGER "{name}"')
    yield
    for _, statement in found:
        target.exec_driver_sql(statement)


def _copy_table(source: Connection, target: Connection, shape: Table) -> None:
    plain = table(shape.name, *(column(one.name, _type_of(one)) for one in shape.columns))
    texts = {one.name for one in shape.columns if isinstance(one.type, JSON)}
    asked = [
        cast(one, Text).label(one.name) if one.name in texts and _is_postgres(source) else one
        for one in plain.columns
    ]
    given: dict[str, Any] = {
        one.name: cast(bindparam(one.name, type_=Text), JSON)
        if one.name in texts and _is_postgres(target)
        else bindparam(one.name, type_=one.type)
        for one in plain.columns
    }
    order = [plain.columns[one.name] for one in shape.primary_key.columns]
    rows = source.execute(
        select(*asked).order_by(*order), execution_options={"yield_per": _ROWS_AT_ONCE}
    )
    adding = insert(plain).values(given)
    for part in rows.mappings().partitions():
        target.execute(adding, [dict(row) for row in part])


def _type_of(one: Column[Any]) -> Any:
    if isinstance(one.type, JSON):
        return Text()
    return UtcDateTime() if isinstance(one.type, DateTime) else one.type


def _advance_sequences(connection: Connection) -> None:
    """Rows came with their ids; the next id must be after the last of them."""
    for one in tables_of(connection):
        keys = list(one.primary_key.columns)
        if len(keys) != 1:
            continue
        names = {"table": one.name, "column": keys[0].name}
        sequence = connection.scalar(text("SELECT pg_get_serial_sequence(:table, :column)"), names)
        last = connection.scalar(select(func.max(keys[0]))) if sequence else None
        if last is not None:
            connection.execute(
                text("SELECT setval(:name, :last)"), {"name": sequence, "last": last}
            )


def _is_postgres(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"
