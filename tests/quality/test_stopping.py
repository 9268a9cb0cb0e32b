"""When to stop, what the next answer costs and where it helps most."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.consensus.shapes import TagAnswers
from quality.stopping import (
    AnswerPrice,
    Outlook,
    Rule,
    is_worth_it,
    next_purchases,
    outlook,
    vote_share_outlook,
    wanted,
    within_budget,
)


def answers_of(rows, **more) -> TagAnswers:
    table = np.asarray(rows, dtype=np.int64).reshape(-1, 3)
    sizes = table.max(axis=0, initial=-1) + 1
    sizes = {"n_items": sizes[0], "n_workers": sizes[1], "n_labels": sizes[2]} | more
    return TagAnswers(table[:, 0], table[:, 1], table[:, 2], **sizes)


def seen(certainty, n_answers) -> Outlook:
    sure = np.asarray(certainty, dtype=float)
    return Outlook(np.zeros(len(sure), int), sure, sure, 1 - sure, np.asarray(n_answers))


def agreed(n=30) -> list[tuple[int, int, int]]:
    return [(item, worker, item % 2) for item in range(n) for worker in range(3)]


def test_the_rule_by_hand():
    now = seen([0.5, 0.999, 0.999, 0.5, 0.0], [3, 3, 1, 10, 0])
    assert wanted(now, Rule(0.99, 2, 10)).tolist() == [True, False, True, False, True]


def test_the_unstarted_come_first_then_the_least_certain():
    now = seen([0.5, 0.9, 0.0, 0.7, 0.999], [3, 1, 0, 3, 3])
    assert next_purchases(now, Rule(0.99, 2, 10), 9).tolist() == [2, 1, 0, 3]
    assert next_purchases(now, Rule(0.99, 2, 10), 2).tolist() == [2, 1]
    assert next_purchases(now, Rule(0.99, 2, 10), 0).tolist() == []


def test_fees_are_half_up_with_a_minimum_and_a_step_at_ten():
    price = AnswerPrice(reward_micros=100_000)
    assert price.total(np.array([0, 1, 9, 10])).tolist() == [0, 120_000, 1_080_000, 1_400_000]
    assert price.of_next(np.array([0, 8, 9, 10])).tolist() == [120_000, 120_000, 320_000, 140_000]
    assert AnswerPrice(10_000).of_next(np.array([0]))[0] == 20_000


@given(reward=st.integers(0, 10**7), n=st.integers(0, 40))
def test_prices_add_up(reward, n):
    price = AnswerPrice(reward)
    steps = price.of_next(np.arange(n))
    assert steps.sum() == price.total(np.array([n]))[0]
    assert np.all(steps >= reward)


def test_a_budget_buys_what_it_pays_for_in_the_order_of_need():
    now = seen([0.9, 0.5, 0.7], [9, 3, 3])
    price = AnswerPrice(100_000)
    assert within_budget(now, Rule(most=20), price, 240_000).tolist() == [1, 2]
    assert within_budget(now, Rule(most=20), price, 559_999).tolist() == [1, 2]
    assert within_budget(now, Rule(most=20), price, 560_000).tolist() == [1, 2, 0]
    assert within_budget(now, Rule(most=20), price, 0).tolist() == []


def test_an_answer_is_bought_only_where_its_gain_covers_its_price():
    now = seen([0.9, 0.5], [3, 9])
    price = AnswerPrice(100_000)
    assert is_worth_it(now, price, 1_250_000).tolist() == [True, True]
    assert is_worth_it(now, price, 1_100_000).tolist() == [False, True]
    assert is_worth_it(now, price, 600_000).tolist() == [False, False]


def test_a_split_item_is_less_certain_and_gains_more_than_an_agreed_one():
    rows = [*agreed(), (30, 0, 0), (30, 1, 1), (31, 0, 0), (31, 1, 0), (31, 2, 0)]
    now = outlook(answers_of(rows))
    assert now.certainty[30] < 0.9 < now.certainty[31]
    assert now.gain[30] > now.gain[31]
    assert np.all((now.gain >= 0) & (now.gain <= 1))


def test_unanswered_items_are_open_and_gold_is_closed():
    gold = np.array([1, -1, -1])
    now = outlook(answers_of([(1, 0, 0)], n_items=3, n_labels=2, gold=gold))
    assert now.certainty[0] == 1.0
    assert now.certainty[2] == 0.0
    assert now.label.tolist() == [1, 0, -1]
    nothing = outlook(answers_of([], n_items=3, n_labels=2, gold=gold))
    assert nothing.certainty.tolist() == [1.0, 0.0, 0.0]


def test_outlooks_do_not_mind_the_order_of_rows():
    rows = np.array([*agreed(), (3, 4, 0), (4, 4, 0)])
    mixed = rows[np.random.default_rng(0).permutation(len(rows))]
    for view in (outlook, vote_share_outlook):
        np.testing.assert_array_equal(
            view(answers_of(rows)).certainty, view(answers_of(mixed)).certainty
        )


def test_vote_share_is_the_winners_share():
    now = vote_share_outlook(answers_of([(0, 0, 1), (0, 1, 1), (0, 2, 0)]))
    assert now.certainty.tolist() == [pytest.approx(2 / 3)]


@pytest.mark.parametrize("wrong", [{"certainty": 0.0}, {"least": 0}, {"least": 5, "most": 4}])
def test_a_rule_that_cannot_work_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        Rule(**wrong)
