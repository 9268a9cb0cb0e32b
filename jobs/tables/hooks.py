"""Replies kept for repeated calls; addresses that hear of events, and what was sent to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class KeptReply(Base):
    """One call of the API under a person's key, and what it was answered."""

    __tablename__ = "kept_reply"
    __table_args__ = (UniqueConstraint("person_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    key: Mapped[str] = mapped_column(String(255))
    request_sha256: Mapped[str] = mapped_column(String(64))  # of method, address and body
    state: Mapped[str] = mapped_column(String(8))  # running, applied (committed), done
    attempt: Mapped[int] = mapped_column(default=1)
    lease_until: Mapped[datetime]
    status: Mapped[int] = mapped_column(default=0)
    body: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(index=True)


class Hook(Base):
    """An address that hears of events. ``secret`` signs; no view ever reads it."""

    __tablename__ = "hook"
    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str]
    events: Mapped[list[Any]]
    secret: Mapped[str] = mapped_column(String(80))
    created_by: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class HookDelivery(Base):
    """One event on its way to one hook; ``key`` makes that happen once."""

    __tablename__ = "hook_delivery"
    __table_args__ = (UniqueConstraint("hook_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    hook_id: Mapped[int] = mapped_column(ForeignKey("hook.id"))
    key: Mapped[str] = mapped_column(String(200))  # e.g. job.launched:17
    event: Mapped[str] = mapped_column(String(40))
    event_id: Mapped[str] = mapped_column(String(40))
    body: Mapped[str]  # the very bytes that are signed and sent
    state: Mapped[str] = mapped_column(String(10))  # waiting, delivered, failed, dropped
    attempts: Mapped[int] = mapped_column(default=0)
    status: Mapped[int | None]  # of the receiver's last reply
    problem: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
