"""Datasets taken in by the background: how far each import is, and what became of each row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobs.tables.base import Id, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _widen_intake()
    _create_intake_file()
    _create_job_sketch()


def _widen_intake() -> None:
    """An import begins before there is a dataset; those of earlier versions are done."""
    adds_up = sa.CheckConstraint("n_rows = n_accepted + n_refused", name="ck_intake_counts_add_up")
    with op.batch_alter_table("intake", table_args=(adds_up,)) as batch:
        batch.alter_column("dataset_id", existing_type=Id, nullable=True)
        for name, length, default in (
            ("dataset_name", 200, ""),
            ("state", 10, "done"),
            ("staged", 40, ""),
            ("actor", 254, ""),
        ):
            kind = sa.String(length=length)
            batch.add_column(sa.Column(name, kind, nullable=False, server_default=default))
        for name in ("n_files", "n_bytes", "n_total", "n_checked", "n_kept", "run"):
            batch.add_column(sa.Column(name, Id, nullable=False, server_default="0"))
        for name in ("licence", "item_source", "problem"):
            batch.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("facts", sa.JSON(), nullable=False, server_default="{}"))
        for name in ("touched_at", "finished_at"):
            batch.add_column(sa.Column(name, UtcDateTime, nullable=True))
    op.execute(
        "UPDATE intake SET finished_at = created_at, n_total = n_rows, n_checked = n_rows, "
        "n_kept = n_rows, dataset_name = "
        "(SELECT dataset.name FROM dataset WHERE dataset.id = intake.dataset_id)"
    )


def _create_intake_file() -> None:
    op.create_table(
        "intake_file",
        sa.Column("intake_id", Id, nullable=False),
        sa.Column("row", Id, nullable=False, autoincrement=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("fault", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("width", Id, nullable=False),
        sa.Column("height", Id, nullable=False),
        sa.Column("n_bytes", Id, nullable=False),
        sa.Column("is_turned", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["intake_id"], ["intake.id"], name="fk_intake_file_intake_id_intake"
        ),
        sa.PrimaryKeyConstraint("intake_id", "row", name="pk_intake_file"),
    )
    op.create_index("ix_intake_file_page", "intake_file", ["intake_id", "state", "row"])


def _create_job_sketch() -> None:
    op.create_table(
        "job_sketch",
        sa.Column("id", Id, nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("dataset_id", Id, nullable=False),
        sa.Column("form", sa.JSON(), nullable=False),
        sa.Column("touched_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["dataset.id"], name="fk_job_sketch_dataset_id_dataset"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_job_sketch"),
    )
    op.create_index("ix_job_sketch_actor", "job_sketch", ["actor"])
