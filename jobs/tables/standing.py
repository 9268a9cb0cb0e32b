"""What was done about workers beyond paying them: qualifications, blocks, letters, reversals."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class OwnQualification(Base):
    """A qualification type that this installation made at a venue's account, by its name."""

    __tablename__ = "own_qualification"
    __table_args__ = (UniqueConstraint("provider", "environment", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(40))
    environment: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(200))
    provider_type_id: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime]  # when the venue was last seen to have it


class StandingChange(Base):
    """How a worker should stand with us at an account; the row with the highest number counts.

    ``value`` is the qualification's score, or 1 for a block; null takes it away again.
    """

    __tablename__ = "standing_change"
    __table_args__ = (
        UniqueConstraint(
            "worker_id", "environment", "kind", "name", "number", name="uq_standing_change_number"
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"))
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), index=True)  # where it was decided
    environment: Mapped[str] = mapped_column(String(12))
    kind: Mapped[str] = mapped_column(String(14))  # qualification, block
    name: Mapped[str] = mapped_column(String(200))  # of the qualification; empty for a block
    number: Mapped[int]
    value: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(12))  # asked, done, failed, superseded
    reason: Mapped[str]
    error: Mapped[str] = mapped_column(default="")
    actor: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Exclusion(Base):
    """A worker whose answers do not vote in the jobs of an account."""

    __tablename__ = "exclusion"
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"), primary_key=True)
    environment: Mapped[str] = mapped_column(String(12), primary_key=True)


class Letter(Base):
    """One text to workers of a job; ``key`` makes it be sent once."""

    __tablename__ = "letter"
    __table_args__ = (UniqueConstraint("job_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    key: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str]
    text: Mapped[str]
    actor: Mapped[str]
    created_at: Mapped[datetime]


class LetterCopy(Base):
    """One worker's copy of a letter."""

    __tablename__ = "letter_copy"
    __table_args__ = (UniqueConstraint("letter_id", "worker_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"))
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"), index=True)
    state: Mapped[str] = mapped_column(String(10))  # waiting, sent, failed, unknown
    error: Mapped[str] = mapped_column(default="")


class Reversal(Base):
    """A rejection taken back: what it was, who reversed it and why. The call is the intent's."""

    __tablename__ = "reversal"
    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), unique=True)
    intent_id: Mapped[int] = mapped_column(ForeignKey("intent.id"))
    rejected_by: Mapped[str]
    rejected_at: Mapped[datetime | None]
    rejection_reason: Mapped[str]
    reason: Mapped[str]
    actor: Mapped[str]
    created_at: Mapped[datetime]
