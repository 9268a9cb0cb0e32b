"""Classifiers, polygons, lines and keypoints: the documented shapes, by mouse and keyboard."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.marketplace.elements.crowd_site import Site, open_hit, wait_until_ready
from tests.marketplace.elements.drawing import Hand
from tests.marketplace.elements.test_crowd_form import page_of, submit

pytestmark = pytest.mark.browser

CHILDREN = (
    '<full-instructions header="How"><p>In full</p></full-instructions>'
    "<short-instructions>In short</short-instructions>"
)


def marking(tag: str, src: str) -> str:
    return page_of(
        f'<{tag} name="m" src="{src}" labels="[\'dog\', \'cat\']" header="Mark">{CHILDREN}</{tag}>'
    )


def test_an_image_classifier_submits_its_label(page: Page, site: Site, picture: str) -> None:
    body = (
        f'<crowd-image-classifier name="c" src="{picture}" categories="[\'Cat\', \'Dog\']"'
        f' header="Which?">{CHILDREN}</crowd-image-classifier>'
    )
    open_hit(page, site.hit(page_of(body)))
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Please choose one answer.")).to_be_visible()
    page.get_by_label("Dog").check()
    submit(page)
    assert site.answer() == {"c": {"label": "Dog"}}


def test_a_picture_is_verified_with_its_boxes_and_a_comment(
    page: Page, site: Site, picture: str
) -> None:
    boxes = "[{ height: 180, label: 'bird', left: 160, top: 120, width: 240 },]"
    body = (
        f'<crowd-image-classifier name="c" src="{picture}" categories="[\'good\', \'bad\']"'
        f' header="Right?" overlay="{{ boundingBox: {{ labels: [\'bird\'], value: {boxes} }} }}">'
        f'{CHILDREN}<worker-comment header="Why?" link-text="Say why">In a few words.'
        "</worker-comment></crowd-image-classifier>"
    )
    open_hit(page, site.hit(page_of(body)))
    frame = page.locator(".overlay rect").bounding_box()
    canvas = page.locator(".canvas").bounding_box()
    assert frame and canvas
    scale = canvas["width"] / 640
    found = (frame["x"] - canvas["x"], frame["y"] - canvas["y"], frame["width"], frame["height"])
    assert [one / scale for one in found] == pytest.approx([160, 120, 240, 180], abs=4)
    expect(page.locator(".tag")).to_have_text("bird")
    page.get_by_label("bad").check()
    page.get_by_text("Say why").click()
    expect(page.get_by_text("In a few words.")).to_be_visible()
    page.get_by_label("Why?").fill("no bird")
    submit(page)
    assert site.answer() == {"c": {"label": "bad", "workerComment": "no bird"}}


def test_a_segmentation_is_laid_over_with_its_key(page: Page, site: Site, picture: str) -> None:
    mask = (
        f"{{ semanticSegmentation: {{ src: '{picture}', labels: ['Cat'],"
        " labelMappings: { Cat: { color: '#2ca02c' } } } }"
    )
    body = (
        f'<crowd-image-classifier name="c" src="{picture}" categories="[\'good\', \'bad\']"'
        f' header="Right?" overlay="{mask}">{CHILDREN}</crowd-image-classifier>'
    )
    open_hit(page, site.hit(page_of(body)))
    expect(page.locator(".key")).to_have_text("Cat")
    expect(page.locator(".mask")).to_have_css("opacity", "0.55")


def test_a_classifier_shows_its_target(page: Page, site: Site) -> None:
    body = (
        '<crowd-classifier name="c" categories="[\'Positive\', \'Negative\',]" header="Mood?">'
        "<classification-target>What a day</classification-target>"
        f"{CHILDREN}</crowd-classifier>"
    )
    open_hit(page, site.hit(page_of(body)))
    expect(page.get_by_text("What a day")).to_be_visible()
    expect(page.get_by_text("In full")).to_be_hidden()
    page.get_by_role("button", name="Instructions").click()
    expect(page.get_by_text("In full")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    page.get_by_label("Positive").check()
    submit(page)
    assert site.answer() == {"c": {"label": "Positive"}}


@pytest.mark.parametrize("kind", ["crowd-classifier", "crowd-image-classifier"])
def test_a_multi_select_submits_labels_and_heeds_the_exclusion(
    page: Page, site: Site, picture: str, kind: str
) -> None:
    tag = f"{kind}-multi-select"
    body = (
        f'<{tag} name="c" src="{picture}" categories="[\'cat\', \'dog\', \'cow\']" header="Which?"'
        f" exclusion-category=\"{{ text: 'None of these' }}\">"
        f"<classification-target>text</classification-target>{CHILDREN}</{tag}>"
    )
    open_hit(page, site.hit(page_of(body)))
    page.get_by_label("cat").check()
    page.get_by_label("None of these").check()
    expect(page.get_by_label("cat")).not_to_be_checked()
    page.get_by_label("cow").check()
    page.get_by_label("dog").check()
    expect(page.get_by_label("None of these")).not_to_be_checked()
    submit(page)
    assert site.answer() == {"c": {"labels": ["dog", "cow"]}}


def test_a_polygon_is_closed_on_its_first_point(page: Page, site: Site, picture: str) -> None:
    open_hit(page, site.hit(marking("crowd-polygon", picture)))
    hand = Hand(page, page.locator("crowd-polygon"))
    for point in ((100, 100), (200, 100), (200, 200), (100, 200), (101, 101)):
        hand.click(*point)
    submit(page)
    square = [{"x": x, "y": y} for x, y in ((100, 100), (200, 100), (200, 200), (100, 200))]
    assert site.answer() == {
        "m": {
            "inputImageProperties": {"height": 480, "width": 640},
            "polygons": [{"label": "dog", "vertices": square}],
        }
    }


def test_an_unfinished_polygon_is_not_sent(page: Page, site: Site, picture: str) -> None:
    open_hit(page, site.hit(marking("crowd-polygon", picture)))
    hand = Hand(page, page.locator("crowd-polygon"))
    hand.click(100, 100)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("A polygon is begun but not finished")).to_be_visible()
    page.keyboard.press("Escape")
    submit(page)
    assert site.answer()["m"]["polygons"] == []


def test_a_vertex_is_dragged_and_a_step_undone(page: Page, site: Site, picture: str) -> None:
    open_hit(page, site.hit(marking("crowd-polygon", picture)))
    hand = Hand(page, page.locator("crowd-polygon"))
    for point in ((100, 100), (200, 100), (200, 200)):
        hand.click(*point)
    page.keyboard.press("Enter")
    hand.drag(200, 200, 260, 240)
    hand.drag(180, 120, 190, 130)
    read = "() => document.querySelector('crowd-form').value.m.polygons[0].vertices.at(-1)"
    assert page.evaluate(read) == pytest.approx({"x": 270, "y": 250}, abs=1)
    page.keyboard.press("Control+z")
    assert page.evaluate(read) == pytest.approx({"x": 260, "y": 240}, abs=1)
    page.reload()
    wait_until_ready(page)
    assert page.evaluate(read) == pytest.approx({"x": 260, "y": 240}, abs=1)


def test_a_polyline_ends_with_a_double_click_and_a_line_after_two(
    page: Page, site: Site, picture: str
) -> None:
    open_hit(page, site.hit(marking("crowd-polyline", picture)))
    hand = Hand(page, page.locator("crowd-polyline"))
    hand.click(50, 50)
    hand.click(90, 150)
    page.mouse.dblclick(*hand.at(200, 200))
    submit(page)
    vertices = [{"x": 50, "y": 50}, {"x": 90, "y": 150}, {"x": 200, "y": 200}]
    assert site.answer()["m"]["polylines"] == [{"label": "dog", "vertices": vertices}]
    open_hit(page, site.hit(marking("crowd-line", picture), assignment="A2"))
    hand = Hand(page, page.locator("crowd-line"))
    hand.click(50, 50)
    hand.click(90, 150)
    submit(page)
    assert site.answer()["m"]["lines"] == [{"label": "dog", "vertices": vertices[:2]}]


def test_keypoints_follow_one_another_with_their_labels(
    page: Page, site: Site, picture: str
) -> None:
    open_hit(page, site.hit(marking("crowd-keypoint", picture)))
    hand = Hand(page, page.locator("crowd-keypoint"))
    hand.click(155, 275)
    page.keyboard.press("2")
    hand.click(300, 100)
    submit(page)
    assert site.answer()["m"]["keypoints"] == [
        {"label": "dog", "x": 155, "y": 275},
        {"label": "cat", "x": 300, "y": 100},
    ]


def test_a_keypoint_is_set_by_keyboard(page: Page, site: Site, picture: str) -> None:
    open_hit(page, site.hit(marking("crowd-keypoint", picture)))
    page.get_by_role("button", name="Add keypoint (B)").focus()
    page.keyboard.press("Enter")
    page.get_by_label("X", exact=True).fill("31")
    page.keyboard.press("Tab")
    page.get_by_label("Y", exact=True).fill("41")
    page.keyboard.press("Tab")
    submit(page)
    assert site.answer()["m"]["keypoints"] == [{"label": "dog", "x": 31, "y": 41}]


@pytest.mark.parametrize("width", [360, 1100])
def test_a_page_of_all_elements_is_accessible_and_fits(
    page: Page, site: Site, picture: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    open_hit(page, site.hit(page_of(f"<main><h1>All</h1>{every_element(picture)}</main>")))
    Hand(page, page.locator("crowd-keypoint")).click(155, 275)
    hand = Hand(page, page.locator("crowd-polygon"))
    for point in ((100, 100), (200, 100), (200, 200), (101, 101)):
        hand.click(*point)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found = Axe().run(page, options={"preload": False}).response["violations"]
    assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def every_element(picture: str) -> str:
    marks = "".join(
        f'<{tag} name="{tag}" src="{picture}" labels="[dog, cat]" header="{tag}">{CHILDREN}</{tag}>'
        for tag in ("crowd-polygon", "crowd-polyline", "crowd-line", "crowd-keypoint")
    )
    classes = "".join(
        f'<{tag} name="{tag}" src="{picture}" categories="[dog, cat]" header="{tag}"'
        f" exclusion-category=\"{{ text: 'none' }}\">"
        f"<classification-target>text</classification-target>{CHILDREN}</{tag}>"
        for kind in ("crowd-classifier", "crowd-image-classifier")
        for tag in (kind, f"{kind}-multi-select")
    )
    return f"""{marks}{classes}
        <crowd-input name="i" label="Input" required></crowd-input>
        <crowd-text-area name="t" label="Area" rows="3"></crowd-text-area>
        <crowd-slider name="s" min="0" max="5" aria-label="Slider"></crowd-slider>
        <crowd-toggle-button name="g">Toggle</crowd-toggle-button>
        <crowd-checkbox name="c" value="1">Tick</crowd-checkbox>
        <crowd-radio-group aria-label="Radio">
        <crowd-radio-button name="r" value="1">one</crowd-radio-button>
        <crowd-radio-button name="r" value="2">two</crowd-radio-button></crowd-radio-group>
        <crowd-button form-action="none">Plain</crowd-button>"""
