"""Workers' accuracy: shrunk, with an interval, and never against their own vote."""

import numpy as np
import pytest
from scipy.special import betainc

from quality.consensus import tags
from quality.consensus.shapes import TagAnswers
from quality.workers import accuracy, against_gold, against_others, crowd_prior


def answers_of(rows, **more) -> TagAnswers:
    table = np.asarray(rows, dtype=np.int64).reshape(-1, 3)
    sizes = table.max(axis=0, initial=-1) + 1
    sizes = {"n_items": sizes[0], "n_workers": sizes[1], "n_labels": sizes[2]} | more
    return TagAnswers(table[:, 0], table[:, 1], table[:, 2], **sizes)


def test_the_interval_is_the_beta_posterior():
    found = accuracy(8, 10, prior=(1.0, 1.0))
    assert found.mean == pytest.approx(9 / 12)
    assert betainc(9, 3, found.low) == pytest.approx(0.025)
    assert betainc(9, 3, found.high) == pytest.approx(0.975)


def test_more_answers_narrow_the_interval():
    few, many = accuracy([8, 80], [10, 100]).low
    assert few < many


def test_without_answers_the_prior_is_given_back():
    assert accuracy(0, 0, prior=(3.0, 1.0)).mean == pytest.approx(0.75)


def test_more_right_than_given_is_refused():
    with pytest.raises(ValueError, match="n_right"):
        accuracy(3, 2)
    with pytest.raises(ValueError, match="prior"):
        accuracy(1, 2, prior=(0.0, 1.0))


def test_the_crowds_prior_is_worth_a_few_answers():
    a, b = crowd_prior([70], [98], answers=4.0)
    assert (a + b, a / (a + b)) == (pytest.approx(4.0), pytest.approx(0.71))


def test_against_gold_counts_only_gold_items():
    gold = np.array([1, -1, 0])
    answers = answers_of(
        [(0, 0, 1), (0, 1, 0), (1, 0, 1), (1, 1, 1), (2, 0, 0), (2, 2, 0)], n_workers=4, gold=gold
    )
    scores = against_gold(answers)
    assert scores.n_right.tolist() == [2, 0, 1, 0]
    assert scores.n_judged.tolist() == [2, 1, 1, 0]
    assert np.isnan(scores.accuracy.mean[3])
    assert scores.accuracy.mean[0] > scores.accuracy.mean[2] > scores.accuracy.mean[1]


def test_a_worker_is_not_scored_against_their_own_vote():
    # Alone against two: were the own vote in the consensus, 1/3 would be right.
    scores = against_others(answers_of([(0, 0, 1), (0, 1, 0), (0, 2, 0)]))
    assert scores.n_right.tolist() == [0, 0.5, 0.5]


def test_an_item_nobody_else_answered_judges_nobody():
    scores = against_others(answers_of([(0, 0, 1), (1, 1, 0), (1, 2, 0)]))
    assert scores.n_judged.tolist() == [0, 1, 1]
    assert np.isnan(scores.accuracy.mean[0])


@pytest.mark.parametrize("method", [name for name in tags.names() if name != "majority"])
def test_methods_rank_workers_by_their_true_accuracy(method):
    rng = np.random.default_rng(7)
    skill = np.linspace(0.4, 0.95, 12)
    truth = rng.integers(3, size=150)
    rows = [
        (item, worker, truth[item] if rng.random() < skill[worker] else rng.integers(3))
        for item in range(150)
        for worker in range(12)
        if rng.random() < 0.5
    ]
    estimate = tags.load(method)(answers_of(rows)).workers.accuracy
    right = skill + (1 - skill) / 3
    assert np.corrcoef(estimate, right)[0, 1] > 0.85
    assert np.abs(estimate - right).mean() < 0.15


def test_a_spammer_does_not_look_good_where_few_answer():
    rng = np.random.default_rng(3)
    truth = rng.integers(2, size=300)
    rows = []
    for item in range(300):
        good = rng.choice(np.arange(1, 8), size=1)[0]
        rows += [(item, 0, rng.integers(2)), (item, good, truth[item])]
        rows += [(item, 8 + item % 5, truth[item] ^ (rng.random() < 0.2))]
    answers = answers_of(rows)
    own = tags.load("auto")(answers).workers.accuracy
    assert own[0] < 0.6 < own[1:8].min()
