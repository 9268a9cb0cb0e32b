"""Imports as people watch them: how far, what was taken in, and what was refused and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.errors import NotFound
from jobs.intake.facts import FAULTS, fault_of
from jobs.reports.datasets import dataset_summary
from jobs.tables import Intake, IntakeFile, Work

UNDER_WAY = ("receiving", "planned", "checking", "keeping")
_PAGE = 1_000


@dataclass(frozen=True)
class IntakeReport:
    """One import. Rows in = accepted + refused once it is done; ``facts`` are of the accepted.

    ``n_files`` and ``n_bytes`` were received; of ``n_total`` rows found, ``n_checked`` were
    looked at and ``n_kept`` decided. ``trouble`` is why its last run had to stop, if it did.
    """

    id: int
    dataset_id: int | None
    dataset_name: str
    source: str
    state: str
    n_files: int
    n_bytes: int
    n_total: int
    n_checked: int
    n_kept: int
    n_rows: int
    n_accepted: int
    n_refused: int
    licence: str
    item_source: str
    problem: str
    trouble: str
    facts: dict[str, Any]
    actor: str
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_under_way(self) -> bool:
        """Whether more will happen by itself, or is awaited."""
        return self.state in UNDER_WAY

    @property
    def can_cancel(self) -> bool:
        """Whether it can still be given up without a trace."""
        return self.state in ("receiving", "planned", "checking")

    @property
    def faults(self) -> tuple[tuple[str, str, int], ...]:
        """Kinds of refusal, the most frequent first: word, text, count."""
        found = self.facts.get("faults", {})
        ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
        return tuple((fault, FAULTS.get(fault, fault), count) for fault, count in ordered)


@dataclass(frozen=True)
class RefusedRow:
    """A row that was not taken in."""

    row: int
    name: str
    fault: str
    reason: str


def intake_report(session: Session, intake_id: int) -> IntakeReport:
    """One import. NotFound when there is none."""
    row = session.get(Intake, intake_id)
    if row is None:
        raise NotFound(f"import {intake_id} does not exist (a cancelled one leaves nothing)")
    return _report(row, _troubles(session, [row]))


def intakes_of(session: Session, dataset_id: int) -> tuple[IntakeReport, ...]:
    """Up to fifty imports of a dataset, newest first. NotFound when there is no dataset."""
    dataset_summary(session, dataset_id)
    return _newest(session, Intake.dataset_id == dataset_id, 50)


def unsettled(session: Session) -> tuple[IntakeReport, ...]:
    """Imports under way and those that failed, newest first: what a person may look after."""
    return _newest(session, Intake.state.in_((*UNDER_WAY, "failed")), 20)


def refusals(
    session: Session, intake_id: int, *, after: int = 0, limit: int = 200
) -> tuple[RefusedRow, ...]:
    """Refused rows after row ``after``, in order."""
    rows = session.scalars(
        select(IntakeFile)
        .where(
            IntakeFile.intake_id == intake_id,
            IntakeFile.state == "refused",
            IntakeFile.row > after,
        )
        .order_by(IntakeFile.row)
        .limit(limit)
    ).all()
    if rows:
        return tuple(RefusedRow(one.row, one.name, one.fault, one.reason) for one in rows)
    kept = session.scalar(select(Intake.refusals).where(Intake.id == intake_id)) or []
    later = [one for one in kept if one["row"] > after][:limit]  # imported by a command
    return tuple(
        RefusedRow(one["row"], one["name"], fault_of(one["reason"]), one["reason"]) for one in later
    )


def refusal_pages(session: Session, intake_id: int) -> Iterator[tuple[RefusedRow, ...]]:
    """All refused rows, a page at a time."""
    after = 0
    while page := refusals(session, intake_id, after=after, limit=_PAGE):
        yield page
        after = page[-1].row


def n_refused_so_far(session: Session, intake_id: int) -> int:
    """Rows refused until now, also while the import goes on."""
    counted = select(func.count()).where(
        IntakeFile.intake_id == intake_id, IntakeFile.state == "refused"
    )
    return session.scalar(counted) or 0


def _newest(session: Session, which: Any, limit: int) -> tuple[IntakeReport, ...]:
    rows = session.scalars(select(Intake).where(which).order_by(Intake.id.desc()).limit(limit))
    found = rows.all()
    troubles = _troubles(session, found)
    return tuple(_report(row, troubles) for row in found)


def _troubles(session: Session, rows: Any) -> dict[str, str]:
    """Why the last run of each import's work ended early, by the work's key."""
    keys = [_key(row.id) for row in rows if row.state in UNDER_WAY]
    found = session.execute(select(Work.key, Work.error).where(Work.key.in_(keys)))
    return dict(found.all())


def _key(intake_id: int) -> str:
    return f"take_in:{intake_id}"


def _report(row: Intake, troubles: dict[str, str]) -> IntakeReport:
    return IntakeReport(
        id=row.id,
        dataset_id=row.dataset_id,
        dataset_name=row.dataset_name,
        source=row.source,
        state=row.state,
        n_files=row.n_files,
        n_bytes=row.n_bytes,
        n_total=row.n_total,
        n_checked=row.n_checked,
        n_kept=row.n_kept,
        n_rows=row.n_rows,
        n_accepted=row.n_accepted,
        n_refused=row.n_refused,
        licence=row.licence,
        item_source=row.item_source,
        problem=row.problem,
        trouble=troubles.get(_key(row.id), ""),
        facts=dict(row.facts),
        actor=row.actor,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
