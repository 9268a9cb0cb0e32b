"""How often somebody may come: moving windows, counted in this process's memory."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app
from limits import parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class Pace:
    """At most so many acts of one key in so much time; ``""`` sets no bound.

    ``rates`` reads ``5/second; 1000/hour``: all of them hold. A key is whoever is counted.

    Raises:
        ValueError: ``rates`` is none of that.

    """

    def __init__(self, rates: str) -> None:
        self._rates = parse_many(rates) if rates else []
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def take(self, key: str) -> bool:
        """Count one act; False, and not counted, where the key has had its share."""
        return all(self._window.hit(rate, key) for rate in self._rates)

    def is_used_up(self, key: str) -> bool:
        """Whether the key's next act would be one too many."""
        return not all(self._window.test(rate, key) for rate in self._rates)


@dataclass(frozen=True)
class Paces:
    """What one app counts: API calls by account, forms by sender, failed sign-ins."""

    calls: Pace
    forms: Pace
    failed_sign_ins: Pace


def current_paces() -> Paces:
    """The counters of the running app."""
    paces = current_app.extensions["marketplace_paces"]
    assert isinstance(paces, Paces)  # noqa: S101 - tells the type checker
    return paces
