"""Who pays and who works."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.marketplace.tables.base import Base, Json


class Requester(Base):
    """An account: its access key, and its money as the sums of its book entries."""

    __tablename__ = "market_requester"
    __table_args__ = (
        CheckConstraint("available_cents >= 0", name="available_not_negative"),
        CheckConstraint("held_cents >= 0", name="held_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(unique=True)
    access_key: Mapped[str] = mapped_column(unique=True)
    secret_key: Mapped[str] = mapped_column(default="")
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="crowd")
    available_cents: Mapped[int] = mapped_column(default=0)
    held_cents: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[int]


class Worker(Base):
    """A person who answers. ``epoch`` grows when every older session must end."""

    __tablename__ = "market_worker"

    id: Mapped[int] = mapped_column(primary_key=True)
    worker_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(default="crowd")
    country: Mapped[str] = mapped_column(default="US")
    subdivision: Mapped[str] = mapped_column(default="")
    is_master: Mapped[bool] = mapped_column(default=False)
    is_adult: Mapped[bool] = mapped_column(default=True)
    is_disabled: Mapped[bool] = mapped_column(default=False)
    only_hit_type_id: Mapped[str] = mapped_column(default="")
    accepts_next: Mapped[bool] = mapped_column(default=False)
    epoch: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[int]


class WorkerBlock(Base):
    """A requester wants no more work from a worker."""

    __tablename__ = "market_worker_block"
    __table_args__ = (UniqueConstraint("requester_id", "worker_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    requester_id: Mapped[int]
    worker_id: Mapped[str]
    reason: Mapped[str]
    created_at: Mapped[int]


class WorkerMessage(Base):
    """Something a worker is told: a requester's letter, a bonus, a block, a new qualification."""

    __tablename__ = "market_worker_message"
    __table_args__ = (
        Index("market_message_by_worker", "worker_id", "id"),
        Index("market_message_unread", "worker_id", "is_read"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    worker_id: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    sent_at: Mapped[int]
    is_read: Mapped[bool] = mapped_column(default=False)


class Invitation(Base):
    """A link that lets a visitor in: an account of their own, or an outside study's guest."""

    __tablename__ = "market_invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    max_uses: Mapped[int]
    n_uses: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[int]
    settings: Mapped[Any] = mapped_column(Json)
    created_at: Mapped[int]
