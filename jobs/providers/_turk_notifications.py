"""Messages that say which HIT has news, from an SQS queue that MTurk or our marketplace fills.

Whoever can write to the queue can send anything. A message is read as a hint alone: all it
can do is to have a HIT of ours looked at once more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from jobs import strict_json
from jobs.errors import InvalidInput, ProviderError
from jobs.providers._turk_session import make_client

LARGEST_MESSAGE = 256 * 1024
MOST_EVENTS = 100
_AMAZON = re.compile(r"sqs\.([a-z0-9-]{1,30})\.amazonaws\.com(\.cn)?", re.ASCII)
_ENTITY = re.compile(r"[A-Z0-9]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Message:
    """One message; ``receipt`` lets the queue forget it."""

    receipt: str
    body: str


class EventQueue:
    """The queue at ``url``: Amazon's, or one on this machine.

    Raises:
        InvalidInput: for any other address, which would be sent our signature.

    """

    def __init__(self, url: str) -> None:
        self._url = url
        region = _region_of(url)
        if region is None and not is_this_machine(url):
            raise InvalidInput(
                "notification_queue_url: expected https://sqs.<region>.amazonaws.com/… or a "
                f"queue on this machine, got {url!r:.120}"
            )
        key = None if region else "local"
        address = urlsplit(url)
        self._client: Any = make_client(
            "sqs",
            region_name=region or "us-east-1",
            endpoint_url=f"{address.scheme}://{address.netloc}",
            aws_access_key_id=key,
            aws_secret_access_key=key,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 2},
                connect_timeout=5,
                read_timeout=10,
            ),
        )

    def receive(self) -> list[Message]:
        """Up to ten messages; the queue gives them again unless they are forgotten."""
        reply = self._call(self._client.receive_message, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        return [
            Message(row["ReceiptHandle"], row.get("Body", "")) for row in reply.get("Messages", ())
        ]

    def forget(self, messages: Sequence[Message]) -> None:
        """Take the messages off the queue; one that stays is only read again."""
        entries = [
            {"Id": str(number), "ReceiptHandle": message.receipt}
            for number, message in enumerate(messages)
        ]
        self._call(self._client.delete_message_batch, Entries=entries)

    def _call(self, operation: Any, **arguments: Any) -> dict[str, Any]:
        try:
            reply: dict[str, Any] = operation(QueueUrl=self._url, **arguments)
        except (BotoCoreError, ClientError) as error:
            raise ProviderError(f"notifications: {error}", permanent=False) from error
        return reply


def hit_ids(body: str) -> frozenset[str]:
    """The ids of HITs that a message names, plain or in an SNS envelope; none in anything else."""
    document = _read(body)
    if document.get("Type") == "Notification":
        document = _read(document.get("Message"))
    events = document.get("Events")
    if not isinstance(events, list):
        return frozenset()
    named = (event.get("HITId") for event in events[:MOST_EVENTS] if isinstance(event, dict))
    return frozenset(one for one in named if isinstance(one, str) and _ENTITY.fullmatch(one))


def _region_of(url: str) -> str | None:
    """The region of a queue of Amazon's; None for any other address."""
    try:
        address = urlsplit(url)
    except ValueError:
        return None
    amazon = _AMAZON.fullmatch(address.netloc)
    return amazon[1] if amazon and address.scheme == "https" else None


def is_this_machine(address: str) -> bool:
    """Whether the address is a loopback one."""
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _read(text: object) -> dict[str, Any]:
    if not isinstance(text, str) or len(text) > LARGEST_MESSAGE:
        return {}
    try:
        value = strict_json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
