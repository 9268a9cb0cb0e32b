from __future__ import annotations

import json

import numpy as np
import pytest

from jobs.errors import InvalidInput
from jobs.pages.hit_page import render
from jobs.records import Attribute, Box, ImageRef, LabelSchema, TaskSpec
from jobs.rehearsals.answers import Truth, answer, picture_name, read_questions, seconds_for
from quality.simulate import WorkerProfile, profile

SCHEMA = LabelSchema(
    "photo",
    ("cat", 'dog "big"'),
    (
        Attribute("subject", "one", "Subject", ("animal", "thing"), unsure="cannot tell"),
        Attribute("contains", "many", "Contains", ("sky", "water", "none")),
        Attribute("is_colour", "yes_no", "Colour?", ("yes", "no")),
        Attribute("count", "scale", "Count", ("0", "1", "2", "3"), 0, 3),
    ),
)
ALL = ("subject", "contains", "is_colour", "count")
PERFECT = WorkerProfile(
    "perfect", 1.0, 0.0, (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, tag_accuracy=1.0, wrongly_empty=0.0
)
TRUTH = Truth(
    400,
    300,
    (Box("cat", 20, 30, 220, 230), Box('dog "big"', 100, 40, 380, 280)),
    {"subject": "animal", "contains": ["sky"], "is_colour": "no", "count": "2"},
)


def tasks(*names: str) -> list[TaskSpec]:
    return [
        TaskSpec(n, n, ImageRef(n, name, f"http://here/media/x/{name}?a=1", 400, 300))
        for n, name in enumerate(names)
    ]


def test_a_box_page_is_read_as_its_template_wrote_it() -> None:
    (question,) = read_questions(render("boxes", SCHEMA, (), tasks("a.jpg")))
    assert question.name == "t0-boxes"
    assert question.options == SCHEMA.classes
    assert question.picture == "a.jpg"


def test_a_tag_page_gives_every_attribute_of_every_picture() -> None:
    questions = read_questions(render("tags", SCHEMA, ALL, tasks("a.jpg", "b.jpg")))
    found = {question.name: question for question in questions}
    assert set(found) == {f"t{n}-{name}" for n in (0, 1) for name in ALL}
    assert found["t1-count"].options == ("0", "1", "2", "3")
    assert found["t1-count"].picture == "b.jpg"
    assert found["t0-contains"].kind == "many"
    assert "cannot tell" in found["t0-subject"].options


def test_a_perfect_robot_answers_the_truth() -> None:
    rng = np.random.default_rng(1)
    boxes = answer(
        read_questions(render("boxes", SCHEMA, (), tasks("a.jpg"))), {"a.jpg": TRUTH}, PERFECT, rng
    )
    drawn = sorted(boxes["t0-boxes"]["boundingBoxes"], key=lambda box: box["left"])
    assert drawn == [
        {"label": "cat", "left": 20, "top": 30, "width": 200, "height": 200},
        {"label": 'dog "big"', "left": 100, "top": 40, "width": 280, "height": 240},
    ]
    assert boxes["t0-nothing"] == {"nothing": False}
    page = render("tags", SCHEMA, ALL, tasks("a.jpg"))
    tags = answer(read_questions(page), {"a.jpg": TRUTH}, PERFECT, rng)
    assert tags == {
        "t0-subject": {"animal": True, "thing": False, "cannot tell": False},
        "t0-contains": {"sky": True, "water": False, "none": False},
        "t0-is_colour": {"yes": False, "no": True},
        "t0-count": 2,
    }


def test_an_empty_picture_is_answered_with_nothing() -> None:
    page = render("boxes", SCHEMA, (), tasks("a.jpg"))
    fields = answer(
        read_questions(page), {"a.jpg": Truth(400, 300)}, PERFECT, np.random.default_rng()
    )
    assert fields["t0-boxes"]["boundingBoxes"] == []
    assert fields["t0-nothing"] == {"nothing": True}


@pytest.mark.parametrize("name", ["careful", "sloppy", "lazy", "spam_full", "spam_random"])
def test_every_profile_gives_whole_boxes_and_legal_tags(name: str) -> None:
    rng = np.random.default_rng(3)
    box_page = read_questions(render("boxes", SCHEMA, (), tasks("a.jpg")))
    tag_page = read_questions(render("tags", SCHEMA, ALL, tasks("a.jpg")))
    for _ in range(20):
        fields = answer(box_page, {"a.jpg": TRUTH}, profile(name), rng)
        for box in fields["t0-boxes"]["boundingBoxes"]:
            assert box["width"] >= 1
            assert box["label"] in SCHEMA.classes
        tags = answer(tag_page, {"a.jpg": TRUTH}, profile(name), rng)
        assert sum(tags["t0-subject"].values()) == 1
        assert 0 <= tags["t0-count"] <= 3
        assert seconds_for({**fields, **tags}, profile(name), rng) > 0
        assert json.dumps([fields, tags])


def test_the_same_seed_gives_the_same_answers() -> None:
    page = read_questions(render("tags", SCHEMA, ALL, tasks("a.jpg")))
    once, again = (
        [answer(page, {"a.jpg": TRUTH}, profile("sloppy"), np.random.default_rng(5)) for _ in "ab"]
        for _ in "ab"
    )
    assert once == again


def test_a_robot_does_not_guess_about_a_picture_it_was_not_told_of() -> None:
    page = read_questions(render("boxes", SCHEMA, (), tasks("a.jpg")))
    with pytest.raises(InvalidInput, match=r"a\.jpg"):
        answer(page, {}, PERFECT, np.random.default_rng())


def test_a_page_without_a_question_is_refused() -> None:
    with pytest.raises(InvalidInput, match="question"):
        read_questions("<p>Nothing here</p>")


def test_a_picture_goes_by_the_last_part_of_its_address() -> None:
    assert picture_name("http://h:1/media/sig/ab/abcd.jpg?X-Amz=1#f") == "abcd.jpg"
