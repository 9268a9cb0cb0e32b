"""What a person has begun to write, before it can be anything else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class JobSketch(Base):
    """The question form of a new job as far as it is filled in; its owner's alone."""

    __tablename__ = "job_sketch"
    id: Mapped[int] = mapped_column(primary_key=True)
    actor: Mapped[str] = mapped_column(String(254), index=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    form: Mapped[dict[str, Any]]
    touched_at: Mapped[datetime]
