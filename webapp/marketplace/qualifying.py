"""Qualifications given, taken and asked for."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.marketplace.tables.people import Worker, WorkerMessage
from webapp.marketplace.tables.qualifications import Qualification, QualificationType


def grant(
    session: Session, qualification_type: QualificationType, worker: Worker, value: int, now: int,
    *, tell: bool = True,
) -> Qualification:  # fmt: skip
    """The worker's qualification with this score; a repeat overwrites, a revoked one comes back."""
    row = session.scalar(
        select(Qualification)
        .where(Qualification.type_id == qualification_type.id, Qualification.worker_id == worker.id)
        .with_for_update(of=Qualification)
    )
    if row is None:
        row = Qualification(type=qualification_type, worker=worker, value=value, granted_at=now)
        session.add(row)
    row.value, row.status, row.granted_at, row.reason = value, "Granted", now, ""
    if tell:
        session.add(
            WorkerMessage(
                worker_id=worker.worker_id,
                subject=f"You now have the qualification “{qualification_type.name}”",
                text=f"Your score is {value}.",
                sent_at=now,
            )
        )
    session.flush()
    return row
