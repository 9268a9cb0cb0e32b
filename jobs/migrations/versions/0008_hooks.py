"""Webhooks and idempotency keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobs.tables.base import Id, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_kept_reply()
    _create_hook()
    _create_hook_delivery()


def _create_kept_reply() -> None:
    op.create_table(
        "kept_reply",
        sa.Column("id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempt", Id, nullable=False),
        sa.Column("lease_until", UtcDateTime, nullable=False),
        sa.Column("status", Id, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["user.id"], name="fk_kept_reply_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_kept_reply"),
        sa.UniqueConstraint("person_id", "key", name="uq_kept_reply_person_id_key"),
    )
    op.create_index("ix_kept_reply_created_at", "kept_reply", ["created_at"])


def _create_hook() -> None:
    op.create_table(
        "hook",
        sa.Column("id", Id, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("secret", sa.String(length=80), nullable=False),
        sa.Column("created_by", sa.String(length=254), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_hook"),
    )


def _create_hook_delivery() -> None:
    op.create_table(
        "hook_delivery",
        sa.Column("id", Id, nullable=False),
        sa.Column("hook_id", Id, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", Id, nullable=False),
        sa.Column("status", Id, nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("delivered_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["hook_id"], ["hook.id"], name="fk_hook_delivery_hook_id"),
        sa.PrimaryKeyConstraint("id", name="pk_hook_delivery"),
        sa.UniqueConstraint("hook_id", "key", name="uq_hook_delivery_hook_id_key"),
    )
