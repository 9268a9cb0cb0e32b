"""Who may decide a question next, and what becomes of it: pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.adjudication import rounds, values
from jobs.adjudication.rounds import Decider, Step
from jobs.errors import InvalidInput
from jobs.specs.job_specs import AdjudicationPolicy

RED, BLUE = {"tags": {"colour": "red"}}, {"tags": {"colour": "blue"}}
ANA, BEN, EVE = "ana", "ben", "eve"
ASKED, ALWAYS = AdjudicationPolicy(), AdjudicationPolicy(second_look="always")


def same(one, other):
    return values.agree("tags", one, other)


def play(*acts, needs_two=False):
    """The steps that people make one after the other: (act, actor[, value])."""
    steps: list[Step] = []
    for act, actor, *rest in acts:
        value = rest[0] if rest else {}
        kept = rounds.standing(steps)
        before = kept[-1].after if kept else "conflict"
        turn = rounds.open_round(steps)
        if act == "undo":
            after = kept[-1].before
        elif act == "ask":
            after = rounds.asked_state(turn)
        else:
            after = rounds.turn_of(turn, act, value, needs_two=needs_two, agree=same).state
        steps.append(Step(len(steps) + 1, act, actor, value, before, after))
    return steps


@pytest.mark.parametrize(
    ("acts", "needs_two", "state"),
    [
        ([("label", ANA, RED)], False, "adjudicated"),
        ([("no_label", ANA)], False, "set_aside"),
        ([("label", ANA, RED)], True, "second_look"),
        ([("label", ANA, RED), ("label", BEN, RED)], True, "adjudicated"),
        ([("label", ANA, RED), ("label", BEN, BLUE)], True, "disputed"),
        ([("label", ANA, RED), ("no_label", BEN)], True, "disputed"),
        ([("no_label", ANA), ("no_label", BEN)], True, "set_aside"),
        ([("label", ANA, RED), ("label", BEN, BLUE), ("label", EVE, BLUE)], True, "adjudicated"),
        ([("label", ANA, RED), ("label", BEN, BLUE), ("no_label", EVE)], True, "set_aside"),
        ([("ask", ANA)], False, "second_look"),
        ([("ask", ANA), ("label", BEN, RED)], False, "adjudicated"),
        ([("ask", ANA), ("label", BEN, RED)], True, "second_look"),
        ([("ask", ANA), ("label", BEN, RED), ("label", ANA, RED)], True, "adjudicated"),
        ([("label", ANA, RED), ("ask", BEN), ("label", EVE, BLUE)], True, "disputed"),
        ([("label", ANA, RED), ("label", BEN, BLUE), ("ask", EVE)], True, "disputed"),
        ([("label", ANA, RED), ("label", BEN, RED), ("ask", ANA)], True, "second_look"),
        ([("label", ANA, RED), ("undo", ANA)], False, "conflict"),
        ([("label", ANA, RED), ("label", BEN, BLUE), ("undo", BEN)], True, "second_look"),
        ([("label", ANA, RED), ("label", ANA, BLUE), ("undo", ANA)], False, "adjudicated"),
    ],
)
def test_what_people_do_brings_a_question_into_its_state(acts, needs_two, state) -> None:
    assert play(*acts, needs_two=needs_two)[-1].after == state


@pytest.mark.parametrize(
    ("acts", "barred"),
    [
        ([("label", ANA, RED)], (ANA,)),
        ([("ask", ANA)], (ANA,)),
        ([("ask", ANA), ("label", BEN, RED)], (BEN,)),
        ([("label", ANA, RED), ("label", BEN, BLUE)], (ANA, BEN)),
        ([("label", ANA, RED), ("label", BEN, BLUE), ("undo", BEN)], (ANA,)),
        ([("label", ANA, RED), ("label", BEN, RED)], ()),
        ([("label", ANA, RED), ("label", BEN, BLUE), ("ask", EVE)], (ANA, BEN, EVE)),
    ],
)
def test_nobody_decides_a_question_twice_in_a_round(acts, barred) -> None:
    turn = rounds.open_round(play(*acts, needs_two=True))
    assert rounds.barred(turn) == barred
    for person in (ANA, BEN, EVE):
        assert bool(rounds.refusal(turn, Decider(person), ALWAYS)) is (person in barred)


def test_where_a_job_says_so_a_manager_decides_what_two_people_dispute() -> None:
    policy = AdjudicationPolicy(second_look="always", disputes="manager")
    turn = rounds.open_round(play(("label", ANA, RED), ("label", BEN, BLUE), needs_two=True))
    assert "a manager" in rounds.refusal(turn, Decider(EVE), policy)
    assert rounds.refusal(turn, Decider(EVE, is_manager=True), policy) == ""
    assert "another person" in rounds.refusal(turn, Decider(BEN, is_manager=True), policy)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["label", "no_label", "ask", "undo"]),
        st.sampled_from([ANA, BEN, EVE]),
        st.sampled_from([RED, BLUE]),
    ),
    max_size=12,
)


@given(ACTS, st.booleans())
def test_a_label_that_two_must_agree_on_never_counts_by_one_alone(acts, needs_two) -> None:
    steps: list[Step] = []
    for act, actor, value in acts:
        turn = rounds.open_round(steps)
        if act == "undo" and not rounds.standing(steps):
            continue
        if act != "undo" and rounds.refusal(turn, Decider(actor), ALWAYS):
            continue
        number = len(steps) + 1
        before = rounds.standing(steps)[-1].after if rounds.standing(steps) else "conflict"
        if act == "undo":
            after = rounds.standing(steps)[-1].before
        elif act == "ask":
            after = rounds.asked_state(turn)
        else:
            after = rounds.turn_of(turn, act, value, needs_two=needs_two, agree=same).state
            if needs_two and after in ("adjudicated", "set_aside"):
                people = {step.actor for step in rounds.opinions(turn)} | {actor}
                assert len(people) >= 2
        steps.append(Step(number, act, actor, value, before, after))
        assert (rounds.open_round(steps) != ()) is (after in ("second_look", "disputed"))


def test_a_sampled_share_is_about_that_share_and_always_the_same() -> None:
    policy = AdjudicationPolicy(second_look="sampled", share=0.2)
    drawn = [rounds.needs_two(policy, 7, item, "boxes") for item in range(5000)]
    assert drawn == [rounds.needs_two(policy, 7, item, "boxes") for item in range(5000)]
    assert 0.17 < sum(drawn) / len(drawn) < 0.23
    assert not any(rounds.needs_two(ASKED, 7, item, "boxes") for item in range(50))
    assert all(rounds.needs_two(ALWAYS, 7, item, "boxes") for item in range(50))


def box(left, label="cat"):
    return {"label": label, "left": left, "top": 0.0, "right": left + 100.0, "bottom": 100.0}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([], [], True),
        ([box(0)], [], False),
        ([box(0)], [box(10)], True),
        ([box(0)], [box(30)], False),
        ([box(0)], [box(0, "dog")], False),
        ([box(0), box(300)], [box(305), box(2)], True),
        ([box(0), box(0)], [box(0)], False),
    ],
)
def test_two_people_agree_when_each_box_has_a_close_partner(one, other, expected) -> None:
    assert values.agree("boxes", {"boxes": one}, {"boxes": other}) is expected
    assert values.agree("boxes", {"boxes": other}, {"boxes": one}) is expected


def test_tags_agree_whatever_the_order_of_many_choices() -> None:
    one = {"tags": {"on": ["cup", "spoon"], "colour": "red"}}
    assert values.agree("tags", one, {"tags": {"colour": "red", "on": ["spoon", "cup"]}})
    assert not values.agree("tags", one, {"tags": {"colour": "red"}})


@pytest.mark.parametrize(
    "sources",
    [
        "x", {}, [], [{}], [{"how": "drawn"}], [{"how": "stolen", "answers": []}],
        [{"how": "taken", "answers": [9]}], [{"how": "taken", "answers": [True]}],
        [{"how": "taken", "answers": "1"}], [{"how": "taken", "answers": [1] * 101}],
        [{"how": "taken", "answers": [1], "more": 1}], [None], [{"how": ["drawn"], "answers": []}],
    ],
)  # fmt: skip
def test_a_source_that_is_none_is_refused(sources) -> None:
    with pytest.raises(InvalidInput, match="sources"):
        values.checked_sources(sources, 1, {1: 11})


def test_sources_name_the_answers_and_their_workers() -> None:
    given_sources = [{"how": "merged", "answers": [2, 1, 2]}, {"how": "drawn", "answers": []}]
    assert values.checked_sources(given_sources, 2, {1: 11, 2: 12}) == {
        "boxes": [{"how": "merged", "answers": [1, 2]}, {"how": "drawn", "answers": []}],
        "voters": [{"answer": 1, "worker": 11}, {"answer": 2, "worker": 12}],
    }
