"""Rejections that can be taken back, workers kept out by a qualification, letters to workers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobs.tables.base import Id, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_own_qualification()
    _create_standing_change()
    _create_letter()
    _create_letter_copy()
    _create_reversal()
    op.create_index(
        "ix_assignment_deadline", "assignment", ["state", "auto_approval_at"], unique=False
    )


def _create_own_qualification() -> None:
    op.create_table(
        "own_qualification",
        sa.Column("id", Id, nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("environment", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("provider_type_id", sa.String(length=255), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("checked_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_own_qualification"),
        sa.UniqueConstraint(
            "provider",
            "environment",
            "name",
            name="uq_own_qualification_provider_environment_name",
        ),
    )


def _create_standing_change() -> None:
    op.create_table(
        "standing_change",
        sa.Column("id", Id, nullable=False),
        sa.Column("worker_id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("environment", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=14), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("number", Id, nullable=False),
        sa.Column("value", Id, nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name="fk_standing_change_worker_id"),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_standing_change_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_standing_change"),
        sa.UniqueConstraint(
            "worker_id", "environment", "kind", "name", "number", name="uq_standing_change_number"
        ),
    )
    op.create_index("ix_standing_change_job_id", "standing_change", ["job_id"], unique=False)


def _create_letter() -> None:
    op.create_table(
        "letter",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_letter_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_letter"),
        sa.UniqueConstraint("job_id", "key", name="uq_letter_job_id_key"),
    )


def _create_letter_copy() -> None:
    op.create_table(
        "letter_copy",
        sa.Column("id", Id, nullable=False),
        sa.Column("letter_id", Id, nullable=False),
        sa.Column("worker_id", Id, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name="fk_letter_copy_letter_id"),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name="fk_letter_copy_worker_id"),
        sa.PrimaryKeyConstraint("id", name="pk_letter_copy"),
        sa.UniqueConstraint("letter_id", "worker_id", name="uq_letter_copy_letter_id_worker_id"),
    )
    op.create_index("ix_letter_copy_worker_id", "letter_copy", ["worker_id"], unique=False)


def _create_reversal() -> None:
    op.create_table(
        "reversal",
        sa.Column("id", Id, nullable=False),
        sa.Column("assignment_id", Id, nullable=False),
        sa.Column("intent_id", Id, nullable=False),
        sa.Column("rejected_by", sa.Text(), nullable=False),
        sa.Column("rejected_at", UtcDateTime, nullable=True),
        sa.Column("rejection_reason", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignment.id"], name="fk_reversal_assignment_id"
        ),
        sa.ForeignKeyConstraint(["intent_id"], ["intent.id"], name="fk_reversal_intent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reversal"),
        sa.UniqueConstraint("assignment_id", name="uq_reversal_assignment_id"),
    )
