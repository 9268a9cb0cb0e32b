"""Fees by the dated table; the quote is never under the charge."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import fees
from jobs.fees import MTURK, FeeTable, highest_reward_fee, reward_fee
from webapp.marketplace.fees import assignment_fee, bonus_fee

TABLE = MTURK[-1]


@pytest.mark.parametrize(
    ("reward_cents", "n", "masters", "cents"),
    [
        (5, 1, False, 1),
        (1, 1, False, 1),
        (0, 1, False, 1),
        (52, 1, False, 10),
        (53, 1, False, 11),
        (100, 9, False, 20),
        (100, 10, False, 40),
        (100, 9, True, 25),
        (100, 10, True, 45),
    ],
)
def test_the_fee_on_one_assignment(reward_cents, n, masters, cents):
    assert reward_fee(reward_cents * 10_000, n, masters, TABLE) == cents * 10_000


@given(st.integers(0, 10_000), st.integers(1, 40), st.booleans())
def test_the_venue_charges_what_we_book_and_never_more_than_we_quote(cents, n, masters):
    charged = 10_000 * assignment_fee(cents, n, for_masters=masters, account_kind="crowd")
    assert reward_fee(cents * 10_000, n, masters, TABLE) == charged
    assert highest_reward_fee(cents * 10_000, n, masters, TABLE) >= charged


@given(st.integers(1, 100_000))
def test_a_bonus_costs_its_fee(cents):
    charged = 10_000 * bonus_fee(cents, account_kind="crowd")
    assert fees.bonus_fee(cents * 10_000, TABLE) == charged


def test_the_table_in_force_is_the_newest_that_has_begun():
    later = FeeTable(date(2027, 1, 1), 2500, 2000, 10, 500, 10_000)
    tables = (later, *MTURK)
    assert fees.table_on(date(2026, 12, 31), tables) is MTURK[0]
    assert fees.table_on(date(2027, 1, 1), tables) is later
    assert fees.table_on(date(2001, 1, 1), MTURK) is MTURK[0]
