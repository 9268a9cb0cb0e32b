"""Combined answers, final labels and exports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base

_WAITING = "state IN ('conflict', 'second_look', 'disputed')"
_SHOWN = ("kind", "confidence", "agreement")  # what filters ask: found in the index alone


class Consensus(Base):
    """The combined answer to one question about one item, replaced when answers change.

    ``state`` is open (wants more answers), sure, conflict (wants a person), or what a person
    made of it: adjudicated, set_aside (has no label), second_look (wants another person) or
    disputed (two people disagree).
    """

    __tablename__ = "consensus"
    __table_args__ = (
        UniqueConstraint("job_id", "kind", "item_id"),
        Index("ix_consensus_worst_first", "job_id", "state", "confidence", "id"),
        Index(
            "ix_consensus_waiting",
            "confidence",
            "id",
            sqlite_where=text(_WAITING),
            postgresql_where=text(_WAITING),
        ),
        Index(
            "ix_consensus_waiting_of_job",
            "job_id",
            "confidence",
            "id",
            sqlite_where=text(_WAITING),
            postgresql_where=text(_WAITING),
        ),
        Index("ix_consensus_state", "job_id", "state", "item_id", *_SHOWN),
        Index("ix_consensus_item", "job_id", "item_id", "state", *_SHOWN),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12))
    method: Mapped[str] = mapped_column(String(80))  # name@version
    value: Mapped[dict[str, Any]]
    confidence: Mapped[float]
    agreement: Mapped[float | None]
    n_answers: Mapped[int]
    answers_sha256: Mapped[str] = mapped_column(String(64))  # of the answers it was made from
    provenance: Mapped[dict[str, Any]]
    combined_at: Mapped[datetime]


class Label(Base):
    """The final value, versioned; the newest version counts, none is ever changed."""

    __tablename__ = "label"
    __table_args__ = (
        UniqueConstraint("job_id", "item_id", "kind", "version"),
        Index("ix_label_page", "job_id", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    version: Mapped[int]
    value: Mapped[dict[str, Any]]
    confidence: Mapped[float]
    # consensus, adjudication, reverted, asked or set_aside
    origin: Mapped[str] = mapped_column(String(14))
    provenance: Mapped[dict[str, Any]]
    actor: Mapped[str]
    created_at: Mapped[datetime]


class Export(Base):
    __tablename__ = "export"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), index=True)
    format: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10))  # planned, done, failed
    file_name: Mapped[str] = mapped_column(default="")  # within the exports folder
    sha256: Mapped[str] = mapped_column(String(64), default="")
    n_labels: Mapped[int] = mapped_column(default=0)
    actor: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
