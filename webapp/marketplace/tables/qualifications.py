"""Qualification types, who holds them, and who asks for them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.marketplace.tables.base import Base
from webapp.marketplace.tables.people import Requester, Worker


class QualificationType(Base):
    """A quality a requester can give workers and ask for; unique by owner and name while alive."""

    __tablename__ = "market_qualification_type"
    __table_args__ = (UniqueConstraint("requester_id", "living_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    qualification_type_id: Mapped[str] = mapped_column(unique=True)
    requester_id: Mapped[int] = mapped_column(ForeignKey(Requester.id))
    name: Mapped[str]
    living_name: Mapped[str | None]
    keywords: Mapped[str] = mapped_column(default="")
    description: Mapped[str]
    status: Mapped[str]
    retry_delay_seconds: Mapped[int | None]
    test: Mapped[str] = mapped_column(default="")
    test_duration_seconds: Mapped[int | None]
    answer_key: Mapped[str] = mapped_column(default="")
    auto_granted: Mapped[bool] = mapped_column(default=False)
    auto_granted_value: Mapped[int] = mapped_column(default=1)
    for_staff: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[int]
    used_at: Mapped[int]
    requester: Mapped[Requester] = relationship(lazy="joined", innerjoin=True)


class Qualification(Base):
    """A worker's score in a qualification type: Granted or Revoked."""

    __tablename__ = "market_qualification"
    __table_args__ = (UniqueConstraint("type_id", "worker_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    type_id: Mapped[int] = mapped_column(ForeignKey(QualificationType.id))
    worker_id: Mapped[int] = mapped_column(ForeignKey(Worker.id))
    value: Mapped[int]
    status: Mapped[str] = mapped_column(default="Granted")
    granted_at: Mapped[int]
    reason: Mapped[str] = mapped_column(default="")
    type: Mapped[QualificationType] = relationship(lazy="joined", innerjoin=True)
    worker: Mapped[Worker] = relationship(lazy="joined", innerjoin=True)


class QualificationRequest(Base):
    """A worker asks for a qualification, perhaps by a test under way (``Testing``)."""

    __tablename__ = "market_qualification_request"
    __table_args__ = (Index("market_request_by_type", "type_id", "state", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(unique=True)
    type_id: Mapped[int] = mapped_column(ForeignKey(QualificationType.id))
    worker_id: Mapped[int] = mapped_column(ForeignKey(Worker.id))
    state: Mapped[str]
    test: Mapped[str] = mapped_column(default="")
    answer: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    started_at: Mapped[int]
    submitted_at: Mapped[int | None]
    type: Mapped[QualificationType] = relationship(lazy="joined", innerjoin=True)
    worker: Mapped[Worker] = relationship(lazy="joined", innerjoin=True)
