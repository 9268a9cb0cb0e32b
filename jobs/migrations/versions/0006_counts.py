"""Counts kept beside the rows they count, and the indexes of the pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobs.migrations import counting, staleness
from jobs.tables.base import Id, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PARTIAL = (
    ("ix_assignment_undecided", "assignment", ["id"], "state = 'Submitted' AND decision IS NULL"),
    ("ix_consensus_conflicts", "consensus", ["confidence", "id"], "state = 'conflict'"),
    ("ix_intent_unfinished", "intent", ["state"], "state <> 'done'"),
)
WHOLE = (
    ("ix_answer_worker_id", "answer", ["worker_id", "task_id"]),
    (
        "ix_consensus_item",
        "consensus",
        ["job_id", "item_id", "state", "kind", "confidence", "agreement"],
    ),
    (
        "ix_consensus_state",
        "consensus",
        ["job_id", "state", "item_id", "kind", "confidence", "agreement"],
    ),
    ("ix_item_page", "item", ["dataset_id", "id"]),
    ("ix_label_page", "label", ["job_id", "id"]),
    ("ix_ledger_transaction_page", "ledger_transaction", ["job_id", "id"]),
    ("ix_task_question", "task", ["job_id", "kind", "item_id"]),
)


def upgrade() -> None:
    _widen_state()
    _create_tables()
    op.drop_index("ix_answer_worker_id", table_name="answer")
    for name, table, columns in WHOLE:
        op.create_index(name, table, columns, unique=False)
    for name, table, columns, where in PARTIAL:
        op.create_index(
            name,
            table,
            columns,
            unique=False,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    staleness.install(op.get_bind())
    counting.install(op.get_bind())
    counting.fill(op.get_bind())


def _widen_state() -> None:
    """PostgreSQL refused "adjudicated", which has eleven letters."""
    with op.batch_alter_table("consensus") as batch:
        batch.alter_column(
            "state",
            existing_type=sa.String(length=10),
            type_=sa.String(length=12),
            existing_nullable=False,
        )


def _create_tables() -> None:
    op.create_table(
        "tally",
        sa.Column("id", Id, nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("part_id", Id, nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("n", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tally"),
    )
    op.create_index(
        "ix_tally_place", "tally", ["owner_id", "subject", "part_id", "key"], unique=False
    )
    op.create_table(
        "facet",
        sa.Column("job_id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("item_id", Id, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_facet_job_id"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_facet_item_id"),
        sa.PrimaryKeyConstraint("job_id", "name", "item_id", name="pk_facet"),
    )
    op.create_table(
        "gold_result",
        sa.Column("job_id", Id, nullable=False),
        sa.Column("item_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label_id", Id, nullable=False),
        sa.Column("gold_at", UtcDateTime, nullable=False),
        sa.Column("n_right", Id, nullable=False),
        sa.Column("n_labels", Id, nullable=False),
        sa.Column("n_gold", Id, nullable=False),
        sa.Column("iou_millionths", Id, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_gold_result_job_id"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_gold_result_item_id"),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name="fk_gold_result_label_id"),
        sa.PrimaryKeyConstraint("job_id", "item_id", "kind", "name", name="pk_gold_result"),
    )
    op.create_table(
        "stale_question",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("item_id", Id, nullable=False),
        sa.Column("is_taken", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stale_question"),
    )
    op.create_index("ix_stale_question_job_id", "stale_question", ["job_id", "kind"], unique=False)
    op.create_table(
        "refit",
        sa.Column("job_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("n_answers", Id, nullable=False),
        sa.Column("fitted_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_refit_job_id"),
        sa.PrimaryKeyConstraint("job_id", "kind", name="pk_refit"),
    )
