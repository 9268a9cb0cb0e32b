"""What is labeled, and what is known of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class Dataset(Base):
    __tablename__ = "dataset"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime]


class Intake(Base):
    """One import into a dataset: rows in = accepted + refused, duplicates being refused.

    Its counts and facts are those of the end: they stay 0 and empty until it is done.
    """

    __tablename__ = "intake"
    __table_args__ = (CheckConstraint("n_rows = n_accepted + n_refused", name="counts_add_up"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("dataset.id"), index=True)
    dataset_name: Mapped[str] = mapped_column(String(200), default="", server_default="")
    source: Mapped[str]
    n_rows: Mapped[int]
    n_accepted: Mapped[int]
    n_refused: Mapped[int]
    refusals: Mapped[list[Any]]  # [{"row": int, "name": str, "reason": str}, ...]
    created_at: Mapped[datetime]
    # receiving, planned, checking, keeping, done, failed, cancelled
    state: Mapped[str] = mapped_column(String(10), default="done", server_default="done")
    staged: Mapped[str] = mapped_column(String(40), default="", server_default="")
    n_files: Mapped[int] = mapped_column(default=0, server_default="0")  # received so far
    n_bytes: Mapped[int] = mapped_column(default=0, server_default="0")
    n_total: Mapped[int] = mapped_column(default=0, server_default="0")  # rows found in it
    n_checked: Mapped[int] = mapped_column(default=0, server_default="0")
    n_kept: Mapped[int] = mapped_column(default=0, server_default="0")  # decided in the end
    run: Mapped[int] = mapped_column(default=0, server_default="0")  # fences a run that lost it
    licence: Mapped[str] = mapped_column(default="", server_default="")
    item_source: Mapped[str] = mapped_column(default="", server_default="")
    problem: Mapped[str] = mapped_column(default="", server_default="")
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    actor: Mapped[str] = mapped_column(String(254), default="", server_default="")
    touched_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class IntakeFile(Base):
    """One row of an import on its way; those refused stay, for the report."""

    __tablename__ = "intake_file"
    __table_args__ = (Index("ix_intake_file_page", "intake_id", "state", "row"),)
    intake_id: Mapped[int] = mapped_column(ForeignKey("intake.id"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(8))  # waiting, checked, kept, refused
    name: Mapped[str]
    path: Mapped[str]  # where its bytes are: a path, or
    uri: Mapped[str]  # an s3:// address
    licence: Mapped[str]
    source: Mapped[str]
    attributes: Mapped[dict[str, Any]]
    fault: Mapped[str] = mapped_column(String(16), default="")  # a word of jobs.intake.facts
    reason: Mapped[str] = mapped_column(default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")
    media_type: Mapped[str] = mapped_column(String(40), default="")
    width: Mapped[int] = mapped_column(default=0)
    height: Mapped[int] = mapped_column(default=0)
    n_bytes: Mapped[int] = mapped_column(default=0)
    is_turned: Mapped[bool] = mapped_column(default=False)


class Item(Base):
    __tablename__ = "item"
    __table_args__ = (
        UniqueConstraint("dataset_id", "sha256"),
        Index("ix_item_page", "dataset_id", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str]  # path within the import, for people and exports
    blob_key: Mapped[str]
    media_type: Mapped[str] = mapped_column(String(40))
    width: Mapped[int]  # pixels, EXIF-upright
    height: Mapped[int]
    licence: Mapped[str]
    source: Mapped[str]
    attributes: Mapped[dict[str, Any]]  # free columns of the manifest
    created_at: Mapped[datetime]


class SchemaVersion(Base):
    """One version of a label schema; never changed, a job pins one."""

    __tablename__ = "schema_version"
    __table_args__ = (UniqueConstraint("name", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    version: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class GoldAnswer(Base):
    """A known answer to one question about one item; shown to no worker."""

    __tablename__ = "gold_answer"
    __table_args__ = (UniqueConstraint("item_id", "kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    kind: Mapped[str] = mapped_column(String(10))  # boxes or tags
    value: Mapped[dict[str, Any]]  # as Answer.value
    created_at: Mapped[datetime]
