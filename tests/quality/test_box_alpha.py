"""Alpha for boxes is Krippendorff's where answers are alike or apart, and sensible elsewhere."""

from math import isnan

import numpy as np
import pytest

from quality.agreement import krippendorff_alpha
from quality.box_alpha import MOST_PAIRS, box_alpha
from tests.quality.box_answers import SIZE, box_answers, looked
from tests.quality.test_agreement import OBSERVERS, counts_of

A = (100, 100, 200, 180)


def as_places(observers):
    """Each value a box at a place of its own; 0 is no answer."""
    responses, rows = [], []
    for worker, values in enumerate(observers):
        for item, value in enumerate(values):
            if value:
                responses.append((item, worker))
                rows.append((item, worker, 0, (60 * value, 50, 60 * value + 50, 100)))
    return box_answers(responses, rows, n_items=observers.shape[1])


def test_it_is_the_alpha_of_krippendorffs_own_example():
    found = box_alpha(as_places(OBSERVERS), np.random.default_rng(0))
    assert found.value == pytest.approx(0.743, abs=5e-4)
    assert found.value == pytest.approx(krippendorff_alpha(counts_of(OBSERVERS), "nominal"))
    assert (found.n_items, found.n_answers) == (11, 40)
    assert found.low < found.value < found.high
    assert not found.too_few


def test_perfect_agreement_is_one_and_answers_at_random_are_nothing():
    rng = np.random.default_rng(1)
    corner = rng.uniform(0, 400, (150, 2))
    alike = [(i, w, 0, (*corner[i], *corner[i] + 60)) for i in range(150) for w in range(2)]
    found = box_alpha(box_answers(looked(2, items=150), alike, n_items=150), rng)
    assert found.value == found.low == found.high == 1.0
    rows = []
    for item, worker in looked(2, items=150):
        place = 70 * rng.integers(0, 3)
        rows.append((item, worker, 0, (place, 10, place + 60, 60)))
    found = box_alpha(box_answers(looked(2, items=150), rows, n_items=150), rng)
    assert abs(found.value) < 0.2
    assert found.low < 0 < found.high
    assert MOST_PAIRS < 300 * 299 // 2


def test_agreeing_that_nothing_is_there_counts_for_little_where_all_is_empty_by_chance():
    rows = [(item, worker, 0, A) for item in range(10) for worker in range(2)][:2]
    found = box_alpha(box_answers(looked(2, items=10), rows, n_items=10), np.random.default_rng(0))
    assert found.value == 1.0
    apart = box_alpha(
        box_answers(looked(2, items=10), rows[:1], n_items=10), np.random.default_rng(0)
    )
    assert apart.value == pytest.approx(0.0, abs=0.06)


def test_the_size_of_an_image_does_not_matter():
    rows = [(item, worker, 0, A) for item in range(6) for worker in range(2)]
    rows[0] = (0, 0, 0, (300, 300, 400, 400))
    answers = box_answers(looked(2, items=6), rows, n_items=6)
    halved = box_answers(
        looked(2, items=6),
        [(i, w, k, tuple(np.array(box) / 2)) for i, w, k, box in rows],
        n_items=6,
        size=(SIZE[0] / 2, SIZE[1] / 2),
    )
    values = [box_alpha(some, np.random.default_rng(0)).value for some in (answers, halved)]
    assert values[0] == values[1]


def test_classes_count_unless_told_otherwise():
    rows = [(item, worker, worker, A) for item in range(6) for worker in range(2)]
    answers = box_answers(looked(2, items=6), rows, n_items=6)
    assert box_alpha(answers, np.random.default_rng(0)).value < 0
    assert box_alpha(answers, np.random.default_rng(0), same_label=False).value == 1.0


def test_without_two_answers_to_an_image_nothing_can_be_said():
    found = box_alpha(box_answers([(0, 0), (1, 1)], n_items=2), np.random.default_rng(0))
    assert isnan(found.value)
    assert found.too_few
    few = box_alpha(box_answers(looked(2, items=3), n_items=3), np.random.default_rng(0))
    assert few.too_few
    assert (few.low, few.high) == (-1.0, 1.0)
