"""Many-choice tags: a decision a tag, one skill a worker."""

import numpy as np

from quality.many_choice import ManyAnswers, combine_many


def ticks(seed=0, n_items=120, n_workers=8, n_tags=4):
    rng = np.random.default_rng(seed)
    often = np.array([0.05, 0.3, 0.5, 0.9])[:n_tags]
    truth = rng.random((n_items, n_tags)) < often
    skill = np.linspace(0.6, 0.97, n_workers)
    item = np.repeat(np.arange(n_items), 3)
    worker = np.concatenate([rng.choice(n_workers, 3, replace=False) for _ in range(n_items)])
    flip = rng.random((len(item), n_tags)) > skill[worker][:, None]
    return truth, skill, ManyAnswers(item, worker, truth[item] ^ flip, n_items, n_workers)


def test_shared_skill_beats_the_vote_tag_by_tag():
    ours, voted = [], []
    for seed in range(4):
        truth, _, answers = ticks(seed)
        found = combine_many(answers)
        ours.append(np.mean(found.chosen == truth))
        voted.append(np.mean((found.votes * 2 > found.n_answers[:, None]) == truth))
    assert np.mean(ours) > np.mean(voted) + 0.02


def test_workers_are_ranked_over_all_tags():
    _, skill, answers = ticks()
    assert np.corrcoef(combine_many(answers).workers.accuracy, skill)[0, 1] > 0.9


def test_an_empty_row_is_an_answer_and_counts():
    chosen = np.zeros((3, 2), dtype=bool)
    found = combine_many(ManyAnswers(np.zeros(3, int), np.arange(3), chosen, 1, 3))
    assert not found.chosen.any()
    assert found.n_answers.tolist() == [3]
    assert found.confidence.min() > 0.8


def test_order_of_rows_does_not_matter():
    _, _, answers = ticks()
    order = np.random.default_rng(1).permutation(len(answers.item))
    mixed = ManyAnswers(answers.item[order], answers.worker[order], answers.chosen[order], 120, 8)
    np.testing.assert_array_equal(
        combine_many(answers).probability, combine_many(mixed).probability
    )


def test_gold_ticks_are_certain():
    _, _, answers = ticks()
    gold = np.full((120, 4), -1)
    gold[0] = [1, 1, 0, 0]
    found = combine_many(
        ManyAnswers(answers.item, answers.worker, answers.chosen, 120, 8, gold=gold)
    )
    assert found.chosen[0].tolist() == [True, True, False, False]
    assert found.confidence[0].tolist() == [1, 1, 1, 1]


def test_nothing_in_nothing_out():
    none = np.zeros(0, dtype=int)
    found = combine_many(ManyAnswers(none, none, np.zeros((0, 2), bool), 2, 1))
    assert found.chosen.tolist() == [[False, False]] * 2
    assert found.confidence.tolist() == [[0, 0]] * 2
    assert combine_many(ManyAnswers(none, none, np.zeros((0, 0), bool), 2, 1)).chosen.shape == (
        2,
        0,
    )
