"""Limits of an account, orders of further answers, and what the venue said of each payment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobs.tables.base import Id, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_extension()


def _create_extension() -> None:
    op.create_table(
        "extension",
        sa.Column("id", Id, nullable=False),
        sa.Column("hit_id", Id, nullable=False),
        sa.Column("number", Id, nullable=False),
        sa.Column("n_more", Id, nullable=False),
        sa.Column("target_assignments", Id, nullable=False),
        sa.Column("n_added", Id, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("hit_state", sa.String(length=12), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["hit_id"], ["hit.id"], name="fk_extension_hit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_extension"),
        sa.UniqueConstraint("hit_id", "number", name="uq_extension_hit_id_number"),
    )
