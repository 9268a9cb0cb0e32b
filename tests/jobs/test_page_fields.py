"""Under which names a requester's page answers: with and without the task's number."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.answer_fields import Fields
from jobs.answers import parse
from jobs.errors import InvalidAnswer, InvalidInput
from jobs.pages.page_fields import addressed, check_answers, field_names, filled, job_row
from jobs.providers.model import answer_xml
from jobs.records import ImageRef, TaskSpec
from jobs.specs.label_schemas import parse_schema

SCHEMA = parse_schema(
    """
name: street
classes: [car, bus]
attributes:
  - {name: light, kind: one, options: [day, night], unsure: cannot tell}
  - {name: weather, kind: many, options: [rain, snow]}
  - {name: wet, kind: yes_no}
  - {name: sharp, kind: scale, low: 1, high: 5, unsure: cannot tell}
""",
    "schema",
)
NAMES = ["light", "weather", "wet", "sharp"]
TASK = TaskSpec(7, 0, ImageRef(1, "k", "https://x.test/a.jpg", 100, 80))
BOX = {"label": "car", "left": 1, "top": 2, "width": 30, "height": 40}
FOUND = {"label": "car", "left": 1.0, "top": 2.0, "right": 31.0, "bottom": 42.0}


def boxes(fields: dict[str, Any]) -> Any:
    return parse(answer_xml(fields), "boxes", SCHEMA, (), [TASK])[7]["boxes"]


def tags(fields: dict[str, Any]) -> Any:
    return parse(answer_xml(fields), "tags", SCHEMA, NAMES, [TASK])[7]["tags"]


@pytest.mark.parametrize(
    "fields",
    [
        {"t0-boxes": {"boundingBoxes": [BOX]}},
        {"boxes": {"boundingBoxes": [BOX]}},
        {"annotatedResult": {"boundingBoxes": [BOX]}, "comment": "a bus behind it"},
        {"boxes": '[{"label": "car", "left": 1, "top": 2, "width": 30, "height": 40}]'},
        {"boxes": '{"boundingBoxes": [{"label":"car","left":1,"top":2,"width":30,"height":40}]}'},
    ],
)
def test_boxes_are_read_under_any_of_their_names(fields: dict[str, Any]) -> None:
    assert boxes(fields) == [FOUND]


@pytest.mark.parametrize("fields", [{"nothing": "on"}, {"boxes": "[]"}, {"nothing": {"on": True}}])
def test_nothing_to_box_is_an_answer(fields: dict[str, Any]) -> None:
    assert boxes(fields) == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"boxes": ""},
        {"boxes": "[NaN]"},
        {"boxes": "[[1, 2, 3, 4]]"},
        {"boxes": "[" * 100_000},
        {"one": {"boundingBoxes": [BOX]}, "two": {"boundingBoxes": [BOX]}},
        {"t1-boxes": {"boundingBoxes": [BOX]}},
        {"t0-nothing": "on", "boxes": {"boundingBoxes": [BOX]}, "t0-boxes": {"boundingBoxes": 1}},
    ],
)
def test_what_is_no_answer_about_boxes_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidAnswer):
        boxes(fields)


def test_tags_are_read_under_their_names_and_in_parts() -> None:
    expected = {"light": "day", "weather": ["rain"], "wet": "yes", "sharp": "4"}
    assert expected == tags({"light": "day", "weather": "rain", "wet": "yes", "sharp": "4"})
    assert expected == tags(
        {"light": {"label": "day"}, "weather": ["rain"], "wet": True, "sharp": 4}
    )
    assert expected == tags(
        {
            "light.label": "day",
            "weather.rain": "on",
            "weather.snow": "false",
            "wet.yes": "true",
            "wet.no": "false",
            "sharp": "1",
            "sharp.4": "on",
        }
        | {"sharp": "4"}
    )
    unsure = tags({"light": "day", "weather": [], "wet": False, "sharp": 3, "sharp-unsure": "on"})
    assert unsure == {"light": "day", "weather": [], "wet": "no", "sharp": "cannot tell"}


def test_a_page_of_several_tasks_must_say_which_task_is_meant() -> None:
    second = TaskSpec(8, 1, TASK.image)
    with pytest.raises(InvalidAnswer):
        parse(answer_xml({"light": "day"}), "tags", SCHEMA, ["light"], [TASK, second])


def test_fields_with_a_tasks_number_are_left_alone() -> None:
    fields = Fields({"t0-light": "day", "light": "night"}, is_crowd=False)
    assert addressed(fields, "tags", NAMES) is fields


def test_every_field_of_a_jobs_page_has_a_value() -> None:
    context = {
        "schema": {
            "title": "T", "instructions": "I", "short_instructions": "S", "classes": ["car"],
        },
        "attributes": [{"name": "light", "title": "Light?", "options": ["day", "night"]}],
        "tasks": [
            {"image": {"url": "https://x.test/a", "width": 4, "height": 3}, "proposals": []}
        ],
    }  # fmt: skip
    row = job_row(context)
    assert tuple(row) == field_names(["light"])
    source = "<p title='${light_options}'>${image_width} ${title}</p>"
    assert "4 T" in filled(source, context)
    with pytest.raises(InvalidInput, match="one image a HIT"):
        filled(source, {**context, "tasks": context["tasks"] * 2})


def test_a_page_says_before_the_launch_that_its_answers_can_be_read() -> None:
    check_answers('<crowd-bounding-box name="x">', "boxes", ())
    check_answers("<script>field.name = 'boxes'</script>", "boxes", ())
    check_answers('<input name="light"><input name="wet">', "tags", ["light", "wet"])
    with pytest.raises(InvalidInput, match="'wet'"):
        check_answers('<input name="light"><input name="wetness">', "tags", ["light", "wet"])
    with pytest.raises(InvalidInput, match="boxes"):
        check_answers('<input name="checkboxes">', "boxes", ())
