"""Numbers as people read them, and plots as plain numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp import charts, words
from webapp.dashboards.ledger import plain_cell

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "–"), (0.0, "0 %"), (1.0, "100 %"), (0.9999, "99 %"), (0.0001, "1 %"), (0.5, "50 %")],
)
def test_a_share_is_never_rounded_up_to_all_or_down_to_nothing(
    share: float | None, text: str
) -> None:
    assert words.percent(share) == text


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (None, "–"),
        (0, "$0.00"),
        (4_608_000, "$4.61"),
        (42_400, "$0.042"),
        (-60_000, "-$0.06"),
        (200, "$0.0002"),
        (187, "$0.00019"),
        (7, "$0.000007"),
    ],
)
def test_money_is_rounded_to_cents_but_small_amounts_keep_a_digit_more(
    micros: int | None, text: str
) -> None:
    assert words.cents(micros) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.44, "0.4 s"), (42.4, "42 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")],
)
def test_a_duration_is_said_in_the_units_it_needs(value: float | None, text: str) -> None:
    assert words.seconds(value) == text


def test_a_time_states_its_zone() -> None:
    assert words.when(NOON) == (
        '<time datetime="2026-03-01T12:00:00+00:00">2026-03-01 12:00 UTC</time>'
    )


@given(st.lists(st.integers(0, 10**9), max_size=6), st.integers(0, 10**9))
def test_parts_of_a_bar_never_leave_it(parts: list[int], whole: int) -> None:
    laid = charts.shares(parts, whole)
    assert len(laid) == len(parts)
    assert all(0 <= start <= 100 and length >= 0 for start, length in laid)
    assert sum(length for _, length in laid) <= 100.01


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40))
def test_every_bin_that_holds_something_can_be_seen(counts: list[int]) -> None:
    bars = charts.histogram(counts)
    assert [bar.value for bar in bars] == counts
    assert all((bar.height >= 2) == (bar.value > 0) for bar in bars)
    assert all(bar.y >= 0 for bar in bars)


def test_a_line_of_steps_starts_left_and_ends_right() -> None:
    points = [(NOON, 1.0), (NOON + timedelta(hours=1), 2.0)]
    plot = charts.steps(points, top=2.0, width=100, height=10)
    assert plot.line == "M0.0 5.0H100.0V0.0H100"
    assert charts.steps([], top=1).line == ""


@pytest.mark.parametrize("text", [
    "=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\0=x", "＝x", "＋x", "－1", "＠x", " =1",
    '=HYPERLINK("http://evil.example")', "=cmd|'/C calc'!A0",
])  # fmt: skip
def test_no_cell_starts_a_formula(text: str) -> None:
    assert plain_cell(text) == f"'{text}"
    assert plain_cell("plain") == "plain"
