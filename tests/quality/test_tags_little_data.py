"""The default on hardly any data: agreement must speak for itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.consensus import tags
from quality.consensus.shapes import TagAnswers
from quality.consensus.tags._contested import clear_counts, telling
from quality.consensus.tags._votes import collect

# What the last round of a fit may leave undone.
ROUNDING = 1e-6


def unanimous(n_answers, labels, n_truths, n_labels, *, same_people, ordered=False) -> TagAnswers:
    """Item i has ``n_answers[i]`` answers, all of them ``labels[i]``."""
    item = np.repeat(np.arange(len(n_answers)), n_answers)
    worker = np.arange(len(item))
    if same_people:
        worker = np.concatenate([np.arange(n) for n in n_answers])
    return TagAnswers(
        item=item,
        worker=worker,
        label=np.asarray(labels)[item],
        n_items=len(n_answers),
        n_workers=int(worker.max()) + 1,
        n_labels=n_labels,
        truth=np.arange(n_labels) < n_truths,
        ordered=ordered,
    )


@st.composite
def growing_crowds(draw):
    """Unanimous answers, and the same with one more agreeing answer to some item."""
    n_items, n_truths = draw(st.integers(1, 6)), draw(st.integers(2, 6))
    n_answers = draw(st.lists(st.integers(1, 12), min_size=n_items, max_size=n_items))
    labels = draw(st.lists(st.integers(0, n_truths - 1), min_size=n_items, max_size=n_items))
    n_labels = n_truths + draw(st.integers(0, 1))
    more = draw(st.integers(0, n_items - 1))
    ordered = draw(st.booleans())
    grown = [n + (place == more) for place, n in enumerate(n_answers)]
    before, after = (
        unanimous(n, labels, n_truths, n_labels, same_people=False, ordered=ordered)
        for n in (n_answers, grown)
    )
    return before, after, more


@settings(max_examples=150, deadline=None)
@given(crowd=growing_crowds())
def test_one_more_agreeing_worker_never_lowers_confidence(crowd):
    before, after, item = crowd
    combine = tags.load("auto")
    assert combine(after).confidence[item] >= combine(before).confidence[item] - ROUNDING


@pytest.mark.parametrize("n_truths", [2, 3, 5])
@pytest.mark.parametrize("n_labels_more", [0, 1])
def test_a_single_item_is_surer_with_every_agreeing_worker(n_truths, n_labels_more):
    found = [
        tags.load("auto")(
            unanimous([n], [1], n_truths, n_truths + n_labels_more, same_people=False)
        ).confidence[0]
        for n in range(1, 31)
    ]
    assert np.all(np.diff(found) >= -ROUNDING)
    assert found[1] > 0.9
    assert found[-1] > 0.97


@pytest.mark.parametrize("n_items", [1, 2, 5, 20])
def test_a_small_crowd_that_always_agrees_is_surer_with_every_member(n_items):
    found = [
        tags.load("auto")(
            unanimous([n] * n_items, np.arange(n_items) % 3, 3, 3, same_people=True)
        ).confidence.min()
        for n in range(1, 16)
    ]
    assert np.all(np.diff(found) >= -ROUNDING)


def test_two_answers_do_not_tell_how_many_items_are_contested():
    answers = unanimous([2, 3, 1, 4], [0, 1, 0, 1], 2, 2, same_people=True)
    tells = telling(collect(answers))
    assert tells.tolist() == [False, True, False, True]
    joint = np.array([[0, 0, 0.5, 0.5], [0.25, 0.5, 0.25, 0], [0, 0, 1, 0], [0, 0.5, 0, 0.5]])
    assert clear_counts(joint, tells).tolist() == [1.25, 0.75]
