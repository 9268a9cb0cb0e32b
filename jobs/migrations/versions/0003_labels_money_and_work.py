"""Labels, money and the queue of record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobs.migrations.guards import guard
from jobs.tables.base import Id, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_installation()
    _create_sweep()
    _create_switch()
    _create_work()
    _create_consensus()
    _create_export()
    _create_finding()
    _create_intent()
    _create_label()
    _create_worker_score()
    _create_ledger_transaction()
    _create_ledger_entry()
    guard("ledger_transaction")
    guard("ledger_entry")


def _create_installation() -> None:
    op.create_table(
        "installation",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
    )


def _create_sweep() -> None:
    op.create_table(
        "sweep",
        sa.Column("id", Id, nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("lease_until", UtcDateTime, nullable=False),
        sa.Column("last_swept_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sweep"),
    )


def _create_switch() -> None:
    op.create_table(
        "switch",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_switch"),
    )


def _create_work() -> None:
    op.create_table(
        "work",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("task_name", sa.String(length=40), nullable=False),
        sa.Column("subject_id", Id, nullable=False),
        sa.Column("state", sa.String(length=14), nullable=False),
        sa.Column("attempts", Id, nullable=False),
        sa.Column("failures", Id, nullable=False),
        sa.Column("run_again", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("lease_until", UtcDateTime, nullable=True),
        sa.Column("next_try_at", UtcDateTime, nullable=False),
        sa.Column("n_done", Id, nullable=False),
        sa.Column("n_total", Id, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_work"),
        sa.UniqueConstraint("key", name="uq_work_key"),
    )
    op.create_index("ix_work_due", "work", ["state", "next_try_at"], unique=False)


def _create_consensus() -> None:
    op.create_table(
        "consensus",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("item_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("method", sa.String(length=80), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("agreement", sa.Double(), nullable=True),
        sa.Column("n_answers", Id, nullable=False),
        sa.Column("answers_sha256", sa.String(length=64), nullable=False),
        sa.Column("provenance", sa.JSON(), nullable=False),
        sa.Column("combined_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_consensus_item_id"),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_consensus_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_consensus"),
        sa.UniqueConstraint("job_id", "kind", "item_id", name="uq_consensus_job_id_kind_item_id"),
    )
    op.create_index("ix_consensus_item_id", "consensus", ["item_id"], unique=False)
    op.create_index(
        "ix_consensus_worst_first",
        "consensus",
        ["job_id", "state", "confidence", "id"],
        unique=False,
    )


def _create_export() -> None:
    op.create_table(
        "export",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("n_labels", Id, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_export_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_export"),
    )
    op.create_index("ix_export_job_id", "export", ["job_id"], unique=False)


def _create_finding() -> None:
    op.create_table(
        "finding",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("job_id", Id, nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("resolved_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_finding_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
        sa.UniqueConstraint("key", name="uq_finding_key"),
    )


def _create_intent() -> None:
    op.create_table(
        "intent",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("operation", sa.String(length=40), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("window", Id, nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("parameters_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("provider_reference", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("attempts", Id, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("first_sent_at", UtcDateTime, nullable=True),
        sa.Column("finished_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_intent_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_intent"),
        sa.UniqueConstraint("key", name="uq_intent_key"),
    )
    op.create_index("ix_intent_job_id", "intent", ["job_id"], unique=False)


def _create_label() -> None:
    op.create_table(
        "label",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("item_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("version", Id, nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("origin", sa.String(length=14), nullable=False),
        sa.Column("provenance", sa.JSON(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_label_item_id"),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_label_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_label"),
        sa.UniqueConstraint(
            "job_id", "item_id", "kind", "version", name="uq_label_job_id_item_id_kind_version"
        ),
    )
    op.create_index("ix_label_item_id", "label", ["item_id"], unique=False)


def _create_worker_score() -> None:
    op.create_table(
        "worker_score",
        sa.Column("job_id", Id, nullable=False),
        sa.Column("worker_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("n_answers", Id, nullable=False),
        sa.Column("n_gold", Id, nullable=False),
        sa.Column("gold_accuracy", sa.Double(), nullable=True),
        sa.Column("gold_low", sa.Double(), nullable=True),
        sa.Column("gold_high", sa.Double(), nullable=True),
        sa.Column("consensus_accuracy", sa.Double(), nullable=True),
        sa.Column("consensus_low", sa.Double(), nullable=True),
        sa.Column("consensus_high", sa.Double(), nullable=True),
        sa.Column("repeat_agreement", sa.Double(), nullable=True),
        sa.Column("mean_seconds", sa.Double(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("computed_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_worker_score_job_id"),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name="fk_worker_score_worker_id"),
        sa.PrimaryKeyConstraint("job_id", "worker_id", "kind", name="pk_worker_score"),
    )


def _create_ledger_transaction() -> None:
    op.create_table(
        "ledger_transaction",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("route_id", Id, nullable=True),
        sa.Column("hit_id", Id, nullable=True),
        sa.Column("assignment_id", Id, nullable=True),
        sa.Column("worker_id", Id, nullable=True),
        sa.Column("intent_id", Id, nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignment.id"], name="fk_ledger_transaction_assignment_id"
        ),
        sa.ForeignKeyConstraint(["hit_id"], ["hit.id"], name="fk_ledger_transaction_hit_id"),
        sa.ForeignKeyConstraint(
            ["intent_id"], ["intent.id"], name="fk_ledger_transaction_intent_id"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_ledger_transaction_job_id"),
        sa.ForeignKeyConstraint(["route_id"], ["route.id"], name="fk_ledger_transaction_route_id"),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["worker.id"], name="fk_ledger_transaction_worker_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_transaction"),
        sa.UniqueConstraint("key", name="uq_ledger_transaction_key"),
    )
    op.create_index("ix_ledger_transaction_job_id", "ledger_transaction", ["job_id"], unique=False)


def _create_ledger_entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("id", Id, nullable=False),
        sa.Column("transaction_id", Id, nullable=False),
        sa.Column("account", sa.String(length=20), nullable=False),
        sa.Column("amount_micros", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["ledger_transaction.id"], name="fk_ledger_entry_transaction_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_entry"),
    )
    op.create_index(
        "ix_ledger_entry_transaction_id", "ledger_entry", ["transaction_id"], unique=False
    )
