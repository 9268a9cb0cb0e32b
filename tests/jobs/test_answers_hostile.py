"""Whatever a worker sends: an answer, or InvalidAnswer, and no other exception."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.answer_fields import LARGEST_CHARACTERS, read_fields
from jobs.answers import parse
from jobs.errors import InvalidAnswer
from tests.jobs.submissions import ATTRIBUTES, SCHEMA, TAGGED, WHOLE, box, crowd, drawn

DTD = "<!DOCTYPE QuestionFormAnswers [%s]>"
ROOT = "<QuestionFormAnswers>%s</QuestionFormAnswers>"
ANSWER = "<Answer><QuestionIdentifier>%s</QuestionIdentifier><FreeText>%s</FreeText></Answer>"


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "hello",
        "{}",
        "<Answers/>",
        "<QuestionFormAnswers>",
        ROOT % "<Answer/>",
        ROOT % (ANSWER % ("", "x")),
        ROOT % (ANSWER % ("a", "1") * 2),
        ROOT % (ANSWER % ("taskAnswers", "")),
        ROOT % (ANSWER % ("taskAnswers", "[]")),
        ROOT % (ANSWER % ("taskAnswers", "[{}, {}]")),
        ROOT % (ANSWER % ("taskAnswers", "null")),
        ROOT % (ANSWER % ("taskAnswers", '"x"')),
        ROOT % (ANSWER % ("taskAnswers", "[{]")),
        ROOT % (ANSWER % ("taskAnswers", '[{"a": 1, "a": 2}]')),
        ROOT % (ANSWER % ("taskAnswers", "[" * 100_000)),
        ROOT % (ANSWER % ("taskAnswers", '{"a":' * 100_000)),
        ROOT % (ANSWER % ("a", "1") + ANSWER % ("taskAnswers", '[{"a": 1}]')),
        ROOT % ("<a>" * 200_000),
        ROOT % ("<a>" * 50_000 + "</a>" * 50_000),
        "x" * (LARGEST_CHARACTERS + 1),
        DTD % "" + ROOT % "",
        DTD % '<!ENTITY a "b">' + ROOT % (ANSWER % ("&a;", "x")),
        DTD % '<!ENTITY a SYSTEM "file:///etc/passwd">' + ROOT % (ANSWER % ("x", "&a;")),
        DTD % ('<!ENTITY a "ha">' + '<!ENTITY b "&a;&a;">' * 9) + ROOT % "",
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">' + ROOT % "",
        ROOT % (ANSWER % ("&undefined;", "x")),
        ROOT % "\0",
        "\ud800",
        "\ufeff\ufeff" + ROOT % "",
        (ROOT % "").encode("utf-16").decode("latin-1"),
        '<?xml version="1.0" encoding="UTF-7"?>',
        '<?xml version="9.9"?>' + ROOT % "",
    ],
    ids=lambda raw: repr(raw[:40]),
)
def test_hostile_submissions_are_refused_and_nothing_more(raw):
    with pytest.raises(InvalidAnswer):
        parse(raw, "boxes", SCHEMA, (), [WHOLE])


@pytest.mark.parametrize("encoding", ["ASCII", "UTF-8", "UTF-16", "nonsense", "latin-1"])
def test_a_declared_encoding_does_not_matter_for_text_that_was_decoded_already(encoding):
    raw = crowd(drawn(box(label="café"))).replace("ASCII", encoding)
    try:
        values = parse(raw, "boxes", SCHEMA, (), [WHOLE])
    except InvalidAnswer:
        assert encoding == "nonsense"
    else:
        assert values[7]["boxes"][0]["label"] == "café"


def test_too_many_fields_are_refused():
    with pytest.raises(InvalidAnswer, match="at most"):
        read_fields(crowd({f"f{number}": 1 for number in range(10_001)}))


numbers = st.one_of(
    st.integers(-200, 200),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([-0.0, 1e-320, 1e308, 2**53 + 1, 10**30]),
)
leaves = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=8))
names = st.one_of(
    st.sampled_from(
        [
            "t0-boxes",
            "t0-nothing",
            "t0-light",
            "t0-weather",
            "t0-wet",
            "t0-sharpness",
            "t1-light",
            "boundingBoxes",
            "inputImageProperties",
            "label",
            "left",
            "top",
            "width",
            "height",
            "labels",
            "on",
            "day",
            "rain",
            "yes",
            "4",
            "score",
            "rotation",
            "nothing",
        ]
    ),
    st.text(max_size=6),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=6)),
    max_leaves=20,
)
some_boxes = st.lists(
    st.fixed_dictionaries(
        {
            "label": st.sampled_from(["car", "café", "bus"]),
            "left": numbers,
            "top": numbers,
            "width": numbers,
            "height": numbers,
        }
    ),
    max_size=3,
)


def parsed_or_refused(raw):
    """Both kinds of question, asked of ``raw``; any other exception fails the test."""
    for kind in ("boxes", "tags"):
        try:
            value = parse(raw, kind, SCHEMA, ATTRIBUTES, [WHOLE])
        except InvalidAnswer as error:
            str(error).encode()
            continue
        json.dumps(value, allow_nan=False).encode()
        for found in value[7].get("boxes", ()):
            assert 0 <= found["left"] < found["right"] <= 100
            assert 0 <= found["top"] < found["bottom"] <= 80


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(names, values, max_size=6))
def test_any_fields_give_an_answer_or_a_reason(fields):
    parsed_or_refused(crowd({**TAGGED, **fields}))


@settings(max_examples=250, deadline=None)
@given(some_boxes)
def test_any_boxes_end_within_the_image_or_are_refused(boxes):
    parsed_or_refused(crowd(drawn(*boxes)))


@settings(max_examples=400, deadline=None)
@given(
    start=st.integers(0, 2000),
    length=st.integers(0, 40),
    put=st.one_of(
        st.text(max_size=10), st.sampled_from(["<", "&", "]]>", "<!DOCTYPE a>", '"', "["])
    ),
)
def test_any_damage_to_a_submission_gives_an_answer_or_a_reason(start, length, put):
    raw = crowd({**TAGGED, **drawn(box())})
    place = start % len(raw)
    parsed_or_refused(raw[:place] + put + raw[place + length :])


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gives_an_answer_or_a_reason(raw):
    parsed_or_refused(raw)
