"""Requests seen, notices to send, and what the installation itself remembers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.marketplace.tables.base import Base, Json


class RequestToken(Base):
    """A UniqueRequestToken that was used; forgotten after 24 hours."""

    __tablename__ = "market_request_token"
    __table_args__ = (
        UniqueConstraint("requester_id", "operation", "token"),
        Index("market_token_made", "requester_id", "operation", "made"),
        Index("market_token_age", "used_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    requester_id: Mapped[int]
    operation: Mapped[str]
    token: Mapped[str]
    made: Mapped[str] = mapped_column(default="")
    used_at: Mapped[int]


class Notice(Base):
    """One event message on its way to a queue, topic, mailbox or webhook."""

    __tablename__ = "market_notice"
    __table_args__ = (Index("market_notice_waiting", "state", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    transport: Mapped[str]
    destination: Mapped[str]
    body: Mapped[Any] = mapped_column(Json)
    event_type: Mapped[str]
    state: Mapped[str] = mapped_column(default="waiting")
    n_attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[int]
    due_at: Mapped[int]


class Setting(Base):
    """A fact of this installation, such as how far its clock is ahead."""

    __tablename__ = "market_setting"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
