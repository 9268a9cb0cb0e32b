import numpy as np
import pytest

from quality import simulate
from quality.box_stopping import (
    box_gain,
    box_risk,
    first_answers,
    is_worth_it,
    next_items,
    replay,
    replay_until,
    sure_enough,
    worth,
)
from quality.consensus.boxes import load
from quality.consensus.boxes.probabilistic import combine
from quality.stopping import AnswerPrice
from tests.quality.box_answers import box_answers, everyone, looked, simulated

A = (100, 100, 200, 180)
CROWD, SCENES = simulated([simulate.profile("average")] * 6, n_items=40, seed=9)


def test_an_item_nobody_answered_is_never_sure():
    consensus = combine(box_answers(looked(4), everyone(A, 4), n_items=2))
    risk = box_risk(consensus)
    assert np.isinf(risk.total[1])
    assert sure_enough(risk, consensus.n_answers, 1e9).tolist() == [True, False]


def test_risk_falls_with_every_agreeing_answer():
    totals = [box_risk(combine(box_answers(looked(n), everyone(A, n)))).total[0] for n in (2, 4, 8)]
    assert totals == sorted(totals, reverse=True)


def test_a_split_vote_is_a_risk_of_existence_and_two_classes_one_of_label():
    split = combine(box_answers(looked(4), everyone(A, 2)))
    agreed = combine(box_answers(looked(4), everyone(A, 4)))
    assert box_risk(split).existence[0] > box_risk(agreed).existence[0] + 0.2
    rows = [(0, worker, worker % 2, A) for worker in range(4)]
    classes = combine(box_answers(looked(4), rows))
    assert box_risk(classes).label[0] > box_risk(agreed).label[0] + 0.2


def test_scattered_corners_are_a_risk_of_place():
    wide = [(0, w, 0, (100 - 15 * w, 100, 200 + 15 * (3 - w), 180)) for w in range(4)]
    scattered = box_risk(combine(box_answers(looked(4), wide)))
    tight = box_risk(combine(box_answers(looked(4), everyone(A, 4))))
    assert scattered.place[0] > tight.place[0]


def test_fewest_answers_are_bought_however_sure():
    consensus = combine(box_answers(looked(1, items=3), n_items=3))
    assert not sure_enough(box_risk(consensus), consensus.n_answers, 1e9, fewest=2).any()


def test_the_budget_buys_where_most_risk_is_taken_off_per_price():
    consensus = combine(
        box_answers(looked(4, items=3), everyone(A, 2) + everyone(A, 4, item=1), n_items=3)
    )
    risk = box_risk(consensus)
    even = np.ones(3)
    assert next_items(risk, consensus.n_answers, even, 1.0).tolist() == [0]
    dear = np.array([1000.0, 1.0, 1.0])
    assert 0 not in next_items(risk, consensus.n_answers, dear, 2.0)
    assert len(next_items(risk, consensus.n_answers, even, 0.5)) == 0
    assert (worth(risk, consensus.n_answers) >= 0).all()


def test_a_method_that_keeps_its_reasons_to_itself_is_refused():
    with pytest.raises(ValueError, match="got iou_clusters"):
        box_risk(load("iou_clusters")(CROWD))


def test_a_replay_uses_fewer_answers_and_never_more_than_there_are():
    end = replay(CROWD, combine, 0.1, np.random.default_rng(0))
    assert (end.n_used <= end.n_available).all()
    assert (end.n_used >= 2).all()
    assert end.n_used.mean() < 0.8 * end.n_available.mean()
    assert end.consensus.n_answers.tolist() == end.n_used.tolist()


def test_no_tolerance_buys_everything():
    end = replay(CROWD, combine, 0.0, np.random.default_rng(0))
    assert end.n_used.tolist() == end.n_available.tolist()


def test_first_answers_keep_a_whole_answer_or_none_of_it():
    part = first_answers(CROWD, 2, np.random.default_rng(1))
    assert np.bincount(part.response_item, minlength=40).tolist() == [2] * 40
    kept = set(zip(part.response_item.tolist(), part.response_worker.tolist(), strict=True))
    boxes = zip(CROWD.item.tolist(), CROWD.worker.tolist(), strict=True)
    assert len(part.item) == sum(key in kept for key in boxes)


def test_one_more_answer_mends_most_where_it_can_flip_a_verdict():
    split = box_gain(combine(box_answers(looked(4), everyone(A, 2))))
    agreed = box_gain(combine(box_answers(looked(4), everyone(A, 4))))
    assert split.existence[0] > agreed.existence[0] + 0.02
    rows = [(0, worker, worker % 2, A) for worker in range(4)]
    classes = box_gain(combine(box_answers(looked(4), rows)))
    assert classes.label[0] > agreed.label[0] + 0.02
    wide = [(0, w, 0, (100 - 15 * w, 100, 200 + 15 * (3 - w), 180)) for w in range(4)]
    scattered = box_gain(combine(box_answers(looked(4), wide)))
    assert scattered.place[0] > agreed.place[0]
    assert scattered.total[0] == scattered.existence[0] + scattered.label[0] + scattered.place[0]


def test_an_item_nobody_answered_is_worth_any_price():
    consensus = combine(box_answers(looked(3), everyone(A), n_items=2))
    gain = box_gain(consensus)
    assert np.isinf(gain.total[1])
    assert is_worth_it(gain, consensus.n_answers, AnswerPrice(50_000), 1_000)[1]


def test_the_tenth_answer_must_be_worth_the_fee_on_all_ten():
    nine = combine(box_answers(looked(9), everyone(A, 4)))
    gain, price = box_gain(nine), AnswerPrice(50_000, minimum_fee_micros=0)
    assert price.of_next(np.array([9])) > 2 * price.of_next(np.array([8]))
    worth_it_at = int(price.of_next(np.array([8]))[0] / gain.total[0]) + 1
    assert is_worth_it(gain, np.array([8]), price, worth_it_at)[0]
    assert not is_worth_it(gain, np.array([9]), price, worth_it_at)[0]


def test_a_replay_by_gain_buys_for_items_in_doubt_only():
    end = replay_until(
        CROWD, combine, lambda now, used: box_gain(now).total < 0.05, np.random.default_rng(3), 2
    )
    assert 2 <= end.n_used.mean() < 0.8 * end.n_available.mean()
    sure = box_risk(combine(first_answers(CROWD, 6, np.random.default_rng(3)))).existence < 0.01
    assert end.n_used[sure].mean() <= end.n_used[~sure].mean()
