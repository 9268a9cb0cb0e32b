"""The tables as they were before the marketplace kept versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_invitation()
    _create_notice()
    _create_request_token()
    _create_requester()
    _create_setting()
    _create_worker()
    _create_worker_block()
    _create_worker_message()
    _create_hit_type()
    _create_layout()
    _create_qualification_type()
    _create_hit()
    _create_qualification()
    _create_qualification_request()
    _create_assignment()
    _create_review_row()
    _create_bonus()
    _create_transfer()
    _create_entry()


def _numbers(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, _Number, nullable=nullable) for name in names]


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=nullable) for name in names]


def _truths(*names: str) -> list[sa.Column[bool]]:
    return [sa.Column(name, sa.Boolean(), nullable=False) for name in names]


def _jsons(*names: str, nullable: bool = False) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.JSON(none_as_null=True), nullable=nullable) for name in names]


def _create_invitation() -> None:
    op.create_table(
        "market_invitation",
        *_numbers("id"),
        *_texts("token_hash", "kind", "note"),
        *_numbers("max_uses", "n_uses", "expires_at"),
        *_jsons("settings"),
        *_numbers("created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )


def _create_notice() -> None:
    op.create_table(
        "market_notice",
        *_numbers("id"),
        *_texts("transport", "destination"),
        *_jsons("body"),
        *_texts("event_type", "state"),
        *_numbers("n_attempts"),
        *_texts("last_error"),
        *_numbers("created_at", "due_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("market_notice_waiting", "market_notice", ["state", "due_at"])


def _create_request_token() -> None:
    op.create_table(
        "market_request_token",
        *_numbers("id", "requester_id"),
        *_texts("operation", "token", "made"),
        *_numbers("used_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("requester_id", "operation", "token"),
    )


def _create_requester() -> None:
    op.create_table(
        "market_requester",
        *_numbers("id"),
        *_texts("customer_id", "access_key", "secret_key", "name", "kind"),
        *_numbers("available_cents", "held_cents", "created_at"),
        sa.CheckConstraint("available_cents >= 0", name="available_not_negative"),
        sa.CheckConstraint("held_cents >= 0", name="held_not_negative"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("access_key"),
        sa.UniqueConstraint("customer_id"),
    )


def _create_setting() -> None:
    op.create_table(
        "market_setting", *_texts("name"), *_jsons("value"), sa.PrimaryKeyConstraint("name")
    )


def _create_worker() -> None:
    op.create_table(
        "market_worker",
        *_numbers("id"),
        *_texts("worker_id", "name", "password_hash", "kind", "country", "subdivision"),
        *_truths("is_master", "is_adult", "is_disabled"),
        *_texts("only_hit_type_id"),
        *_truths("accepts_next"),
        *_numbers("epoch", "created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("worker_id"),
    )


def _create_worker_block() -> None:
    op.create_table(
        "market_worker_block",
        *_numbers("id", "requester_id"),
        *_texts("worker_id", "reason"),
        *_numbers("created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("requester_id", "worker_id"),
    )


def _create_worker_message() -> None:
    op.create_table(
        "market_worker_message",
        *_numbers("id"),
        *_texts("worker_id", "subject", "text"),
        *_numbers("sent_at"),
        *_truths("is_read"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("market_message_by_worker", "market_worker_message", ["worker_id", "id"])


def _create_hit_type() -> None:
    op.create_table(
        "market_hit_type",
        *_numbers("id"),
        *_texts("hit_type_id", "hit_group_id"),
        *_numbers("requester_id"),
        *_texts("fingerprint", "title", "description", "keywords"),
        *_numbers("reward_cents", "duration_seconds", "auto_approval_seconds"),
        *_jsons("requirements"),
        *_jsons("notification", nullable=True),
        *_truths("notification_is_active", "is_deleted"),
        *_numbers("used_at"),
        sa.ForeignKeyConstraint(["requester_id"], ["market_requester.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hit_group_id"),
        sa.UniqueConstraint("hit_type_id"),
        sa.UniqueConstraint("requester_id", "fingerprint"),
    )


def _create_layout() -> None:
    op.create_table(
        "market_layout",
        *_numbers("id"),
        *_texts("layout_id"),
        *_numbers("requester_id", nullable=True),
        *_texts("html"),
        *_numbers("created_at"),
        sa.ForeignKeyConstraint(["requester_id"], ["market_requester.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("layout_id"),
    )


def _create_qualification_type() -> None:
    op.create_table(
        "market_qualification_type",
        *_numbers("id"),
        *_texts("qualification_type_id"),
        *_numbers("requester_id"),
        *_texts("name"),
        *_texts("living_name", nullable=True),
        *_texts("keywords", "description", "status"),
        *_numbers("retry_delay_seconds", nullable=True),
        *_texts("test"),
        *_numbers("test_duration_seconds", nullable=True),
        *_texts("answer_key"),
        *_truths("auto_granted"),
        *_numbers("auto_granted_value"),
        *_truths("for_staff"),
        *_numbers("created_at", "used_at"),
        sa.ForeignKeyConstraint(["requester_id"], ["market_requester.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("qualification_type_id"),
        sa.UniqueConstraint("requester_id", "living_name"),
    )


def _create_hit() -> None:
    op.create_table(
        "market_hit",
        *_numbers("id"),
        *_texts("hit_id"),
        *_numbers("type_id", "requester_id"),
        *_texts("question", "question_kind", "layout_id", "annotation", "status"),
        *_numbers(
            "max_assignments",
            "created_max_assignments",
            "n_pending",
            "n_submitted",
            "n_approved",
            "n_rejected",
            "n_held",
            "unit_reward_cents",
            "unit_fee_cents",
            "created_at",
            "expires_at",
        ),
        *_truths("told_expired"),
        *_numbers("reviewable_at", "disposed_at", nullable=True),
        *_jsons("assignment_policy", "hit_policy", nullable=True),
        sa.CheckConstraint(
            "n_pending >= 0 AND n_submitted >= 0 AND n_held >= 0 AND "
            "n_pending + n_submitted + n_approved + n_rejected <= max_assignments",
            name="slots_add_up",
        ),
        sa.ForeignKeyConstraint(["requester_id"], ["market_requester.id"]),
        sa.ForeignKeyConstraint(["type_id"], ["market_hit_type.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hit_id"),
    )
    op.create_index("market_hit_expiry", "market_hit", ["status", "expires_at"])
    op.create_index("market_hit_listing", "market_hit", ["requester_id", "id"])
    op.create_index("market_hit_open", "market_hit", ["status", "type_id", "id", "expires_at"])


def _create_qualification() -> None:
    op.create_table(
        "market_qualification",
        *_numbers("id", "type_id", "worker_id", "value"),
        *_texts("status"),
        *_numbers("granted_at"),
        *_texts("reason"),
        sa.ForeignKeyConstraint(["type_id"], ["market_qualification_type.id"]),
        sa.ForeignKeyConstraint(["worker_id"], ["market_worker.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("type_id", "worker_id"),
    )


def _create_qualification_request() -> None:
    op.create_table(
        "market_qualification_request",
        *_numbers("id"),
        *_texts("request_id"),
        *_numbers("type_id", "worker_id"),
        *_texts("state", "test", "answer", "reason"),
        *_numbers("started_at"),
        *_numbers("submitted_at", nullable=True),
        sa.ForeignKeyConstraint(["type_id"], ["market_qualification_type.id"]),
        sa.ForeignKeyConstraint(["worker_id"], ["market_worker.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("request_id"),
    )
    op.create_index(
        "market_request_by_type", "market_qualification_request", ["type_id", "state", "id"]
    )


def _create_assignment() -> None:
    op.create_table(
        "market_assignment",
        *_numbers("id"),
        *_texts("assignment_id"),
        *_numbers("hit_id", "worker_id"),
        *_texts("state"),
        *_numbers("accepted_at", "deadline"),
        *_numbers(
            "submitted_at",
            "auto_approves_at",
            "approved_at",
            "rejected_at",
            "ended_at",
            nullable=True,
        ),
        *_texts("answer", "feedback"),
        *_numbers("known_answer_score", nullable=True),
        sa.ForeignKeyConstraint(["hit_id"], ["market_hit.id"]),
        sa.ForeignKeyConstraint(["worker_id"], ["market_worker.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("market_assignment_auto", "market_assignment", ["state", "auto_approves_at"])
    op.create_index("market_assignment_deadline", "market_assignment", ["state", "deadline"])
    op.create_index("market_assignment_ids", "market_assignment", ["assignment_id"])
    op.create_index("market_assignment_touched", "market_assignment", ["hit_id", "worker_id"])
    op.create_index("market_assignment_worker", "market_assignment", ["worker_id", "state"])
    op.create_index(
        "market_live_id",
        "market_assignment",
        ["assignment_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('Accepted', 'Submitted', 'Approved', 'Rejected')"),
        postgresql_where=sa.text("state IN ('Accepted', 'Submitted', 'Approved', 'Rejected')"),
    )
    op.create_index(
        "market_one_per_worker",
        "market_assignment",
        ["hit_id", "worker_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('Accepted', 'Submitted', 'Approved', 'Rejected')"),
        postgresql_where=sa.text("state IN ('Accepted', 'Submitted', 'Approved', 'Rejected')"),
    )


def _create_review_row() -> None:
    op.create_table(
        "market_review_row",
        *_numbers("id", "hit_id"),
        *_texts("level"),
        *_truths("is_action"),
        *_jsons("body"),
        sa.ForeignKeyConstraint(["hit_id"], ["market_hit.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("market_review_by_hit", "market_review_row", ["hit_id", "id"])


def _create_bonus() -> None:
    op.create_table(
        "market_bonus",
        *_numbers("id", "requester_id", "hit_id", "assignment_id", "worker_id", "amount_cents"),
        *_texts("reason"),
        *_numbers("granted_at"),
        sa.ForeignKeyConstraint(["assignment_id"], ["market_assignment.id"]),
        sa.ForeignKeyConstraint(["hit_id"], ["market_hit.id"]),
        sa.ForeignKeyConstraint(["requester_id"], ["market_requester.id"]),
        sa.ForeignKeyConstraint(["worker_id"], ["market_worker.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("market_bonus_by_hit", "market_bonus", ["hit_id", "id"])


def _create_transfer() -> None:
    op.create_table(
        "market_transfer",
        *_numbers("id"),
        *_texts("key", "kind"),
        *_numbers("requester_id"),
        *_numbers("hit_id", "assignment_id", nullable=True),
        *_numbers("amount_cents", "made_at"),
        sa.ForeignKeyConstraint(["assignment_id"], ["market_assignment.id"]),
        sa.ForeignKeyConstraint(["hit_id"], ["market_hit.id"]),
        sa.ForeignKeyConstraint(["requester_id"], ["market_requester.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("market_transfer_by_requester", "market_transfer", ["requester_id", "id"])


def _create_entry() -> None:
    op.create_table(
        "market_entry",
        *_numbers("id", "transfer_id"),
        *_texts("account"),
        *_numbers("amount_cents"),
        sa.ForeignKeyConstraint(["transfer_id"], ["market_transfer.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("market_entry_by_account", "market_entry", ["account"])
    op.create_index("market_entry_by_transfer", "market_entry", ["transfer_id"])
