"""A call that names itself by a key happens once: a repeat gets the reply of the first.

The key's row is written before the call. The transaction that makes the call's effect notes
so in the row, under the attempt's number: of two runs of one call only one can commit. A
call that failed leaves no row, for it left nothing else either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, select, update
from sqlalchemy.orm import Session

from jobs.db import insert_new
from jobs.errors import Conflict, InvalidInput
from jobs.tables import KeptReply

LIFETIME = timedelta(hours=24)
LONGEST_RUN = timedelta(minutes=5)
_KEY = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True)
class Ticket:
    """One run's right to answer for a key."""

    id: int
    attempt: int


@dataclass(frozen=True)
class Reply:
    """What the first call was answered."""

    status: int
    body: str


def begin(
    session: Session, person_id: int, key: str, request_sha256: str, now: datetime
) -> Ticket | Reply:
    """The right to run the call, or the reply of the run before.

    Raises:
        InvalidInput: for a key that is none, or that named another request before.
        Conflict: while the first call runs, or when it took effect and its reply was lost.

    """
    if not _KEY.fullmatch(key):
        raise InvalidInput("Idempotency-Key: expected 1 to 255 visible ASCII characters")
    session.execute(delete(KeptReply).where(KeptReply.created_at <= now - LIFETIME))
    values = {
        "person_id": person_id,
        "key": key,
        "request_sha256": request_sha256,
        "state": "running",
        "attempt": 1,
        "lease_until": now + LONGEST_RUN,
        "status": 0,
        "body": "",
        "created_at": now,
    }
    made = insert_new(session, KeptReply, values)
    return Ticket(made, 1) if made is not None else _known(session, values, now)


def note_effect(session: Session, ticket: Ticket) -> None:
    """Say in the effect's own transaction that it is made; Conflict when another run took over."""
    change = update(KeptReply).where(*_of(ticket), KeptReply.state.in_(("running", "applied")))
    changed = cast(CursorResult[Any], session.execute(change.values(state="applied")))
    if changed.rowcount != 1:
        raise Conflict("Idempotency-Key: another run of this call has taken over")


def keep(session: Session, ticket: Ticket, reply: Reply) -> None:
    """Keep the reply of a call that went well, for its repeats."""
    change = update(KeptReply).where(*_of(ticket))
    session.execute(change.values(state="done", status=reply.status, body=reply.body))


def forget(session: Session, ticket: Ticket) -> None:
    """Free the key of a call that failed without effect, so that it can be tried again."""
    session.execute(delete(KeptReply).where(*_of(ticket), KeptReply.state == "running"))


def _known(session: Session, asked: dict[str, Any], now: datetime) -> Ticket | Reply:
    named = (KeptReply.person_id == asked["person_id"], KeptReply.key == asked["key"])
    row = session.scalar(select(KeptReply).where(*named).with_for_update())
    if row is None:
        raise Conflict("Idempotency-Key: the first call has just failed: send it again")
    if row.request_sha256 != asked["request_sha256"]:
        raise InvalidInput(
            "Idempotency-Key: expected the same address and body as when this key came first, "
            "got another; take a new key for another call"
        )
    if row.state == "done":
        return Reply(row.status, row.body)
    if row.lease_until > now:
        raise Conflict("Idempotency-Key: the first call with this key is still running")
    if row.state == "applied":
        raise Conflict(
            "Idempotency-Key: the first call took effect and its reply was lost: read what it made"
        )
    row.attempt += 1
    row.lease_until = now + LONGEST_RUN
    session.flush()
    return Ticket(row.id, row.attempt)


def _of(ticket: Ticket) -> tuple[ColumnElement[bool], ...]:
    return (KeptReply.id == ticket.id, KeptReply.attempt == ticket.attempt)
