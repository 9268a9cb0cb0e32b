import json
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.answer_fields import LARGEST_CHARACTERS, read_fields
from jobs.answers import MOST_BOXES, box_value, check_box, parse
from jobs.errors import InvalidAnswer
from jobs.label_schemas import parse_schema
from jobs.records import Box, ImageRef, TaskSpec

NAMESPACE = (
    "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/"
    "QuestionFormAnswers.xsd"
)
SCHEMA = parse_schema(
    """
name: street
classes: [car, café]
attributes:
  - {name: light, kind: one, options: [day, night], unsure: cannot tell}
  - {name: weather, kind: many, options: [rain, snow, fog], unsure: cannot tell}
  - {name: wet, kind: yes_no}
  - {name: sharpness, kind: scale, low: 1, high: 5, unsure: cannot tell}
""",
    "schema",
)
ATTRIBUTES = ("light", "weather", "wet", "sharpness")
WHOLE = TaskSpec(7, 0, ImageRef(1, "k", "http://x/y", 100, 80))
TILE = TaskSpec(8, 1, ImageRef(2, "k", "http://x/y", 100, 80, offset_x=500, offset_y=300))
TAGGED = {
    "t0-light": {"day": True, "night": False, "cannot tell": False},
    "t0-weather": {"rain": False, "snow": True, "fog": True},
    "t0-wet": {"yes": False, "no": True},
    "t0-sharpness": 4,
}


def xml(fields):
    answers = "".join(
        f"<Answer><QuestionIdentifier>{escape(name)}</QuestionIdentifier>"
        f"<FreeText>{escape(text)}</FreeText></Answer>"
        for name, text in fields.items()
    )
    return (
        '<?xml version="1.0" encoding="ASCII"?>'
        f'<QuestionFormAnswers xmlns="{NAMESPACE}">{answers}</QuestionFormAnswers>'
    )


def crowd(fields):
    return xml({"taskAnswers": json.dumps([fields])})


def box(left=10, top=20, width=30, height=40, label="car", **more):
    return {"label": label, "left": left, "top": top, "width": width, "height": height, **more}


def drawn(*boxes, width=100, height=80, position=0):
    size = {"width": width, "height": height}
    return {f"t{position}-boxes": {"boundingBoxes": list(boxes), "inputImageProperties": size}}


def boxes_of(fields, *, tasks=(WHOLE,)):
    return parse(crowd(fields), "boxes", SCHEMA, (), tasks)


def tags_of(fields):
    return parse(crowd(fields), "tags", SCHEMA, ATTRIBUTES, [WHOLE])[7]["tags"]


def tag_of(name, value):
    return tags_of({**TAGGED, f"t0-{name}": value})[name]


def test_boxes_become_corners_in_pixels_of_the_item():
    both = {**drawn(box()), **drawn(box(), position=1)}
    values = boxes_of(both, tasks=[WHOLE, TILE])
    assert values[7] == {
        "boxes": [{"label": "car", "left": 10.0, "top": 20.0, "right": 40.0, "bottom": 60.0}]
    }
    assert values[8] == {
        "boxes": [{"label": "car", "left": 510.0, "top": 320.0, "right": 540.0, "bottom": 360.0}]
    }


def test_no_box_and_nothing_there_are_both_an_empty_answer():
    assert boxes_of(drawn()) == {7: {"boxes": []}}
    assert boxes_of({"t0-nothing": {"nothing": True}}) == {7: {"boxes": []}}
    assert boxes_of({**drawn(), "t0-nothing": {"nothing": True}}) == {7: {"boxes": []}}


@pytest.mark.parametrize(
    ("sides", "kept"),
    [
        ((-5, 10, 60, 20), (0, 10, 55, 30)),
        ((90, 70, 15, 12), (90, 70, 100, 80)),
        ((0, 0, 100, 80), (0, 0, 100, 80)),
        ((-0.5, -0.5, 101, 81), (0, 0, 100, 80)),
        ((1.005, 2.5, 3.25, 4.125), (1.0, 2.5, 4.25, 6.62)),
    ],
)
def test_boxes_are_clipped_to_the_image(sides, kept):
    (found,) = boxes_of(drawn(box(*sides)))[7]["boxes"]
    assert tuple(found[side] for side in ("left", "top", "right", "bottom")) == pytest.approx(
        kept, abs=0.011
    )


@pytest.mark.parametrize(
    "wrong",
    [
        box(width=0),
        box(height=-3),
        box(width=0.001),
        box(left=100),
        box(left=-29),
        box(left=80, width=41),
        box(left=1e308),
        box(left=2**60),
        box(left=10**400),
        box(left="5"),
        box(left=True),
        box(left=None),
        box(left=[1]),
        box(label="bus"),
        box(label=""),
        box(label="CAR"),
        box(label=None),
        box(label="__proto__"),
        box(label="\ud800"),
        box(rotation=30),
        box(angle=0.1),
        box(points=[[1, 2]]),
        box(score=1.5),
        box(score="high"),
        {"label": "car"},
        {},
        [],
        None,
        "box",
        7,
    ],
)
def test_what_is_no_box_is_refused(wrong):
    with pytest.raises(InvalidAnswer, match=r"t0-boxes\[1\]"):
        boxes_of(drawn(box(), wrong))


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_a_side_that_is_no_finite_number_is_refused(text):
    raw = json.dumps([drawn(box(left=-12345))]).replace("-12345", text)
    with pytest.raises(InvalidAnswer):
        parse(xml({"taskAnswers": raw}), "boxes", SCHEMA, (), [WHOLE])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"t0-boxes": None},
        {"t0-boxes": []},
        {"t0-boxes": {"boundingBoxes": None}},
        {"t0-boxes": {"boundingBoxes": {}}},
        {"t0-boxes": {"inputImageProperties": {"width": 100, "height": 80}}},
        {"t0-nothing": {"nothing": False}},
        drawn(width=80, height=100),
        drawn(width=200, height=160),
        drawn(width="100"),
        {"t0-boxes": {"boundingBoxes": [], "inputImageProperties": [100, 80]}},
        drawn(*[box()] * (MOST_BOXES + 1)),
        {**drawn(box()), "t0-nothing": {"nothing": True}},
        {**drawn(), **drawn(position=1)},
        {**drawn(), "t99-light": "day"},
    ],
)
def test_what_is_no_answer_of_boxes_is_refused(fields):
    with pytest.raises(InvalidAnswer):
        boxes_of(fields)


def test_a_size_is_not_asked_of_templates_that_send_none():
    assert boxes_of({"t0-boxes": {"boundingBoxes": [box()]}})[7]["boxes"]


def test_a_score_is_kept_and_a_zero_rotation_ignored():
    (found,) = boxes_of(drawn(box(score=0.25, rotation=0)))[7]["boxes"]
    assert found["score"] == 0.25


def test_a_class_in_another_spelling_of_its_letters_is_the_same():
    (found,) = boxes_of(drawn(box(label="cafe\u0301")))[7]["boxes"]
    assert found["label"] == "caf\u00e9"


def test_checked_boxes_can_be_checked_again():
    kept = check_box(box(-3, 5.5, 20, 10.25), SCHEMA.classes, 100, 80, "box")
    again = box(kept.left, kept.top, kept.right - kept.left, kept.bottom - kept.top)
    assert check_box(again, SCHEMA.classes, 100, 80, "box") == kept == Box("car", 0, 5.5, 17, 15.75)
    assert box_value([kept])["boxes"][0]["right"] == 17


def test_tags_are_options_of_the_schema():
    assert tags_of(TAGGED) == {
        "light": "day",
        "weather": ["snow", "fog"],
        "wet": "no",
        "sharpness": "4",
    }


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("light", {"night": True}, "night"),
        ("light", {"cannot tell": True}, "cannot tell"),
        ("light", "night", "night"),
        ("light", " night ", "night"),
        ("light", {"label": "night"}, "night"),
        ("weather", {"fog": True, "rain": True, "snow": False}, ["rain", "fog"]),
        ("weather", {"fog": False, "rain": False, "snow": False}, []),
        ("weather", {}, []),
        ("weather", {"labels": ["fog", "rain"]}, ["rain", "fog"]),
        ("weather", ["fog"], ["fog"]),
        ("weather", "fog|rain", ["rain", "fog"]),
        ("weather", {"cannot tell": True}, ["cannot tell"]),
        ("wet", {"yes": True}, "yes"),
        ("wet", {"on": True}, "yes"),
        ("wet", {"on": False}, "no"),
        ("wet", True, "yes"),
        ("wet", "no", "no"),
        ("sharpness", 5, "5"),
        ("sharpness", 5.0, "5"),
        ("sharpness", "3", "3"),
        ("sharpness", "3.0", "3"),
        ("sharpness", {"2": True}, "2"),
        ("sharpness", "cannot tell", "cannot tell"),
    ],
)
def test_every_shape_that_pages_send_is_read(name, value, expected):
    assert tag_of(name, value) == expected


def test_the_box_beside_a_slider_outweighs_it():
    assert tags_of({**TAGGED, "t0-sharpness-unsure": {"cannot tell": True}})["sharpness"] == (
        "cannot tell"
    )
    assert tags_of({**TAGGED, "t0-sharpness-unsure": {"cannot tell": False}})["sharpness"] == "4"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("light", {"day": True, "night": True}),
        ("light", {"day": False, "night": False}),
        ("light", {}),
        ("light", {"dusk": True}),
        ("light", {"dusk": False, "day": True}),
        ("light", {"day": "true"}),
        ("light", {"day": 1}),
        ("light", ["day", "night"]),
        ("light", "day|night"),
        ("light", ""),
        ("light", "Day"),
        ("light", None),
        ("light", True),
        ("light", 4),
        ("light", {"label": "dusk"}),
        ("weather", {"rain": True, "cannot tell": True}),
        ("weather", ["rain", 3]),
        ("weather", [["rain"]]),
        ("weather", "rain|hail"),
        ("wet", {"yes": True, "no": True}),
        ("wet", "maybe"),
        ("sharpness", 0),
        ("sharpness", 6),
        ("sharpness", 3.5),
        ("sharpness", "3.5"),
        ("sharpness", "٣"),
        ("sharpness", 1e300),
        ("sharpness", True),
        ("sharpness", "1e0"),
    ],
)
def test_what_is_no_choice_is_refused(name, value):
    with pytest.raises(InvalidAnswer, match=f"t0-{name}"):
        tag_of(name, value)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_without_an_answer_is_refused(name):
    with pytest.raises(InvalidAnswer, match=f"t0-{name}"):
        tags_of({field: value for field, value in TAGGED.items() if field != f"t0-{name}"})


def test_a_plain_form_sends_one_answer_a_field():
    raw = xml(
        {
            "t0-light": "day",
            "t0-weather": "rain|fog",
            "t0-wet": "yes",
            "t0-sharpness": "2",
            "x": "y",
        }
    )
    assert parse(raw, "tags", SCHEMA, ATTRIBUTES, [WHOLE])[7]["tags"] == {
        "light": "day",
        "weather": ["rain", "fog"],
        "wet": "yes",
        "sharpness": "2",
    }


def test_a_plain_form_sends_nothing_for_empty_checkboxes():
    raw = xml({"t0-weather-shown": "1"})
    assert parse(raw, "tags", SCHEMA, ("weather",), [WHOLE])[7]["tags"] == {"weather": []}


def test_selections_are_read_too():
    raw = (
        f'<QuestionFormAnswers xmlns="{NAMESPACE}"><Answer><QuestionIdentifier>t0-light'
        "</QuestionIdentifier><SelectionIdentifier>night</SelectionIdentifier></Answer>"
        "</QuestionFormAnswers>"
    )
    assert parse(raw, "tags", SCHEMA, ("light",), [WHOLE])[7]["tags"] == {"light": "night"}


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


def test_messages_hold_no_control_characters():
    with pytest.raises(InvalidAnswer) as caught:
        boxes_of(drawn(box(label="a\n\x1b[31m\u202e" + "b" * 10_000)))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


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


@settings(max_examples=400, deadline=None)
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
