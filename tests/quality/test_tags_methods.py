"""Every tag method keeps the same promises; a new file in the folder is tested without an edit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.consensus import tags
from quality.consensus.shapes import TagAnswers, TagConsensus

METHODS = tags.names()


def answers_of(rows, n_items=None, n_workers=None, n_labels=None, **more) -> TagAnswers:
    table = np.asarray(rows, dtype=np.int64).reshape(-1, 3)
    sizes = table.max(axis=0, initial=-1) + 1
    return TagAnswers(
        item=table[:, 0],
        worker=table[:, 1],
        label=table[:, 2],
        n_items=sizes[0] if n_items is None else n_items,
        n_workers=sizes[1] if n_workers is None else n_workers,
        n_labels=sizes[2] if n_labels is None else n_labels,
        **more,
    )


def crowd(seed=0, n_items=40, n_workers=9, n_labels=3, right=0.75, part=0.6) -> TagAnswers:
    rng = np.random.default_rng(seed)
    truth = rng.integers(n_labels, size=n_items)
    rows = []
    for item in range(n_items):
        for worker in range(n_workers):
            if rng.random() < part:
                wrong = rng.integers(n_labels)
                rows.append((item, worker, truth[item] if rng.random() < right else wrong))
    return answers_of(rows, n_items, n_workers, n_labels)


@st.composite
def small_crowds(draw):
    n_items, n_workers, n_labels = (draw(st.integers(1, top)) for top in (6, 5, 4))
    cell = st.tuples(
        st.integers(0, n_items - 1), st.integers(0, n_workers - 1), st.integers(0, n_labels - 1)
    )
    rows = draw(st.lists(cell, max_size=30))
    return answers_of(rows, n_items, n_workers, n_labels)


def assert_same(left: TagConsensus, right: TagConsensus) -> None:
    np.testing.assert_array_equal(left.label, right.label)
    np.testing.assert_array_equal(left.posterior, right.posterior)
    np.testing.assert_array_equal(left.workers.accuracy, right.workers.accuracy)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25, deadline=None)
@given(answers=small_crowds(), seed=st.integers(0, 9))
def test_order_and_duplicates_of_answers_do_not_matter(method, answers, seed):
    combine = tags.load(method)
    n = len(answers.item)
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.permutation(n), rng.integers(n, size=3 if n else 0)])
    shuffled = replace(
        answers, item=answers.item[rows], worker=answers.worker[rows], label=answers.label[rows]
    )
    assert_same(combine(answers), combine(shuffled))


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25, deadline=None)
@given(answers=small_crowds())
def test_confidence_and_posterior_are_probabilities(method, answers):
    result = tags.load(method)(answers)
    answered = np.bincount(answers.item, minlength=answers.n_items) > 0
    assert np.all((result.confidence >= 0) & (result.confidence <= 1))
    np.testing.assert_allclose(result.posterior.sum(axis=1), answered.astype(float), atol=1e-9)
    assert np.all(result.label[~answered] == -1)
    assert np.all(result.label[answered] >= 0)
    assert np.all(result.votes <= result.n_answers)
    accuracy = result.workers.accuracy
    answering = np.bincount(answers.worker, minlength=answers.n_workers) > 0
    assert np.array_equal(np.isnan(accuracy), ~answering)
    assert np.all((accuracy[answering] >= 0) & (accuracy[answering] <= 1))
    assert np.all(result.workers.weight >= 0)


@pytest.mark.parametrize("method", METHODS)
def test_renamed_items_and_workers_change_nothing(method):
    answers = crowd()
    rng = np.random.default_rng(3)
    items, workers = rng.permutation(answers.n_items), rng.permutation(answers.n_workers)
    renamed = replace(answers, item=items[answers.item], worker=workers[answers.worker])
    combine = tags.load(method)
    before, after = combine(answers), combine(renamed)
    np.testing.assert_array_equal(before.label, after.label[items])
    np.testing.assert_allclose(before.posterior, after.posterior[items], atol=1e-6)
    np.testing.assert_allclose(before.workers.accuracy, after.workers.accuracy[workers], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_empty_input_gives_an_empty_result(method):
    result = tags.load(method)(answers_of([], 0, 0, 0))
    assert result.label.shape == (0,)
    assert result.posterior.shape == (0, 0)
    assert result.workers.accuracy.shape == (0,)


@pytest.mark.parametrize("method", METHODS)
def test_items_without_answers_have_no_label(method):
    result = tags.load(method)(answers_of([], 3, 2, 2))
    assert result.label.tolist() == [-1, -1, -1]
    assert result.confidence.tolist() == [0, 0, 0]
    assert np.isnan(result.workers.accuracy).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "rows",
    [
        [(0, 0, 0)],
        [(0, 0, 1)],
        [(item, 0, item % 2) for item in range(5)],
        [(0, worker, 1) for worker in range(5)],
        [(item, worker, 0) for item in range(4) for worker in range(3)],
    ],
    ids=["one answer", "one answer, second label", "one worker", "one item", "one class"],
)
def test_the_smallest_inputs_work_and_keep_what_was_said(method, rows):
    answers = answers_of(rows)
    result = tags.load(method)(answers)
    np.testing.assert_array_equal(result.label[answers.item], answers.label)


@pytest.mark.parametrize("method", METHODS)
def test_unanimity_of_many_is_kept_and_stays_finite(method):
    rows = [(item, worker, item % 2) for item in range(30) for worker in range(400)]
    result = tags.load(method)(answers_of(rows))
    np.testing.assert_array_equal(result.label, np.arange(30) % 2)
    assert np.isfinite(result.posterior).all()
    assert np.isfinite(result.log_likelihood)
    assert result.confidence.min() > 0.95


@pytest.mark.parametrize("method", METHODS)
def test_gold_is_certain_and_needs_no_answers(method):
    gold = np.array([2, -1, 1])
    result = tags.load(method)(answers_of([(0, 0, 0), (0, 1, 0), (1, 0, 1)], 3, 2, 3, gold=gold))
    assert result.label[[0, 2]].tolist() == [2, 1]
    assert result.confidence[[0, 2]].tolist() == [1, 1]


@pytest.mark.parametrize("method", METHODS)
def test_an_answer_that_is_never_a_truth_never_wins(method):
    answers = crowd(seed=2, n_items=60, n_labels=2, right=0.8)
    truth = np.random.default_rng(2).integers(2, size=60)
    unsure = np.random.default_rng(9).random(len(answers.item)) < 0.4
    unsure |= answers.item == 0
    said = replace(
        answers,
        label=np.where(unsure, 2, answers.label),
        n_labels=3,
        truth=np.array([True, True, False]),
    )
    result = tags.load(method)(said)
    assert set(result.label.tolist()) == {0, 1}
    assert np.all(result.posterior[:, 2] == 0)
    assert np.mean(result.label[1:] == truth[1:]) > 0.85
    assert result.confidence[0] < 0.9


@pytest.mark.parametrize("method", METHODS)
def test_a_good_crowd_is_understood(method):
    answers = crowd(seed=5, n_items=200, n_workers=12, right=0.8)
    rng = np.random.default_rng(5)
    truth = rng.integers(3, size=200)
    assert np.mean(tags.load(method)(answers).label == truth) > 0.95


@pytest.mark.parametrize("method", METHODS)
def test_answers_out_of_range_are_refused_with_their_place(method):
    with pytest.raises(ValueError, match="label row 1: expected 0 to 1, got 7"):
        tags.load(method)(answers_of([(0, 0, 0), (0, 1, 7)], 1, 2, 2))
