"""What every method for boxes must keep; a new file in the folder is tested without an edit."""

import dataclasses

import numpy as np
import pytest

from quality import simulate
from quality.consensus import boxes
from tests.quality.box_answers import box_answers, everyone, looked, simulated

A = (100, 100, 200, 180)
PROFILES = [
    simulate.profile(name) for name in ("careful", "average", "average", "sloppy", "spam_random")
]
CROWD, _ = simulated(PROFILES, n_items=12, seed=5)


@pytest.fixture(params=boxes.names())
def method(request):
    return request.param


def same(first, second):
    """Equal up to rounding of sums that ran in another order."""
    assert first.item.tolist() == second.item.tolist()
    assert first.label.tolist() == second.label.tolist()
    assert first.votes.tolist() == second.votes.tolist()
    assert first.exists.tolist() == second.exists.tolist()
    assert first.xyxy == pytest.approx(second.xyxy, abs=1e-5)
    assert first.confidence == pytest.approx(second.confidence, abs=1e-6)
    assert first.item_confidence == pytest.approx(second.item_confidence, abs=1e-6)


def reordered(answers, seed=1):
    rng = np.random.default_rng(seed)
    rows, responses = (
        rng.permutation(len(answers.item)),
        rng.permutation(len(answers.response_item)),
    )
    return rows, dataclasses.replace(
        answers,
        response_item=answers.response_item[responses],
        response_worker=answers.response_worker[responses],
        item=answers.item[rows],
        worker=answers.worker[rows],
        label=answers.label[rows],
        xyxy=answers.xyxy[rows],
    )


def test_unanimity_is_kept(method):
    result = boxes.load(method)(box_answers(looked(3), everyone(A, label=1)))
    assert result.exists.tolist() == [True]
    assert result.label.tolist() == [1]
    assert result.votes.tolist() == [3]
    assert result.xyxy == pytest.approx(np.array([A]), abs=1e-6)
    assert result.confidence[0] > 0.9
    assert result.member.tolist() == [0, 0, 0]


def test_the_order_of_rows_changes_not_a_bit(method):
    first = boxes.load(method)(CROWD)
    rows, shuffled = reordered(CROWD)
    second = boxes.load(method)(shuffled)
    assert second.xyxy.tobytes() == first.xyxy.tobytes()
    assert second.confidence.tobytes() == first.confidence.tobytes()
    assert second.member.tolist() == first.member[rows].tolist()
    assert second.workers.accuracy.tobytes() == first.workers.accuracy.tobytes()


def test_a_row_given_twice_counts_once(method):
    twice = {
        name: np.concatenate([getattr(CROWD, name)] * 2)
        for name in ("item", "worker", "label", "xyxy", "response_item", "response_worker")
    }
    doubled = boxes.load(method)(dataclasses.replace(CROWD, **twice))
    once = boxes.load(method)(CROWD)
    same(once, doubled)
    assert doubled.member.tolist() == once.member.tolist() * 2


def test_renamed_workers_change_nothing(method):
    new = np.array([3, 0, 4, 1, 2])
    renamed = dataclasses.replace(
        CROWD, worker=new[CROWD.worker], response_worker=new[CROWD.response_worker]
    )
    first, second = boxes.load(method)(CROWD), boxes.load(method)(renamed)
    same(first, second)
    assert second.workers.accuracy[new] == pytest.approx(first.workers.accuracy, abs=1e-6)


def test_renamed_items_change_nothing_but_their_place(method):
    new = np.random.default_rng(2).permutation(CROWD.n_items)
    renamed = dataclasses.replace(
        CROWD, item=new[CROWD.item], response_item=new[CROWD.response_item]
    )
    first, second = boxes.load(method)(CROWD), boxes.load(method)(renamed)
    order = np.argsort(new[first.item], kind="stable")
    assert second.xyxy == pytest.approx(first.xyxy[order], abs=1e-5)
    assert second.confidence == pytest.approx(first.confidence[order], abs=1e-6)
    assert second.item_confidence[new] == pytest.approx(first.item_confidence, abs=1e-6)


def test_no_answers_give_an_empty_result(method):
    result = boxes.load(method)(box_answers([], n_items=0, n_workers=0))
    assert len(result.item) == len(result.item_confidence) == len(result.workers.accuracy) == 0
    assert result.xyxy.shape == result.sd.shape == (0, 4)


def test_an_item_nobody_saw_has_no_confidence(method):
    result = boxes.load(method)(box_answers(looked(3), everyone(A), n_items=2))
    assert result.item_confidence[1] == 0.0
    assert result.n_answers.tolist() == [3, 0]


def test_agreeing_empty_answers_are_sure_of_nothing(method):
    result = boxes.load(method)(box_answers(looked(3, items=4), n_items=4))
    assert len(result.item) == 0
    assert (result.item_confidence > 0.9).all()


def test_one_worker_alone_is_believed(method):
    result = boxes.load(method)(box_answers([(0, 0)], [(0, 0, 1, A)]))
    assert result.exists.tolist() == [True]
    assert result.label.tolist() == [1]
    assert result.xyxy == pytest.approx(np.array([A]), abs=1e-6)


def test_one_box_among_many_lookers_is_not_believed(method):
    result = boxes.load(method)(box_answers(looked(7), [(0, 0, 0, A)]))
    assert result.exists.tolist() == [False]


def test_a_box_without_a_response_row_is_a_response(method):
    result = boxes.load(method)(box_answers([], everyone(A), n_workers=3))
    assert result.n_answers.tolist() == [3]
    assert result.exists.tolist() == [True]


def test_a_box_without_area_belongs_to_nothing(method):
    rows = [*everyone(A), (0, 0, 0, (5, 5, 5, 9)), (0, 1, 0, (np.nan, 0, 5, 9))]
    result = boxes.load(method)(box_answers(looked(3), rows))
    assert result.member.tolist() == [0, 0, 0, -1, -1]
    assert len(result.item) == 1


def test_results_are_sorted_and_within_range(method):
    result = boxes.load(method)(CROWD)
    assert (np.diff(result.item) >= 0).all()
    falling = np.diff(result.confidence) <= 1e-12
    assert (falling | (np.diff(result.item) > 0)).all()
    for values in (result.confidence, result.item_confidence, result.workers.accuracy):
        assert ((values >= 0) & (values <= 1)).all()
    assert (result.xyxy[:, 2:] > result.xyxy[:, :2]).all()
    assert ((result.xyxy >= 0) & (result.xyxy <= [640, 480, 640, 480])).all()
    assert result.votes.sum() == (result.member >= 0).sum()
    assert (result.method, bool(result.version)) == (method, True)


def test_two_objects_side_by_side_stay_two(method):
    right = (210, 100, 310, 180)
    result = boxes.load(method)(box_answers(looked(4), everyone(A, 4) + everyone(right, 4)))
    assert result.exists.tolist() == [True, True]
    assert sorted(result.xyxy[:, 0].round(6)) == [100, 210]


def test_more_than_64_workers_on_one_item(method):
    result = boxes.load(method)(box_answers(looked(70), everyone(A, 70)))
    assert result.votes.tolist() == [70]
    assert result.exists.tolist() == [True]


def test_the_folder_lists_its_methods_and_refuses_others():
    assert {"probabilistic", "iou_clusters", "iou_median", "wbf", "cvat"} <= set(boxes.names())
    with pytest.raises(KeyError, match="probabilistic"):
        boxes.load("magic")
