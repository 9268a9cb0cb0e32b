"""Databases at the newest schema, copied for each test: migrating takes ten times as long.

Every test opens engines of its own, and each would compile each statement anew; here those
of a process share what they have compiled.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect, Engine, create_engine, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from jobs.db import open_engine
from jobs.installation.migrating import upgrade
from tests.factories import NOW
from webapp.marketplace.store import open_store

_numbers = count(1)
_STATEMENTS = 3000  # of the product, with room; some are one test's only


class SqliteFiles:
    """Copies of one file."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "migrated.sqlite"
        self._market = folder / "market.sqlite"
        _migrate(f"sqlite:///{self._template}")
        open_store(f"sqlite:///{self._market}").kw["bind"].dispose()

    def copy(self, path: Path) -> str:
        """The address of a copy at ``path``."""
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"

    def copy_market(self, path: Path) -> str:
        """The same of a marketplace's database."""
        shutil.copyfile(self._market, path)
        return f"sqlite:///{path}"

    def in_memory(self) -> Engine:
        """An engine on a copy in memory, for one thread."""
        engine = create_engine("sqlite://")
        on_disk = open_engine(f"sqlite:///{self._template}")
        with on_disk.connect() as source, engine.connect() as target:
            source.connection.driver_connection.backup(target.connection.driver_connection)  # type: ignore[union-attr]
        on_disk.dispose()
        return engine


class PostgresDatabases:
    """Copies of one database of a server, and empty ones; each is dropped after its use."""

    def __init__(self, url: str) -> None:
        self._server = open_engine(url)
        self._template = f"migrated_{os.getpid()}"
        self._run(f"CREATE DATABASE {self._template}")
        _migrate(self._url(self._template))

    @contextmanager
    def copy(self) -> Iterator[str]:
        """The address of a migrated database."""
        with self._made(f"TEMPLATE {self._template} STRATEGY FILE_COPY") as url:
            yield url

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The address of a database without tables."""
        with self._made("") as url:
            yield url

    def close(self) -> None:
        self._run(f"DROP DATABASE {self._template} WITH (FORCE)")
        self._server.dispose()

    @contextmanager
    def _made(self, how: str) -> Iterator[str]:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self._run(f"CREATE DATABASE {name} {how}")
        yield self._url(name)
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _url(self, name: str) -> str:
        return self._server.url.set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        autocommit = self._server.execution_options(isolation_level="AUTOCOMMIT")
        with autocommit.connect() as connection:
            connection.execute(text(statement))


def share_compiled_statements() -> None:
    """Have all engines of this process, one of each kind of database, use one cache."""
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        cache: LRUCache[Any, Any] = LRUCache(_STATEMENTS)
        shared: dict[str, Dialect] = {}

        def engine_created(engine: Engine, cache=cache, shared=shared) -> None:  # type: ignore[no-untyped-def]
            engine.dialect = shared.setdefault("first", engine.dialect)
            engine.update_execution_options(compiled_cache=cache)

        dialect.engine_created = engine_created  # type: ignore[method-assign]


def _migrate(url: str) -> None:
    engine = open_engine(url)
    upgrade(engine, NOW)
    engine.dispose()


def guarded_tables(engine: Engine) -> set[str]:
    """Tables whose triggers refuse every change of rows, and to be emptied."""
    if engine.dialect.name == "sqlite":
        query = (
            "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' "
            "AND name IN (tbl_name || '_no_update', tbl_name || '_no_delete') "
            "GROUP BY tbl_name HAVING count(*) = 2"
        )
    else:  # before a statement, at UPDATE, DELETE and TRUNCATE: the bits of pg_trigger.h
        query = (
            "SELECT tgrelid::regclass::text FROM pg_trigger "
            "WHERE tgname = tgrelid::regclass::text || '_no_change' AND tgenabled = 'O' "
            "AND tgtype = 2 | 8 | 16 | 32"
        )
    with engine.connect() as connection:
        return set(connection.scalars(text(query)))
