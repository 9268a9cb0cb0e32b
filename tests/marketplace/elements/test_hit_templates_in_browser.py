"""The templates that come with the product: rendered, filled in a real browser, parsed back."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from jobs import answers
from jobs.pages.hit_page import render
from jobs.records import Attribute, Box, ImageRef, LabelSchema, QuestionKind, TaskSpec
from tests.marketplace.elements.crowd_site import Site, open_hit
from tests.marketplace.elements.drawing import Hand, near
from tests.marketplace.elements.test_crowd_form import submit

pytestmark = pytest.mark.browser

ATTRIBUTES = (
    Attribute("color", "one", "Main colour", ("red", 'the "blue" & <b>'), unsure="unsure"),
    Attribute("things", "many", "What is in it?", ("cup", "spoon"), unsure="unsure"),
    Attribute("indoors", "yes_no", "Is it indoors?", ("yes", "no")),
    Attribute("sharp", "scale", "How sharp?", ("1", "2", "3", "4", "5"), 1, 5, "unsure"),
)
SCHEMA = LabelSchema(
    name="things",
    classes=("Dog's ear", 'Cat "big" <&>'),
    attributes=ATTRIBUTES,
    title="Find & tag <things>",
    instructions="Be careful.\n\nBe quick.",
    short_instructions="Tight boxes.",
)
ASKED = tuple(each.name for each in ATTRIBUTES)


def tasks(picture: str, n_tasks: int, proposals: tuple[Box, ...] = ()) -> list[TaskSpec]:
    image = ImageRef(1, "key", picture, 640, 480)
    return [TaskSpec(10 + n, n, image, proposals) for n in range(n_tasks)]


def parsed(site: Site, kind: QuestionKind, asked: list[TaskSpec]) -> dict[int, dict]:
    """What our side reads from the page's submission, in MTurk's envelope."""
    (text,) = site.posts[-1]["taskAnswers"]
    raw = (
        '<QuestionFormAnswers xmlns="http://mechanicalturk.amazonaws.com/'
        'AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"><Answer>'
        "<QuestionIdentifier>taskAnswers</QuestionIdentifier>"
        f"<FreeText>{escape(text)}</FreeText></Answer></QuestionFormAnswers>"
    )
    return answers.parse(raw, kind, SCHEMA, ASKED if kind == "tags" else (), asked)


def test_boxes_round_trip_from_mouse_to_parsed_answer(page: Page, site: Site, picture: str) -> None:
    asked = tasks(picture, 2)
    open_hit(page, site.hit(render("boxes", SCHEMA, (), asked)))
    Hand(page, page.locator("crowd-bounding-box").first).drag(160, 120, 400, 300)
    page.keyboard.press("2")
    page.get_by_role("checkbox", name="There is nothing to box").nth(1).click()
    submit(page)
    found = parsed(site, "boxes", asked)
    (box,) = found[10]["boxes"]
    assert near(
        [[box["label"], box["left"], box["top"], box["right"], box["bottom"]]],
        [['Cat "big" <&>', 160, 120, 400, 300]],
    )
    assert found[11] == {"boxes": []}


def test_proposals_must_be_decided_before_submitting(page: Page, site: Site, picture: str) -> None:
    asked = tasks(picture, 1, (Box("Dog's ear", 160, 120, 400, 300),))
    open_hit(page, site.hit(render("boxes", SCHEMA, (), asked)))
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("One proposed box waits for your decision")).to_be_visible()
    page.get_by_role("button", name="Accept box 1, Dog's ear").click()
    submit(page)
    (box,) = parsed(site, "boxes", asked)[10]["boxes"]
    assert box == {"label": "Dog's ear", "left": 160, "top": 120, "right": 400, "bottom": 300}


def test_tags_round_trip_for_every_kind_of_attribute(page: Page, site: Site, picture: str) -> None:
    asked = tasks(picture, 2)
    open_hit(page, site.hit(render("tags", SCHEMA, ASKED, asked)))
    first = page.get_by_role("region", name="Picture 1")
    first.get_by_role("radio", name='the "blue" & <b>').click()
    first.get_by_role("checkbox", name="spoon").click()
    first.get_by_role("radio", name="no").click()
    first.get_by_role("slider", name="How sharp?").press("ArrowRight")
    second = page.get_by_role("region", name="Picture 2")
    second.get_by_role("radio", name="unsure").click()
    second.get_by_role("checkbox", name="unsure").first.click()
    second.get_by_role("radio", name="yes").click()
    second.get_by_role("checkbox", name="unsure").nth(1).click()
    submit(page)
    found = parsed(site, "tags", asked)
    assert found[10]["tags"] == {
        "color": 'the "blue" & <b>',
        "things": ["spoon"],
        "indoors": "no",
        "sharp": "4",
    }
    assert found[11]["tags"] == {
        "color": "unsure",
        "things": ["unsure"],
        "indoors": "yes",
        "sharp": "unsure",
    }


def test_an_unanswered_question_is_not_submitted(page: Page, site: Site, picture: str) -> None:
    open_hit(page, site.hit(render("tags", SCHEMA, ASKED, tasks(picture, 1))))
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("3 answers are missing")
    assert site.posts == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1100])
@pytest.mark.parametrize("kind", ["boxes", "tags"])
def test_a_page_has_no_accessibility_violation_and_fits_its_width(
    page: Page, site: Site, picture: str, kind: QuestionKind, width: int, scheme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    shown = tasks(picture, 2, (Box("Dog's ear", 400, 300, 600, 460),) if kind == "boxes" else ())
    open_hit(page, site.hit(render(kind, SCHEMA, ASKED if kind == "tags" else (), shown)))
    if kind == "boxes":
        Hand(page, page.locator("crowd-bounding-box").first).drag(160, 120, 300, 250)
    page.get_by_role("button", name="Submit").click()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Instructions").first.click()
    assert violations(page) == []


def violations(page: Page) -> list[str]:
    """What axe holds against the page. Preloading is off: the page may fetch nothing."""
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found]
