"""Events of HITs and assignments, written down for delivery in the transaction that makes them."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from webapp.marketplace.dial import as_datetime
from webapp.marketplace.tables.people import Requester
from webapp.marketplace.tables.traffic import Notice
from webapp.marketplace.tables.work import Assignment, Hit

EVENT_DOC_VERSION = "2014-08-15"


def record(
    session: Session, hit: Hit, event_type: str, now: int, assignment: Assignment | None = None
) -> None:
    """Queue one event if the HIT's type asks for it."""
    hit_type = hit.hit_type
    wanted = hit_type.notification
    if not hit_type.notification_is_active or not wanted or event_type not in wanted["EventTypes"]:
        return
    event = {
        "EventType": event_type,
        "EventTimestamp": timestamp_text(as_datetime(now)),
        "HITId": hit.hit_id,
        "HITTypeId": hit_type.hit_type_id,
    }
    if assignment is not None:
        event["AssignmentId"] = assignment.assignment_id
    queue(session, hit_type.requester, wanted, event, now)


def queue(
    session: Session, requester: Requester, wanted: dict[str, Any], event: dict[str, str], now: int
) -> None:
    """Put ``event`` in the row of things to deliver to ``wanted``'s destination."""
    session.add(
        Notice(
            transport=wanted["Transport"],
            destination=wanted["Destination"],
            event_type=event["EventType"],
            body={
                "Events": [event],
                "EventDocId": _document_id(event),
                "SourceAccount": f"{requester.id:012d}",
                "CustomerId": requester.customer_id,
                "EventDocVersion": EVENT_DOC_VERSION,
            },
            created_at=now,
            due_at=now,
        )
    )


def timestamp_text(moment: datetime) -> str:
    """UTC to the second with a Z, as event documents have it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _document_id(event: dict[str, str]) -> str:
    salted = json.dumps(event, sort_keys=True) + secrets.token_hex(8)
    return hashlib.sha256(salted.encode()).hexdigest()[:40]
