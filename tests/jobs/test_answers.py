import json

import pytest

from jobs.answers import MOST_BOXES, box_value, check_box, parse
from jobs.errors import InvalidAnswer
from jobs.records import Box
from tests.jobs.submissions import (
    ATTRIBUTES,
    NAMESPACE,
    SCHEMA,
    TAGGED,
    TILE,
    WHOLE,
    box,
    crowd,
    drawn,
    xml,
)


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


def test_messages_hold_no_control_characters():
    with pytest.raises(InvalidAnswer) as caught:
        boxes_of(drawn(box(label="a\n\x1b[31m\u202e" + "b" * 10_000)))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
