import json

import pytest

from jobs.errors import InvalidInput, NotFound
from jobs.specs.label_schemas import (
    load_schema,
    name_of,
    parse_schema,
    save_schema,
    store_examples,
    to_body,
    with_example_urls,
)
from jobs.strict_yaml import read_mapping
from jobs.tables import SchemaVersion
from tests.factories import NOW
from tests.jobs.pictures import picture

STREET = """
name: street
title: Street at night
instructions: |
  Draw tight boxes.
  No reflections.
short_instructions: Draw tight boxes.
classes: [car, person]
attributes:
  - {name: light, kind: one, options: [day, night], unsure: cannot tell}
  - {name: weather, kind: many, options: [rain, snow, fog]}
  - {name: wet, kind: yes_no, title: "Is the road wet?"}
  - {name: sharpness, kind: scale, low: 1, high: 5}
examples:
  - {image: "https://example.com/good.jpg", text: tight, verdict: good}
"""


def refused(text):
    with pytest.raises(InvalidInput) as caught:
        parse_schema(text, "street.yaml")
    assert str(caught.value).startswith("street.yaml")
    return str(caught.value)


def test_a_schema_says_what_is_asked():
    schema = parse_schema(STREET, "street.yaml")
    assert schema.classes == ("car", "person")
    light, weather, wet, sharpness = schema.attributes
    assert (light.options, light.unsure, light.title) == (("day", "night"), "cannot tell", "light")
    assert weather.options == ("rain", "snow", "fog")
    assert (wet.options, wet.title) == (("yes", "no"), "Is the road wet?")
    assert sharpness.options == ("1", "2", "3", "4", "5")


def test_json_says_the_same_as_yaml():
    schema = parse_schema(STREET, "street.yaml")
    assert parse_schema(json.dumps(to_body(schema)), "street.json") == schema


def test_words_such_as_no_and_dates_stay_words():
    text = "name: norway\nclasses: [no, yes, on, off, 2020-01-01, 1:30, 0x1F, y]"
    assert parse_schema(text, "f").classes == (
        "no", "yes", "on", "off", "2020-01-01", "1:30", "0x1F", "y",
    )  # fmt: skip


def test_two_spellings_of_a_letter_are_one():
    assert parse_schema("name: x\nclasses: ['cafe\u0301']", "f").classes == ("caf\u00e9",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: x", "expected classes, attributes, or both"),
        ("classes: [a]", "name"),
        ("name: x\nclasses: [a]\ncolor: red", "color"),
        ("name: x\nclasses: [a, A]", "appears twice"),
        ("name: x\nclasses: [a, 3]", "classes.1"),
        ("name: x\nclasses: ['']", "at least 1 character"),
        ("name: x\nclasses: ['a|b']", "separates"),
        ('name: x\nclasses: ["a\\nb"]', "printable"),
        ('name: x\nclasses: ["a\\u202eb"]', "printable"),
        ("name: x\nclasses: a", "list"),
        ("name: x\nattributes: [{name: A, kind: one, options: [a, b]}]", "attributes.0.name"),
        ("name: x\nattributes: [{name: a, kind: other}]", "attributes.0.kind"),
        ("name: x\nattributes: [{name: a, kind: one, options: [b]}]", "at least 2 options"),
        ("name: x\nattributes: [{name: a, kind: one, options: [b, B]}]", "appears twice"),
        ("name: x\nattributes: [{name: a, kind: yes_no, options: [b, c]}]", "takes no options"),
        ("name: x\nattributes: [{name: a, kind: scale}]", "low and high"),
        ("name: x\nattributes: [{name: a, kind: scale, low: 5, high: 1}]", "low under high"),
        ("name: x\nattributes: [{name: a, kind: scale, low: 0, high: 500}]", "at most 101"),
        ("name: x\nattributes: [{name: a, kind: scale, low: 0.5, high: 5}]", "whole number"),
        (
            "name: x\nattributes: [{name: a, kind: one, options: [b, c], unsure: B}]",
            "one of the options already",
        ),
        ("name: x\nclasses: [a]\nname: y", "line 3: the key 'name' appears twice"),
        ("- x", "expected named fields, got list"),
        ("", "expected named fields, got NoneType"),
        ("{a", "line 1"),
        ("a: b: c", "line 1"),
        ("1: x", "expected a text key"),
        ("? [a]\n: x", "expected a text key"),
        ("[" * 100_000, "nested too deeply"),
        ("a: " + "x" * 600_000, "at most"),
        ("name: \x00", "YAML"),
    ],
)
def test_a_faulty_schema_is_refused_with_its_place(text, reason):
    assert reason in refused(text)


def test_every_fault_is_named_at_once():
    message = refused("classes: [3]\nattributes: [{name: a, kind: scale}]\nextra: 1")
    assert all(part in message for part in ("name", "classes.0", "attributes.0", "extra"))


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system [id]",
        "a: &x [1]\nb: *x",
        "a: &a [l]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]",
        "a: !!binary aGk=",
        "a: !!timestamp 2020-01-01",
        "a: !!set {x, y}",
    ],
)
def test_yaml_holds_plain_values_only(text):
    with pytest.raises(InvalidInput):
        read_mapping(text, "f")


def test_the_same_body_is_the_same_version(session):
    schema = parse_schema(STREET, "f")
    first = save_schema(session, schema, NOW)
    assert save_schema(session, schema, NOW) is first
    assert first.version == 1
    other = parse_schema(STREET.replace("car, person", "car"), "f")
    second = save_schema(session, other, NOW)
    assert second.version == 2
    assert save_schema(session, schema, NOW) is first
    assert session.query(SchemaVersion).count() == 2
    assert load_schema(first) == schema
    assert load_schema(second) == other


def test_example_pictures_travel_with_the_schema(session, blobs, tmp_path):
    (tmp_path / "good.jpg").write_bytes(picture())
    text = "name: x\nclasses: [a]\nexamples: [{image: good.jpg, text: so, verdict: good}]"
    stored = store_examples(parse_schema(text, "f"), tmp_path, blobs)
    shown = with_example_urls(load_schema(save_schema(session, stored, NOW)), blobs)
    (example,) = shown.examples
    assert example["url"].startswith("http://127.0.0.1:5080/media/")
    assert blobs.read(example["image"]) == picture()


def test_an_example_on_the_web_is_shown_from_there(blobs, tmp_path):
    schema = store_examples(parse_schema(STREET, "f"), tmp_path, blobs)
    assert with_example_urls(schema, blobs).examples[0]["url"] == "https://example.com/good.jpg"


@pytest.mark.parametrize("image", ["missing.jpg", "../secret.jpg", "/etc/hostname", "notes.txt"])
def test_an_example_that_is_no_picture_beside_the_schema_is_refused(blobs, tmp_path, image):
    (tmp_path / "schemas").mkdir()
    (tmp_path / "secret.jpg").write_bytes(picture())
    (tmp_path / "schemas" / "notes.txt").write_text("hello")
    schema = parse_schema(f"name: x\nclasses: [a]\nexamples: [{{image: {image}}}]", "f")
    with pytest.raises(InvalidInput):
        store_examples(schema, tmp_path / "schemas", blobs)


def test_an_example_that_was_never_stored_is_not_shown(blobs):
    schema = parse_schema("name: x\nclasses: [a]\nexamples: [{image: good.jpg}]", "f")
    with pytest.raises(NotFound):
        with_example_urls(schema, blobs)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Wears a helmet", "wears_a_helmet"), ("is_night", "is_night"), ("Größe", "grosse"),
        ("Café  au lait?", "cafe_au_lait"), ("2 wheels", "is_2_wheels"), ("42", "is_42"),
        ("安全", "attribute_1"), ("?", "attribute_1"), ("a" * 60, "a" * 40),
        ("x" * 39 + " y", "x" * 39), ("Ｆull", "full"), ("a__b_", "a__b_"), ("İ", "i"),
    ],
)  # fmt: skip
def test_words_become_a_name_that_schemas_take(words: str, name: str) -> None:
    assert name_of(words, "attribute_1") == name
    assert name_of(name, "attribute_1") == name
    text = f'{{"name": "s", "attributes": [{{"name": "{name}", "kind": "yes_no"}}]}}'
    assert parse_schema(text, "s").attributes[0].name == name
