"""A question that cannot be asked: refused by command, page and API in the same words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.bad_input.doors import SCHEMA, House

LIGHT = {"name": "light", "kind": "one", "options": ["dark", "bright"]}


def question(**changes: Any) -> dict[str, Any]:
    return {"name": "other", **changes}


def about(**changes: Any) -> dict[str, Any]:
    return question(attributes=[LIGHT | changes])


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (question(), "expected classes, attributes, or both"),
        (question(clases=["a"]), "clases: no such key: expected one of name, title"),
        (question(classes=["a", "A"]), "classes: 'A' appears twice"),
        (question(classes=[True]), "classes.0: expected text, got True"),
        (question(classes=["a"], instructions="i" * 20_001), "at most 20000 characters"),
        (question(classes=["a"], name=5), "name: expected text, got 5"),
        (about(kind="two"), "attributes.0.kind: expected 'one', 'many', 'yes_no' or 'scale'"),
        (about(options=["a", "a"]), "options: 'a' appears twice"),
        (about(options=["a"]), "expected at least 2 options, got 1"),
        (about(name="Light"), "attributes.0.name: expected text that matches"),
        (about(colour=1), "attributes.0.colour: no such key: expected one of name, kind"),
        (
            about(kind="scale", options=[], low=5, high=1),
            "attributes.0: 'scale' takes low and high, low under high",
        ),
        (
            about(kind="scale", options=[], low=1, high=1e9),
            "attributes.0.high: expected a whole number",
        ),
        (
            about(kind="scale", options=[], low="NaN", high=5),
            "attributes.0.low: expected a whole number, got 'NaN'",
        ),
        (about(kind="scale", options=[], low="١", high=5), "low: expected a whole number"),
        (about(kind="scale", options=[], low=True, high=5), "low: expected a whole number"),
    ],
)
def test_a_schema_that_cannot_be_is_refused_alike_everywhere(
    house: House, schema: dict[str, Any], told: str
) -> None:
    text = json.dumps(schema)
    name = house.write("s.json", text)
    assert told in house.by_command("schema", "save", name)
    assert told in house.by_command("schema", "check", name)
    assert told in house.by_api("POST", "/schemas", schema)
    assert told in house.by_page("/jobs/new/question?dataset=1", {"yaml": text})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: [x", ", line 1: expected"),
        ("name: x\nname: y\nclasses: [a]", ", line 2: the key 'name' appears twice"),
        ("- a", ": expected named fields, got list"),
        ("a: &x [1]\nb: *x", ", line 2: aliases are not allowed"),
        ("x: !!python/object:os.system 1", ", line 1: could not determine a constructor"),
    ],
)
def test_a_schema_with_wrong_syntax_is_refused_with_its_line(
    house: House, text: str, told: str
) -> None:
    assert f"s.yaml{told}" in house.by_command("schema", "save", house.write("s.yaml", text))
    assert f"question{told}" in house.by_page("/jobs/new/question?dataset=1", {"yaml": text})


@pytest.mark.parametrize("image", ["../../etc/passwd", "/etc/passwd", "nope.jpg", "schema.json"])
def test_an_example_picture_that_is_none_is_refused(house: House, image: str) -> None:
    schema = question(classes=["a"], examples=[{"image": image}])
    text = json.dumps(schema)
    assert house.by_command("schema", "save", house.write("s.json", text))
    told = "examples.0.image: expected an http(s) address or a stored picture"
    assert told in house.by_api("POST", "/schemas", schema)
    assert told in house.by_page("/jobs/new/question?dataset=1", {"yaml": text})


def test_a_question_for_a_dataset_that_is_none_is_not_kept(house: House) -> None:
    with house.unchanged():
        form = {"yaml": json.dumps({**SCHEMA, "name": "new"})}
        assert house.page.post("/jobs/new/question?dataset=99", data=form).status_code == 404
