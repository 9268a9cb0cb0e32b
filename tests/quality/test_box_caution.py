import numpy as np
import pytest

from quality import simulate
from quality.boxes import iou_matrix
from quality.consensus.boxes import _caution, _crowding
from quality.consensus.boxes._blocks import split
from quality.consensus.boxes._clusters import by_iou, clusters
from quality.consensus.boxes._fit import Fitted, first_habits, first_states, fit
from quality.consensus.boxes._tidy import tidy
from tests.quality.box_answers import box_answers, simulated

CROWD = [simulate.profile(name) for name in ("careful", "average", "average", "sloppy", "sloppy")]


def temperature(answers):
    """What a fit to ``answers`` is to be cooled by."""
    columns = tidy(answers)
    cluster = clusters(columns, by_iou(columns, 0.9), 0.25)
    states = first_states(
        split(columns, cluster, np.ones(len(columns.response_item))), answers.n_labels
    )
    n_responses = np.bincount(answers.response_worker, minlength=answers.n_workers)
    fitted = fit(states, first_habits(columns), n_responses, 10, lambda _: None)
    return _caution.temperature(fitted)


def test_workers_who_foretell_each_other_are_believed_and_copied_whims_are_not():
    honest, _ = simulated(CROWD, n_items=80, seed=1)
    sound = temperature(honest)
    assert 0.7 <= sound < 1.3
    assert temperature(_with_copied_whims(honest)) > sound + 0.1


def _with_copied_whims(answers):
    """Two or three of the five also draw one and the same thing that is not there, every time."""
    rng, rows = np.random.default_rng(2), []
    for item in range(answers.n_items):
        corner = rng.uniform(10, 300, 2)
        for worker in rng.permutation(5)[: 2 + item % 2]:
            box = np.concatenate([corner, corner + 40]) + rng.normal(0, 1, 4)
            rows.append((item, int(worker), 0, tuple(box)))
    rows += [
        (int(item), int(worker), int(label), tuple(box))
        for item, worker, label, box in zip(
            answers.item, answers.worker, answers.label, answers.xyxy, strict=True
        )
    ]
    responses = zip(answers.response_item.tolist(), answers.response_worker.tolist(), strict=True)
    return box_answers(responses, rows, n_items=answers.n_items, n_workers=5, n_labels=3)


def test_without_answers_caution_is_what_crowds_usually_need():
    nothing = Fitted(first_habits(tidy(box_answers([]))), [], 0, 0.0)
    assert _caution.temperature(nothing) == pytest.approx(1.15, abs=0.02)


def test_overlapping_objects_are_found_whatever_their_order():
    rng = np.random.default_rng(3)
    item = np.sort(rng.integers(0, 5, 60))
    corner = rng.uniform(0, 200, (60, 2))
    xyxy = np.concatenate([corner, corner + rng.uniform(20, 90, (60, 2))], axis=1)
    a, b, iou = _crowding.neighbours(item, xyxy)
    found = {tuple(sorted(pair)) for pair in zip(a.tolist(), b.tolist(), strict=True)}
    overlap = np.where(item[:, None] == item[None, :], iou_matrix(xyxy, xyxy), 0.0)
    wanted = np.argwhere(np.triu(overlap, 1) >= 0.02).tolist()
    assert sorted(found) == [tuple(pair) for pair in wanted]
    assert iou == pytest.approx(overlap[a, b])


def test_overlap_speaks_against_an_object_where_mostly_false_ones_overlap():
    # Two hundred sure objects; half of the doubtful ones lie on one of them.
    n = 200
    odds = np.concatenate([np.full(n, 6.0), np.full(n, -0.5)])
    pairs = (np.arange(n // 2), n + np.arange(n // 2), np.full(n // 2, 0.5))
    lying_on_one = _crowding.evidence(pairs, odds)[n:]
    assert lying_on_one[: n // 2].max() < 0 < lying_on_one[n // 2 :].min() + 1e-9
    assert np.abs(_crowding.evidence((pairs[0][:0], pairs[1][:0], pairs[2][:0]), odds)).max() == 0


def test_doubtful_objects_do_not_teach_that_real_ones_overlap():
    # A hundred of four hundred sure objects carry one that two of five workers share.
    n = 400
    odds = np.concatenate([np.full(n, 6.0), np.full(100, 1.5), np.full(100, -3.0)])
    pairs = (np.arange(100), n + np.arange(100), np.full(100, 0.45))
    assert _crowding.evidence(pairs, odds)[n : n + 100].max() < -0.3
