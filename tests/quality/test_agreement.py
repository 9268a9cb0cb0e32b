"""Agreement equals the published worked examples, and says when there is too little to judge."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.agreement import (
    bootstrap_interval,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    pair_kappas,
    percent_agreement,
    tag_agreement,
    tag_counts,
    worker_pairs,
)
from quality.consensus.shapes import TagAnswers

# Krippendorff, Computing Krippendorff's alpha-reliability, 2011, section C: four observers,
# twelve units, missing values as 0.
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
)
# Fleiss, Measuring nominal scale agreement among many raters, 1971, table 1: six psychiatrists
# a patient, thirty patients, five diagnoses.
DIAGNOSES = np.fromstring(
    """
    0 0 0 6 0   0 3 0 0 3   0 1 4 0 1   0 0 0 0 6   0 3 0 3 0   2 0 4 0 0
    0 0 4 0 2   2 0 3 1 0   2 0 0 4 0   0 0 0 0 6   1 0 0 5 0   1 1 0 4 0
    0 3 3 0 0   1 0 0 5 0   0 2 0 3 1   0 0 5 0 1   3 0 0 1 2   5 1 0 0 0
    0 2 0 4 0   1 0 2 0 3   0 0 0 0 6   0 1 0 5 0   0 2 0 1 3   2 0 0 4 0
    1 0 0 4 1   0 5 0 1 0   4 0 0 0 2   0 2 0 4 0   1 0 5 0 0   0 0 0 0 6
    """,
    sep=" ",
).reshape(30, 5)


def counts_of(observers: np.ndarray) -> np.ndarray:
    n_labels = observers.max()
    return np.array([np.bincount(unit, minlength=n_labels + 1)[1:] for unit in observers.T])


def answers_of(rows, n_labels=2) -> TagAnswers:
    table = np.asarray(rows, dtype=np.int64).reshape(-1, 3)
    sizes = table.max(axis=0, initial=-1) + 1
    return TagAnswers(table[:, 0], table[:, 1], table[:, 2], int(sizes[0]), int(sizes[1]), n_labels)


@pytest.mark.parametrize(
    ("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_is_that_of_krippendorffs_own_example(level, published):
    assert krippendorff_alpha(counts_of(OBSERVERS), level) == pytest.approx(published, abs=5e-4)


def test_fleiss_kappa_is_that_of_fleiss_own_example():
    assert fleiss_kappa(DIAGNOSES) == pytest.approx(0.430, abs=5e-4)


def test_cohen_kappa_is_that_of_cohens_own_example():
    # Cohen, A coefficient of agreement for nominal scales, 1960, table 1: kappa = .492.
    table = np.array([[88, 10, 2], [14, 40, 6], [18, 10, 12]])
    first, second = np.repeat(np.indices((3, 3)).reshape(2, 9), table.ravel(), axis=1)
    assert cohen_kappa(first, second, 3) == pytest.approx(0.492, abs=5e-4)


def test_weighted_kappa_by_hand():
    # Observed penalty 1/2, expected by the margins (1/2 each) 1: quadratic on three grades
    # counts a jump of two four times.
    first, second = np.array([0, 0, 2, 2]), np.array([0, 0, 2, 0])
    observed = 4 / 4
    expected = 4 * (2 / 4 * 1 / 4 + 2 / 4 * 3 / 4)
    assert cohen_kappa(first, second, 3, "quadratic") == pytest.approx(1 - observed / expected)


def test_percent_agreement_by_hand():
    assert percent_agreement([[2, 1], [3, 0]]) == pytest.approx(4 / 6)


@pytest.mark.parametrize("counts", [np.zeros((0, 3)), [[1, 0], [0, 1]]])
def test_without_two_answers_nothing_can_be_said(counts):
    assert isnan(percent_agreement(counts))
    assert isnan(krippendorff_alpha(counts))


def test_one_label_throughout_is_perfect_agreement_everywhere():
    counts = [[3, 0], [3, 0]]
    assert krippendorff_alpha(counts) == 1.0
    assert fleiss_kappa(counts) == 1.0
    assert cohen_kappa([0, 0], [0, 0], 2) == 1.0


def test_fleiss_kappa_refuses_unequal_numbers_of_answers():
    with pytest.raises(ValueError, match="expected one number of answers"):
        fleiss_kappa([[2, 1], [2, 0]])


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="expected nominal, ordinal or interval"):
        krippendorff_alpha([[2, 1], [2, 0]], "ratio")


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="expected 2 labels"):
        cohen_kappa([0, 1], [0], 2)


tables = st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=8).map(
    lambda rows: np.array(rows, dtype=float)
)


@settings(max_examples=60, deadline=None)
@given(counts=tables, seed=st.integers(0, 5))
def test_alpha_does_not_mind_the_order_of_items_and_labels(counts, seed):
    rng = np.random.default_rng(seed)
    mixed = counts[rng.permutation(len(counts))][:, rng.permutation(3)]
    before, after = krippendorff_alpha(counts), krippendorff_alpha(mixed)
    assert before == pytest.approx(after, nan_ok=True)
    assert isnan(before) or before <= 1.0 + 1e-12


@settings(max_examples=60, deadline=None)
@given(counts=tables, times=st.integers(1, 3))
def test_weights_are_repeats(counts, times):
    repeated = np.tile(counts, (times, 1))
    weights = np.full(len(counts), float(times))
    assert krippendorff_alpha(counts, "ordinal", weights=weights) == pytest.approx(
        krippendorff_alpha(repeated, "ordinal"), nan_ok=True
    )


def test_the_interval_holds_the_value_and_is_the_same_twice():
    rng_rows = np.random.default_rng(4)
    truth = rng_rows.integers(2, size=80)
    rows = [(i, w, t ^ (rng_rows.random() < 0.2)) for i, t in enumerate(truth) for w in range(3)]
    answers = answers_of(rows)
    first = tag_agreement(answers, np.random.default_rng(1), n_samples=300)
    again = tag_agreement(answers, np.random.default_rng(1), n_samples=300)
    assert first == again
    assert first.low < first.value < first.high
    assert (first.n_items, first.n_pairs, first.enough) == (80, 240, True)


def test_few_items_are_too_few_to_judge():
    answers = answers_of([(0, 0, 1), (0, 1, 1), (1, 0, 0)])
    found = tag_agreement(answers, np.random.default_rng(0), "percent", n_samples=20)
    assert (found.value, found.n_items, found.enough) == (1.0, 1, False)


def test_a_bootstrap_of_nothing_is_nan():
    low, high = bootstrap_interval(lambda _: 1.0, 0, np.random.default_rng(0))
    assert isnan(low)
    assert isnan(high)


def test_pairs_of_workers_by_hand():
    answers = answers_of([(0, 0, 1), (0, 1, 1), (1, 0, 0), (1, 1, 1), (2, 2, 0), (2, 0, 0)])
    pairs = worker_pairs(answers)
    table = np.column_stack([pairs.a, pairs.b, pairs.n_common, pairs.n_same])
    assert table.tolist() == [[0, 1, 2, 1], [0, 2, 1, 1]]
    assert worker_pairs(answers, min_common=2).a.tolist() == [0]
    assert worker_pairs(answers_of([])).a.size == 0


def test_kappa_of_a_pair_is_cohens_on_the_items_both_answered():
    rows = [(0, 0, 0), (1, 0, 1), (2, 0, 1), (0, 1, 0), (1, 1, 1), (2, 1, 0), (3, 1, 1)]
    answers = answers_of(rows)
    pairs = worker_pairs(answers)
    assert pairs.n_common.tolist() == [3]
    expected = cohen_kappa([0, 1, 1], [0, 1, 0], 2)
    assert pair_kappas(answers, pairs) == pytest.approx([expected])
    assert not len(pair_kappas(answers_of([]), worker_pairs(answers_of([]))))


def test_a_duplicated_row_does_not_agree_with_itself():
    answers = answers_of([(0, 0, 1), (0, 0, 1), (0, 1, 0)])
    assert tag_counts(answers).tolist() == [[1, 1]]
