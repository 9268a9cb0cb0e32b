"""The sequential test keeps the error rates it states."""

import numpy as np
import pytest

from quality.sequential import Standard, judge


def test_the_evidence_by_hand():
    found = judge(np.array([10.0]), np.array([12.0]), Standard(good=0.8, bad=0.5))
    assert found.evidence[0] == pytest.approx(10 * np.log(1.6) + 2 * np.log(0.4))
    assert found.passes_at == pytest.approx(np.log(19))


def test_no_answers_no_verdict():
    found = judge(np.zeros(1), np.zeros(1))
    assert not found.good_enough[0]
    assert not found.not_good_enough[0]


@pytest.mark.parametrize(("rate", "wrong"), [(0.85, "not_good_enough"), (0.65, "good_enough")])
def test_wrong_verdicts_are_as_rare_as_stated_although_asked_after_every_answer(rate, wrong):
    rng = np.random.default_rng(0)
    right = np.cumsum(rng.random((2000, 300)) < rate, axis=1)
    n_all = np.broadcast_to(np.arange(1, 301), right.shape)
    found = judge(right, n_all)
    decided = found.good_enough | found.not_good_enough
    first = decided.argmax(axis=1)
    rows = np.arange(2000)
    assert decided.any(axis=1).mean() > 0.99
    assert getattr(found, wrong)[rows, first].mean() < 0.06
    assert first.mean() < 40


@pytest.mark.parametrize(
    "wrong", [{"good": 0.5, "bad": 0.6}, {"false_pass": 0.0}, {"false_alarm": 0.7}]
)
def test_a_standard_no_test_could_keep_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        Standard(**wrong)


def test_more_right_than_given_is_refused():
    with pytest.raises(ValueError, match="n_right"):
        judge([3.0], [2.0])
