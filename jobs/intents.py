"""The protocol of every paid or deciding call: write down first, call, write what came.

An intent row is committed together with the money it may cost, before the call. Its token
is derived from rows, so that every retry carries the same one, and the venue refuses a
second effect. An outcome that is not known keeps the money held; only an error known to
mean "no effect" ends an intent as failed. ``sending`` and ``unknown`` never get a new token
before the venue itself has been read (see ``is_past_window`` and ``open_window``).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from jobs import findings
from jobs.db import insert_new
from jobs.errors import Conflict, Paused
from jobs.tables import Extension, Installation, Intent, Job, Switch

TOKEN_LIFE = timedelta(hours=20)  # MTurk forgets a token after 24 h; four hours are the margin
LISTING_LAG = timedelta(minutes=2)  # a venue's list may not show an effect this young
OPEN = ("sending", "unknown")
PAUSE = "pause"
BUYING = ("CreateHITWithHITType", "CreateAdditionalAssignmentsForHIT")
RESTORED = (
    "restored"  # on from a restore until the venues were read: see jobs/reconciling/adopting.py
)


@dataclass(frozen=True)
class Call:
    """One effect to make once: ``key`` names it for ever."""

    key: str
    job_id: int
    operation: str
    parameters: Mapping[str, Any]
    actor: str
    is_paid: bool = True


def begin(session: Session, call: Call, now: datetime) -> tuple[Intent, bool]:
    """The intent of ``call``, and whether this transaction has newly opened it.

    A failed intent (known to have had no effect) is opened again with a new window.

    Raises:
        Conflict: when the same key was used with other parameters.
        Paused: for a paid call while the pause switch is on or the job is paused; for one
            that buys answers also while a finding is open.

    """
    if call.is_paid:
        refuse_when_paused(session, call.job_id)
    if call.is_paid and call.operation in BUYING:
        _refuse_buying_with_findings(session)
    same = select(Intent).where(Intent.key == call.key).with_for_update()
    intent = session.scalar(same)
    if intent is None:
        is_new = _insert(session, call, now)
        intent = session.scalars(same).one()
        if is_new:
            intent.token = token(session, call.operation, intent.id, intent.window)
            session.flush()
            return intent, True
    if intent.parameters_sha256 != _digest(call.parameters):
        raise Conflict(
            f"{call.key}: written with other parameters before: {intent.parameters} "
            f"instead of {dict(call.parameters)}"
        )
    if intent.state != "failed":
        return intent, False
    open_window(session, intent, now)
    return intent, True


def stamp_attempt(session: Session, intent_id: int, now: datetime) -> Intent:
    """The intent with its attempt counted, right before the call is made.

    Raises:
        Conflict: when another run has ended the intent meanwhile.

    """
    change = update(Intent).where(Intent.id == intent_id, Intent.state.in_(OPEN))
    if not _applied(session, change, attempts=Intent.attempts + 1, last_sent_at=now):
        raise Conflict(f"intent {intent_id}: another run has ended it")
    return session.get_one(Intent, intent_id, populate_existing=True)


def is_last_attempt(session: Session, intent: Intent) -> bool:
    """Whether no other run has tried or ended the intent since; holds until the commit."""
    row = session.scalar(
        select(Intent)
        .where(Intent.id == intent.id, Intent.state.in_(OPEN), Intent.attempts == intent.attempts)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return row is not None


def may_be_unlisted(sent_at: datetime | None, now: datetime) -> bool:
    """Whether an effect of a try at that time may be missing from the venue's list yet."""
    return sent_at is not None and now - sent_at < LISTING_LAG


def is_past_window(intent: Intent, now: datetime) -> bool:
    """Whether the venue may have forgotten the token, so that it must be read first."""
    return intent.first_sent_at is not None and now - intent.first_sent_at > TOKEN_LIFE


def renew_window(session: Session, intent_id: int, now: datetime) -> Intent:
    """The open intent with a token the venue knows, after the venue was read without finding it.

    Only the first of several runs opens the new window; the others use its token.
    """
    intent = session.get_one(Intent, intent_id, with_for_update=True, populate_existing=True)
    if intent.state not in OPEN:
        raise Conflict(f"intent {intent_id}: another run has ended it")
    if is_past_window(intent, now):
        open_window(session, intent, now)
    return intent


def open_window(session: Session, intent: Intent, now: datetime) -> None:
    """A new window with a new token: only after the venue was read and holds no effect."""
    intent.window += 1
    intent.token = token(session, intent.operation, intent.id, intent.window)
    intent.first_sent_at = now
    intent.state = "sending"
    intent.finished_at = None
    session.flush()


def finish(
    session: Session,
    intent_id: int,
    state: str,
    now: datetime,
    *,
    reference: str = "",
    error: str = "",
    request_id: str = "",
) -> bool:
    """End an open intent as done, failed or unknown; False when another run was first.

    ``request_id`` is the venue's own id of the call that was made, or that told of its effect.
    """
    change = update(Intent).where(Intent.id == intent_id, Intent.state.in_(OPEN))
    return _applied(
        session,
        change,
        state=state,
        provider_reference=reference,
        error=error[:2000],
        request_id=request_id[:200],
        finished_at=None if state in OPEN else now,
    )


def decision_key(assignment_id: int) -> str:
    """The key of the one call that decides an assignment."""
    return f"decide:assignment:{assignment_id}"


def finish_decision(
    session: Session, assignment_id: int, state: str, now: datetime, request_id: str = ""
) -> int | None:
    """End the deciding call, if there was one, with what the venue holds; it may have been lost.

    Its intent's id, for the books.
    """
    key = decision_key(assignment_id)
    intent_id = session.scalar(select(Intent.id).where(Intent.key == key))
    if intent_id is not None:
        finish(session, intent_id, "done", now, reference=state, request_id=request_id)
    return intent_id


def of_hit(session: Session, hit_id: int) -> Intent | None:
    """The newest call that put money on the HIT: its extension, or its post."""
    number = session.scalar(
        select(func.max(Extension.number)).where(
            Extension.hit_id == hit_id, Extension.state == "done"
        )
    )
    key = f"extend:hit:{hit_id}:{number}" if number else f"publish:hit:{hit_id}"
    return session.scalar(select(Intent).where(Intent.key == key))


def token(session: Session, operation: str, intent_id: int, window: int) -> str:
    """52 characters that only this installation, intent and window give."""
    text = f"{installation(session)}|{operation}|{intent_id}|{window}"
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:52]


def installation(session: Session) -> str:
    """The key in our markers and tokens; each restored backup gives it a new ending."""
    return session.scalars(select(Installation.key)).one()


def marker_beginnings(session: Session) -> tuple[str, str]:
    """How every marker of this installation begins, from before and after restored backups."""
    name = installation(session).partition(".")[0]
    return f"hitworks:{name}:", f"hitworks:{name}."


def is_restored(session: Session) -> bool:
    """Whether a backup was restored and the venues have not been read since."""
    return bool(session.scalar(select(Switch.is_on).where(Switch.name == RESTORED)))


def refuse_when_paused(session: Session, job_id: int) -> None:
    """Raise Paused while a switch or the job is paused; read in each paid transaction."""
    _refuse_when_switched_off(session)
    state = session.scalar(select(Job.state).where(Job.id == job_id))
    if state in ("draft", "launching", "paused"):
        raise Paused(f"job {job_id} is {state}: no paid call is made for it")


def refuse_launches(session: Session) -> None:
    """Raise Paused while no launched job could buy anything: a switch is on, a finding open."""
    _refuse_when_switched_off(session)
    _refuse_buying_with_findings(session)


def _refuse_when_switched_off(session: Session) -> None:
    for name in (RESTORED, PAUSE):
        switch = session.get(Switch, name, populate_existing=True)
        if switch is not None and switch.is_on:
            raise Paused(f"paid calls are paused by {switch.actor}: {switch.reason}")


def set_pause(
    session: Session, is_on: bool, *, reason: str, actor: str, now: datetime, name: str = PAUSE
) -> None:
    """Turn a switch that stops every paid call of this installation.

    Raises:
        Conflict: when paid calls were to go on while findings are open; it names them.

    """
    if name == PAUSE and not is_on:
        _refuse_with_findings(session)
    values = {"name": name, "is_on": is_on, "reason": reason, "actor": actor, "changed_at": now}
    insert_new(session, Switch, values)
    switch = session.get_one(Switch, name, with_for_update=True, populate_existing=True)
    switch.is_on, switch.reason, switch.actor, switch.changed_at = is_on, reason, actor, now
    session.flush()


def _refuse_buying_with_findings(session: Session) -> None:
    row = next(iter(findings.open_findings(session)), None)
    if row is not None:
        raise Paused(f"nothing is bought while finding {row.id} is open: {row.message[:300]}")


def _refuse_with_findings(session: Session) -> None:
    rows = findings.open_findings(session)
    if rows:
        named = "; ".join(f"{row.id}: {row.message[:200]}" for row in rows[:5])
        more = f"; and {len(rows) - 5} more" if len(rows) > 5 else ""
        raise Conflict(
            f"paid calls stay paused while findings are open ({len(rows)}). Look into each, then "
            f"resolve it. {named}{more}"
        )


def _insert(session: Session, call: Call, now: datetime) -> bool:
    """Whether the call's row is new; of several who ask at once one has made it."""
    values = {
        "key": call.key,
        "job_id": call.job_id,
        "operation": call.operation,
        "token": "",
        "parameters": dict(call.parameters),
        "parameters_sha256": _digest(call.parameters),
        "state": "sending",
        "actor": call.actor,
        "created_at": now,
        "first_sent_at": now,
    }
    return insert_new(session, Intent, values) is not None


def _digest(parameters: Mapping[str, Any]) -> str:
    text = json.dumps(parameters, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _applied(session: Session, change: Any, **values: Any) -> bool:
    quiet = change.values(**values).execution_options(synchronize_session=False)
    return cast(CursorResult[Any], session.execute(quiet)).rowcount == 1
