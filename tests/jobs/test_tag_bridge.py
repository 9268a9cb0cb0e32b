import pytest

from jobs.combining.tag_consensus import combine_tags
from jobs.combining.votes import Vote, fingerprint
from jobs.records import Attribute

COLOUR = Attribute("colour", "one", "Colour", ("red", "green", "blue"), unsure="cannot tell")
PARTS = Attribute("parts", "many", "Parts", ("wheel", "door"))
SHARP = Attribute("sharp", "scale", "Sharpness", ("1", "2", "3"), low=1, high=3)


def vote(answer_id: int, item_id: int, worker_id: int, **tags) -> Vote:
    return Vote(answer_id, item_id, item_id, worker_id, "mturk", {"tags": tags}, 5.0)


def test_three_equal_answers_make_the_label():
    votes = [vote(n, 1, n, colour="red") for n in (1, 2, 3)]
    (combined,), scores = combine_tags(votes, [COLOUR], "majority", {})
    assert combined.value == {"tags": {"colour": "red"}}
    assert combined.agreement == 1.0
    assert combined.n_answers == 3
    assert {score.n_answers for score in scores.values()} == {1}


def test_cannot_tell_is_an_answer_but_never_the_label():
    votes = [
        vote(1, 1, 1, colour="cannot tell"),
        vote(2, 1, 2, colour="cannot tell"),
        vote(3, 1, 3, colour="blue"),
    ]
    (combined,), _ = combine_tags(votes, [COLOUR], "majority", {})
    assert combined.value["tags"]["colour"] == "blue"


def test_each_of_many_choices_is_a_decision_of_its_own():
    votes = [
        vote(1, 1, 1, parts=["wheel", "door"]),
        vote(2, 1, 2, parts=["wheel"]),
        vote(3, 1, 3, parts=["wheel"]),
        vote(4, 2, 1, parts=["wheel", "door"]),
    ]
    first, second = combine_tags(votes, [PARTS], "majority", {})[0]
    assert first.value["tags"]["parts"] == ["wheel"]
    assert first.provenance["attributes"]["parts"]["votes"] == {"door": 1, "wheel": 3}
    assert second.value["tags"]["parts"] == ["wheel", "door"]  # in the schema's order


def test_an_item_lacking_an_attribute_is_not_complete():
    votes = [vote(n, 1, n, colour="red") for n in (1, 2)]
    (combined,), _ = combine_tags(votes, [COLOUR, SHARP], "majority", {})
    assert not combined.complete


def test_the_second_answer_of_a_worker_to_one_item_does_not_count():
    votes = [
        vote(1, 1, 1, colour="red"),
        vote(2, 1, 2, colour="blue"),
        vote(3, 1, 2, colour="blue"),
        vote(4, 1, 3, colour="red"),
    ]
    (combined,), _ = combine_tags(votes, [COLOUR], "majority", {})
    assert combined.n_answers == 3
    assert combined.value["tags"]["colour"] == "red"


def test_a_worker_asked_about_other_attributes_by_another_route_counts_for_both():
    votes = [vote(1, 1, 1, colour="red"), vote(2, 1, 1, sharp="2"), vote(3, 1, 1, colour="blue")]
    (combined,), scores = combine_tags(votes, [COLOUR, SHARP], "majority", {})
    assert combined.value["tags"] == {"colour": "red", "sharp": "2"}
    assert combined.complete
    assert combined.n_answers == 2  # the second look at the colour does not count
    assert [voter["answer"] for voter in combined.provenance["voters"]] == [1, 2]
    assert scores[1].n_answers == 2


def test_gold_scores_workers_but_does_not_decide_the_label():
    votes = [vote(n, 1, n, colour="red") for n in (1, 2, 3)]
    gold = {1: {"tags": {"colour": "blue"}}}
    (combined,), scores = combine_tags(votes, [COLOUR], "auto", gold)
    assert combined.value["tags"]["colour"] == "red"
    assert [score.gold_right for score in scores.values()] == [0, 0, 0]
    assert [score.gold_all for score in scores.values()] == [1, 1, 1]


@pytest.mark.parametrize("method", ["majority", "auto"])
def test_the_order_of_answers_does_not_matter(method):
    votes = [
        vote(item * 10 + worker, item, worker, colour=("red", "green")[(item + worker) % 3 == 0])
        for item in range(1, 9)
        for worker in range(1, 6)
    ]
    forward, _ = combine_tags(votes, [COLOUR], method, {})
    backward, _ = combine_tags(votes[::-1], [COLOUR], method, {})
    assert forward == backward
    assert fingerprint(votes) == fingerprint(votes[::-1])


def test_no_votes_combine_to_nothing():
    assert combine_tags([], [COLOUR], "auto", {}) == ([], {})
