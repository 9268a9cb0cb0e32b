"""A second pair of eyes: people's acts, what waits for another person, who is looking."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobs.migrations.guards import guard
from jobs.tables.base import Id, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WAITING = "state IN ('conflict', 'second_look', 'disputed')"


def upgrade() -> None:
    _create_decision()
    _create_second_look()
    _create_reservation()
    guard("decision")
    op.drop_index("ix_consensus_conflicts", table_name="consensus")
    for name, columns in (
        ("ix_consensus_waiting", ["confidence", "id"]),
        ("ix_consensus_waiting_of_job", ["job_id", "confidence", "id"]),
    ):
        op.create_index(
            name,
            "consensus",
            columns,
            unique=False,
            sqlite_where=sa.text(WAITING),
            postgresql_where=sa.text(WAITING),
        )


def _create_decision() -> None:
    op.create_table(
        "decision",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("item_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("version", Id, nullable=False),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state_before", sa.String(length=12), nullable=False),
        sa.Column("state_after", sa.String(length=12), nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_decision_job_id"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_decision_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_decision"),
        sa.UniqueConstraint("job_id", "item_id", "kind", "version", name="uq_decision_version"),
    )
    op.create_index("ix_decision_item_id", "decision", ["item_id"])
    op.create_index("ix_decision_actor", "decision", ["actor", "id"])


def _create_second_look() -> None:
    op.create_table(
        "second_look",
        sa.Column("consensus_id", Id, nullable=False),
        sa.Column("asked_by", sa.String(length=254), nullable=False),
        sa.Column("first_by", sa.String(length=254), nullable=False),
        sa.Column("second_by", sa.String(length=254), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["consensus_id"], ["consensus.id"], name="fk_second_look_consensus_id"
        ),
        sa.PrimaryKeyConstraint("consensus_id", name="pk_second_look"),
    )


def _create_reservation() -> None:
    op.create_table(
        "reservation",
        sa.Column("consensus_id", Id, nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("taken_at", UtcDateTime, nullable=False),
        sa.Column("until", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["consensus_id"], ["consensus.id"], name="fk_reservation_consensus_id"
        ),
        sa.PrimaryKeyConstraint("consensus_id", name="pk_reservation"),
    )
    op.create_index("ix_reservation_actor", "reservation", ["actor"])
