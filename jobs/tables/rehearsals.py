"""What drafts are expected to cost, yield and take, as rehearsed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class Rehearsal(Base):
    """One forecast of a job's plan, and how far it has come; its result is empty until then."""

    __tablename__ = "rehearsal"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), index=True)
    state: Mapped[str] = mapped_column(String(10))  # planned, done, failed
    n_items: Mapped[int]
    n_done: Mapped[int]
    n_runs: Mapped[int]
    result: Mapped[dict[str, Any]]
    problem: Mapped[str]
    created_by: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
