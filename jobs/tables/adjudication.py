"""What people did about questions, which of them wait for another person, and who is looking."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class Decision(Base):
    """One act of a person upon a question. Insert-only; ``version`` is the label's it wrote.

    ``act``: label, no_label (set aside), ask (for a second look) or undo.
    """

    __tablename__ = "decision"
    __table_args__ = (
        UniqueConstraint("job_id", "item_id", "kind", "version", name="uq_decision_version"),
        Index("ix_decision_actor", "actor", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    version: Mapped[int]
    act: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str]  # a code of jobs.adjudication.reasons; empty for ask and undo
    note: Mapped[str]
    state_before: Mapped[str] = mapped_column(String(12))
    state_after: Mapped[str] = mapped_column(String(12))
    actor: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]


class SecondLook(Base):
    """A question that waits for another person; gone once it is settled.

    ``asked_by``, ``first_by`` and ``second_by`` may not decide it; empty where nobody did.
    """

    __tablename__ = "second_look"
    consensus_id: Mapped[int] = mapped_column(ForeignKey("consensus.id"), primary_key=True)
    asked_by: Mapped[str] = mapped_column(String(254))
    first_by: Mapped[str] = mapped_column(String(254))
    second_by: Mapped[str] = mapped_column(String(254))
    note: Mapped[str]
    opened_at: Mapped[datetime]


class Reservation(Base):
    """Who is looking at a question; it holds ``until`` then and is renewed while they look."""

    __tablename__ = "reservation"
    consensus_id: Mapped[int] = mapped_column(ForeignKey("consensus.id"), primary_key=True)
    actor: Mapped[str] = mapped_column(String(254), index=True)
    taken_at: Mapped[datetime]
    until: Mapped[datetime]
