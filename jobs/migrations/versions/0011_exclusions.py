"""Exclusion of workers by environment, and when a call was last tried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jobs.migrations import staleness
from jobs.tables.base import Id, UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# What was asked for holds in the account it was asked for.
_ASKED = """
    INSERT INTO exclusion (worker_id, environment)
    SELECT c.worker_id, c.environment FROM standing_change c
    WHERE c.kind = 'qualification' AND c.name = 'HITworks: not invited' AND c.value IS NOT NULL
    AND c.number = (
        SELECT max(n.number) FROM standing_change n
        WHERE n.worker_id = c.worker_id AND n.environment = c.environment
        AND n.kind = c.kind AND n.name = c.name
    )
"""
# A mark that no change tells of was meant everywhere; staff work on the local marketplace.
_MARKED = """
    INSERT INTO exclusion (worker_id, environment)
    SELECT w.id, a.environment FROM worker w CROSS JOIN account a
    WHERE w.state = 'excluded' AND (w.provider <> 'inhouse' OR a.environment = 'local')
    AND NOT EXISTS (
        SELECT 1 FROM standing_change c
        WHERE c.worker_id = w.id AND c.kind = 'qualification' AND c.name = 'HITworks: not invited'
    )
"""
# Answers whose votes begin or end to count by this are combined anew.
_AFFECTED = """
    INSERT INTO stale_question (job_id, kind, item_id)
    SELECT DISTINCT t.job_id, t.kind, t.item_id FROM answer a
    JOIN task t ON t.id = a.task_id JOIN job j ON j.id = t.job_id
    JOIN worker w ON w.id = a.worker_id
    WHERE (w.state = 'excluded') <> EXISTS (
        SELECT 1 FROM exclusion e WHERE e.worker_id = w.id
        AND e.environment = CASE w.provider WHEN 'inhouse' THEN 'local' ELSE j.environment END
    )
"""


def upgrade() -> None:
    op.create_table(
        "exclusion",
        sa.Column("worker_id", Id, nullable=False),
        sa.Column("environment", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name="fk_exclusion_worker_id"),
        sa.PrimaryKeyConstraint("worker_id", "environment", name="pk_exclusion"),
    )
    for statement in (_ASKED, _MARKED, _AFFECTED):
        op.execute(statement)
    staleness.drop(op.get_bind(), staleness.WORKER)
    op.drop_column("worker", "state")
    staleness.install(op.get_bind(), staleness.EXCLUSIONS)
    op.add_column("intent", sa.Column("last_sent_at", UtcDateTime, nullable=True))
