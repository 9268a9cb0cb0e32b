"""Requirements against what a worker holds, and tests against their keys: values, no server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.marketplace.bench import (
    answer_key,
)
from webapp.marketplace.questions.answer_key import read_answer_key, score
from webapp.marketplace.standing import LOCALE, N_APPROVED, Locale, is_met, unmet


def mapping(inner: str) -> str:
    return f"<QualificationValueMapping>{inner}</QualificationValueMapping>"


@pytest.mark.parametrize(
    ("how", "value"),
    [
        ("", 3),
        (
            mapping(
                "<ScaleMapping><SummedScoreMultiplier>2.5</SummedScoreMultiplier></ScaleMapping>"
            ),
            8,
        ),
        (
            mapping(
                "<RangeMapping><SummedScoreRange><InclusiveLowerBound>3</InclusiveLowerBound>"
                "<InclusiveUpperBound>5</InclusiveUpperBound><QualificationValue>77"
                "</QualificationValue></SummedScoreRange><OutOfRangeQualificationValue>1"
                "</OutOfRangeQualificationValue></RangeMapping>"
            ),
            77,
        ),
    ],
)
def test_summed_scores_become_values(how: str, value: int) -> None:
    key = read_answer_key(answer_key(("a", "x", 3), ("b", "y", 4), mapping=how))
    assert score(key, {"a": ("x",), "b": ("z",)}) == value


places = st.builds(Locale, st.sampled_from(["US", "IN", "DE"]), st.sampled_from(["", "CA", "NY"]))


@given(places, st.lists(places, min_size=1, max_size=4))
def test_a_place_is_in_a_list_or_not_in_it(place: Locale, listed: list[Locale]) -> None:
    values = [
        {"Country": one.country, **({"Subdivision": one.subdivision} if one.subdivision else {})}
        for one in listed
    ]
    row = {"QualificationTypeId": LOCALE, "LocaleValues": values}
    standing = {LOCALE: place}
    inside = is_met({**row, "Comparator": "In"}, standing)
    assert inside != is_met({**row, "Comparator": "NotIn"}, standing)
    assert inside == any(place.lies_in(one) for one in listed)


def test_not_equal_to_california_admits_new_york_and_india() -> None:
    row = {
        "QualificationTypeId": LOCALE,
        "Comparator": "NotEqualTo",
        "LocaleValues": [{"Country": "US", "Subdivision": "CA"}],
    }
    admitted = [
        place
        for place in (Locale("US", "CA"), Locale("US", "NY"), Locale("IN"), Locale("US"))
        if is_met(row, {LOCALE: place})
    ]
    assert admitted == [Locale("US", "NY"), Locale("IN"), Locale("US")]


@given(
    st.sampled_from(["LessThan", "GreaterThan", "EqualTo", "NotEqualTo", "In", "NotIn", "Exists"])
)
def test_what_is_missing_fails_every_comparator_but_one(comparator: str) -> None:
    row = {"QualificationTypeId": N_APPROVED, "Comparator": comparator, "IntegerValues": [1]}
    assert not is_met(row, {})
    assert is_met({**row, "Comparator": "DoesNotExist"}, {})
    assert unmet([row], "accept", {}) == [N_APPROVED]
