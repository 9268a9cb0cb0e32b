"""Bring a database to the newest schema, and say where it stands."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, insert, select

from jobs.errors import Conflict
from jobs.tables import Base, Installation

_FOLDER = Path(__file__).parents[1] / "migrations"


def upgrade(engine: Engine, now: datetime) -> None:
    """Apply every version that is missing, in one transaction; nothing to do the second time.

    Raises:
        Conflict: when a newer program has already changed this database.

    """
    with engine.begin() as connection:
        _refuse_newer(connection)
        command.upgrade(_config(connection), "head")
        if connection.scalar(select(Installation.id)) is None:
            row = {"id": 1, "key": secrets.token_hex(6), "created_at": now}
            connection.execute(insert(Installation).values(row))


def create(connection: Connection, version: str) -> None:
    """The schema of ``version`` in an empty database, without a row: not even our name."""
    command.upgrade(_config(connection), version)


def is_current(engine: Engine) -> bool:
    """Whether the database has every version this program knows."""
    with engine.connect() as connection:
        return version_of(connection) == newest_version()


def version_of(connection: Connection) -> str | None:
    """The schema version the database is at; None for one without our tables."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_version() -> str:
    """The version that ``upgrade`` brings a database to."""
    return str(_script().get_current_head())


def known_versions() -> list[str]:
    """Every schema version this program can upgrade from, oldest first."""
    return sorted(script.revision for script in _script().walk_revisions())


def drift(engine: Engine) -> list[str]:
    """What differs between the tables in the code and those in the database."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [repr(change) for change in compare_metadata(context, Base.metadata)]


def _refuse_newer(connection: Connection) -> None:
    version = version_of(connection)
    if version is not None and version not in known_versions():
        raise Conflict(
            f"database: expected one of the schema versions {', '.join(known_versions())}, found "
            f"{version}: it was made by a newer program"
        )


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(_FOLDER))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
