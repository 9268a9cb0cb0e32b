"""What was changed of a job that is under way."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class JobChange(Base):
    """One term of a job, or its state, that a person changed, from what to what. Insert-only."""

    __tablename__ = "job_change"
    __table_args__ = (Index("ix_job_change_page", "job_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    what: Mapped[str] = mapped_column(String(40))  # a field of amending.Terms, or of jobs.history
    before: Mapped[str]
    after: Mapped[str]
    actor: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
