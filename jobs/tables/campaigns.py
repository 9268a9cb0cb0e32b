"""A job sliced into tasks and HITs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class Job(Base):
    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("held_micros >= 0 AND spent_micros >= 0", name="not_negative"),
        CheckConstraint("held_micros + spent_micros <= budget_micros", name="within_budget"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    schema_id: Mapped[int] = mapped_column(ForeignKey("schema_version.id"))
    environment: Mapped[str] = mapped_column(String(12))  # production, sandbox or local; immutable
    state: Mapped[str] = mapped_column(String(12))  # draft, launching, running, paused, …
    seed: Mapped[int]
    policy: Mapped[dict[str, Any]]  # slicing, quality, review: see planning.JobSpec
    budget_micros: Mapped[int]
    held_micros: Mapped[int] = mapped_column(default=0)
    spent_micros: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    launched_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Route(Base):
    """Which provider answers which question of a job, at what redundancy and price."""

    __tablename__ = "route"
    __table_args__ = (UniqueConstraint("job_id", "position"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), index=True)
    position: Mapped[int]  # the order in which routes are asked
    provider: Mapped[str] = mapped_column(String(40))  # mturk, inhouse, model
    kind: Mapped[str] = mapped_column(String(10))  # boxes or tags
    attributes: Mapped[list[Any]]  # names of the attributes asked; empty for boxes
    redundancy: Mapped[int]
    reward_micros: Mapped[int]
    tasks_per_hit: Mapped[int]
    options: Mapped[dict[str, Any]]  # wage, tagger, durations, qualifications
    provider_hit_type_id: Mapped[str] = mapped_column(default="")


class Task(Base):
    """One question about one item (or one tile of it)."""

    __tablename__ = "task"
    __table_args__ = (Index("ix_task_question", "job_id", "kind", "item_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), index=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    tile: Mapped[list[Any] | None] = mapped_column(JSON)  # [left, top, right, bottom] or null
    is_gold: Mapped[bool] = mapped_column(default=False)
    repeat_of: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    state: Mapped[str] = mapped_column(String(14))  # open, settled, adjudication


class Batch(Base):
    """HITs of one route launched together."""

    __tablename__ = "batch"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), index=True)
    route_id: Mapped[int] = mapped_column(ForeignKey("route.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(12))  # planned, posting, open, closed
    created_at: Mapped[datetime]


class Hit(Base):
    __tablename__ = "hit"
    __table_args__ = (Index("ix_hit_provider_hit_id", "provider_hit_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"), index=True)
    state: Mapped[str] = mapped_column(
        String(12)
    )  # planned, sending, posted, unknown, failed, closed
    marker: Mapped[str] = mapped_column(String(64), unique=True)
    max_assignments: Mapped[int]
    provider_hit_id: Mapped[str] = mapped_column(String(255), default="")
    held_micros: Mapped[int] = mapped_column(default=0)
    posted_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    collected_at: Mapped[datetime | None]


class HitTask(Base):
    __tablename__ = "hit_task"
    hit_id: Mapped[int] = mapped_column(ForeignKey("hit.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
