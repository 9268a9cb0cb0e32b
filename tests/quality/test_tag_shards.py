"""Shards give what one piece gives."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from quality import tag_shards, tag_shards_plain
from quality.consensus import tags
from quality.consensus.shapes import TagAnswers
from quality.workers import against_others, pooled

CLOSE = {"rtol": 0, "atol": 1e-9}


def crowd(seed: int, n_items: int = 300, **more: object) -> TagAnswers:
    """Three answers an item by 25 people of different skill; one label in ten is "unsure"."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(3, size=n_items)
    item = np.repeat(np.arange(n_items), 3)
    worker = rng.integers(25, size=len(item))
    knows = rng.random(len(item)) < rng.beta(5, 2, size=25)[worker]
    label = np.where(knows, truth[item], rng.integers(3, size=len(item)))
    label[rng.random(len(item)) < 0.1] = 3
    order = rng.permutation(len(item))
    answers = TagAnswers(item[order], worker[order], label[order], n_items, 25, 4)
    return replace(answers, truth=np.array([True, True, True, False]), **more)


def split(answers: TagAnswers, count: int) -> list[TagAnswers]:
    edges = np.linspace(0, answers.n_items, count + 1).astype(int)
    parts = []
    for low, high in pairwise(edges):
        own = (answers.item >= low) & (answers.item < high)
        parts.append(
            replace(
                answers,
                item=answers.item[own] - low,
                worker=answers.worker[own],
                label=answers.label[own],
                n_items=int(high - low),
                gold=None if answers.gold is None else answers.gold[low:high],
            )
        )
    return parts


def gold(n_items: int) -> np.ndarray:
    return np.where(np.arange(n_items) % 7 == 0, np.arange(n_items) % 3, -1)


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("more", [{}, {"ordered": True}, {"gold": gold(300)}])
def test_shards_give_the_labels_of_one_piece(count, n_threads, more):
    whole = crowd(count, **more)
    parts = split(whole, count)
    shards = tag_shards.Shards(count, parts.__getitem__, {}, n_threads)
    found = tag_shards.fit(shards)
    assert found is not None
    one = tags.load("auto")(whole)
    results = list(tag_shards.labels(shards, found))
    for name in ("label", "votes", "n_answers"):
        pieces = np.concatenate([getattr(result, name) for result in results])
        np.testing.assert_array_equal(pieces, getattr(one, name))
    for name in ("confidence", "posterior"):
        pieces = np.concatenate([getattr(result, name) for result in results])
        np.testing.assert_allclose(pieces, getattr(one, name), **CLOSE)
    np.testing.assert_allclose(found.workers.accuracy, one.workers.accuracy, **CLOSE)
    assert found.iterations == one.iterations
    assert found.log_likelihood == pytest.approx(one.log_likelihood)


def test_threads_change_nothing_at_all():
    parts = split(crowd(3), 5)
    fits = [
        tag_shards.fit(tag_shards.Shards(5, parts.__getitem__, {}, threads)) for threads in (1, 2)
    ]
    assert all(fit is not None for fit in fits)
    np.testing.assert_array_equal(fits[0].likelihood, fits[1].likelihood)


def test_shards_without_any_answer_have_no_model():
    nothing = np.zeros(0, np.int64)
    empty = TagAnswers(nothing, nothing, nothing, 0, 0, 2)
    assert tag_shards.fit(tag_shards.Shards(1, [empty].__getitem__, {})) is None


def test_an_empty_shard_among_others_changes_nothing():
    whole = crowd(4)
    parts = [*split(whole, 2), split(whole, 300)[0]]
    nothing = np.zeros(0, np.int64)
    parts[2] = replace(parts[2], item=nothing, worker=nothing, label=nothing, n_items=0)
    found = tag_shards.fit(tag_shards.Shards(3, parts.__getitem__, {}))
    assert found is not None
    one = tags.load("auto")(whole)
    np.testing.assert_allclose(found.workers.accuracy, one.workers.accuracy, **CLOSE)


def test_workers_judged_in_parts_are_judged_as_in_one_piece():
    whole = crowd(5)
    parts = pooled([against_others(part) for part in split(whole, 4)])
    one = against_others(whole)
    np.testing.assert_allclose(parts.accuracy.mean, one.accuracy.mean, **CLOSE)
    np.testing.assert_array_equal(parts.n_judged, one.n_judged)
    with pytest.raises(ValueError, match="at least one"):
        pooled([])


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("more", [{}, {"gold": gold(300)}])
@pytest.mark.parametrize("method", tag_shards_plain.VERSIONS)
def test_the_simpler_methods_give_in_shards_what_they_give_in_one_piece(method, count, more):
    whole = crowd(count, **more)
    parts = split(whole, count)
    shards = tag_shards.Shards(count, parts.__getitem__, {}, 2)
    found = tag_shards_plain.fit(shards, method)
    assert found is not None
    one = tags.load(method)(whole)
    results = list(tag_shards_plain.labels(shards, found))
    for name in ("label", "votes", "n_answers"):
        pieces = np.concatenate([getattr(result, name) for result in results])
        np.testing.assert_array_equal(pieces, getattr(one, name))
    pieces = np.concatenate([result.posterior for result in results])
    np.testing.assert_allclose(pieces, one.posterior, **CLOSE)
    np.testing.assert_allclose(found.workers.accuracy, one.workers.accuracy, **CLOSE)
    np.testing.assert_allclose(found.workers.weight, one.workers.weight, rtol=1e-9)
    assert (results[0].method, results[0].version) == (one.method, one.version)
    assert found.iterations == one.iterations
    assert found.log_likelihood == pytest.approx(one.log_likelihood)


@pytest.mark.parametrize("method", tag_shards_plain.VERSIONS)
def test_the_simpler_methods_find_nothing_where_nobody_answered(method):
    none = np.zeros(0, np.int64)
    empty = TagAnswers(none, none, none, 4, 2, 3)
    assert tag_shards_plain.fit(tag_shards.Shards(1, lambda _: empty, {}), method) is None
