"""Every template of the product: parses as HTML5, fits, lints clean, keeps data as data."""

from __future__ import annotations

from importlib.resources import files

import html5lib
import pytest

from jobs.authoring.lint import lint
from jobs.pages.hit_page import render, template_names
from jobs.pages.page_size import LARGEST_QUESTION_BYTES, question_bytes
from jobs.records import Attribute, Box, ImageRef, LabelSchema, QuestionKind, TaskSpec

HOSTILE = "</script><script>alert(1)</script>'\" onload=alert(1) {{ 7*7 }} ${x} & <b>"


def kind_of(template: str) -> QuestionKind:
    source = (files("hit_templates") / f"{template}.html").read_text("utf-8")
    return "boxes" if "-boxes" in source else "tags"


def schema(text: str = "", n_classes: int = 3) -> LabelSchema:
    attributes = (
        Attribute("color", "one", text, ("red", "blue", text or "green"), unsure="unsure"),
        Attribute("things", "many", text, ("cup", "spoon"), unsure="unsure"),
        Attribute("indoors", "yes_no", text, ("yes", "no")),
        Attribute("sharp", "scale", text, ("1", "2", "3"), low=1, high=3, unsure="unsure"),
    )
    return LabelSchema(
        name="things",
        classes=tuple(f"class {n}" + text for n in range(n_classes)),
        attributes=attributes,
        title=text,
        instructions=text * 20,
        short_instructions=text,
        examples=({"image": "https://x.test/1.jpg", "text": text, "verdict": "good"},),
    )


def page(template: str, text: str = "", n_tasks: int = 2) -> str:
    url = "http://127.0.0.1:5080/media/" + "5" * 64 + "/ab/" + "c" * 60 + ".jpg?a=1&b=2"
    proposals = (Box("class 0" + text, 1, 2, 30.25, 40),)
    tasks = [TaskSpec(n, n, ImageRef(1, "k", url, 600, 400), proposals) for n in range(n_tasks)]
    asked = ("color", "things", "indoors", "sharp") if kind_of(template) == "tags" else ()
    return render(kind_of(template), schema(text), asked, tasks, template)


@pytest.fixture(params=template_names())
def template(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("text", ["", "plain", HOSTILE])
def test_a_page_parses_as_html5_without_an_error(template: str, text: str) -> None:
    parser = html5lib.HTMLParser(strict=True)
    parser.parse(page(template, text))
    assert parser.errors == []


def test_a_page_lints_clean_as_template_and_as_rendered(template: str) -> None:
    source = (files("hit_templates") / f"{template}.html").read_text("utf-8")
    assert lint(source) == ()
    assert lint(page(template, "plain")) == ()


def test_twenty_tasks_fit_with_room_to_spare(template: str) -> None:
    assert question_bytes(page(template, "Some words", 20)) < LARGEST_QUESTION_BYTES * 0.7


def test_hostile_words_stay_words(template: str) -> None:
    html = page(template, HOSTILE)
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    scripts = [each.get("src") for each in tree.iter("script")]
    assert scripts == ["https://assets.crowd.aws/crowd-html-elements.js"]
    assert not any(name.startswith("on") for each in tree.iter() for name in each.attrib)
    assert "49" not in html


def test_field_names_are_those_the_answers_are_read_by() -> None:
    tree = html5lib.parse(page("attribute_tags", "x"), namespaceHTMLElements=False)
    names = {each.get("name") for each in tree.iter() if each.tag.startswith("crowd-")} - {None}
    assert names == {
        f"t{n}-{name}"
        for n in (0, 1)
        for name in ("color", "things", "indoors", "sharp", "sharp-unsure")
    }
    tree = html5lib.parse(page("boxes", "x"), namespaceHTMLElements=False)
    names = {each.get("name") for each in tree.iter() if each.tag.startswith("crowd-")} - {None}
    assert names == {"t0-boxes", "t0-nothing", "t1-boxes", "t1-nothing"}
