"""Who answered what; raw answers never change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class Worker(Base):
    """Who answers: identity is (provider, provider_worker_id)."""

    __tablename__ = "worker"
    __table_args__ = (UniqueConstraint("provider", "provider_worker_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(40))
    provider_worker_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]


class RawSubmission(Base):
    """The bytes a venue returned. Insert-only: triggers refuse UPDATE and DELETE."""

    __tablename__ = "raw_submission"
    __table_args__ = (
        UniqueConstraint(
            "provider",
            "provider_assignment_id",
            "provider_worker_id",
            name="uq_raw_submission_arrival",
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    hit_id: Mapped[int] = mapped_column(ForeignKey("hit.id"), index=True)
    provider: Mapped[str] = mapped_column(String(40))
    provider_assignment_id: Mapped[str] = mapped_column(String(255))
    provider_worker_id: Mapped[str] = mapped_column(String(255))
    raw: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    accepted_at: Mapped[datetime]
    submitted_at: Mapped[datetime]
    received_at: Mapped[datetime]


class Assignment(Base):
    """One worker's copy of a HIT: Submitted, Approved or Rejected."""

    __tablename__ = "assignment"
    __table_args__ = (
        Index("ix_assignment_deadline", "state", "auto_approval_at"),
        Index(
            "ix_assignment_undecided",
            "id",
            sqlite_where=text("state = 'Submitted' AND decision IS NULL"),
            postgresql_where=text("state = 'Submitted' AND decision IS NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    raw_submission_id: Mapped[int] = mapped_column(ForeignKey("raw_submission.id"), unique=True)
    hit_id: Mapped[int] = mapped_column(ForeignKey("hit.id"), index=True)
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"), index=True)
    state: Mapped[str] = mapped_column(String(10))  # Submitted, Approved, Rejected
    parse_state: Mapped[str] = mapped_column(String(10))  # new, parsed, unparsed
    parse_error: Mapped[str] = mapped_column(default="")
    decision: Mapped[str | None] = mapped_column(String(10))  # approve, reject
    decision_reason: Mapped[str] = mapped_column(default="")
    decided_by: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    auto_approval_at: Mapped[datetime | None]
    work_seconds: Mapped[float]
    cost_micros: Mapped[int] = mapped_column(default=0)
    fee_micros: Mapped[int] = mapped_column(default=0)


class Answer(Base):
    """One worker's parsed reply to one task; never changed.

    ``value`` of boxes: {"boxes": [{"label", "left", "top", "right", "bottom", "score"?}]},
    in pixels of the whole EXIF-upright item, tiles already shifted; of tags:
    {"tags": {attribute: option or [options] or whole number as text}}.
    """

    __tablename__ = "answer"
    __table_args__ = (
        UniqueConstraint("assignment_id", "task_id"),
        Index("ix_answer_worker_id", "worker_id", "task_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"))
    value: Mapped[dict[str, Any]]
    seconds: Mapped[float]
    created_at: Mapped[datetime]


class WorkerScore(Base):
    """A worker's accuracy within a job and question kind, replaced at each combination."""

    __tablename__ = "worker_score"
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    n_answers: Mapped[int]
    n_gold: Mapped[int]
    gold_accuracy: Mapped[float | None]
    gold_low: Mapped[float | None]
    gold_high: Mapped[float | None]
    consensus_accuracy: Mapped[float | None]
    consensus_low: Mapped[float | None]
    consensus_high: Mapped[float | None]
    repeat_agreement: Mapped[float | None]
    mean_seconds: Mapped[float]
    details: Mapped[dict[str, Any]]
    computed_at: Mapped[datetime]
