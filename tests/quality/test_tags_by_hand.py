"""Tag methods on cases small enough to work out on paper, and the options of the default."""

from dataclasses import replace

import numpy as np
import pytest

from quality.consensus import tags
from quality.consensus.shapes import TagAnswers
from quality.consensus.tags import auto as default

majority, auto = tags.load("majority"), tags.load("auto")


def answers_of(rows, **more) -> TagAnswers:
    table = np.asarray(rows, dtype=np.int64).reshape(-1, 3)
    sizes = table.max(axis=0, initial=-1) + 1
    sizes = {"n_items": sizes[0], "n_workers": sizes[1], "n_labels": sizes[2]} | more
    return TagAnswers(table[:, 0], table[:, 1], table[:, 2], **sizes)


def noisy(truth, n_workers, right, rng, part=1.0) -> TagAnswers:
    """Workers right at rate ``right`` (n_workers,), else any label at random."""
    n_labels = int(truth.max()) + 1
    rows = [
        (item, worker, truth[item] if rng.random() < right[worker] else rng.integers(n_labels))
        for item in range(len(truth))
        for worker in range(n_workers)
        if rng.random() < part
    ]
    return answers_of(rows, n_items=len(truth), n_workers=n_workers, n_labels=n_labels)


def test_majority_counts_votes():
    result = majority(answers_of([(0, 0, 1), (0, 1, 1), (0, 2, 0), (1, 0, 0)]))
    assert result.label.tolist() == [1, 0]
    assert result.confidence.tolist() == [pytest.approx(2 / 3), 1.0]
    assert (result.votes.tolist(), result.n_answers.tolist()) == ([2, 1], [3, 1])


def test_a_tie_goes_to_the_label_with_more_votes_in_the_whole_set():
    result = majority(answers_of([(0, 0, 0), (0, 1, 1), (1, 0, 1)]))
    assert result.label.tolist() == [1, 1]


def test_a_tie_of_equal_labels_goes_to_the_lower_index():
    assert majority(answers_of([(0, 0, 1), (0, 1, 0)])).label.tolist() == [0]


def test_majority_leaves_out_votes_that_are_never_a_truth():
    truth = np.array([True, True, False])
    result = majority(answers_of([(0, 0, 2), (0, 1, 2), (0, 2, 1)], truth=truth))
    assert (result.label[0], result.confidence[0], result.votes[0]) == (1, 1.0, 1)


def test_an_item_with_only_such_votes_gets_the_crowds_usual_answer():
    truth = np.array([True, True, False])
    rows = [(0, 0, 2), (1, 0, 0), (2, 0, 0), (3, 0, 1)]
    result = majority(answers_of(rows, truth=truth))
    assert (result.label[0], result.confidence[0]) == (0, pytest.approx(2 / 3))


def test_weighted_majority_hears_the_worker_who_agrees_with_others():
    rows = [(item, worker, item % 2) for item in range(20) for worker in (0, 1, 2)]
    rows += [(item, worker, 1) for item in range(20) for worker in (3, 4)]
    rows += [(20, 0, 0), (20, 3, 1)]
    result = tags.load("weighted_majority")(answers_of(rows))
    assert result.label[20] == 0
    assert result.workers.weight[0] > 5 * result.workers.weight[3]


def test_dawid_skene_turns_a_reliable_liars_answers_around():
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=200)
    rows = [(i, w, t if w < 3 else 1 - t) for i, t in enumerate(truth) for w in range(4)]
    rows += [(200, 3, 1)]
    result = tags.load("dawid_skene")(answers_of(rows))
    assert result.label[200] == 0
    confusion = result.workers.details["confusion"][3]
    assert confusion[0, 1] > 0.9
    assert confusion[1, 0] > 0.9


def test_dawid_skene_starts_every_newcomer_as_an_average_worker():
    rng = np.random.default_rng(1)
    truth = rng.integers(2, size=100)
    answers = noisy(truth, 6, np.full(6, 0.8), rng)
    rows = np.column_stack([answers.item, answers.worker, answers.label])
    result = tags.load("dawid_skene")(answers_of([*rows.tolist(), (100, 6, 1)]))
    crowd = result.workers.details["confusion"][:6].mean(axis=0)
    np.testing.assert_allclose(result.workers.details["confusion"][6], crowd, atol=0.25)


def test_ebcc_is_deterministic():
    truth = np.random.default_rng(2).integers(3, size=60)
    answers = noisy(truth, 8, np.linspace(0.4, 0.9, 8), np.random.default_rng(3))
    first, second = (tags.load("ebcc")(answers) for _ in range(2))
    np.testing.assert_array_equal(first.posterior, second.posterior)


def grades(seed):
    """Raters of a five-step scale, each with a bias and a spread of their own."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(5, size=250)
    bias, spread = rng.normal(0, 0.6, size=10), rng.uniform(0.4, 1.2, size=10)
    rows = [
        (i, w, int(np.clip(np.rint(t + bias[w] + spread[w] * rng.normal()), 0, 4)))
        for i, t in enumerate(truth)
        for w in rng.choice(10, size=4, replace=False)
    ]
    return truth, answers_of(rows, n_items=250, n_workers=10, n_labels=5)


def test_knowing_that_labels_are_a_scale_helps():
    plain, scaled, voted = [], [], []
    for seed in range(5):
        truth, answers = grades(seed)
        voted.append(np.mean(majority(answers).label == truth))
        plain.append(np.mean(auto(answers).label == truth))
        scaled.append(np.mean(auto(replace(answers, ordered=True)).label == truth))
    assert np.mean(scaled) > np.mean(plain) + 0.01
    assert np.mean(scaled) > np.mean(voted) + 0.03


def test_saying_that_unsure_is_no_truth_helps():
    rng = np.random.default_rng(4)
    truth = rng.integers(2, size=300)
    answers = noisy(truth, 9, np.full(9, 0.7), rng, part=0.5)
    # Unsure mostly where the truth is yes: the answer is evidence, and never a truth.
    unsure = rng.random(len(answers.item)) < np.where(truth[answers.item] == 1, 0.6, 0.1)
    said = replace(answers, label=np.where(unsure, 2, answers.label), n_labels=3)
    known = replace(said, truth=np.array([True, True, False]))
    assert np.mean(auto(known).label == truth) > np.mean(auto(said).label == truth) + 0.05
    assert np.mean(auto(known).label == truth) > np.mean(majority(known).label == truth) + 0.03


def test_gold_teaches_who_is_right_against_a_wrong_majority():
    rng = np.random.default_rng(5)
    truth = rng.integers(2, size=120)
    rows = [
        (i, w, t if w < 2 else int(rng.random() < 0.9))
        for i, t in enumerate(truth)
        for w in range(5)
    ]
    answers = answers_of(rows)
    gold = np.where(np.arange(120) < 30, truth, -1)
    taught = auto(replace(answers, gold=gold))
    assert np.mean(taught.label[30:] == truth[30:]) > 0.95
    assert taught.workers.accuracy[:2].min() > taught.workers.accuracy[2:].max()


def test_features_that_tell_help_and_noise_does_not_hurt():
    rng = np.random.default_rng(6)
    truth = rng.integers(3, size=300)
    answers = noisy(truth, 20, rng.uniform(0.3, 0.8, size=20), rng, part=0.15)
    telling = rng.normal(size=(3, 8))[truth] + rng.normal(size=(300, 8))
    noise = rng.normal(size=(300, 8))
    share = [
        np.mean(auto(replace(answers, features=columns)).label == truth)
        for columns in (None, telling, noise)
    ]
    assert share[1] > share[0] + 0.05
    assert share[2] > share[0] - 0.02


def test_features_are_learned_in_two_rounds_for_the_second_helps_more_than_a_third(monkeypatch):
    """The classifier learns again from what its first vote mended."""

    def share_right(rounds):
        monkeypatch.setattr(default, "FEATURE_ROUNDS", rounds)
        found = [auto(answers).label == truth for answers, truth in crowds]
        return float(np.mean(found))

    assert default.FEATURE_ROUNDS == 2
    crowds = [featured(seed) for seed in range(6)]
    none, one, two, three = (share_right(rounds) for rounds in range(4))
    assert one > none + 0.03
    assert two > one + 0.01
    assert three - two < two - one


def featured(seed):
    """A weak crowd and features that tell, with the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(3, size=300)
    answers = noisy(truth, 20, rng.uniform(0.3, 0.7, size=20), rng, part=0.12)
    telling = 1.3 * rng.normal(size=(3, 8))[truth] + rng.normal(size=(300, 8))
    return replace(answers, features=telling), truth


def test_the_defaults_confidence_is_calibrated_where_items_mislead_everyone():
    rng = np.random.default_rng(8)
    truth = rng.integers(2, size=600)
    hard = rng.random(600) < 0.25
    rows = []
    for item in range(600):
        right = 0.45 if hard[item] else 0.9
        rows += [(item, w, truth[item] ^ (rng.random() > right)) for w in rng.choice(15, 6, False)]
    answers = answers_of(rows)
    gaps = []
    for method in (auto, tags.load("dawid_skene")):
        result = method(answers)
        gaps.append(abs(result.confidence.mean() - np.mean(result.label == truth)))
    assert gaps[0] < 0.05
    assert gaps[0] < gaps[1]
