"""Crowds and scenes as users meet them: few and many workers, crowded scenes, spam and copies."""

import numpy as np
import pytest

from quality import simulate
from quality.boxes import box_f1
from quality.consensus.boxes.probabilistic import combine
from tests.quality.box_answers import SIZE, box_answers, everyone, looked, simulated

A, B = (100, 100, 200, 180), (300, 200, 420, 300)
FULL = (0, 0, *SIZE)
SOUND = [simulate.profile(name) for name in ("careful", "average", "average", "average")]


def pooled_f1(result, scenes):
    """F1 of the believed objects over all scenes together."""
    matched = both = 0.0
    for item, (truth, labels) in enumerate(scenes):
        rows = (result.item == item) & result.exists
        n = int(rows.sum()) + len(truth)
        matched += box_f1(result.xyxy[rows], truth, result.label[rows], labels) * n
        both += n
    return matched / both


def assert_sane(result):
    for values in (result.xyxy, result.sd, result.confidence, result.item_confidence):
        assert np.isfinite(values).all()
    assert ((result.confidence >= 0) & (result.confidence <= 1)).all()
    assert ((result.item_confidence >= 0) & (result.item_confidence <= 1)).all()
    assert (result.xyxy[:, 2:] >= result.xyxy[:, :2]).all()
    assert (result.votes <= result.n_answers[result.item]).all()
    asked = result.workers.n_answers > 0
    assert np.isfinite(result.workers.accuracy[asked]).all()


@pytest.mark.parametrize("n_labels", [1, 80])
@pytest.mark.parametrize(("n_workers", "least"), [(2, 0.85), (5, 0.93), (40, 0.95)])
def test_few_and_many_workers_and_classes_find_the_objects(n_workers, least, n_labels):
    profiles = [SOUND[k % 4] for k in range(n_workers)]
    answers, scenes = simulated(profiles, n_items=25, n_labels=n_labels, seed=n_workers)
    result = combine(answers)
    assert_sane(result)
    assert pooled_f1(result, scenes) > least


def test_a_single_worker_is_taken_at_their_word_but_not_as_certain():
    answers, scenes = simulated([simulate.profile("average")], n_items=30, seed=1)
    result = combine(answers)
    assert_sane(result)
    assert pooled_f1(result, scenes) > 0.75
    assert result.confidence.max() < 0.95


def test_one_image_alone_is_settled():
    result = combine(box_answers(looked(3), everyone(A) + everyone(B, 2)))
    assert_sane(result)
    assert result.exists.tolist() == [True, True]
    assert result.confidence[0] > result.confidence[1]


def test_nothing_but_empty_answers_is_agreement_on_nothing():
    result = combine(box_answers(looked(4, items=20), n_items=20))
    assert_sane(result)
    assert len(result.item) == 0
    assert (result.item_confidence > 0.8).all()


def test_most_empty_answers_outvote_one_box():
    rows = [row for item in range(20) for row in everyone(B, 5, item=item)]
    rows = [row for row in rows if row[0]] + [(0, 2, 0, A)]
    result = combine(box_answers(looked(5, items=20), rows, n_items=20))
    first = result.item == 0
    assert not result.exists[first].any()
    assert result.exists[~first].all()


@pytest.mark.parametrize("spammers", [1, 2])
def test_full_frame_spam_is_not_believed(spammers):
    profiles = [*SOUND[:3], *[simulate.profile("spam_full")] * spammers]
    answers, scenes = simulated(profiles, n_items=40, seed=2)
    result = combine(answers)
    assert_sane(result)
    extent = result.xyxy[:, 2:] - result.xyxy[:, :2]
    full = (extent > 0.95 * np.array(SIZE)).all(axis=1)
    assert full.any()
    assert not (full & result.exists).any()
    assert pooled_f1(result, scenes) > 0.9
    assert result.workers.accuracy[3:].max() < result.workers.accuracy[:3].min()


def test_touching_and_nested_and_crowded_objects_stay_apart():
    rng = np.random.default_rng(3)
    row_of_six = [(40 + 60 * k, 50, 98 + 60 * k, 120) for k in range(6)]
    nested = [(100, 200, 400, 440), (120, 220, 180, 300), (140, 235, 165, 270)]
    truth = np.array(row_of_six + nested, dtype=float)
    rows = [
        (item, worker, 0, tuple(box + rng.normal(0, 1.5, 4)))
        for item in range(15)
        for worker in range(5)
        for box in truth
        if rng.random() < 0.93
    ]
    result = combine(box_answers(looked(5, items=15), rows, n_items=15))
    scenes = [(truth, np.zeros(9, dtype=np.int64))] * 15
    assert pooled_f1(result, scenes) > 0.98


def test_a_group_box_of_one_does_not_hide_the_members_and_of_most_wins():
    group = (100, 100, 420, 300)
    rows, n = [], 12
    for item in range(n):
        most = 4 if item < n - 2 else 1
        rows += everyone(A, most, item=item) + everyone(B, most, item=item)
        rows += [(item, worker, 0, group) for worker in range(most, 5)]
    result = combine(box_answers(looked(5, items=n), rows, n_items=n))
    area = (result.xyxy[:, 2:] - result.xyxy[:, :2]).prod(axis=1)
    is_group = area > 0.9 * (320 * 200)
    assert not (is_group & result.exists & (result.item < n - 2)).any()
    assert (is_group & result.exists & (result.item >= n - 2)).sum() == 2


def test_a_worker_who_copies_another_changes_little():
    crowd = [*SOUND, simulate.profile("sloppy")]
    honest, scenes = simulated(crowd, n_items=60, seed=4)
    before = pooled_f1(combine(honest), scenes)
    result = combine(_with_a_copy_of(honest, 4, n_items=60))
    assert_sane(result)
    assert pooled_f1(result, scenes) > before - 0.03
    accuracy = result.workers.accuracy
    assert accuracy[4] == pytest.approx(accuracy[5], abs=0.02)
    assert accuracy[4:].max() < accuracy[:4].min()


def _with_a_copy_of(answers, worker, n_items):
    """One worker more, who gives exactly the answers of ``worker``."""
    rows = [
        (int(item), int(who), int(label), tuple(box))
        for item, who, label, box in zip(
            answers.item, answers.worker, answers.label, answers.xyxy, strict=True
        )
    ]
    rows += [
        (item, answers.n_workers, label, box) for item, who, label, box in rows if who == worker
    ]
    responses = list(
        zip(answers.response_item.tolist(), answers.response_worker.tolist(), strict=True)
    )
    responses += [(item, answers.n_workers) for item, who in responses if who == worker]
    return box_answers(responses, rows, n_items=n_items, n_labels=3)


def test_a_hundred_thousand_images_of_few_boxes():
    rng = np.random.default_rng(6)
    n = 100_000
    rows = [
        (int(item), worker, 0, tuple(np.array(A) + rng.normal(0, 2, 4)))
        for item in rng.choice(n, 3_000, replace=False)
        for worker in range(2)
    ]
    result = combine(box_answers(looked(2, items=n), rows, n_items=n))
    assert_sane(result)
    assert result.exists.sum() == 3_000
    assert len(result.item_confidence) == n


def test_noise_of_two_workers_is_found_though_all_objects_have_one_size():
    rng = np.random.default_rng(7)
    n = 500
    rows = [
        (item, worker, 0, tuple(np.array(A) + rng.normal(0, 2, 4)))
        for item in range(n)
        for worker in range(2)
    ]
    result = combine(box_answers(looked(2, items=n), rows, n_items=n))
    assert (result.votes == 2).all()
    details = result.workers.details
    extent = np.array([100, 80, 100, 80])
    assert details["spread"] * extent == pytest.approx(np.full((2, 4), 2.0), abs=0.5)
    assert np.abs(details["bias"] * extent).max() < 0.5
