"""What other libraries get wrong on tags, kept right here for every method."""

from dataclasses import replace

import numpy as np
import pytest

from quality.consensus import tags
from quality.consensus.shapes import TagAnswers

METHODS = tags.names()


def table(label) -> TagAnswers:
    item, worker = np.indices(label.shape).reshape(2, -1)
    return TagAnswers(item, worker, label.ravel(), *label.shape, n_labels=int(label.max()) + 1)


@pytest.mark.parametrize("method", METHODS)
def test_ties_do_not_flip_with_the_order_of_rows(method):
    rng = np.random.default_rng(0)
    answers = table(rng.integers(5, size=(60, 2)))
    combine = tags.load(method)
    first = combine(answers).label
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(answers.item))
        mixed = replace(
            answers,
            item=answers.item[order],
            worker=answers.worker[order],
            label=answers.label[order],
        )
        np.testing.assert_array_equal(combine(mixed).label, first)


@pytest.mark.parametrize("method", METHODS)
def test_very_redundant_answers_do_not_underflow(method):
    rng = np.random.default_rng(1)
    truth = rng.integers(3, size=(20, 1))
    said = np.where(rng.random((20, 1500)) < 0.7, truth, rng.integers(3, size=(20, 1500)))
    result = tags.load(method)(table(said))
    np.testing.assert_array_equal(result.label, truth[:, 0])
    assert np.isfinite(result.posterior).all()
    assert np.isfinite(result.workers.accuracy).all()
    assert np.isfinite(result.log_likelihood)


@pytest.mark.parametrize("method", METHODS)
def test_sparse_ids_need_no_dense_item_by_worker_by_label_table(method):
    n = 4_000  # such a table would take n * n * 2 * 8 bytes: 256 MB
    answers = TagAnswers(
        item=np.arange(n),
        worker=np.arange(n),
        label=np.arange(n) % 2,
        n_items=n,
        n_workers=n,
        n_labels=2,
    )
    result = tags.load(method)(answers)
    assert result.n_answers.tolist() == [1] * n


@pytest.mark.parametrize("method", METHODS)
def test_the_arrays_given_are_left_alone(method):
    label = np.array([[0, 1, 1], [1, 1, 0]])
    answers = replace(table(label), gold=np.array([1, -1]))
    kept = [column.copy() for column in (answers.item, answers.worker, answers.label, answers.gold)]
    tags.load(method)(answers)
    for before, after in zip(
        kept, (answers.item, answers.worker, answers.label, answers.gold), strict=True
    ):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_with_one_answer_on_an_item_alone_works(method):
    rows = np.array([[0, 0, 0], [0, 1, 0], [1, 2, 1]])
    answers = TagAnswers(*rows.T, n_items=2, n_workers=3, n_labels=2)
    result = tags.load(method)(answers)
    assert result.label.tolist() == [0, 1]
    assert 0 <= result.workers.accuracy[2] <= 1
