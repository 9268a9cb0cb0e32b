"""What the service's documents leave open is an option here; every default is documented."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from webapp.marketplace.pace import Pace

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
    """ListHITs, ListReviewableHITs, ListBonusPayments and ListQualificationTypes see nothing
    newer than this."""

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

    form_rates: str = ""
    """How often one worker may send a form, such as ``1200/minute``; a stranger's address is
    counted where it is refused. Empty: no bound."""

    call_rates: str = ""
    """Calls of one access key, such as ``5/second``, past which it is told ``Rate exceeded``."""

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


def read_options(pairs: Iterable[str], **given: Any) -> Options:
    """Options from ``name=value`` texts, the later ones before earlier ones and ``given``.

    Yes and no, numbers, and lists with commas are written as one says them.

    Raises:
        ValueError: names the option and what it may be.

    """
    defaults = {one.name: one.default for one in fields(Options)}
    for pair in pairs:
        name, mark, text = pair.partition("=")
        if name not in defaults or not mark:
            raise ValueError(
                f"{pair!r}: expected name=value, the name one of {', '.join(defaults)}"
            )
        given[name] = text.split(",") if isinstance(defaults[name], tuple) else text
    try:
        options = TypeAdapter(Options).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{first['loc'][0]}={first['input']}: {first['msg']}") from error
    for rates in (options.form_rates, options.call_rates):
        Pace(rates)
    return options
