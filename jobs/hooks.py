"""Services: addresses that hear of events, and signed deliveries to them.

A delivery is sent until the receiver answers 2xx, with longer and longer pauses. A repeat
carries the same event id, so that a receiver can drop doubles.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import work
from jobs.db import transaction
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.events import DELIVER, EVENTS
from jobs.hook_addresses import Unreachable, check_url, post
from jobs.resources import Resources
from jobs.tables import Hook, HookDelivery
from jobs.work import Progress

MAX_ATTEMPTS = 14  # with the pauses below, about 17 hours
MAX_HOOKS = 50
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(hours=6)
_PREFIX = "whsec_"


@dataclass(frozen=True)
class HookRow:
    """A hook as it may be shown: never its secret."""

    id: int
    url: str
    events: tuple[str, ...]
    created_by: str
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class NewHook:
    """A hook just made; ``secret`` can be shown this once and never again."""

    hook: HookRow
    secret: str


@dataclass(frozen=True)
class DeliveryRow:
    """One event on its way to a hook: ``status`` is the receiver's last."""

    id: int
    event: str
    event_id: str
    state: str
    attempts: int
    status: int | None
    problem: str
    created_at: datetime
    delivered_at: datetime | None


def add_hook(
    session: Session,
    url: str,
    events: Sequence[str],
    *,
    actor: str,
    now: datetime,
    may_be_private: bool,
) -> NewHook:
    """A new hook for ``events`` (all of them when none is named).

    Raises:
        InvalidInput: for an event that there is not, or an address that will not do.
        Conflict: when there are too many hooks.

    """
    unknown = sorted(set(events) - set(EVENTS))
    if unknown:
        raise InvalidInput(f"events: expected some of {', '.join(EVENTS)}, got {unknown[0]!r:.60}")
    check_url(url, may_be_private=may_be_private)
    if len(hooks(session)) >= MAX_HOOKS:
        raise Conflict(f"hooks: there are {MAX_HOOKS} already: end one first")
    secret = _PREFIX + secrets.token_urlsafe(32)
    row = Hook(
        url=url,
        events=sorted(set(events or EVENTS)),
        secret=secret,
        created_by=actor,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return NewHook(_hook_row(row), secret)


def hooks(session: Session) -> tuple[HookRow, ...]:
    """The hooks in force, oldest first."""
    found = select(Hook).where(Hook.ended_at.is_(None)).order_by(Hook.id)
    return tuple(_hook_row(row) for row in session.scalars(found))


def end_hook(session: Session, hook_id: int, now: datetime) -> HookRow:
    """The hook hears no more, its secret is wiped; what waited for it is dropped when due."""
    row = session.get(Hook, hook_id, with_for_update=True)
    if row is None or row.ended_at is not None:
        raise NotFound(f"hook {hook_id}: no such hook")
    row.ended_at, row.secret = now, ""
    session.flush()
    return _hook_row(row)


def deliveries(
    session: Session, hook_id: int, *, before: int | None = None, limit: int = 100
) -> tuple[DeliveryRow, ...]:
    """What was sent to a hook, newest first, from under the id ``before``."""
    if session.get(Hook, hook_id) is None:
        raise NotFound(f"hook {hook_id}: no such hook")
    found = select(HookDelivery).where(HookDelivery.hook_id == hook_id)
    if before is not None:
        found = found.where(HookDelivery.id < before)
    rows = session.scalars(found.order_by(HookDelivery.id.desc()).limit(limit))
    return tuple(_delivery_row(row) for row in rows)


def send_again(session: Session, hook_id: int, delivery_id: int, now: datetime) -> DeliveryRow:
    """Send a delivery once more, under its old event id; Conflict while it is still waiting."""
    row = session.get(HookDelivery, delivery_id, with_for_update=True)
    hook = session.get(Hook, hook_id)
    if row is None or hook is None or row.hook_id != hook_id or hook.ended_at is not None:
        raise NotFound(f"delivery {delivery_id} of hook {hook_id}: not found")
    if row.state == "waiting":
        raise Conflict(f"delivery {delivery_id} is waiting: it is sent by itself")
    row.state, row.attempts = "waiting", 0
    work.enqueue(session, DELIVER, row.id, now)
    return _delivery_row(row)


def deliver(resources: Resources, delivery_id: int, progress: Progress) -> datetime | None:
    """Send one delivery; the time of the next try, or None when it is over."""
    progress(0, 1)  # a run that has lost its lease ends here
    now = resources.clock()
    with transaction(resources.sessions) as session:
        row = session.get_one(HookDelivery, delivery_id, with_for_update=True)
        hook = session.get_one(Hook, row.hook_id)
        if row.state != "waiting":
            return None
        if hook.ended_at is not None:
            row.state = "dropped"
            return None
        row.attempts += 1
        url, secret, body = hook.url, hook.secret, row.body.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "HITworks",
            "HITworks-Event": row.event,
            "HITworks-Event-Id": row.event_id,
            "HITworks-Signature": signature(secret, int(now.timestamp()), body),
        }
    status, problem = None, ""
    try:
        may_be_private = resources.settings.hook_private_addresses
        status = post(url, body, headers, may_be_private=may_be_private)
    except Unreachable as error:
        problem = str(error)
    return _note(resources, delivery_id, status, problem)


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """``t=<unix time>,v1=<HMAC-SHA256 of "<t>.<body>" in hex>``."""
    signed = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256)
    return f"t={timestamp},v1={signed.hexdigest()}"


def pause_after(attempts: int) -> timedelta:
    """Doubled with each attempt, up to six hours."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(attempts - 1, 16)))


def _note(
    resources: Resources, delivery_id: int, status: int | None, problem: str
) -> datetime | None:
    now = resources.clock()
    with transaction(resources.sessions) as session:
        row = session.get_one(HookDelivery, delivery_id, with_for_update=True)
        row.status = status
        if status is not None and 200 <= status < 300:
            row.state, row.delivered_at, row.problem = "delivered", now, ""
            return None
        row.problem = problem or f"answered {status}, expected 2xx"
        if row.attempts >= MAX_ATTEMPTS:
            row.state = "failed"
            return None
        return now + pause_after(row.attempts)


def _hook_row(row: Hook) -> HookRow:
    events: list[str] = row.events
    return HookRow(row.id, row.url, tuple(events), row.created_by, row.created_at, row.ended_at)


def _delivery_row(row: HookDelivery) -> DeliveryRow:
    return DeliveryRow(
        id=row.id,
        event=row.event,
        event_id=row.event_id,
        state=row.state,
        attempts=row.attempts,
        status=row.status,
        problem=row.problem,
        created_at=row.created_at,
        delivered_at=row.delivered_at,
    )
