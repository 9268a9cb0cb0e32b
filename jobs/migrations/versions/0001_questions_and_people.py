"""Datasets, questions and people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobs.tables.base import Id, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_dataset()
    _create_schema_version()
    _create_user()
    _create_api_token()
    _create_intake()
    _create_item()
    _create_gold_answer()


def _create_dataset() -> None:
    op.create_table(
        "dataset",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dataset"),
        sa.UniqueConstraint("name", name="uq_dataset_name"),
    )


def _create_schema_version() -> None:
    op.create_table(
        "schema_version",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("version", Id, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schema_version"),
        sa.UniqueConstraint("name", "version", name="uq_schema_version_name_version"),
    )


def _create_user() -> None:
    op.create_table(
        "user",
        sa.Column("id", Id, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("session_version", Id, nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("email", name="uq_user_email"),
    )


def _create_api_token() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_api_token_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.UniqueConstraint("token_sha256", name="uq_api_token_token_sha256"),
    )
    op.create_index("ix_api_token_user_id", "api_token", ["user_id"], unique=False)


def _create_intake() -> None:
    op.create_table(
        "intake",
        sa.Column("id", Id, nullable=False),
        sa.Column("dataset_id", Id, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("n_rows", Id, nullable=False),
        sa.Column("n_accepted", Id, nullable=False),
        sa.Column("n_refused", Id, nullable=False),
        sa.Column("refusals", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("n_rows = n_accepted + n_refused", name="ck_intake_counts_add_up"),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_intake_dataset_id"),
        sa.PrimaryKeyConstraint("id", name="pk_intake"),
    )
    op.create_index("ix_intake_dataset_id", "intake", ["dataset_id"], unique=False)


def _create_item() -> None:
    op.create_table(
        "item",
        sa.Column("id", Id, nullable=False),
        sa.Column("dataset_id", Id, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("blob_key", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("width", Id, nullable=False),
        sa.Column("height", Id, nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_item_dataset_id"),
        sa.PrimaryKeyConstraint("id", name="pk_item"),
        sa.UniqueConstraint("dataset_id", "sha256", name="uq_item_dataset_id_sha256"),
    )
    op.create_index("ix_item_dataset_id", "item", ["dataset_id"], unique=False)


def _create_gold_answer() -> None:
    op.create_table(
        "gold_answer",
        sa.Column("id", Id, nullable=False),
        sa.Column("item_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_gold_answer_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_gold_answer"),
        sa.UniqueConstraint("item_id", "kind", name="uq_gold_answer_item_id_kind"),
    )
