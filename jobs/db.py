"""Engine and sessions. The door that opens a session commits it; services never do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from jobs.errors import InvalidInput

Sessions = sessionmaker[Session]

BUSY = (OperationalError, InterfaceError, PoolTimeoutError)
"""The database is away, locked or full, or we have no connection left."""
UNANSWERED = (DBAPIError, PoolTimeoutError)
"""Whatever a database may raise for work that is worth another try."""
MOST_CONNECTIONS = 40  # of a process: a thread may need a second one while it holds one
MOST_IN_A_QUERY = 5_000  # ids
POOL_SECONDS = 5.0  # for a connection; whoever gets none by then is told to come again


_POOL = {"pool_size": 5, "max_overflow": MOST_CONNECTIONS - 5, "pool_timeout": POOL_SECONDS}


def open_engine(url: str) -> Engine:
    """An engine whose every transaction is a real one.

    SQLite: a writing transaction starts with BEGIN IMMEDIATE, for pysqlite would not begin
    at a SELECT and a read-then-write would race; WAL, full sync and foreign keys are on.
    """
    if not url.startswith("sqlite"):
        return _create(url, pool_pre_ping=True)
    engine = _create(url, connect_args={"timeout": 30, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _create(url: str, **options: Any) -> Engine:
    try:
        place = make_url(url)
        has_one = place.get_backend_name() == "sqlite" and place.database in (None, ":memory:")
        return create_engine(url, **options, **({} if has_one else _POOL))
    except (ArgumentError, ModuleNotFoundError) as error:  # the URL may hold a password
        raise InvalidInput(
            "database URL: expected one such as postgresql+psycopg://user@host/name"
        ) from error


def open_sessions(engine: Engine) -> Sessions:
    """The maker of sessions for ``engine``; rows keep their values after a commit."""
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def transaction(sessions: Sessions) -> Iterator[Session]:
    """One session scope: committed at the end, rolled back on any error."""
    with sessions() as session, session.begin():
        yield session


@contextmanager
def reading(sessions: Sessions) -> Iterator[Session]:
    """One consistent view for queries only: takes no write lock and is rolled back at the end."""
    with sessions() as session:
        session.connection(execution_options={"hitworks_reading": True})
        yield session
        session.expunge_all()  # a rollback would make the rows forget their values
        session.rollback()


def insert_new(session: Session, table: type[Any], values: dict[str, Any]) -> int | None:
    """The key of the new row, or None when a row with its unique key exists already.

    Decided by the database itself, so two writers at once insert one row.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(**values).on_conflict_do_nothing()
    key: int | None = session.scalar(statement.returning(inspect(table).primary_key[0]))
    return key


def parts(ids: Iterable[int]) -> Iterator[list[int]]:
    """As many ids at a time as every database takes in one query."""
    waiting = iter(ids)
    while part := list(islice(waiting, MOST_IN_A_QUERY)):
        yield part


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Any) -> None:
    reads = connection.get_execution_options().get("hitworks_reading", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
