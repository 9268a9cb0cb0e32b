"""Run by Alembic: applies the versions on the connection that ``migrating`` hands over."""

from __future__ import annotations

from typing import cast

from alembic import context
from sqlalchemy import Connection

connection = cast(Connection, context.config.attributes["connection"])
context.configure(
    connection=connection,
    version_table=context.config.attributes["version_table"],
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
