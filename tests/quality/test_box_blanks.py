"""An empty answer hides more than single misses would tell: how much, others show."""

import numpy as np
import pytest

from quality.consensus.boxes import _blanks
from quality.consensus.boxes._tidy import tidy
from quality.consensus.boxes.probabilistic import combine
from tests.quality.box_answers import box_answers, everyone, looked

A = (100, 100, 200, 180)


def hidden(answers, cluster=None, belief=None, false_boxes=0.0):
    columns = tidy(answers)
    n = len(columns.item)
    cluster = np.zeros(0, dtype=np.int64) if cluster is None else np.asarray(cluster)
    belief = np.zeros(0) if belief is None else np.asarray(belief, dtype=float)
    assert len(cluster) == n
    voice = np.ones(len(columns.response_item))
    rates = np.full(answers.n_workers, false_boxes)
    return _blanks.hidden(columns, cluster, voice, belief, rates)


def pair_and_blanks(n_together, n_blank, who_skips=0):
    """Images where three draw one object, ``who_skips`` of them without worker 2; then empty ones.

    On the empty ones only worker 2 looked.
    """
    rows = [
        (item, worker, 0, A)
        for item in range(n_together)
        for worker in range(3)
        if worker < 2 or item >= who_skips
    ]
    responses = looked(3, items=n_together)
    responses += [(n_together + item, 2) for item in range(n_blank)]
    answers = box_answers(responses, rows, n_items=n_together + n_blank)
    return answers, np.array([row[0] for row in rows])


def test_an_empty_answer_by_hand():
    # Worker 2 drew nothing on 10 of 40 images where others did; the two others, on 40 each,
    # always drew. The rate is shrunk by five images to the crowd's (10.25 of 125).
    answers, cluster = pair_and_blanks(40, 10, who_skips=10)
    images, objects = hidden(answers, cluster, np.ones(40))
    assert images.tolist() == list(range(40, 50))
    usual = (10 + 0.05 * 5) / (120 + 5)
    rate = (10 + usual * 5) / 45
    holds = 0.0
    for _ in range(5):
        share = (40 + 10 * holds + 1) / 52
        odds = share / (1 - share) * rate
        holds = odds / (1 + odds)
    assert objects == pytest.approx(np.full(10, holds), rel=1e-6)


def test_who_skips_images_that_hold_something_hides_more():
    careful = hidden(*with_belief(pair_and_blanks(40, 10)))[1]
    careless = hidden(*with_belief(pair_and_blanks(40, 10, who_skips=15)))[1]
    assert careless.min() > 3 * careful.max()


def with_belief(made):
    answers, cluster = made
    return answers, cluster, np.ones(int(cluster.max()) + 1)


def test_more_empty_answers_hide_less():
    rows = [row for item in range(30) for row in everyone(A, 3, item=item)]
    responses = [*looked(3, items=30), (30, 0), (31, 0), (31, 1), (32, 0), (32, 1), (32, 2)]
    cluster = np.array([row[0] for row in rows])
    _, objects = hidden(box_answers(responses, rows, n_items=33), cluster, np.ones(30))
    assert objects[0] > 5 * objects[1] > 25 * objects[2]


def test_nothing_but_empty_answers_hide_little_and_no_answers_nothing():
    images, objects = hidden(box_answers(looked(2, items=20), n_items=21))
    assert images.tolist() == list(range(20))
    assert objects.max() < 0.1
    assert not len(hidden(box_answers([]))[0])


def test_an_item_with_one_empty_answer_is_less_sure_than_with_three():
    rows = [row for item in range(30) for row in everyone(A, 3, item=item)]
    responses = [*looked(3, items=30), (30, 0), (31, 0), (31, 1), (31, 2)]
    result = combine(box_answers(responses, rows, n_items=32))
    assert result.item_confidence[30] < result.item_confidence[31] - 0.01
    assert result.details["missed"][30] > result.details["missed"][31]
