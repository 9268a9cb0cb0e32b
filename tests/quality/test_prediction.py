"""Where the next outcome lies."""

from __future__ import annotations

import numpy as np
import pytest

from quality.prediction import prediction_interval


def test_nine_of_ten_next_outcomes_lie_inside() -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(2000):
        *seen, following = rng.normal(10.0, 3.0, 6)
        found = prediction_interval(seen)
        inside += found.low <= following <= found.high
    assert 0.88 < inside / 2000 < 0.92


def test_equal_outcomes_leave_no_doubt() -> None:
    found = prediction_interval([4.0, 4.0, 4.0])
    assert (found.likely, found.low, found.high) == (4.0, 4.0, 4.0)


def test_ends_stay_within_what_can_be() -> None:
    found = prediction_interval([0.5, 1.0], least=0.0, most=1.0)
    assert (found.low, found.high) == (0.0, 1.0)
    assert found.likely == pytest.approx(0.75)


def test_one_outcome_says_nothing_of_the_spread_and_none_says_nothing() -> None:
    assert prediction_interval([3.0], least=0.0).low == 0.0
    assert np.isnan(prediction_interval([]).likely)
