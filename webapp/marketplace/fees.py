"""What the marketplace charges on top: the service's own table, in whole cents."""

from __future__ import annotations

MASTERS_TYPE_IDS = ("2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6")
_MANY_ASSIGNMENTS = 10


def assignment_fee(
    reward_cents: int, max_assignments: int, *, for_masters: bool, account_kind: str
) -> int:
    """The fee on one approved assignment.

    20 % of the reward, 20 % more on a HIT with ten or more assignments, 5 % more for
    Masters; the rates are summed, then rounded half up, and a cent is the least. An
    in-house account pays no fee.
    """
    if account_kind == "inhouse":
        return 0
    percent = 20
    if max_assignments >= _MANY_ASSIGNMENTS:
        percent += 20
    if for_masters:
        percent += 5
    return max(1, (reward_cents * percent + 50) // 100)


def bonus_fee(amount_cents: int, *, account_kind: str) -> int:
    """The fee on one bonus: 20 %, rounded half up, a cent at least; none in-house."""
    if account_kind == "inhouse":
        return 0
    return max(1, (amount_cents * 20 + 50) // 100)
