import numpy as np

from quality.box_workers import against_others
from quality.consensus.boxes import load
from quality.consensus.shapes import BoxAnswers

SQUARE = [10.0, 10.0, 50.0, 50.0]
ELSEWHERE = [200.0, 200.0, 260.0, 260.0]


def answers(drawn: list[list[list[float]]]) -> BoxAnswers:
    """One item; ``drawn[w]`` are worker w's boxes."""
    rows = [(worker, box) for worker, boxes in enumerate(drawn) for box in boxes]
    n = len(rows)
    return BoxAnswers(
        response_item=np.zeros(len(drawn), dtype=np.int64),
        response_worker=np.arange(len(drawn), dtype=np.int64),
        item=np.zeros(n, dtype=np.int64),
        worker=np.array([worker for worker, _ in rows], dtype=np.int64),
        label=np.zeros(n, dtype=np.int64),
        xyxy=np.array([box for _, box in rows], dtype=float).reshape(-1, 4),
        size=np.array([[300.0, 300.0]]),
        n_items=1,
        n_workers=len(drawn),
        n_labels=1,
    )


def counts(drawn: list[list[list[float]]]):
    given = answers(drawn)
    return against_others(given, load("iou_clusters")(given))


def test_three_workers_who_agree_are_all_right():
    found = counts([[SQUARE], [SQUARE], [SQUARE]])
    assert found.n_right.tolist() == [1, 1, 1]
    assert found.n_false.tolist() == found.n_missed.tolist() == [0, 0, 0]


def test_a_box_that_only_its_worker_drew_is_false_and_never_backed_by_itself():
    found = counts([[SQUARE], [SQUARE], [SQUARE, ELSEWHERE]])
    assert found.n_false.tolist() == [0, 0, 1]
    assert found.n_right.tolist() == [1, 1, 1]


def test_an_object_the_others_drew_is_missed_by_the_one_who_left_it_out():
    found = counts([[SQUARE], [SQUARE], []])
    assert found.n_missed.tolist() == [0, 0, 1]
    assert found.n_right.tolist() == [1, 1, 0]


def test_a_worker_alone_on_an_item_is_not_judged():
    found = counts([[SQUARE]])
    assert found.n_judged.tolist() == [0]


def test_two_workers_who_disagree_are_each_false_and_each_missed_one():
    found = counts([[SQUARE], [ELSEWHERE]])
    assert found.n_right.tolist() == [0, 0]
    assert found.n_false.tolist() == found.n_missed.tolist() == [1, 1]
