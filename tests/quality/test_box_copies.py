"""Copied boxes are one voice, however many hand them in; honest likeness is none of that."""

from dataclasses import replace

import numpy as np
import pytest

from quality import simulate
from quality.box_flags import copied_boxes
from quality.consensus.boxes import _copies
from quality.consensus.boxes._blocks import median_boxes
from quality.consensus.boxes._clusters import by_iou, clusters
from quality.consensus.boxes._tidy import tidy
from quality.consensus.boxes.probabilistic import combine
from tests.quality.box_answers import SIZE, box_answers, everyone, looked, simulated
from tests.quality.test_box_robustness import assert_sane, pooled_f1

HONEST = [simulate.profile(name) for name in ("careful", "average", "average")]


def with_copies(answers, worker, n_copies, jitter=0.0, part=1.0, seed=0):
    """``n_copies`` workers more, who hand in the boxes of ``worker``, moved by ``jitter``."""
    rng = np.random.default_rng(seed)
    asked = answers.response_item[answers.response_worker == worker]
    own = np.flatnonzero(answers.worker == worker)
    columns = {name: [getattr(answers, name)] for name in ("item", "worker", "label", "xyxy")}
    responses = [np.stack([answers.response_item, answers.response_worker], axis=1)]
    for copy in range(answers.n_workers, answers.n_workers + n_copies):
        copied = own[np.isin(answers.item[own], asked[rng.random(len(asked)) < part])]
        responses.append(np.stack([asked, np.full(len(asked), copy)], axis=1))
        columns["item"].append(answers.item[copied])
        columns["worker"].append(np.full(len(copied), copy))
        columns["label"].append(answers.label[copied])
        moved = answers.xyxy[copied] + rng.normal(0, jitter, (len(copied), 4))
        columns["xyxy"].append(moved)
    both = np.concatenate(responses)
    return replace(
        answers,
        response_item=both[:, 0],
        response_worker=both[:, 1],
        n_workers=answers.n_workers + n_copies,
        **{name: np.concatenate(parts) for name, parts in columns.items()},
    )


def found_in(answers):
    columns = tidy(answers)
    return _copies.find(columns, clusters(columns, by_iou(columns, 0.9), 0.25)), columns


@pytest.mark.parametrize("source", ["sloppy", "average"])
@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_half_a_crowd_of_copies_is_one_voice(source, jitter):
    crowd, scenes = simulated([*HONEST, simulate.profile(source)], n_items=60, seed=4)
    result = combine(with_copies(crowd, 3, 2, jitter))
    assert_sane(result)
    assert pooled_f1(result, scenes) > pooled_f1(combine(crowd), scenes) - 0.01


def test_three_copies_against_two_honest_workers_do_not_win():
    crowd, scenes = simulated([*HONEST[:2], simulate.profile("sloppy")], n_items=60, seed=5)
    assert pooled_f1(combine(with_copies(crowd, 2, 2)), scenes) > 0.95


def test_exact_copies_leave_the_confidence_what_it_was_without_them():
    crowd, _ = simulated([*HONEST, simulate.profile("sloppy")], n_items=60, seed=6)
    before, after = combine(crowd), combine(with_copies(crowd, 3, 2))
    assert after.confidence.sum() == pytest.approx(before.confidence.sum(), rel=0.01)
    assert after.exists.sum() == pytest.approx(before.exists.sum(), abs=2)
    assert after.item_confidence.mean() == pytest.approx(before.item_confidence.mean(), abs=0.02)
    assert after.votes.max() == 6


def test_each_copier_is_flagged_with_the_other_and_nobody_else_is():
    crowd, _ = simulated([*HONEST, simulate.profile("sloppy")], n_items=60, seed=4)
    flags = copied_boxes(with_copies(crowd, 3, 1))
    assert [(flag.worker, flag.other) for flag in flags] == [(3, 4), (4, 3)]
    assert flags[0].share > 0.9
    assert flags[0].p_value < 1e-6
    assert "no two hands" in flags[0].evidence
    assert copied_boxes(crowd) == ()
    assert copied_boxes(box_answers([])) == ()


def test_who_copies_on_half_of_the_images_is_one_voice_there_alone():
    crowd, _ = simulated([*HONEST, simulate.profile("average")], n_items=80, seed=7)
    half = with_copies(crowd, 3, 1, part=0.5, seed=1)
    found, columns = found_in(half)
    assert list(zip(found.a, found.b, strict=True)) == [(3, 4)]
    copier = columns.response_worker == 4
    drew = np.isin(columns.response_item[copier], half.item[half.worker == 4])
    source_drew = np.isin(columns.response_item[copier], half.item[half.worker == 3])
    assert (found.voice[copier][drew] == 0.5).all()
    assert (found.voice[copier][~drew & source_drew] == 1.0).all()
    assert (found.voice[columns.response_worker < 3] == 1.0).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["medium", "hard"])
def test_honest_crowds_hold_no_copies(kind, seed):
    rng = np.random.default_rng(seed)
    profiles = [
        worker for worker in simulate.crowd(kind, 12, rng) if not worker.mode.startswith("spam")
    ]
    found, _ = found_in(simulated(profiles, n_items=80, seed=seed, per_item=4)[0])
    assert not len(found.a)
    assert (found.voice == 1).all()


@pytest.mark.parametrize("n_sloppy", [1, 2, 4])
def test_two_precise_workers_among_sloppy_ones_are_no_copiers(n_sloppy):
    rng = np.random.default_rng(8)
    rows = []
    for item in range(60):
        box = np.array([100, 100, 200, 180]) + np.repeat(rng.uniform(0, 200, 2)[None], 2, 0).ravel()
        for worker in range(2 + n_sloppy):
            noise = rng.normal(0, 1.0 if worker < 2 else 12.0, 4)
            rows.append((item, worker, 0, tuple(np.round(box + noise))))
    found, _ = found_in(box_answers(looked(2 + n_sloppy, items=60), rows, n_items=60))
    assert not len(found.a)


def test_where_all_draw_the_same_nobody_stands_out():
    rows = [row for item in range(30) for row in everyone((100, 100, 200, 180), 4, item=item)]
    found, _ = found_in(box_answers(looked(4, items=30), rows, n_items=30))
    assert not len(found.a)


def test_sides_on_the_border_of_the_image_are_no_sign():
    rng = np.random.default_rng(9)
    rows = []
    for item in range(40):
        rows += everyone((0, 0, *SIZE), 2, item=item)
        rows += [
            (item, worker, 0, tuple(np.array([50, 50, 250, 250]) + rng.normal(0, 8, 4)))
            for worker in range(2, 5)
        ]
        rows.append((item, 2, 0, (0, 0, 630, 470)))
    found, _ = found_in(box_answers(looked(5, items=40), rows, n_items=40))
    assert not len(found.a)


def test_two_empty_answers_of_copiers_are_one_voice_and_of_others_two():
    crowd, _ = simulated([*HONEST, simulate.profile("sloppy")], n_items=80, seed=4)
    found, columns = found_in(with_copies(crowd, 3, 1))
    drew = np.zeros(len(columns.response_item), dtype=bool)
    drew[columns.response] = True
    copier = columns.response_worker >= 3
    assert (~drew & copier).any()
    assert (found.voice[copier] == 0.5).all()
    assert (found.voice[~copier] == 1.0).all()


def test_copies_are_found_whatever_the_order_of_rows_and_the_names():
    crowd, _ = simulated([*HONEST, simulate.profile("sloppy")], n_items=40, seed=4)
    answers = with_copies(crowd, 3, 2)
    rng = np.random.default_rng(1)
    rows, names = rng.permutation(len(answers.item)), rng.permutation(answers.n_workers)
    moved = replace(
        answers,
        item=answers.item[rows],
        worker=names[answers.worker[rows]],
        label=answers.label[rows],
        xyxy=answers.xyxy[rows],
        response_worker=names[answers.response_worker],
    )
    one, other = combine(answers), combine(moved)
    assert other.confidence == pytest.approx(one.confidence, abs=1e-9)
    assert other.xyxy == pytest.approx(one.xyxy, abs=1e-6)


def test_the_median_of_a_copied_box_weighs_it_once():
    cluster = np.array([0, 0, 0, 0, 1])
    left = np.array([10.0, 20.0, 90.0, 90.0, 5.0])
    boxes = np.stack([left, left, left + 50, left + 50], axis=1)
    part = np.array([1.0, 1.0, 0.5, 0.5, 1.0])
    assert median_boxes(cluster, boxes, 2, part)[:, 0].tolist() == [20.0, 5.0]
    assert median_boxes(cluster, boxes, 2, np.ones(5))[:, 0].tolist() == [55.0, 5.0]
