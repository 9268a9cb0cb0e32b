"""The queue of record."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class Work(Base):
    """The queue of record: a row with lease and owner. RQ only carries its id."""

    __tablename__ = "work"
    __table_args__ = (Index("ix_work_due", "state", "next_try_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)  # e.g. collect_batch:17
    task_name: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int]
    state: Mapped[str] = mapped_column(String(14))  # ready, running, done, needs_person
    attempts: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)  # in a row, since the last progress
    run_again: Mapped[bool] = mapped_column(default=False)  # asked for while it was running
    owner: Mapped[str] = mapped_column(String(80), default="")
    lease_until: Mapped[datetime | None]
    next_try_at: Mapped[datetime]
    n_done: Mapped[int] = mapped_column(default=0)
    n_total: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Sweep(Base):
    """The sweeper's lease: one row, so that one process sweeps at a time."""

    __tablename__ = "sweep"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(80))
    lease_until: Mapped[datetime]
    last_swept_at: Mapped[datetime | None]
