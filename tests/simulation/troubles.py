"""The kinds of wrong endings: each must be seen zero times, whatever the faults were."""

from __future__ import annotations

from dataclasses import dataclass

DUPLICATE = "duplicate HITs"
BONUS = "double bonuses"
PAID_TWICE = "assignments paid twice"
LOST = "lost HITs, answers and labels"
CHANGED = "changed answers"
OVER = "money over budget"
LEDGER = "ledger differences"
STUCK = "stuck units"
OTHER = "other broken promises"
KINDS = (DUPLICATE, BONUS, PAID_TWICE, LOST, CHANGED, OVER, LEDGER, STUCK, OTHER)

EXPECTED_FINDINGS = ("decision:assignment:",)
"""The venue was first: it approved at its deadline what a person had decided to reject."""


@dataclass(frozen=True)
class Trouble:
    """One broken promise: its kind, and what was seen."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"
