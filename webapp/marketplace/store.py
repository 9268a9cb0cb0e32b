"""The marketplace's own database: engine, sessions, and one scope for writing, one for reading."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from webapp.marketplace.migrating import StoreMismatch, upgrade
from webapp.marketplace.turns import Turns

Sessions = sessionmaker[Session]
Result = TypeVar("Result")

_RETRIED_SQLSTATES = {"40001", "40P01"}
_ATTEMPTS = 5
_SQLITE_READS = {"marketplace_reads": True}
_POSTGRESQL_READS = {"isolation_level": "AUTOCOMMIT"}
_IDLE_SECONDS = 1.0


def open_store(url: str) -> Sessions:
    """Sessions on ``url`` with every table of today; opening it again changes nothing.

    SQLite transactions that write begin IMMEDIATE, so that a read followed by a write
    cannot race with another; reading ones see one snapshot and block nobody.

    Raises:
        StoreMismatch: the database is another program's, or a newer one's.

    """
    engine = _open_engine(url)
    try:
        upgrade(engine)
    except StoreMismatch:
        engine.dispose()
        raise
    is_sqlite = engine.dialect.name == "sqlite"
    turns = Turns(engine) if is_sqlite else None
    reads = _SQLITE_READS if is_sqlite else _POSTGRESQL_READS
    return sessionmaker(engine, expire_on_commit=False, info={"turns": turns, "reads": reads})


@contextmanager
def reading(sessions: Sessions) -> Iterator[Session]:
    """What is committed; rows read in it stay readable after it, changes are thrown away.

    SQLite shows one snapshot throughout. PostgreSQL shows one a statement, as its usual
    isolation does, and is spared the round trips of a transaction.
    """
    with sessions() as session:
        session.connection(execution_options=sessions.kw["info"]["reads"])
        yield session
        session.expunge_all()
        session.rollback()


def write(sessions: Sessions, work: Callable[[Session], Result]) -> Result:
    """The result of ``work``, committed once.

    SQLite has one writer at a time: threads take turns instead of polling for its lock.
    ``work`` must therefore open no second session. PostgreSQL may pick a transaction as
    the victim of a deadlock: it then left no trace and is run again, so ``work`` must have
    no effect outside its session.
    """
    turns: Turns | None = sessions.kw["info"]["turns"]
    if turns is not None:
        return turns.write(work)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with sessions() as session, session.begin():
                return work(session)
        except DBAPIError as error:
            sqlstate = getattr(error.orig, "sqlstate", None)
            if sqlstate not in _RETRIED_SQLSTATES or attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _open_engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        engine = create_engine(url, pool_size=16, max_overflow=16)
        _check_when_idle(engine)
        return engine
    engine = create_engine(
        url, pool_size=8, max_overflow=-1, connect_args={"timeout": 60, "check_same_thread": False}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _check_when_idle(engine: Engine) -> None:
    """Ask a connection that has lain idle whether it is alive; a busy one has just shown it."""

    def note(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["idle_since"] = time.monotonic()

    def check(connection: Any, record: ConnectionPoolEntry, _user: Any) -> None:
        now = time.monotonic()
        if now - record.info.get("idle_since", now) < _IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError("the server has closed this connection") from error

    event.listen(engine, "checkin", note)
    event.listen(engine, "checkout", check)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=60000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    reads = connection.get_execution_options().get("marketplace_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
