"""Flags name what was seen, and honest crowds get none."""

import numpy as np
import pytest

from quality.consensus.shapes import TagAnswers
from quality.worker_flags import flags


def crowd(label, seconds=None) -> TagAnswers:
    """Answers from a table (n_items, n_workers); -1 is no answer."""
    item, worker = np.nonzero(label >= 0)
    return TagAnswers(
        item,
        worker,
        label[item, worker],
        *label.shape,
        n_labels=int(label.max()) + 1,
        seconds=None if seconds is None else seconds[item, worker],
    )


@pytest.fixture
def honest() -> np.ndarray:
    rng = np.random.default_rng(11)
    truth = rng.integers(3, size=(120, 1))
    wrong = rng.integers(3, size=(120, 10))
    said = np.where(rng.random((120, 10)) < 0.8, truth, wrong)
    said[rng.random((120, 10)) < 0.4] = -1
    return said


def test_an_honest_crowd_has_no_flags(honest):
    seconds = np.random.default_rng(1).lognormal(2.5, 0.6, size=honest.shape)
    assert flags(crowd(honest, seconds)) == ()


def test_one_answer_throughout_is_flagged_with_what_was_expected(honest):
    honest[:, 3] = 1
    (found,) = flags(crowd(honest))
    assert (found.worker, found.kind, found.n, found.share) == (3, "one answer", 120, 1.0)
    assert 0.2 < found.expected < 0.5
    assert "100 % of 120 answers are one label" in found.evidence


def test_one_answer_is_no_flag_where_everyone_gives_it():
    assert flags(crowd(np.zeros((30, 5), dtype=int))) == ()


def test_copied_answers_are_flagged_on_both_sides(honest):
    honest[:, 7] = honest[:, 2]
    found = flags(crowd(honest))
    assert [(flag.worker, flag.kind, flag.other) for flag in found] == [
        (2, "near-identical", 7),
        (7, "near-identical", 2),
    ]


def test_two_experts_who_agree_are_no_copies(honest):
    truth = np.random.default_rng(11).integers(3, size=120)
    honest[:, 4] = truth
    honest[:, 5] = truth
    assert flags(crowd(honest)) == ()


def test_implausibly_fast_answers_are_flagged_per_item(honest):
    rng = np.random.default_rng(2)
    usual = rng.lognormal(2.5, 1.0, size=(120, 1))
    seconds = usual * rng.lognormal(0.0, 0.3, size=honest.shape)
    seconds[:, 6] = 0.05 * usual[:, 0]
    (found,) = flags(crowd(honest, seconds))
    assert (found.worker, found.kind) == (6, "too fast")
    assert "implausibly fast" in found.evidence


def test_missing_seconds_and_empty_input_raise_no_flags(honest):
    assert flags(crowd(honest, np.full(honest.shape, np.nan))) == ()
    none = np.zeros(0, dtype=np.int64)
    assert flags(TagAnswers(none, none, none, 0, 0, 0)) == ()
