import numpy as np
import pytest

from quality.box_agreement import bootstrap_mean, box_agreement, pair_scores
from tests.quality.box_answers import box_answers, everyone, looked

A, B = (0, 0, 100, 100), (50, 0, 150, 100)


def agree(answers, **options):
    return box_agreement(answers, np.random.default_rng(0), **options)


def test_two_agreeing_empty_answers_are_full_agreement():
    result = agree(box_answers(looked(2, items=6), n_items=6))
    assert result.f1 == 1.0
    assert result.item_f1.tolist() == [1.0] * 6
    assert np.isnan(result.iou)
    assert not result.too_few


def test_an_empty_answer_against_boxes_is_no_agreement():
    result = agree(box_answers(looked(2), [(0, 0, 0, A)]))
    assert result.f1 == 0.0


def test_hand_computed_agreement_of_three_workers():
    rows = [(0, 0, 0, A), (0, 1, 0, A), (0, 2, 0, B), (0, 2, 0, A)]
    result = agree(box_answers(looked(3), rows))
    assert result.f1 == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    assert result.iou == pytest.approx(1.0)
    assert result.pair_f1 == pytest.approx(
        np.array([[1, 1, 2 / 3], [1, 1, 2 / 3], [2 / 3, 2 / 3, 1]])
    )


def test_classes_count_unless_told_otherwise():
    answers = box_answers(looked(2), [(0, 0, 0, A), (0, 1, 1, A)])
    assert agree(answers).f1 == 0.0
    assert agree(answers, same_label=False).f1 == 1.0


def test_a_lone_answer_cannot_be_judged():
    result = agree(box_answers([(0, 0)], [(0, 0, 0, A)]))
    assert np.isnan(result.f1)
    assert result.n_items == 0
    assert result.too_few
    assert (result.low, result.high) == (0.0, 1.0)


def test_nothing_in_nothing_out():
    result = agree(box_answers([], n_items=0, n_workers=0))
    assert result.item_f1.shape == (0,)
    assert result.pair_f1.shape == (0, 0)
    assert result.too_few


def test_workers_who_share_no_item_have_no_pair_score():
    result = agree(box_answers([(0, 0), (0, 1), (1, 2)], n_items=2))
    assert np.isnan(result.pair_f1[0, 2])
    assert result.pair_f1[0, 1] == 1.0


def test_the_interval_holds_the_mean_and_narrows_with_more_items():
    rng = np.random.default_rng(3)
    few, many = rng.random(10), rng.random(1000)
    low, high = bootstrap_mean(few, rng)
    assert low < few.mean() < high
    tight_low, tight_high = bootstrap_mean(many, rng)
    assert tight_high - tight_low < high - low


def test_the_same_generator_gives_the_same_interval():
    rows = [row for item in range(8) for row in everyone(A if item % 2 else B, 2, item=item)][:-1]
    answers = box_answers(looked(2, items=8), rows, n_items=8)
    first, second = agree(answers), agree(answers)
    assert (first.low, first.high) == (second.low, second.high)
    assert first.low < first.f1 <= first.high


def test_pairs_come_in_order_of_item_and_worker():
    pairs = pair_scores(box_answers(reversed(looked(3, items=2)), n_items=2))
    assert pairs.item.tolist() == [0, 0, 0, 1, 1, 1]
    assert pairs.worker_a.tolist() == [0, 0, 1] * 2
    assert pairs.worker_b.tolist() == [1, 2, 2] * 2
