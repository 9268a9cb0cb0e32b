"""Differences between our records and a venue's, for a person to look at; written once each."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import events
from jobs.db import insert_new
from jobs.errors import InvalidInput, NotFound
from jobs.tables import Finding

LONGEST_NOTE = 1000
RESOLVED_BY = "\nResolved by "


def report(session: Session, key: str, message: str, now: datetime, job_id: int | None) -> bool:
    """Write the finding; False when it is open already. A resolved one is opened again."""
    fresh = {"message": message[:4000], "state": "open", "created_at": now}
    is_new = insert_new(session, Finding, {"key": key, "job_id": job_id, **fresh}) is not None
    row = session.scalars(select(Finding).where(Finding.key == key).with_for_update()).one()
    if row.state == "open" and not is_new:
        return False
    row.message, row.state, row.created_at, row.resolved_at = message[:4000], "open", now, None
    session.flush()
    key = f"{row.id}:{now.isoformat()}"
    events.tell(
        session, "finding.opened", key, now, job_id=job_id, finding_id=row.id, message=row.message
    )
    return True


def resolve(
    session: Session, finding_id: int, now: datetime, *, note: str = "", actor: str = ""
) -> None:
    """Close a finding after someone has looked at it; closing it twice changes nothing.

    What they found out stays behind the message until the same is found again.

    Raises:
        NotFound: when there is no such finding.
        InvalidInput: for a note that is too long or has control characters.

    """
    note = note.strip()
    if len(note) > LONGEST_NOTE or not note.isprintable():
        raise InvalidInput(f"note: expected at most {LONGEST_NOTE} printable characters")
    row = session.get(Finding, finding_id)
    if row is None:
        raise NotFound(f"finding {finding_id}: no such finding")
    if row.state == "open":
        row.state, row.resolved_at = "resolved", now
        if note or actor:
            row.message += f"{RESOLVED_BY}{actor or 'somebody'}: {note or 'no note'}"
        session.flush()


def open_findings(session: Session) -> list[Finding]:
    """Findings nobody has resolved, oldest first."""
    found = select(Finding).where(Finding.state == "open").order_by(Finding.id)
    return list(session.scalars(found))
