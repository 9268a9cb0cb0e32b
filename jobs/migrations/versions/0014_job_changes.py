"""What was changed of a job under way: by whom, when, from what to what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobs.migrations.guards import guard
from jobs.tables.base import Id, UtcDateTime

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_change",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_job_change_job_id_job"),
        sa.PrimaryKeyConstraint("id", name="pk_job_change"),
    )
    op.create_index("ix_job_change_page", "job_change", ["job_id", "id"])
    guard("job_change")
