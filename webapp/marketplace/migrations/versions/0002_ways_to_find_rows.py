"""Indexes for what was found by reading whole tables, as a load run showed."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MADE = (
    ("market_transfer_by_hit", "market_transfer", ["hit_id", "kind"]),
    ("market_bonus_by_assignment", "market_bonus", ["assignment_id"]),
    ("market_message_unread", "market_worker_message", ["worker_id", "is_read"]),
    ("market_token_made", "market_request_token", ["requester_id", "operation", "made"]),
    ("market_token_age", "market_request_token", ["used_at"]),
    ("market_hit_reviewable", "market_hit", ["requester_id", "status", "id"]),
    ("market_hit_by_type", "market_hit", ["type_id", "status"]),
    ("market_hit_retention", "market_hit", ["status", "created_at"]),
    ("market_assignment_by_worker", "market_assignment", ["worker_id", "state", "hit_id"]),
)


def upgrade() -> None:
    for name, table, columns in _MADE:
        op.create_index(name, table, columns)
    op.drop_index("market_assignment_worker", table_name="market_assignment")
