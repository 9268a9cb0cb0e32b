"""What the service's documents leave open is an option here; every default is documented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SETTLING_SECONDS_AS_SEEN = 15.0
"""Clients of the real service wait this long before they change a new HIT."""


@dataclass(frozen=True)
class Options:
    """How the marketplace behaves where the service is unknown, or kinder by default.

    Durations are seconds of the marketplace's own clock; money is in cents.
    """

    strict: bool = False
    """Verify signatures and refuse unknown access keys."""

    settling_seconds: float = 0.0
    """A new HIT cannot be changed, only expired, for this long."""

    index_lag_seconds: float = 0.0
    """ListHITs, ListReviewableHITs and ListQualificationTypes see nothing newer than this."""

    decision_lag_seconds: float = 0.0
    """A fresh submission cannot be approved or rejected for this long (`status of: null`)."""

    page_size: int = 10
    """Items of a list whose MaxResults is absent."""

    reviewable_items_bare: bool = True
    """ListReviewableHITs answers with HITIds alone."""

    reuse_assignment_ids: bool = False
    """A returned assignment's id is given to the next worker of the HIT."""

    may_shorten_expiration: bool = False
    """UpdateExpirationForHIT takes a future time earlier than the present expiration."""

    require_doctype: bool = False
    """An HTMLQuestion without a doctype is a parse error."""

    repeated_fields: Literal["first", "join"] = "first"
    """A field name posted twice keeps the first value, or all, joined by ``|``."""

    insecure_external_urls: bool = True
    """ExternalQuestion may name a loopback http address, for authors at their desk."""

    starting_balance_cents: int = 1_000_000
    retention_days: int = 120
    max_accepted_hits: int = 25
    """Assignments one worker may hold at a time."""

    login_attempts_per_minute: int = 20
    frame_sandbox: str = "allow-scripts allow-forms allow-same-origin allow-modals"
    """Flags of the HIT frame; allow-same-origin gives it its own, second origin only."""

    notification_hosts: tuple[str, ...] = ()
    """Hosts besides this machine that notifications may be sent to."""

    queue_endpoint_url: str = ""
    """Endpoint of SQS and SNS for notifications to queues and topics; empty: Amazon's."""

    offline_frames: bool = False
    """HIT pages may load scripts and styles from this machine only."""

    production_message_suffix: bool = False
    """Error texts end in `` (ms)`` as in production, not `` (ms s)`` as in the sandbox."""
