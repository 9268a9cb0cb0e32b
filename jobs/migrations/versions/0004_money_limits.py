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
    _create_account()
    _fill_account()
    _create_balance()
    op.add_column("intent", sa.Column("request_id", sa.Text(), nullable=False, server_default=""))


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


def _create_account() -> None:
    op.create_table(
        "account",
        sa.Column("environment", sa.String(length=12), nullable=False),
        sa.Column("cap_micros", Id, nullable=True),
        sa.Column("hourly_micros", Id, nullable=True),
        sa.Column("held_micros", Id, nullable=False),
        sa.Column("spent_micros", Id, nullable=False),
        sa.Column("hour", UtcDateTime, nullable=True),
        sa.Column("hour_micros", Id, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=True),
        sa.CheckConstraint(
            "cap_micros IS NULL OR held_micros + spent_micros <= cap_micros",
            name="ck_account_within_cap",
        ),
        sa.CheckConstraint(
            "held_micros >= 0 AND spent_micros >= 0", name="ck_account_not_negative"
        ),
        sa.PrimaryKeyConstraint("environment", name="pk_account"),
    )


def _fill_account() -> None:
    """One row an environment, with the sums of the jobs that exist."""
    for environment in ("local", "sandbox", "production"):
        op.execute(
            sa.text(
                "INSERT INTO account (environment, held_micros, spent_micros, hour_micros, actor) "
                "SELECT :environment, COALESCE(SUM(held_micros), 0), "
                "COALESCE(SUM(spent_micros), 0), 0, '' FROM job WHERE environment = :environment"
            ).bindparams(environment=environment)
        )


def _create_balance() -> None:
    op.create_table(
        "balance",
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("balance_micros", Id, nullable=False),
        sa.Column("low_micros", Id, nullable=False),
        sa.Column("high_micros", Id, nullable=False),
        sa.Column("read_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_balance"),
    )
