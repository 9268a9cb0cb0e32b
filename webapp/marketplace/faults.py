"""Misbehaviour on request: what should go wrong, at which operation, on which call."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Literal, get_args

Effect = Literal[
    "drop_before",
    "drop_after",
    "delay_before",
    "delay_after",
    "fault_before",
    "fault_after",
    "throttle",
    "lose_notice",
    "double_notice",
]
EFFECTS: tuple[str, ...] = get_args(Effect)
_REMEMBERED_CALLS = 5000


@dataclass(frozen=True)
class Fault:
    """One misbehaviour: at calls ``first`` to ``last`` (from 1) of ``operation`` (``*``: any).

    ``drop_*`` cuts the connection, ``fault_*`` answers ServiceFault; *before* leaves no
    trace, *after* does so once the effect is made. For notices the operation is the
    event type and the count that of its notices.
    """

    operation: str
    effect: Effect
    first: int = 1
    last: int = 1
    access_key: str = "*"
    seconds: float = 0.0


@dataclass(frozen=True)
class SeenCall:
    """One request as it arrived, kept so that a test can count repeats."""

    operation: str
    access_key: str
    invocation_id: str
    attempt: str
    effects: tuple[str, ...]


class FaultPlan:
    """The faults in force and the calls seen since they were set."""

    def __init__(self) -> None:
        self._faults: tuple[Fault, ...] = ()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._calls: deque[SeenCall] = deque(maxlen=_REMEMBERED_CALLS)
        self._lock = Lock()

    def replace(self, faults: Sequence[Fault]) -> None:
        """Put ``faults`` in force and count calls from one again."""
        with self._lock:
            self._faults = tuple(faults)
            self._counts.clear()
            self._calls.clear()

    def faults(self) -> tuple[Fault, ...]:
        """The faults in force."""
        return self._faults

    def calls(self) -> list[dict[str, Any]]:
        """Calls seen, oldest first."""
        with self._lock:
            return [asdict(call) for call in self._calls]

    def meet(
        self, operation: str, access_key: str = "*", *, invocation_id: str = "", attempt: str = ""
    ) -> tuple[Fault, ...]:
        """Faults that strike this call, which is counted."""
        with self._lock:
            struck = tuple(
                fault for fault in self._faults if self._strikes(fault, operation, access_key)
            )
            self._calls.append(
                SeenCall(
                    operation,
                    access_key,
                    invocation_id,
                    attempt,
                    tuple(fault.effect for fault in struck),
                )
            )
            return struck

    def _strikes(self, fault: Fault, operation: str, access_key: str) -> bool:
        if fault.operation not in ("*", operation) or fault.access_key not in ("*", access_key):
            return False
        counter = (repr(fault), "")
        self._counts[counter] += 1
        return fault.first <= self._counts[counter] <= fault.last


def parse_faults(rows: Any) -> list[Fault]:
    """Faults from decoded JSON.

    Raises:
        ValueError: names the row and what is wrong with it.

    """
    if not isinstance(rows, list):
        raise ValueError("expected a list of faults")
    return [_parse_fault(number, row) for number, row in enumerate(rows)]


def _parse_fault(number: int, row: Any) -> Fault:
    if not isinstance(row, dict) or set(row) - set(Fault.__dataclass_fields__):
        raise ValueError(
            f"fault {number}: expected members {', '.join(Fault.__dataclass_fields__)}"
        )
    try:
        fault = Fault(**row)
    except TypeError as error:
        raise ValueError(f"fault {number}: operation and effect are needed") from error
    if fault.effect not in EFFECTS:
        raise ValueError(f"fault {number}: effect is one of {', '.join(EFFECTS)}")
    counts_fit = all(
        isinstance(count, int) and not isinstance(count, bool)
        for count in (fault.first, fault.last)
    )
    if (
        not counts_fit
        or not isinstance(fault.seconds, int | float)
        or not 0 <= fault.seconds <= 600
    ):
        raise ValueError(f"fault {number}: first and last are whole numbers, seconds 0 to 600")
    return fault
