import numpy as np
import pytest

from quality import simulate
from quality.boxes import box_f1, iou_matrix
from quality.consensus.boxes import load, load_telling, names
from quality.consensus.boxes._tidy import tidy
from quality.consensus.boxes.probabilistic import combine
from tests.quality.box_answers import box_answers, everyone, looked, simulated

A, B = (100, 100, 200, 180), (300, 200, 420, 300)


def f1(result, scenes):
    """Mean F1 of the believed objects against the scenes."""
    scores = []
    for item, (truth, labels) in enumerate(scenes):
        rows = (result.item == item) & result.exists
        scores.append(box_f1(result.xyxy[rows], truth, result.label[rows], labels))
    return float(np.mean(scores))


def test_it_beats_the_majority_on_a_mixed_crowd():
    names = ("careful", "average", "sloppy", "sloppy", "lazy", "spam_random")
    answers, scenes = simulated([simulate.profile(name) for name in names], n_items=80, seed=1)
    assert f1(combine(answers), scenes) > f1(load("iou_clusters")(answers), scenes) + 0.02


@pytest.mark.parametrize("spam", ["spam_empty", "spam_full", "spam_random", "spam_center"])
def test_spammers_get_the_lowest_accuracy_and_move_nothing(spam):
    sound = [simulate.profile(name) for name in ("careful", "average", "average")]
    answers, scenes = simulated([*sound, simulate.profile(spam)], n_items=60, seed=2)
    result = combine(answers)
    assert result.workers.accuracy.argmin() == 3
    assert result.workers.accuracy[3] < 0.5 < result.workers.accuracy[:3].min()
    assert f1(result, scenes) > 0.9


def test_worker_accuracy_follows_true_f1():
    rng = np.random.default_rng(3)
    profiles = simulate.crowd("medium", 12, rng)
    answers, scenes = simulated(profiles, n_items=120, seed=3, per_item=5)
    result = combine(answers)
    truth = [_own_f1(answers, scenes, worker) for worker in range(12)]
    ranks = [np.argsort(np.argsort(values)) for values in (truth, result.workers.accuracy)]
    assert np.corrcoef(ranks)[0, 1] > 0.9


def _own_f1(answers, scenes, worker):
    """The worker's F1 over all boxes of the items they saw."""
    n_matched = n_all = 0
    for item in answers.response_item[answers.response_worker == worker]:
        truth, labels = scenes[item]
        rows = (answers.item == item) & (answers.worker == worker)
        both = int(rows.sum()) + len(truth)
        n_all += both
        n_matched += box_f1(answers.xyxy[rows], truth, answers.label[rows], labels) * both
    return n_matched / n_all


def test_existence_confidence_is_calibrated_on_a_simulated_crowd():
    profiles = simulate.crowd("medium", 10, np.random.default_rng(4))
    answers, scenes = simulated(profiles, n_items=200, seed=4, per_item=5)
    result = combine(answers)
    right = np.array([_is_right(result, row, scenes) for row in range(len(result.item))])
    assert abs(result.confidence.mean() - right.mean()) < 0.05


def _is_right(result, row, scenes):
    truth, labels = scenes[result.item[row]]
    ious = iou_matrix(result.xyxy[row][None], truth)[0] * (labels == result.label[row])
    return ious.max(initial=0.0) >= 0.5


def test_a_worker_who_draws_loosely_is_corrected():
    rng = np.random.default_rng(5)
    rows, n_items = [], 60
    for item in range(n_items):
        corner, extent = rng.uniform(50, 300, 2), rng.uniform(60, 120, 2)
        box = np.concatenate([corner, corner + extent])
        for worker in range(3):
            noise = rng.normal(0, 1.0 if worker < 2 else 2.0, 4)
            loose = np.array([-1, -1, 1, 1]) * np.tile(extent, 2) * (0.2 if worker == 2 else 0)
            rows.append((item, worker, 0, tuple(box + noise + loose)))
    result = combine(box_answers(looked(3, items=n_items), rows, n_items=n_items))
    bias = result.workers.details["bias"]
    assert bias[2] == pytest.approx([-0.2, -0.2, 0.2, 0.2], abs=0.05)
    assert np.abs(bias[:2]).max() < 0.05
    spread = result.workers.details["spread"].mean(axis=1)
    assert spread[2] > spread[:2].max()


def test_more_votes_mean_more_confidence_and_smaller_sd():
    few = combine(box_answers(looked(2), everyone(A, 2)))
    many = combine(box_answers(looked(8), everyone(A, 8)))
    assert many.confidence[0] > few.confidence[0]
    assert (many.sd < few.sd).all()


def test_confidence_grows_with_the_share_of_votes():
    confidence = [
        combine(box_answers(looked(5), everyone(A, votes))).confidence[0]
        for votes in (1, 2, 3, 4, 5)
    ]
    assert confidence == sorted(confidence)


def test_an_object_inside_another_stays_apart():
    inner = (120, 120, 150, 150)
    result = combine(box_answers(looked(4), everyone(A, 4) + everyone(inner, 4, label=1)))
    assert result.exists.tolist() == [True, True]
    assert sorted(result.label.tolist()) == [0, 1]


def test_two_boxes_of_one_worker_are_never_one_object():
    near = (104, 100, 204, 180)
    rows = [*everyone(A), (0, 0, 0, near)]
    result = combine(box_answers(looked(3), rows))
    assert sorted(result.votes.tolist()) == [1, 3]
    assert result.exists.sum() == 1


def test_one_box_around_a_group_does_not_swallow_its_members():
    group = (100, 100, 420, 300)
    rows = everyone(A, 4) + everyone(B, 4) + [(0, 4, 0, group)]
    result = combine(box_answers(looked(5), rows))
    believed = result.xyxy[result.exists]
    assert believed == pytest.approx(np.array([A, B]), abs=1.0) or believed[::-1] == pytest.approx(
        np.array([A, B]), abs=1.0
    )


def test_a_models_scores_count():
    rng = np.random.default_rng(6)
    rows, scores, n_items = [], [], 80
    for item in range(n_items):
        real, false = rng.uniform(0, 200, 2), rng.uniform(300, 380, 2)
        for worker in range(2):
            rows.append((item, worker, 0, (*real, *(real + 60 + rng.normal(0, 2, 2)))))
            scores.append(np.nan)
        rows.append((item, 2, 0, (*real, *(real + 60))))
        scores.append(rng.uniform(0.7, 0.99))
        rows.append((item, 2, 0, (*false, *(false + 60))))
        scores.append(rng.uniform(0.05, 0.3))
    rows += [(0, 2, 0, (500, 10, 560, 70)), (1, 2, 0, (500, 10, 560, 70))]
    scores += [0.99, 0.05]
    answers = box_answers(looked(3, items=n_items), rows, n_items=n_items, scores=scores)
    result = combine(answers)
    high, low = (result.confidence[result.member[row]] for row in (-2, -1))
    assert high > low
    assert result.exists[result.votes == 3].all()
    assert not result.exists[result.member[-1]]


def test_eighty_classes_and_forty_workers():
    profiles = simulate.crowd("medium", 40, np.random.default_rng(7))
    answers, scenes = simulated(profiles, n_items=6, n_labels=80, seed=7)
    assert f1(combine(answers), scenes) > 0.85


def test_blocks_in_threads_give_what_one_block_gives(monkeypatch):
    answers, _ = simulated([simulate.profile("average")] * 4, n_items=30, seed=8)
    whole = combine(answers)
    monkeypatch.setattr("quality.consensus.boxes._tidy._BLOCK_BOXES", 20)
    parts = combine(answers)
    assert parts.xyxy == pytest.approx(whole.xyxy, abs=1e-6)
    assert parts.confidence == pytest.approx(whole.confidence, abs=1e-9)


def test_unknown_image_sizes_are_taken_from_the_boxes():
    columns = tidy(box_answers(looked(3), everyone(A), size=(0.0, 0.0)))
    assert columns.size.tolist() == [[200.0, 180.0]]


def test_extreme_coordinates_give_finite_numbers():
    rows = [(0, w, 0, (0, 0, 1e6, 1e6)) for w in range(3)] + [
        (0, w, 0, (5, 5, 5.001, 5.001)) for w in range(3)
    ]
    result = combine(box_answers(looked(3), rows, size=(1e6, 1e6)))
    assert np.isfinite(result.xyxy).all()
    assert np.isfinite(result.confidence).all()
    assert np.isfinite(result.sd).all()


def test_a_copied_answer_does_not_rule_the_corners():
    rng = np.random.default_rng(10)
    rows, n_items = [], 50
    truth = np.array([100.0, 100.0, 180.0, 190.0])
    for item in range(n_items):
        rows += [(item, worker, 0, tuple(truth + rng.normal(0, 3.0, 4))) for worker in range(3)]
        rows.append((item, 3, 0, tuple(truth + rng.normal(0, 12.0, 4))))
        rows.append((item, 4, 0, rows[-1][3]))
    result = combine(box_answers(looked(5, items=n_items), rows, n_items=n_items))
    assert np.abs(result.xyxy - truth).mean() < 4.0
    spread = result.workers.details["spread"].mean(axis=1)
    assert spread[3:].min() > spread[:3].max() / 3


def test_a_lone_box_of_one_of_two_workers_stays_in_doubt():
    rows = [row for item in range(100) for row in everyone(A, 2, item=item)]
    rows += [(item, item % 2, 0, B) for item in range(10)]
    result = combine(box_answers(looked(2, items=100), rows, n_items=100))
    assert 0.25 < result.confidence[result.votes == 1].mean() < 0.65
    assert result.confidence[result.votes == 2].min() > 0.95


def test_item_confidence_is_near_the_share_of_flawless_images():
    profiles = simulate.crowd("medium", 10, np.random.default_rng(12))
    answers, scenes = simulated(profiles, n_items=200, seed=12, per_item=5)
    result = combine(answers)
    flawless = [_is_flawless(result, item, scenes) for item in range(200)]
    assert abs(result.item_confidence.mean() - np.mean(flawless)) < 0.15


def test_no_number_of_agreeing_workers_makes_an_image_certain():
    result = combine(box_answers(looked(40), everyone(A, 40)))
    assert 0.85 < result.item_confidence[0] < 0.95


def _is_flawless(result, item, scenes):
    truth, labels = scenes[item]
    rows = (result.item == item) & result.exists
    return box_f1(result.xyxy[rows], truth, result.label[rows], labels) > 0.999


def test_the_rounds_of_the_fit_are_told_and_change_nothing():
    answers, _ = simulated([simulate.profile("average")] * 3, n_items=30, seed=4)
    told = []
    found = load_telling("probabilistic")(answers, lambda *seen: told.append(seen))
    assert np.array_equal(found.confidence, combine(answers).confidence)
    assert {most for _, most in told} == {14}
    rounds = [number for number, _ in told]
    assert rounds == sorted(set(rounds))
    assert rounds[0] == 1
    assert 4 < rounds[-1] <= 14
    assert len(rounds) >= found.iterations


@pytest.mark.parametrize("name", sorted(set(names()) - {"probabilistic"}))
def test_a_method_without_rounds_has_nothing_to_tell(name):
    answers, _ = simulated([simulate.profile("average")] * 3, n_items=10, seed=4)
    found = load_telling(name)(answers, lambda *_: pytest.fail("it told of a round"))
    assert np.array_equal(found.confidence, load(name)(answers).confidence)
