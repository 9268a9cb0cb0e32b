"""Bring a marketplace's database to the newest schema, and say where it stands.

The database may be shared: versions are kept in a table of our own, other tables are not seen.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, inspect

from webapp.marketplace.tables.base import Base

VERSION_TABLE = "market_schema_version"
_FOLDER = Path(__file__).parent / "migrations"
_FIRST = "0001"
_OURS = "market_"
Shape = dict[str, frozenset[str]]


class StoreMismatch(Exception):
    """Another version of the marketplace made the database, and it cannot be brought to ours."""


def upgrade(engine: Engine) -> None:
    """Apply every version that is missing, in one transaction; nothing to do the second time.

    A database from before there were versions is first recognised by its tables.

    Raises:
        StoreMismatch: a newer program's database, or tables that were never released.

    """
    with engine.begin() as connection:
        version = version_of(connection)
        if version == _script().get_current_head():
            return
        if version is None:
            _recognise(connection)
        elif version not in _known():
            raise StoreMismatch(
                f"The marketplace's tables are of version {version}, this program knows "
                f"{', '.join(_known())}: a newer one made them. Use that, or name another database."
            )
        command.upgrade(_config(connection), "head")


def drift(engine: Engine) -> list[str]:
    """What differs between our tables in the code and those in the database."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": _is_ours}
        )
        return [repr(change) for change in compare_metadata(context, Base.metadata)]


def version_of(connection: Connection) -> str | None:
    """The version stamped on the database."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def _recognise(connection: Connection) -> None:
    """Stamp tables of the first version, which carry no stamp; nothing on an empty database."""
    found = _shape(connection)
    if not found:
        return
    wanted = _first_shape()
    if found != wanted:
        odd = sorted(name for name in found | wanted if found.get(name) != wanted.get(name))
        raise StoreMismatch(
            "The marketplace's tables carry no version and are not those of the first: "
            f"{', '.join(odd)} differ. Name another database."
        )
    command.stamp(_config(connection), _FIRST)


def _first_shape() -> Shape:
    """The tables of the first version, made in memory."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        command.upgrade(_config(connection), _FIRST)
        shape = _shape(connection)
    engine.dispose()
    return shape


def _shape(connection: Connection) -> Shape:
    """Column names of our tables, by table."""
    inspector = inspect(connection)
    return {
        table: frozenset(column["name"] for column in inspector.get_columns(table))
        for table in inspector.get_table_names()
        if table.startswith(_OURS) and table != VERSION_TABLE
    }


def _is_ours(_object: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    return kind != "table" or (str(name).startswith(_OURS) and name != VERSION_TABLE)


def _known() -> list[str]:
    return sorted(script.revision for script in _script().walk_revisions())


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(_FOLDER))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    return config
