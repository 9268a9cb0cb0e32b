"""What happened, told to the hooks that asked for it, in the transaction that made it happen.

An event is written as one delivery for each hook, under a key that makes it once; sending it
is durable work of its own. Nothing is written while no hook listens.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import work
from jobs.db import insert_new
from jobs.tables import Hook, HookDelivery

EVENTS = (
    "job.launched",
    "job.paused",
    "job.resumed",
    "job.stopped",
    "job.finished",
    "batch.published",
    "batch.finished",
    "budget.nearly_spent",
    "finding.opened",
    "export.finished",
)
NEARLY_SPENT_PERCENT = 80
DELIVER = "deliver_hook"


def tell(
    session: Session,
    event: str,
    key: str,
    now: datetime,
    *,
    job_id: int | None,
    **data: Any,
) -> int:
    """The number of deliveries written for ``event``; ``key`` names this one happening of it."""
    if event not in EVENTS:
        raise ValueError(f"expected one of {', '.join(EVENTS)}, got {event!r}")
    listening = select(Hook).where(Hook.ended_at.is_(None)).order_by(Hook.id)
    hooks = [hook for hook in session.scalars(listening) if event in hook.events]
    event_id = f"evt_{uuid.uuid4().hex}"
    body = _body(event, event_id, now, {"job_id": job_id, **data})
    n_written = 0
    for hook in hooks:
        values = {
            "hook_id": hook.id,
            "key": f"{event}:{key}",
            "event": event,
            "event_id": event_id,
            "body": body,
            "state": "waiting",
            "attempts": 0,
            "problem": "",
            "created_at": now,
        }
        made = insert_new(session, HookDelivery, values)
        if made is not None:
            work.enqueue(session, DELIVER, made, now)
            n_written += 1
    return n_written


def tell_if_nearly_spent(
    session: Session,
    job_id: int,
    *,
    budget_micros: int,
    spent_micros: int,
    now: datetime,
) -> None:
    """Tell once for each budget that most of it is spent."""
    if budget_micros <= 0 or spent_micros * 100 < budget_micros * NEARLY_SPENT_PERCENT:
        return
    tell(
        session,
        "budget.nearly_spent",
        f"{job_id}:{budget_micros}",
        now,
        job_id=job_id,
        budget_micros=budget_micros,
        spent_micros=spent_micros,
    )


def _body(event: str, event_id: str, now: datetime, data: Mapping[str, Any]) -> str:
    said = {"id": event_id, "event": event, "at": now.isoformat(), "data": data}
    return json.dumps(said, ensure_ascii=True, separators=(",", ":"))
