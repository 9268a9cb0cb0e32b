"""Pages that requesters write themselves: every version kept, and what trials of them gave."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class TemplateVersion(Base):
    """One version of a saved template. Rows are inserted and never changed."""

    __tablename__ = "template_version"
    __table_args__ = (UniqueConstraint("name", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    language: Mapped[str] = mapped_column(String(8))  # fields, jinja
    source: Mapped[str]
    note: Mapped[str] = mapped_column(String(200))
    created_by: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]


class TemplateTrial(Base):
    """Pages done in a headless browser by a background worker, and what came of each."""

    __tablename__ = "template_trial"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    pages: Mapped[list[Any]]  # the HTML of each row
    state: Mapped[str] = mapped_column(String(10))  # planned, done, failed
    results: Mapped[list[Any]]
    problem: Mapped[str]
    created_by: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
