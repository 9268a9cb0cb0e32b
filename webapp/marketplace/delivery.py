"""Sends waiting notices: at least once, in no promised order, as the service did."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.marketplace.dial import SECOND, as_datetime
from webapp.marketplace.market import Market
from webapp.marketplace.options import Options
from webapp.marketplace.store import reading, write
from webapp.marketplace.tables.traffic import Notice

_BATCH = 100
_LEASE = 60 * SECOND
_MOST_ATTEMPTS = 5
_TIMEOUT_SECONDS = 10.0


class Undelivered(Exception):
    """The destination did not take the message."""


def deliver(market: Market) -> int:
    """Send what is due; gives how many messages went out. A failed one waits and is tried again."""
    now = market.dial.now()
    with reading(market.sessions) as session:
        due = session.scalars(
            select(Notice)
            .where(Notice.state == "waiting", Notice.due_at <= now)
            .order_by(Notice.id)
            .limit(_BATCH)
        ).all()
    return sum(_deliver_one(market, notice, now) for notice in due)


def _deliver_one(market: Market, notice: Notice, now: int) -> int:
    if not write(market.sessions, lambda session: _lease(session, notice, now)):
        return 0
    effects = {fault.effect for fault in market.faults.meet(notice.event_type)}
    n_copies = 0 if "lose_notice" in effects else 2 if "double_notice" in effects else 1
    problem = ""
    try:
        for _ in range(n_copies):
            _SENDERS[notice.transport](notice, market.options, now)
    except Undelivered as error:
        problem, n_copies = str(error)[:500], 0
    write(market.sessions, lambda session: _settle(session, notice.id, problem, now))
    return n_copies


def _lease(session: Session, notice: Notice, now: int) -> bool:
    """Claim the notice, so that two deliverers do not both send it."""
    claimed = session.scalars(
        update(Notice)
        .where(Notice.id == notice.id, Notice.state == "waiting", Notice.due_at == notice.due_at)
        .values(due_at=now + _LEASE, n_attempts=Notice.n_attempts + 1)
        .returning(Notice.id)
    )
    return claimed.one_or_none() is not None


def _settle(session: Session, notice_pk: int, problem: str, now: int) -> None:
    notice = session.get_one(Notice, notice_pk)
    notice.last_error = problem
    if not problem:
        notice.state = "kept" if notice.transport == "Email" else "sent"
    elif notice.n_attempts >= _MOST_ATTEMPTS:
        notice.state = "failed"
    else:
        notice.due_at = now + SECOND * 2**notice.n_attempts


def _keep(_notice: Notice, _options: Options, _now: int) -> None:
    """Letters are not mailed from here; an admin call lists them."""


def _send_to_topic(notice: Notice, options: Options, now: int) -> None:
    if notice.destination.startswith("arn:"):
        region = notice.destination.split(":")[3] or "us-east-1"
        client = _client("sns", region, options.queue_endpoint_url)
        _ask(
            client.publish, TopicArn=notice.destination, Subject=str(now),
            Message=json.dumps(notice.body),
        )  # fmt: skip
    else:
        _post(notice.destination, _envelope(notice, now))


def _send_to_queue(notice: Notice, options: Options, _now: int) -> None:
    parts = urlsplit(notice.destination)
    endpoint = options.queue_endpoint_url or f"{parts.scheme}://{parts.netloc}"
    client = _client("sqs", "us-east-1", endpoint)
    _ask(client.send_message, QueueUrl=notice.destination, MessageBody=json.dumps(notice.body))


_SENDERS: dict[str, Callable[[Notice, Options, int], None]] = {
    "Email": _keep,
    "SNS": _send_to_topic,
    "SQS": _send_to_queue,
}


def _envelope(notice: Notice, now: int) -> dict[str, Any]:
    """What SNS puts around a message; there is no signature to check outside Amazon."""
    return {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": f"arn:aws:sns:local:000000000000:{notice.id}",
        "Subject": str(now),
        "Message": json.dumps(notice.body),
        "Timestamp": as_datetime(now).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "SignatureVersion": "1",
        "Signature": "",
        "SigningCertURL": "",
        "UnsubscribeURL": "",
    }


def _post(address: str, body: dict[str, Any]) -> None:
    """POST once, to the very address given: redirects are not followed."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": body["MessageId"],
    }
    try:
        connection.request("POST", path, json.dumps(body), headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise Undelivered(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise Undelivered(f"the destination answered {status}")


def _client(service: str, region: str, endpoint: str) -> Any:
    """A client of a queue service; one on this machine needs no real keys."""
    session = botocore.session.get_session()
    is_local = (urlsplit(endpoint).hostname or "") in ("127.0.0.1", "localhost", "::1")
    key = "local" if is_local else None
    return session.create_client(
        service, region_name=region, endpoint_url=endpoint or None,
        config=Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 0}),
        aws_access_key_id=key, aws_secret_access_key=key,
    )  # fmt: skip


def _ask(call: Callable[..., Any], **arguments: str) -> None:
    try:
        call(**arguments)
    except (BotoCoreError, ClientError) as error:
        raise Undelivered(str(error)) from error
