"""What work costs at an account that speaks MTurk's API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from jobs import fees
from jobs.money import format_usd
from jobs.records import HitSpec, Quote, Submission

MASTERS = ("2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6")


class QualificationBook(Protocol):
    """Where an account's own qualification types are looked up."""

    def qualification_type(self, name: str) -> str:
        """The id of the qualification type ``name``."""


class Terms(Protocol):
    """What work costs at an account, and who may see it."""

    def quote(self, spec: HitSpec) -> Quote:
        """As ``Provider.quote``."""

    def cost_of_work(self, spec: HitSpec, submission: Submission) -> int:
        """As ``Provider.cost_of_work``."""

    def fee_of(self, spec: HitSpec, cost_micros: int) -> int:
        """As ``Provider.fee_of``."""

    def as_published(self, spec: HitSpec, venue: QualificationBook) -> HitSpec:
        """``spec`` as this account posts it."""


class CrowdTerms:
    """The reward, and Amazon's fee on it by the table in force."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def quote(self, spec: HitSpec) -> Quote:
        n, masters, table = spec.max_assignments, _needs_masters(spec), self._table()
        reward_each = spec.reward_micros
        reward = reward_each * n
        fee = n * fees.reward_fee(reward_each, n, masters, table)
        worst = n * fees.highest_reward_fee(reward_each, n, masters, table)
        parts = fees.fee_parts(n, masters, table)
        # What is over after the parts on top is the base fee, with its minimum and rounding.
        on_top = [
            (f"{n} × {part.name} {part.rate / 100:g} %", n * fees.part_fee(reward_each, part))
            for part in parts[1:]
        ]
        base = worst - sum(micros for _, micros in on_top)
        lines = (
            (f"{n} × reward {format_usd(reward_each)}", reward),
            (
                f"{n} × {parts[0].name} {parts[0].rate / 100:g} %, "
                f"at least {format_usd(table.minimum_micros)}",
                base,
            ),
            *on_top,
        )
        return Quote(reward, fee, reward + worst, lines)

    def cost_of_work(self, spec: HitSpec, submission: Submission) -> int:
        return spec.reward_micros

    def fee_of(self, spec: HitSpec, cost_micros: int) -> int:
        masters, table = _needs_masters(spec), self._table()
        return fees.reward_fee(cost_micros, spec.max_assignments, masters, table)

    def as_published(self, spec: HitSpec, venue: QualificationBook) -> HitSpec:
        return spec

    def _table(self) -> fees.FeeTable:
        return fees.table_on(self._now().astimezone(UTC).date())


def _needs_masters(spec: HitSpec) -> bool:
    return any(one.get("QualificationTypeId") in MASTERS for one in spec.qualification_requirements)
