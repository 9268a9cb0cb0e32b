import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import InvalidInput
from jobs.specs.plan_counts import count_plan, count_whole
from jobs.specs.slicing import ItemSize, Plan, count_questions, plan, tiles


def sized(n, width=100, height=80):
    return [ItemSize(number, width, height) for number in range(1, n + 1)]


def originals(made):
    return [task for task in made.tasks if task.repeat_of is None]


def test_every_item_is_asked_once():
    made = plan(sized(10), (), tasks_per_hit=4, seed=1)
    assert sorted(task.item_id for task in made.tasks) == list(range(1, 11))
    assert sorted(map(len, made.hits)) == [3, 3, 4]


def test_no_items_make_no_hits():
    assert plan([], (), tasks_per_hit=4, seed=1) == Plan(())


def test_the_same_seed_gives_the_same_plan_whatever_the_order_of_items():
    choices = {"tasks_per_hit": 5, "gold_rate": 0.2, "repeat_rate": 0.1}
    made = plan(sized(50), {1, 2, 3}, **choices, seed=7)
    assert plan(list(reversed(sized(50))), {3, 2, 1}, **choices, seed=7) == made
    assert plan(sized(50), {1, 2, 3}, **choices, seed=8) != made


def test_golds_fill_their_share_of_every_hit():
    made = plan(sized(84), set(range(1, 5)), tasks_per_hit=10, gold_rate=0.2, seed=3)
    assert [sum(task.is_gold for task in hit) for hit in made.hits] == [2] * 10
    assert Counter(task.item_id for task in made.tasks if not task.is_gold) == dict.fromkeys(
        range(5, 85), 1
    )


def test_golds_to_spare_are_asked_as_ordinary_tasks():
    made = plan(sized(40), set(range(1, 31)), tasks_per_hit=10, gold_rate=0.1, seed=3)
    assert sum(task.is_gold for task in made.tasks) == 4
    assert sorted(task.item_id for task in made.tasks) == list(range(1, 41))


def test_without_a_rate_no_task_is_marked():
    made = plan(sized(10), {1, 2}, tasks_per_hit=2, seed=3)
    assert not any(task.is_gold for task in made.tasks)
    assert len(made.tasks) == 10


def test_repeats_lie_apart_from_their_originals_in_one_hit():
    made = plan(sized(40), (), tasks_per_hit=10, repeat_rate=0.2, seed=5)
    flat = made.tasks
    hit_of = [number for number, hit in enumerate(made.hits) for _ in hit]
    repeats = [(index, task) for index, task in enumerate(flat) if task.repeat_of is not None]
    assert len(repeats) == 10
    for index, task in repeats:
        assert flat[task.repeat_of].item_id == task.item_id
        assert hit_of[index] == hit_of[task.repeat_of]
        assert index - task.repeat_of >= 2


def test_in_small_hits_repeats_come_in_a_later_one():
    made = plan(sized(30), (), tasks_per_hit=1, repeat_rate=0.2, seed=5)
    repeats = [
        (index, task.repeat_of)
        for index, task in enumerate(made.tasks)
        if task.repeat_of is not None
    ]
    assert len(repeats) >= 6
    assert all(original < index for index, original in repeats)


def test_a_large_image_becomes_tiles_and_a_small_one_stays_whole():
    made = plan(
        [ItemSize(1, 1000, 500), ItemSize(2, 400, 300)],
        (),
        tasks_per_hit=1,
        tile=512,
        overlap=64,
        seed=1,
    )
    assert sorted((task.item_id, task.tile or ()) for task in made.tasks) == [
        (1, (0, 0, 512, 500)),
        (1, (244, 0, 756, 500)),
        (1, (488, 0, 1000, 500)),
        (2, ()),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"tasks_per_hit": 0},
        {"gold_rate": -0.1},
        {"gold_rate": 0.6},
        {"gold_rate": float("nan")},
        {"gold_rate": 0.3, "repeat_rate": 0.3},
        {"tile": 10},
        {"tile": 512, "overlap": 300},
        {"tile": 512, "overlap": -1},
    ],
)
def test_an_impossible_plan_is_refused(wrong):
    with pytest.raises(InvalidInput):
        plan(sized(3), (), **{"tasks_per_hit": 1, "seed": 1, **wrong})


def test_an_item_given_twice_is_refused():
    with pytest.raises(InvalidInput):
        plan([*sized(2), *sized(1)], (), tasks_per_hit=1, seed=1)


@settings(max_examples=300, deadline=None)
@given(
    n=st.integers(0, 120),
    n_golds=st.integers(0, 120),
    tasks_per_hit=st.integers(1, 12),
    gold_rate=st.floats(0, 0.25),
    repeat_rate=st.floats(0, 0.25),
    seed=st.integers(0, 2**32),
)
def test_a_plan_keeps_its_promises(n, n_golds, tasks_per_hit, gold_rate, repeat_rate, seed):
    golds = set(range(1, min(n, n_golds) + 1))
    made = plan(
        sized(n),
        golds,
        tasks_per_hit=tasks_per_hit,
        gold_rate=gold_rate,
        repeat_rate=repeat_rate,
        seed=seed,
    )
    flat = made.tasks
    asked = Counter(task.item_id for task in originals(made))
    assert set(asked) == {item.item_id for item in sized(n)}
    assert all(asked[item] == 1 for item in asked if item not in golds)
    assert all(1 <= len(hit) <= tasks_per_hit for hit in made.hits)
    assert all(task.item_id in golds for task in flat if task.is_gold)
    n_gold = sum(task.is_gold for task in flat)
    n_repeats = len(flat) - len(originals(made))
    most = n / (1 - gold_rate - repeat_rate)
    assert n_gold <= gold_rate * most + 1e-6
    assert n_repeats <= repeat_rate * most + 1e-6
    for hit in made.hits:
        fresh = [task.item_id for task in hit if task.repeat_of is None]
        assert len(set(fresh)) == len(fresh)
    for index, task in enumerate(flat):
        if task.repeat_of is not None:
            assert task.repeat_of < index
            assert flat[task.repeat_of].item_id == task.item_id
            assert not flat[task.repeat_of].is_gold
            assert flat[task.repeat_of].repeat_of is None


@settings(max_examples=300, deadline=None)
@given(
    width=st.integers(1, 5000),
    height=st.integers(1, 5000),
    tile=st.integers(64, 1500),
    share=st.floats(0, 0.5),
)
def test_tiles_cover_the_image_and_overlap(width, height, tile, share):
    overlap = int(tile * share)
    cut = tiles(width, height, tile, overlap)
    for low, high, length in ((0, 2, width), (1, 3, height)):
        spans = sorted({(each[low], each[high]) for each in cut})
        assert spans[0][0] == 0
        assert spans[-1][1] == length
        assert all(end - start == min(tile, length) for start, end in spans)
        assert all(before[1] - after[0] >= overlap for before, after in itertools.pairwise(spans))


@given(
    n=st.integers(0, 300),
    n_golds=st.integers(0, 40),
    tasks_per_hit=st.integers(1, 12),
    gold_rate=st.sampled_from([0, 0.05, 0.1, 0.3, 0.5]),
    repeat_rate=st.sampled_from([0, 0.02, 0.1, 0.2]),
    tile=st.sampled_from([None, 64, 90]),
    seed=st.integers(0, 5),
)
@settings(max_examples=300, deadline=None)
def test_counts_foretell_the_plan_exactly(
    n, n_golds, tasks_per_hit, gold_rate, repeat_rate, tile, seed
):
    if gold_rate + repeat_rate > 0.5:
        gold_rate = 0.0
    golds = set(range(1, n + 1, 3)[:n_golds])
    rates = {"gold_rate": gold_rate, "repeat_rate": repeat_rate}
    cut = {"tile": tile, "overlap": 10 if tile else 0}
    made = plan(sized(n), golds, tasks_per_hit=tasks_per_hit, **rates, **cut, seed=seed)
    n_ordinary, n_marked = count_questions(sized(n), golds, **rates, **cut, seed=seed)
    if tile is None:
        assert (n_ordinary, n_marked) == count_whole(n, len(golds), **rates)
    counts = count_plan(n_ordinary, n_marked, tasks_per_hit=tasks_per_hit, **rates)
    assert counts.n_hits_by_size == Counter(len(hit) for hit in made.hits)
    assert counts.n_hits == len(made.hits)
    assert counts.n_tasks == len(made.tasks)
    assert counts.n_golds == sum(task.is_gold for task in made.tasks)
    assert counts.n_repeats == sum(task.repeat_of is not None for task in made.tasks)
