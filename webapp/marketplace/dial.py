"""Time that can be turned forward, and times as integer milliseconds since 1970."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock

SECOND = 1000
DAY = 24 * 60 * 60 * SECOND
Clock = Callable[[], datetime]


def utc_clock() -> datetime:
    """The time on the wall."""
    return datetime.now(UTC)


def as_datetime(moment: int) -> datetime:
    """The aware UTC time of ``moment`` milliseconds."""
    return datetime.fromtimestamp(moment / 1000, UTC)


class Dial:
    """The marketplace's clock: the given one plus what an admin has added to it."""

    def __init__(self, clock: Clock = utc_clock, *, ahead: int = 0) -> None:
        self._clock = clock
        self._ahead = ahead
        self._lock = Lock()

    def now(self) -> int:
        """Milliseconds since 1970."""
        moment = self._clock()
        if moment.tzinfo is None:
            raise ValueError("the clock must give an aware time, it gave a naive one")
        return round(moment.timestamp() * 1000) + self._ahead

    @property
    def ahead(self) -> int:
        """Milliseconds the dial is ahead of the given clock."""
        return self._ahead

    def advance(self, milliseconds: int) -> int:
        """Turn the dial forward (never back, for deadlines would come alive); gives the new now."""
        if milliseconds < 0:
            raise ValueError(f"the clock only goes forward, not by {milliseconds} ms")
        with self._lock:
            self._ahead += milliseconds
        return self.now()
