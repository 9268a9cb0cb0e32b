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
    """A named snapshot of final labels and the file they were written to.

    Which label versions it holds stands in its ``ExportPage`` rows, which never change; so
    the same file can be made again later. ``choices`` is empty in rows older than those.
    """

    __tablename__ = "export"
    __table_args__ = (Index("uq_export_job_id_name", "job_id", "name", unique=True),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), index=True)
    name: Mapped[str] = mapped_column(String(100), server_default="")
    format: Mapped[str] = mapped_column(String(20))
    choices: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    state: Mapped[str] = mapped_column(String(10))  # planned, done, failed
    file_name: Mapped[str] = mapped_column(default="")  # within the exports folder
    sha256: Mapped[str] = mapped_column(String(64), default="")
    n_labels: Mapped[int] = mapped_column(default=0)
    n_bytes: Mapped[int] = mapped_column(default=0, server_default="0")
    problem: Mapped[str] = mapped_column(default="", server_default="")
    actor: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]  # when it was last made again, to the same bytes


class ExportPage(Base):
    """Some labels of a snapshot, in the order of the file, by id; insert-only.

    ``agreements`` is that of each question when the snapshot was taken (null: unknown).
    """

    __tablename__ = "export_page"
    export_id: Mapped[int] = mapped_column(ForeignKey("export.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # from 0
    label_ids: Mapped[list[Any]]
    agreements: Mapped[list[Any]]


class PseudonymKey(Base):
    """The secret from which the names of a job's workers in its exports are made."""

    __tablename__ = "pseudonym_key"
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
