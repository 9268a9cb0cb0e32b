"""What the database itself keeps beside the rows: counts, and the classes an item has."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class Tally(Base):
    """A part of a count, written by triggers; the count is the sum of the parts of its place.

    ``owner_id`` is a job, or a dataset where items are counted; ``part_id`` a batch, route or
    worker (0: none). See ``jobs.combining.tallies`` for what is counted.
    """

    __tablename__ = "tally"
    __table_args__ = (Index("ix_tally_place", "owner_id", "subject", "part_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(20))
    owner_id: Mapped[int]
    part_id: Mapped[int]
    key: Mapped[str] = mapped_column(String(60))
    n: Mapped[int]


class Facet(Base):
    """What the combined answer about an item holds: ``class:car`` or ``colour=red``."""

    __tablename__ = "facet"
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)


class GoldResult(Base):
    """How one current label compares with gold, by class or attribute ("": all together).

    Boxes: ``n_right`` matched at IoU 0.5, ``iou_millionths`` the sum of their IoU. Tags:
    ``n_right`` of ``n_gold`` answers, ``n_labels`` as many. Made anew when the label or the
    gold answer is another one than ``label_id`` and ``gold_at`` say.
    """

    __tablename__ = "gold_result"
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    label_id: Mapped[int] = mapped_column(ForeignKey("label.id"))
    gold_at: Mapped[datetime]
    n_right: Mapped[int]
    n_labels: Mapped[int]
    n_gold: Mapped[int]
    iou_millionths: Mapped[int]


class StaleQuestion(Base):
    """A question whose answers have changed since they were combined, noted by triggers.

    ``item_id`` 0 stands for every item. ``is_taken`` marks what a combination is about: it is
    deleted at the end of it, so that one that broke off is done again.
    """

    __tablename__ = "stale_question"
    __table_args__ = (Index("ix_stale_question_job_id", "job_id", "kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10))
    item_id: Mapped[int]
    is_taken: Mapped[bool] = mapped_column(default=False, server_default=false())


class Refit(Base):
    """When the skill of a job's workers was last learned from all answers, and from how many."""

    __tablename__ = "refit"
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    n_answers: Mapped[int]
    fitted_at: Mapped[datetime]
