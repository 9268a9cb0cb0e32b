import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.simulate import (
    PROFILES,
    answer_tag,
    crowd,
    distractors,
    draw_boxes,
    profile,
    seconds_worked,
)

SIZE = (640.0, 480.0)
BOXES = [[100, 100, 300, 300], [400, 50, 500, 150], [20, 400, 60, 440]]
LABELS = [0, 1, 2]


def draws(name, n=200, **options):
    rng = np.random.default_rng(0)
    return [draw_boxes(BOXES, LABELS, SIZE, 3, profile(name), rng, **options) for _ in range(n)]


@pytest.mark.parametrize("name", PROFILES)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_every_worker_draws_valid_boxes_inside_the_image(name, seed):
    boxes, labels = draw_boxes(BOXES, LABELS, SIZE, 3, profile(name), np.random.default_rng(seed))
    assert boxes.shape == (len(labels), 4)
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert ((boxes >= 0) & (boxes <= np.tile(SIZE, 2))).all()
    assert ((labels >= 0) & (labels < 3)).all()


def test_the_same_generator_draws_the_same():
    first, second = draws("sloppy", 5), draws("sloppy", 5)
    assert all((a[0] == b[0]).all() for a, b in zip(first, second, strict=True))


def test_careful_workers_miss_less_and_draw_closer_than_sloppy_ones():
    n_careful = np.mean([len(boxes) for boxes, _ in draws("careful")])
    assert n_careful == pytest.approx(3, abs=0.3)
    careful, sloppy = (
        np.median([np.abs(boxes[0] - BOXES[0]).mean() for boxes, _ in draws(name) if len(boxes)])
        for name in ("careful", "sloppy")
    )
    assert careful < sloppy


def test_small_objects_are_missed_more_often():
    rng = np.random.default_rng(1)
    seen = {
        side: np.mean(
            [
                len(
                    draw_boxes(
                        [[10, 10, 10 + side, 10 + side]], [0], SIZE, 1, profile("average"), rng
                    )[0]
                )
                > 0
                for _ in range(300)
            ]
        )
        for side in (8, 200)
    }
    assert seen[8] < seen[200] - 0.2


def test_hard_objects_are_missed_by_all():
    usual = np.mean([len(boxes) for boxes, _ in draws("average")])
    hard = np.mean([len(boxes) for boxes, _ in draws("average", hardness=[6, 6, 6])])
    assert hard < usual - 1


def test_distractors_tempt():
    rng = np.random.default_rng(2)
    places = distractors(BOXES, SIZE, 5.0, rng)
    near = sum(
        np.abs(boxes[:, None] - places[None]).max(axis=2).min(initial=99) < 25
        for boxes, _ in draws("sloppy", distractors=places)
        if len(boxes)
    )
    assert near > 8


def test_spammers_do_as_their_name_says():
    assert {len(boxes) for boxes, _ in draws("spam_empty", 5)} == {0}
    assert all((boxes == [0, 0, 640, 480]).all() for boxes, _ in draws("spam_full", 5))
    assert len({tuple(boxes[0]) for boxes, _ in draws("spam_center", 5)}) == 1
    assert all(len(boxes) for boxes, _ in draws("spam_random", 5))
    assert max(len(boxes) for boxes, _ in draws("lazy")) <= 4


def test_an_image_without_objects_is_mostly_left_empty():
    rng = np.random.default_rng(3)
    drawn = [len(draw_boxes([], [], SIZE, 1, profile("careful"), rng)[0]) for _ in range(100)]
    assert np.mean(np.array(drawn) == 0) > 0.9


def test_tags_are_right_as_often_as_the_profile_says():
    rng = np.random.default_rng(4)
    right = np.mean([answer_tag(1, 4, profile("average"), rng) == 1 for _ in range(2000)])
    assert right == pytest.approx(profile("average").tag_accuracy, abs=0.03)


def test_spammers_tag_without_looking():
    rng = np.random.default_rng(5)
    assert {answer_tag(1, 3, profile("spam_empty"), rng) for _ in range(20)} == {0}
    assert {answer_tag(1, 3, profile("spam_full"), rng) for _ in range(20)} == {2}
    assert {answer_tag(1, 3, profile("spam_random"), rng) for _ in range(50)} == {0, 1, 2}


def test_one_option_is_always_chosen():
    rng = np.random.default_rng(6)
    assert {answer_tag(0, 1, worker, rng) for worker in PROFILES.values()} == {0}


def test_work_takes_time_and_spam_takes_little():
    rng = np.random.default_rng(7)
    honest = np.median([seconds_worked(3, 6, profile("careful"), rng) for _ in range(50)])
    spam = np.median([seconds_worked(3, 6, profile("spam_full"), rng) for _ in range(50)])
    assert honest > 5 * spam > 0


def test_crowds_differ_in_quality():
    medium, hard = (crowd(name, 200, np.random.default_rng(8)) for name in ("medium", "hard"))
    assert np.mean([w.jitter for w in hard]) > np.mean([w.jitter for w in medium])
    assert len({worker.name for worker in hard}) == 200
    assert any(worker.mode.startswith("spam") for worker in hard)


def test_unknown_names_are_refused():
    with pytest.raises(KeyError, match="careful"):
        profile("perfect")
    with pytest.raises(KeyError, match="medium"):
        crowd("easy", 1, np.random.default_rng(0))
