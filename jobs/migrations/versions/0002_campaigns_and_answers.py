"""Jobs, HITs and what workers answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobs.migrations.guards import fix, guard
from jobs.tables.base import Id, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_worker()
    _create_job()
    _create_route()
    _create_task()
    _create_batch()
    _create_hit()
    _create_hit_task()
    _create_raw_submission()
    _create_assignment()
    _create_answer()
    guard("raw_submission")
    guard("answer")
    fix("job", "environment")


def _create_worker() -> None:
    op.create_table(
        "worker",
        sa.Column("id", Id, nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("provider_worker_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worker"),
        sa.UniqueConstraint(
            "provider", "provider_worker_id", name="uq_worker_provider_provider_worker_id"
        ),
    )


def _create_job() -> None:
    op.create_table(
        "job",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("dataset_id", Id, nullable=False),
        sa.Column("schema_id", Id, nullable=False),
        sa.Column("environment", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("seed", Id, nullable=False),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("budget_micros", Id, nullable=False),
        sa.Column("held_micros", Id, nullable=False),
        sa.Column("spent_micros", Id, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("launched_at", UtcDateTime, nullable=True),
        sa.Column("finished_at", UtcDateTime, nullable=True),
        sa.CheckConstraint(
            "held_micros + spent_micros <= budget_micros", name="ck_job_within_budget"
        ),
        sa.CheckConstraint("held_micros >= 0 AND spent_micros >= 0", name="ck_job_not_negative"),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_job_dataset_id"),
        sa.ForeignKeyConstraint(["schema_id"], ["schema_version.id"], name="fk_job_schema_id"),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.UniqueConstraint("name", name="uq_job_name"),
    )


def _create_route() -> None:
    op.create_table(
        "route",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("position", Id, nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("redundancy", Id, nullable=False),
        sa.Column("reward_micros", Id, nullable=False),
        sa.Column("tasks_per_hit", Id, nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("provider_hit_type_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_route_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_route"),
        sa.UniqueConstraint("job_id", "position", name="uq_route_job_id_position"),
    )
    op.create_index("ix_route_job_id", "route", ["job_id"], unique=False)


def _create_task() -> None:
    op.create_table(
        "task",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("item_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("tile", sa.JSON(), nullable=True),
        sa.Column("is_gold", sa.Boolean(), nullable=False),
        sa.Column("repeat_of", Id, nullable=True),
        sa.Column("state", sa.String(length=14), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_task_item_id"),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_task_job_id"),
        sa.ForeignKeyConstraint(["repeat_of"], ["task.id"], name="fk_task_repeat_of"),
        sa.PrimaryKeyConstraint("id", name="pk_task"),
    )
    op.create_index("ix_task_item_id", "task", ["item_id"], unique=False)
    op.create_index("ix_task_job_id", "task", ["job_id"], unique=False)


def _create_batch() -> None:
    op.create_table(
        "batch",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("route_id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_batch_job_id"),
        sa.ForeignKeyConstraint(["route_id"], ["route.id"], name="fk_batch_route_id"),
        sa.PrimaryKeyConstraint("id", name="pk_batch"),
    )
    op.create_index("ix_batch_job_id", "batch", ["job_id"], unique=False)
    op.create_index("ix_batch_route_id", "batch", ["route_id"], unique=False)


def _create_hit() -> None:
    op.create_table(
        "hit",
        sa.Column("id", Id, nullable=False),
        sa.Column("batch_id", Id, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("marker", sa.String(length=64), nullable=False),
        sa.Column("max_assignments", Id, nullable=False),
        sa.Column("provider_hit_id", sa.String(length=255), nullable=False),
        sa.Column("held_micros", Id, nullable=False),
        sa.Column("posted_at", UtcDateTime, nullable=True),
        sa.Column("expires_at", UtcDateTime, nullable=True),
        sa.Column("collected_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_hit_batch_id"),
        sa.PrimaryKeyConstraint("id", name="pk_hit"),
        sa.UniqueConstraint("marker", name="uq_hit_marker"),
    )
    op.create_index("ix_hit_batch_id", "hit", ["batch_id"], unique=False)
    op.create_index("ix_hit_provider_hit_id", "hit", ["provider_hit_id"], unique=False)


def _create_hit_task() -> None:
    op.create_table(
        "hit_task",
        sa.Column("hit_id", Id, nullable=False),
        sa.Column("position", Id, autoincrement=False, nullable=False),
        sa.Column("task_id", Id, nullable=False),
        sa.ForeignKeyConstraint(["hit_id"], ["hit.id"], name="fk_hit_task_hit_id"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_hit_task_task_id"),
        sa.PrimaryKeyConstraint("hit_id", "position", name="pk_hit_task"),
    )
    op.create_index("ix_hit_task_task_id", "hit_task", ["task_id"], unique=False)


def _create_raw_submission() -> None:
    op.create_table(
        "raw_submission",
        sa.Column("id", Id, nullable=False),
        sa.Column("hit_id", Id, nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("provider_assignment_id", sa.String(length=255), nullable=False),
        sa.Column("provider_worker_id", sa.String(length=255), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("accepted_at", UtcDateTime, nullable=False),
        sa.Column("submitted_at", UtcDateTime, nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["hit_id"], ["hit.id"], name="fk_raw_submission_hit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_raw_submission"),
        sa.UniqueConstraint(
            "provider",
            "provider_assignment_id",
            "provider_worker_id",
            name="uq_raw_submission_arrival",
        ),
    )
    op.create_index("ix_raw_submission_hit_id", "raw_submission", ["hit_id"], unique=False)


def _create_assignment() -> None:
    op.create_table(
        "assignment",
        sa.Column("id", Id, nullable=False),
        sa.Column("raw_submission_id", Id, nullable=False),
        sa.Column("hit_id", Id, nullable=False),
        sa.Column("worker_id", Id, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("parse_state", sa.String(length=10), nullable=False),
        sa.Column("parse_error", sa.Text(), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", UtcDateTime, nullable=True),
        sa.Column("auto_approval_at", UtcDateTime, nullable=True),
        sa.Column("work_seconds", sa.Double(), nullable=False),
        sa.Column("cost_micros", Id, nullable=False),
        sa.Column("fee_micros", Id, nullable=False),
        sa.ForeignKeyConstraint(["hit_id"], ["hit.id"], name="fk_assignment_hit_id"),
        sa.ForeignKeyConstraint(
            ["raw_submission_id"], ["raw_submission.id"], name="fk_assignment_raw_submission_id"
        ),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name="fk_assignment_worker_id"),
        sa.PrimaryKeyConstraint("id", name="pk_assignment"),
        sa.UniqueConstraint("raw_submission_id", name="uq_assignment_raw_submission_id"),
    )
    op.create_index("ix_assignment_hit_id", "assignment", ["hit_id"], unique=False)
    op.create_index("ix_assignment_worker_id", "assignment", ["worker_id"], unique=False)


def _create_answer() -> None:
    op.create_table(
        "answer",
        sa.Column("id", Id, nullable=False),
        sa.Column("assignment_id", Id, nullable=False),
        sa.Column("task_id", Id, nullable=False),
        sa.Column("worker_id", Id, nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignment.id"], name="fk_answer_assignment_id"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_answer_task_id"),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name="fk_answer_worker_id"),
        sa.PrimaryKeyConstraint("id", name="pk_answer"),
        sa.UniqueConstraint("assignment_id", "task_id", name="uq_answer_assignment_id_task_id"),
    )
    op.create_index("ix_answer_assignment_id", "answer", ["assignment_id"], unique=False)
    op.create_index("ix_answer_task_id", "answer", ["task_id"], unique=False)
    op.create_index("ix_answer_worker_id", "answer", ["worker_id"], unique=False)
