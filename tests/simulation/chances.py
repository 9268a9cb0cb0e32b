"""What goes wrong, and when: drawn from the seed, counted, and written into the trace."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

Choice = TypeVar("Choice")

CALL_FAULTS: Mapping[str, float] = {
    "connection refused": 1,
    "request lost": 2,
    "reply lost": 4,
    "fault without effect": 1,
    "fault after the effect": 3,
    "throttled": 1,
    "slow before the effect": 1,
    "slow after the effect": 2,
    "request arrives late": 2,
    "reply is a page of a proxy": 1,
    "a proxy answers by itself": 1,
    "reply is cut short": 1,
    "gateway error after the effect": 1,
}
"""Kinds of trouble around one call to the venue, with their weights."""

RATES: Mapping[str, float] = {
    "call": 0.42,
    "crash before the call": 0.015,
    "crash after the call": 0.03,
    "crash before the commit": 0.012,
    "crash after the commit": 0.025,
    "database locked": 0.016,
    "commit's reply lost": 0.012,
    "wake-up lost": 0.3,
    "wake-up doubled": 0.25,
    "wake-up out of turn": 0.3,
    "queue flushed": 0.02,
    "two sweepers": 0.3,
    "pressed twice": 0.3,
}
"""How often each kind strikes where it can, before the seed makes it rarer or more frequent."""

_MOODS = (0.0, 0.5, 1.0, 1.0, 2.0)


class Chances:
    """The seed's lottery. ``counts`` says what struck; once ``is_on`` is False nothing does.

    Each seed has its own mixture: some kinds of trouble are switched off in it, others come
    twice as often, so that rare combinations are met too.
    """

    def __init__(self, seed: int, note: Callable[[str], None]) -> None:
        self.rng = random.Random(seed)
        self.is_on = True
        self.counts: Counter[str] = Counter()
        self._note = note
        self._rates = {kind: rate * self.rng.choice(_MOODS) for kind, rate in RATES.items()}
        self._rates["call"] = RATES["call"] * self.rng.choice(_MOODS[1:])
        moods = [self.rng.choice(_MOODS) for _ in CALL_FAULTS]
        self._weights = [
            weight * mood for weight, mood in zip(CALL_FAULTS.values(), moods, strict=True)
        ]
        if not any(self._weights):
            self._weights = list(CALL_FAULTS.values())

    def strikes(self, kind: str) -> bool:
        """Whether trouble of this kind strikes here."""
        if not self.is_on or self.rng.random() >= self._rates[kind]:
            return False
        self.count(kind)
        return True

    def call_fault(self) -> str:
        """The kind of trouble that strikes this call; empty for none."""
        if not self.is_on or self.rng.random() >= self._rates["call"]:
            return ""
        kind = self.rng.choices(list(CALL_FAULTS), self._weights)[0]
        self.count(kind)
        return kind

    def count(self, kind: str) -> None:
        """Note trouble that struck."""
        self.counts[kind] += 1
        self._note(f"fault: {kind}")

    def is_so(self, share: float) -> bool:
        """True in ``share`` of all cases; no trouble, just a turn of the story."""
        return self.rng.random() < share

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """One of them."""
        return self.rng.choice(choices)


class Crash(BaseException):
    """The process is gone: nothing catches this, as nothing catches SIGKILL."""
