"""Run by Alembic: applies the versions on the connection it is handed."""

from __future__ import annotations

from typing import cast

from alembic import context
from sqlalchemy import Connection

from jobs.tables import Base

connection = cast(Connection, context.config.attributes["connection"])
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
