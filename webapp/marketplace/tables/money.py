"""The marketplace's books: every movement of money is a transfer whose entries sum to zero."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from webapp.marketplace.tables.base import Base


class Transfer(Base):
    """One movement. ``key`` is unique: the same thing is never booked twice."""

    __tablename__ = "market_transfer"
    __table_args__ = (
        Index("market_transfer_by_requester", "requester_id", "id"),
        Index("market_transfer_by_hit", "hit_id", "kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    requester_id: Mapped[int] = mapped_column(ForeignKey("market_requester.id"))
    hit_id: Mapped[int | None] = mapped_column(ForeignKey("market_hit.id"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("market_assignment.id"))
    amount_cents: Mapped[int]
    made_at: Mapped[int]


class Entry(Base):
    """What one account gains (or, negative, loses) by a transfer."""

    __tablename__ = "market_entry"
    __table_args__ = (
        Index("market_entry_by_account", "account"),
        Index("market_entry_by_transfer", "transfer_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    transfer_id: Mapped[int] = mapped_column(ForeignKey(Transfer.id))
    account: Mapped[str]
    amount_cents: Mapped[int]


class Bonus(Base):
    """A bonus, as ListBonusPayments gives it."""

    __tablename__ = "market_bonus"
    __table_args__ = (
        Index("market_bonus_by_hit", "hit_id", "id"),
        Index("market_bonus_by_assignment", "assignment_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    requester_id: Mapped[int] = mapped_column(ForeignKey("market_requester.id"))
    hit_id: Mapped[int] = mapped_column(ForeignKey("market_hit.id"))
    assignment_id: Mapped[int] = mapped_column(ForeignKey("market_assignment.id"))
    worker_id: Mapped[int] = mapped_column(ForeignKey("market_worker.id"))
    amount_cents: Mapped[int]
    reason: Mapped[str]
    granted_at: Mapped[int]
