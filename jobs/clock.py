"""One time for all machines of an installation: the database's.

Leases, tokens and deadlines are compared across machines, and a machine's own clock may be
minutes off or jump. So the doors read the database's clock and pass it down. It is asked now
and then; in between, a counter that nobody sets tells how much time has passed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from jobs.db import UNANSWERED

Clock = Callable[[], datetime]

ASK_AGAIN_SECONDS = 5.0
SLOWEST_REPLY_SECONDS = 0.5  # a slower one says too little about when it was true
_COUNTER = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # counts while asleep, too
_MOST_TRIES = 5


def machine_time() -> datetime:
    """The machine's own time, aware and in UTC."""
    return datetime.now(UTC)


def database_clock(engine: Engine, machine: Clock = machine_time) -> Clock:
    """The clock of the engine's database; for SQLite, which has none, the machine's."""
    return machine if engine.dialect.name == "sqlite" else _DatabaseClock(engine)


@dataclass(frozen=True)
class _Reading:
    """What the database's clock said when the counter stood at ``counted`` seconds."""

    at: datetime
    counted: float


class _DatabaseClock:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._last: _Reading | None = None

    def __call__(self) -> datetime:
        last = self._last
        if last is None or _count() - last.counted > ASK_AGAIN_SECONDS:
            self._last = last = self._ask(last)
        return last.at + timedelta(seconds=_count() - last.counted)

    def _ask(self, last: _Reading | None) -> _Reading:
        """A new reading; while the database does not answer, the last one counts on."""
        try:
            with self._engine.connect() as connection:
                for _ in range(_MOST_TRIES):
                    before = _count()
                    at = connection.scalar(text("SELECT clock_timestamp()"))
                    after = _count()
                    found = _Reading(at.astimezone(UTC), (before + after) / 2)
                    if after - before <= SLOWEST_REPLY_SECONDS:
                        break
        except UNANSWERED:
            if last is None:
                raise
            return last
        return found


def _count() -> float:
    return time.clock_gettime(_COUNTER)
