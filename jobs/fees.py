"""What venues charge on top of a reward, by date.

Sources: Amazon's requester pricing page as quoted in Watts-Lab/mturk-helper issue 9 (rates,
the ten-assignment step on the reward only), cloudyr/MTurkR ``SufficientFunds.R`` (Masters,
minimum), and Amazon's pricing FAQ as quoted by turkrequesters in 2016 (half up to a cent).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from jobs.money import MICROS_PER_CENT, round_half_up_to_cent

_BASIS = 10_000


@dataclass(frozen=True)
class FeeTable:
    """Rates in hundredths of a percent, in force from ``since`` on."""

    since: date
    base: int
    many_assignments: int
    many_from: int
    masters: int
    minimum_micros: int


MTURK: tuple[FeeTable, ...] = (
    FeeTable(
        since=date(2015, 7, 22),
        base=2_000,
        many_assignments=2_000,
        many_from=10,
        masters=500,
        minimum_micros=MICROS_PER_CENT,
    ),
)


@dataclass(frozen=True)
class FeePart:
    """One line of a fee, for people: what for, at which rate, and how much unrounded."""

    name: str
    rate: int


def table_on(day: date, tables: tuple[FeeTable, ...] = MTURK) -> FeeTable:
    """The table in force on ``day``; the oldest one for a day before all tables."""
    in_force = [table for table in tables if table.since <= day]
    return max(in_force or tables[:1], key=lambda table: table.since)


def reward_fee(reward_micros: int, n_assignments: int, masters: bool, table: FeeTable) -> int:
    """The fee on one approved assignment: rates summed, one rounding half up, the minimum."""
    rate = sum(part.rate for part in fee_parts(n_assignments, masters, table))
    fee = round_half_up_to_cent(reward_micros * rate, _BASIS)
    return max(table.minimum_micros, fee)


def highest_reward_fee(
    reward_micros: int, n_assignments: int, masters: bool, table: FeeTable
) -> int:
    """The most the fee can be: it is not documented whether the parts are rounded singly."""
    parts = fee_parts(n_assignments, masters, table)
    singly = sum(part_fee(reward_micros, part) for part in parts)
    return max(reward_fee(reward_micros, n_assignments, masters, table), singly)


def part_fee(reward_micros: int, part: FeePart) -> int:
    """One part of the fee on one approved assignment, rounded by itself."""
    return round_half_up_to_cent(reward_micros * part.rate, _BASIS)


def bonus_fee(bonus_micros: int, table: FeeTable) -> int:
    """The fee on a bonus: the base rate only, with the same minimum and rounding."""
    return max(table.minimum_micros, round_half_up_to_cent(bonus_micros * table.base, _BASIS))


def fee_parts(n_assignments: int, masters: bool, table: FeeTable) -> tuple[FeePart, ...]:
    """The rates that apply to the reward of a HIT with ``n_assignments``."""
    parts = [FeePart("fee", table.base)]
    if n_assignments >= table.many_from:
        parts.append(FeePart(f"fee from {table.many_from} assignments", table.many_assignments))
    if masters:
        parts.append(FeePart("Masters", table.masters))
    return tuple(parts)
