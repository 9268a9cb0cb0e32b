"""When a HIT ends: absolute times, so that a repeat changes nothing.

The service takes HIT and time for an idempotency token: the same time a second time is
refused as processed, which is what was wanted, unless another time was set in between.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.errors import ProviderError
from jobs.providers import _turk_errors as turk
from jobs.records import PostedHit

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES_LONG_AGO = 30 * 365 * 86_400  # as many different seconds, all of them past

Call = Callable[..., dict[str, Any]]
Get = Callable[[str], PostedHit]


def prolong(call: Call, get: Get, provider_hit_id: str, until: datetime) -> PostedHit:
    """The HIT, shown to be open until ``until``."""
    _set(call, provider_hit_id, until)
    posted = get(provider_hit_id)
    if posted.expires_at is None or posted.expires_at < until.replace(microsecond=0):
        raise ProviderError(
            f"{provider_hit_id} was to be open until {until} and ends {posted.expires_at}",
            permanent=False,
            outcome_unknown=True,
        )
    return posted


def expire(call: Call, get: Get, provider_hit_id: str) -> PostedHit:
    """The HIT, closed to new workers, also when it was closed and opened again before."""
    _set(call, provider_hit_id, _LONG_AGO)
    posted = get(provider_hit_id)
    if posted.state == "Assignable" and posted.expires_at is not None:
        # The past time that ended it before is used up: each expiration gives one of its own.
        offset = timedelta(seconds=int(posted.expires_at.timestamp()) % _TIMES_LONG_AGO)
        _set(call, provider_hit_id, _LONG_AGO + offset)
        posted = get(provider_hit_id)
    return posted


def _set(call: Call, provider_hit_id: str, at: datetime) -> None:
    try:
        call("update_expiration_for_hit", HITId=provider_hit_id, ExpireAt=at)
    except ProviderError as error:
        if turk.TOKEN_USED not in str(error):
            raise
