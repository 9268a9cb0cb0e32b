import pytest

from jobs.combining.box_consensus import combine_boxes
from jobs.combining.votes import Vote
from quality.consensus import boxes as methods

SIZES = {1: (400, 300), 2: (400, 300)}


def box(left: float, top: float, right: float, bottom: float, label: str = "cat") -> dict:
    return {"label": label, "left": left, "top": top, "right": right, "bottom": bottom}


def vote(answer_id: int, item_id: int, worker_id: int, *boxes: dict, unit: int = 0) -> Vote:
    value = {"boxes": list(boxes)}
    return Vote(answer_id, unit or item_id, item_id, worker_id, "mturk", value, 9.0)


@pytest.mark.parametrize("method", methods.names())
def test_three_near_boxes_become_one_between_them(method):
    votes = [vote(n, 1, n, box(10 + n, 20 + n, 110 + n, 120 + n)) for n in (1, 2, 3)]
    (combined,), scores = combine_boxes(votes, ["cat"], SIZES, method, {}, {})
    (found,) = combined.value["boxes"]
    assert found["label"] == "cat"
    assert 10 <= found["left"] <= 14
    assert combined.provenance["boxes"][0]["votes"] == 3
    assert combined.provenance["boxes"][0]["answers"] == [1, 2, 3]
    assert combined.agreement == 1.0
    assert len(scores) == 3


@pytest.mark.parametrize("method", methods.names())
def test_agreeing_that_nothing_is_there_is_agreement(method):
    votes = [vote(n, 1, n) for n in (1, 2, 3)]
    (combined,), _ = combine_boxes(votes, ["cat"], SIZES, method, {}, {})
    assert combined.value == {"boxes": []}
    assert combined.agreement == 1.0
    assert combined.confidence > 0.5


def test_boxes_cut_by_tiles_are_joined_into_one():
    tiles = {11: (0.0, 0.0, 220.0, 300.0), 12: (180.0, 0.0, 400.0, 300.0)}
    votes = []
    for worker in (1, 2, 3):
        votes.append(vote(worker, 1, worker, box(100, 50, 220, 150), unit=11))
        votes.append(vote(10 + worker, 1, worker, box(180, 50, 300, 150), unit=12))
    (combined,), _ = combine_boxes(votes, ["cat"], SIZES, "iou_clusters", {}, tiles)
    (found,) = combined.value["boxes"]
    assert (found["left"], found["right"]) == (100, 300)
    assert combined.provenance["boxes"][0]["answers"] == [1, 2, 3, 11, 12, 13]


def test_gold_counts_a_perfect_worker_right_and_a_blind_one_wrong():
    votes = [vote(1, 1, 1, box(10, 10, 90, 90)), vote(2, 1, 2)]
    gold = {1: {"boxes": [box(10, 10, 90, 90)]}}
    _, scores = combine_boxes(votes, ["cat"], SIZES, "iou_clusters", gold, {})
    assert scores[1].gold_right == scores[1].gold_all == 1
    assert scores[2].gold_right == 0
    assert scores[2].gold_all == 0.5


def test_an_empty_item_rightly_called_empty_is_a_right_answer():
    _, scores = combine_boxes(
        [vote(1, 1, 1)], ["cat"], SIZES, "iou_clusters", {1: {"boxes": []}}, {}
    )
    assert (scores[1].gold_right, scores[1].gold_all) == (1, 1)


def test_no_votes_combine_to_nothing():
    assert combine_boxes([], ["cat"], SIZES, "iou_clusters", {}, {}) == ([], {})
