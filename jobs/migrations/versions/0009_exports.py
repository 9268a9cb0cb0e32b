"""Exports made in the background, with what was chosen, and the labels each of them pins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobs.migrations.guards import guard
from jobs.tables.base import Id, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _widen_export()
    _create_export_page()
    _create_pseudonym_key()
    guard("export_page")


def _widen_export() -> None:
    for column in (
        sa.Column("name", sa.String(length=100), nullable=False, server_default=""),
        sa.Column("choices", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("n_bytes", Id, nullable=False, server_default="0"),
        sa.Column("problem", sa.Text(), nullable=False, server_default=""),
        sa.Column("checked_at", UtcDateTime, nullable=True),
    ):
        op.add_column("export", column)
    op.execute("UPDATE export SET name = 'export-' || id")
    op.create_index("uq_export_job_id_name", "export", ["job_id", "name"], unique=True)


def _create_export_page() -> None:
    op.create_table(
        "export_page",
        sa.Column("export_id", Id, nullable=False),
        sa.Column("number", Id, nullable=False),
        sa.Column("label_ids", sa.JSON(), nullable=False),
        sa.Column("agreements", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["export.id"], name="fk_export_page_export_id"),
        sa.PrimaryKeyConstraint("export_id", "number", name="pk_export_page"),
    )


def _create_pseudonym_key() -> None:
    op.create_table(
        "pseudonym_key",
        sa.Column("job_id", Id, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_pseudonym_key_job_id"),
        sa.PrimaryKeyConstraint("job_id", name="pk_pseudonym_key"),
    )
