"""The marketplace's own database: engine, sessions, and one scope for writing, one for reading."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from webapp.marketplace.tables.base import Base

Sessions = sessionmaker[Session]
Result = TypeVar("Result")

_RETRIED_SQLSTATES = {"40001", "40P01"}
_ATTEMPTS = 5


def open_store(url: str) -> Sessions:
    """Sessions on ``url`` with every table made; opening it again changes nothing.

    SQLite transactions that write begin IMMEDIATE, so that a read followed by a write
    cannot race with another; reading ones see one snapshot and block nobody.
    """
    engine = _open_engine(url)
    Base.metadata.create_all(engine)
    turn = Lock() if engine.dialect.name == "sqlite" else nullcontext()
    return sessionmaker(engine, expire_on_commit=False, info={"turn": turn})


@contextmanager
def reading(sessions: Sessions) -> Iterator[Session]:
    """One consistent view; rows read in it stay readable after it, changes are thrown away."""
    with sessions() as session:
        session.connection(execution_options={"marketplace_reads": True})
        yield session
        session.expunge_all()
        session.rollback()


def write(sessions: Sessions, work: Callable[[Session], Result]) -> Result:
    """The result of ``work``, committed once.

    SQLite has one writer at a time: threads take turns here instead of polling for its
    lock, each with a connection in hand. ``work`` must therefore open no second session.
    PostgreSQL may pick a transaction as the victim of a deadlock: it then left no trace
    and is run again, so ``work`` must have no effect outside its session.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with sessions.kw["info"]["turn"], sessions() as session, session.begin():
                return work(session)
        except DBAPIError as error:
            sqlstate = getattr(error.orig, "sqlstate", None)
            if sqlstate not in _RETRIED_SQLSTATES or attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _open_engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, pool_size=16, max_overflow=16)
    engine = create_engine(
        url, pool_size=8, max_overflow=-1, connect_args={"timeout": 60, "check_same_thread": False}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


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
