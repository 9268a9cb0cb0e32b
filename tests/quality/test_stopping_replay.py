"""Replaying real answers: what a rule would have cost, and what it would have got."""

from math import isnan

import numpy as np
import pytest

from quality.consensus.shapes import TagAnswers
from quality.replay import Curve, answers_needed, fixed_redundancy, mean_curve, replay
from quality.stopping import Rule, vote_share_outlook


@pytest.fixture(scope="module")
def crowd():
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=80)
    right = rng.uniform(0.6, 0.95, size=20)
    item = np.repeat(np.arange(80), 10)
    worker = np.concatenate([rng.choice(20, 10, replace=False) for _ in range(80)])
    label = np.where(rng.random(800) < right[worker], truth[item], 1 - truth[item])
    return TagAnswers(item, worker, label, 80, 20, 2), truth


def test_a_replay_starts_at_the_least_and_never_passes_the_most(crowd):
    answers, truth = crowd
    curve = replay(answers, truth, Rule(0.95, 2, 6), np.random.default_rng(1))
    assert curve.n_answers[0] == 2
    assert np.all(np.diff(curve.n_answers) > 0)
    assert curve.n_answers[-1] <= 6


def test_certainty_one_buys_everything_there_is(crowd):
    answers, truth = crowd
    curve = replay(answers, truth, Rule(1.0, 2, 50), np.random.default_rng(1), batch_part=1.0)
    fixed = fixed_redundancy(answers, truth, [10], np.random.default_rng(1))
    assert curve.n_answers[-1] == 10
    assert curve.accuracy[-1] == fixed.accuracy[0]


def test_stopping_saves_answers_at_equal_accuracy(crowd):
    answers, truth = crowd
    fixed = mean_curve(
        [
            fixed_redundancy(answers, truth, range(1, 11), np.random.default_rng(seed))
            for seed in range(3)
        ],
        np.arange(1.0, 11.0),
    )
    ends = []
    for seed in range(3):
        curve = replay(answers, truth, Rule(0.97, 2, 10), np.random.default_rng(seed))
        ends.append((curve.n_answers[-1], curve.accuracy[-1]))
    spent, right = np.mean(ends, axis=0)
    needed = answers_needed(fixed, min(right, fixed.accuracy.max()))
    assert spent < 0.75 * needed


def test_a_replay_is_the_same_twice(crowd):
    answers, truth = crowd
    first, again = (
        replay(answers, truth, Rule(0.9, 2, 5), np.random.default_rng(7), view=vote_share_outlook)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.accuracy, again.accuracy)


def test_the_truth_is_only_looked_at_to_score(crowd):
    answers, truth = crowd
    spent = [
        replay(answers, known, Rule(0.95, 2, 6), np.random.default_rng(2)).n_answers[-1]
        for known in (truth, 1 - truth)
    ]
    assert spent[0] == spent[1]


def test_answers_needed_reads_between_the_points():
    curve = Curve(np.array([1.0, 2.0, 4.0]), np.array([0.6, 0.8, 0.9]))
    assert answers_needed(curve, 0.85) == pytest.approx(3.0)
    assert answers_needed(curve, 0.5) == 1.0
    assert isnan(answers_needed(curve, 0.95))


def test_without_answers_the_curve_is_empty():
    none = np.zeros(0, dtype=np.int64)
    answers = TagAnswers(none, none, none, 3, 0, 2)
    curve = replay(answers, np.array([0, 1, -1]), Rule(), np.random.default_rng(0))
    assert curve.n_answers.size == 0
