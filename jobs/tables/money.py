"""Paid calls and the double-entry ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import Base


class Intent(Base):
    """A paid or deciding call, written before it is made. ``key`` makes it happen once."""

    __tablename__ = "intent"
    __table_args__ = (
        Index(
            "ix_intent_unfinished",
            "state",
            sqlite_where=text("state <> 'done'"),
            postgresql_where=text("state <> 'done'"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)  # e.g. publish:hit:17
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), index=True)
    operation: Mapped[str] = mapped_column(String(40))
    token: Mapped[str] = mapped_column(String(64))
    window: Mapped[int] = mapped_column(default=0)
    parameters: Mapped[dict[str, Any]]
    parameters_sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(12))  # sending, done, failed, unknown
    provider_reference: Mapped[str] = mapped_column(default="")
    actor: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    request_id: Mapped[str] = mapped_column(default="")  # the venue's, of the call that ended it
    created_at: Mapped[datetime]
    first_sent_at: Mapped[datetime | None]  # with the present token
    last_sent_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Extension(Base):
    """Further answers ordered from a HIT that is posted; ``number`` counts a HIT's orders."""

    __tablename__ = "extension"
    __table_args__ = (UniqueConstraint("hit_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    hit_id: Mapped[int] = mapped_column(ForeignKey("hit.id"))
    number: Mapped[int]
    n_more: Mapped[int]  # answers wanted beyond those that came or are still coming
    target_assignments: Mapped[int] = mapped_column(default=0)  # set before the first call
    n_added: Mapped[int] = mapped_column(default=0)  # by which the HIT has grown
    state: Mapped[str] = mapped_column(String(12))  # planned, sending, done, refused
    hit_state: Mapped[str] = mapped_column(String(12), default="")  # the HIT's before the call
    error: Mapped[str] = mapped_column(default="")
    actor: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class LedgerTransaction(Base):
    """One movement of money. Insert-only; ``key`` makes it happen once."""

    __tablename__ = "ledger_transaction"
    __table_args__ = (Index("ix_ledger_transaction_page", "job_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)  # e.g. reward:assignment:17
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), index=True)
    route_id: Mapped[int | None] = mapped_column(ForeignKey("route.id"))
    hit_id: Mapped[int | None] = mapped_column(ForeignKey("hit.id"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    worker_id: Mapped[int | None] = mapped_column(ForeignKey("worker.id"))
    intent_id: Mapped[int | None] = mapped_column(ForeignKey("intent.id"))
    kind: Mapped[str] = mapped_column(String(12))  # budget, hold, settle, release, bonus
    actor: Mapped[str]
    request_id: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]


class LedgerEntry(Base):
    """One leg. Insert-only; the legs of a transaction sum to 0."""

    __tablename__ = "ledger_entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    transaction_id: Mapped[int] = mapped_column(ForeignKey("ledger_transaction.id"), index=True)
    account: Mapped[str] = mapped_column(String(20))  # budget, available, held, reward, fee, bonus
    amount_micros: Mapped[int]


class Installation(Base):
    """The name of our installation at the venues: the start of markers and tokens; one row."""

    __tablename__ = "installation"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]


class Switch(Base):
    """A named switch that stops paid calls while it is on, e.g. ``pause``."""

    __tablename__ = "switch"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    is_on: Mapped[bool]
    reason: Mapped[str]
    actor: Mapped[str]
    changed_at: Mapped[datetime]


class Account(Base):
    """Limits of all jobs of an environment together, and the sums they are held against."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("held_micros >= 0 AND spent_micros >= 0", name="not_negative"),
        CheckConstraint(
            "cap_micros IS NULL OR held_micros + spent_micros <= cap_micros", name="within_cap"
        ),
    )
    environment: Mapped[str] = mapped_column(String(12), primary_key=True)
    cap_micros: Mapped[int | None]
    hourly_micros: Mapped[int | None]
    held_micros: Mapped[int] = mapped_column(default=0)
    spent_micros: Mapped[int] = mapped_column(default=0)
    hour: Mapped[datetime | None]  # the hour of the clock that hour_micros counts
    hour_micros: Mapped[int] = mapped_column(default=0)
    actor: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime | None]


class Balance(Base):
    """What a venue account said it has, and between which sums all its money must lie.

    The bounds are the balance and what our books spent, without and with what they hold:
    they meet over the readings until money comes in or leaves for something else.
    """

    __tablename__ = "balance"
    account: Mapped[str] = mapped_column(String(60), primary_key=True)  # mturk:production
    balance_micros: Mapped[int]
    low_micros: Mapped[int]
    high_micros: Mapped[int]
    read_at: Mapped[datetime]


class Finding(Base):
    """A difference between our records and a venue's, for a person to resolve."""

    __tablename__ = "finding"
    __table_args__ = (UniqueConstraint("key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    message: Mapped[str]
    state: Mapped[str] = mapped_column(String(10))  # open, resolved
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
