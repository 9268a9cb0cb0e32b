"""What is asked and answered: HIT types, HITs, assignments, review reports, layouts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.marketplace.tables.base import Base, Json
from webapp.marketplace.tables.people import Requester

ACTIVE_STATES = ("Accepted", "Submitted", "Approved", "Rejected")
_IS_ACTIVE = text("state IN ('Accepted', 'Submitted', 'Approved', 'Rejected')")


class HitType(Base):
    """Seven attributes shared by HITs; the same seven give the same row."""

    __tablename__ = "market_hit_type"
    __table_args__ = (UniqueConstraint("requester_id", "fingerprint"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hit_type_id: Mapped[str] = mapped_column(unique=True)
    hit_group_id: Mapped[str] = mapped_column(unique=True)
    requester_id: Mapped[int] = mapped_column(ForeignKey(Requester.id))
    fingerprint: Mapped[str]
    title: Mapped[str]
    description: Mapped[str]
    keywords: Mapped[str]
    reward_cents: Mapped[int]
    duration_seconds: Mapped[int]
    auto_approval_seconds: Mapped[int]
    requirements: Mapped[Any] = mapped_column(Json)
    notification: Mapped[Any] = mapped_column(Json, nullable=True)
    notification_is_active: Mapped[bool] = mapped_column(default=False)
    is_deleted: Mapped[bool] = mapped_column(default=False)
    used_at: Mapped[int]
    requester: Mapped[Requester] = relationship(lazy="joined", innerjoin=True)


class Hit(Base):
    """One HIT with its counters. Slots are open, pending, submitted, approved or rejected."""

    __tablename__ = "market_hit"
    __table_args__ = (
        CheckConstraint(
            "n_pending >= 0 AND n_submitted >= 0 AND n_held >= 0 AND "
            "n_pending + n_submitted + n_approved + n_rejected <= max_assignments",
            name="slots_add_up",
        ),
        Index("market_hit_open", "status", "type_id", "id", "expires_at"),
        Index("market_hit_expiry", "status", "expires_at"),
        Index("market_hit_listing", "requester_id", "id"),
        Index("market_hit_reviewable", "requester_id", "status", "id"),
        Index("market_hit_by_type", "type_id", "status"),
        Index("market_hit_retention", "status", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hit_id: Mapped[str] = mapped_column(unique=True)
    type_id: Mapped[int] = mapped_column(ForeignKey(HitType.id))
    requester_id: Mapped[int] = mapped_column(ForeignKey(Requester.id))
    question: Mapped[str]
    question_kind: Mapped[str]
    layout_id: Mapped[str] = mapped_column(default="")
    annotation: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="Assignable")
    max_assignments: Mapped[int]
    created_max_assignments: Mapped[int]
    n_pending: Mapped[int] = mapped_column(default=0)
    n_submitted: Mapped[int] = mapped_column(default=0)
    n_approved: Mapped[int] = mapped_column(default=0)
    n_rejected: Mapped[int] = mapped_column(default=0)
    n_held: Mapped[int] = mapped_column(default=0)
    unit_reward_cents: Mapped[int]
    unit_fee_cents: Mapped[int]
    created_at: Mapped[int]
    expires_at: Mapped[int]
    told_expired: Mapped[bool] = mapped_column(default=False)
    reviewable_at: Mapped[int | None]
    disposed_at: Mapped[int | None]
    assignment_policy: Mapped[Any] = mapped_column(Json, nullable=True)
    hit_policy: Mapped[Any] = mapped_column(Json, nullable=True)
    hit_type: Mapped[HitType] = relationship(lazy="joined", innerjoin=True)


class Assignment(Base):
    """One worker's accepted copy of a HIT, from acceptance to decision."""

    __tablename__ = "market_assignment"
    __table_args__ = (
        Index("market_one_per_worker", "hit_id", "worker_id", unique=True,
              sqlite_where=_IS_ACTIVE, postgresql_where=_IS_ACTIVE),
        Index("market_live_id", "assignment_id", unique=True,
              sqlite_where=_IS_ACTIVE, postgresql_where=_IS_ACTIVE),
        Index("market_assignment_touched", "hit_id", "worker_id"),
        Index("market_assignment_ids", "assignment_id"),
        Index("market_assignment_deadline", "state", "deadline"),
        Index("market_assignment_auto", "state", "auto_approves_at"),
        Index("market_assignment_by_worker", "worker_id", "state", "hit_id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[str]
    hit_id: Mapped[int] = mapped_column(ForeignKey(Hit.id))
    worker_id: Mapped[int] = mapped_column(ForeignKey("market_worker.id"))
    state: Mapped[str] = mapped_column(default="Accepted")
    accepted_at: Mapped[int]
    deadline: Mapped[int]
    submitted_at: Mapped[int | None]
    auto_approves_at: Mapped[int | None]
    approved_at: Mapped[int | None]
    rejected_at: Mapped[int | None]
    ended_at: Mapped[int | None]
    answer: Mapped[str] = mapped_column(default="")
    feedback: Mapped[str] = mapped_column(default="")
    known_answer_score: Mapped[int | None]
    hit: Mapped[Hit] = relationship(lazy="joined", innerjoin=True)


class ReviewRow(Base):
    """One result or action of a review policy, as ListReviewPolicyResultsForHIT gives it."""

    __tablename__ = "market_review_row"
    __table_args__ = (Index("market_review_by_hit", "hit_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hit_id: Mapped[int] = mapped_column(ForeignKey(Hit.id))
    level: Mapped[str]
    is_action: Mapped[bool]
    body: Mapped[Any] = mapped_column(Json)


class Layout(Base):
    """An HTML page with ``${name}`` placeholders, registered by an admin call."""

    __tablename__ = "market_layout"

    id: Mapped[int] = mapped_column(primary_key=True)
    layout_id: Mapped[str] = mapped_column(unique=True)
    requester_id: Mapped[int | None] = mapped_column(ForeignKey(Requester.id))
    html: Mapped[str]
    created_at: Mapped[int]
