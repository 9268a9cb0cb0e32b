"""Each way of working with boxes, by mouse, by touch and by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.marketplace.elements.crowd_site import Site, open_hit
from tests.marketplace.elements.drawing import Hand, bounding_box, boxes, near
from tests.marketplace.elements.test_crowd_form import page_of, submit

pytestmark = pytest.mark.browser

NINE = str([f"Class {number}" for number in range(1, 10)])
TICK = '<crowd-checkbox name="n" value="nothing">Nothing here</crowd-checkbox>'
PROPOSED = (
    "review-proposals initial-value=\"[{label:'Dog',left:10,top:40,width:90,height:100},"
    "{label:'Cat',left:300,top:200,width:200,height:200},"
    "{label:'Dog',left:520,top:20,width:60,height:60}]\""
)
FIRST = [["Dog", 100, 100, 200, 200]]

Open = Callable[..., Page]


class Finger:
    """Taps and strokes of one finger."""

    def __init__(self, page: Page) -> None:
        self.hand = Hand(page, page.locator("crowd-bounding-box").first)
        self._session = page.context.new_cdp_session(page)

    def stroke(self, *points: tuple[float, float]) -> None:
        steps = ["touchStart", *["touchMove"] * (len(points) - 1)]
        for kind, point in zip(steps, points, strict=True):
            x, y = self.hand.at(*point)
            self._send(kind, [{"x": x, "y": y, "id": 0}])
        self._send("touchEnd", [])

    def _send(self, kind: str, points: list[dict[str, float]]) -> None:
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@pytest.fixture
def opened(page: Page, site: Site, picture: str) -> Open:
    """The page of one picture for mouse and keyboard."""

    def give(extra: str = "", labels: str = "['Dog', 'Cat']", more: str = "") -> Page:
        body = bounding_box(picture, extra=extra, labels=labels) + more
        open_hit(page, site.hit(page_of(body)))
        return page

    return give


@pytest.fixture
def touched(browser: Browser, site: Site, picture: str) -> Iterator[Open]:
    """The page of one picture on a telephone."""
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True)

    def give(extra: str = "", labels: str = "['Dog', 'Cat']", more: str = "") -> Page:
        page = context.new_page()
        body = bounding_box(picture, extra=extra, labels=labels) + more
        open_hit(page, site.hit(page_of(body)))
        return page

    yield give
    context.close()


def tool(page: Page, name: str) -> Locator:
    return page.locator("crowd-bounding-box").first.get_by_role("button", name=name)


def keys(page: Page, *pressed: str) -> None:
    for key in pressed:
        page.keyboard.press(key)


def picture_focused(page: Page) -> Page:
    page.evaluate("document.querySelector('crowd-bounding-box').focus()")
    return page


def drawn(page: Page) -> Page:
    """With one box, which is selected."""
    Hand(page, page.locator("crowd-bounding-box").first).drag(100, 100, 200, 200)
    return page


def shift(page: Page) -> tuple[float, float]:
    frame = page.locator("crowd-bounding-box .viewport").first
    found = frame.evaluate("it => [it.scrollLeft, it.scrollTop]")
    return found[0], found[1]


def test_four_points_by_touch(touched: Open) -> None:
    page = touched('drawing-mode="extreme"')
    finger = Finger(page)
    for point in ((250, 120), (160, 200), (300, 300), (400, 250)):
        finger.stroke(point)
    assert near(boxes(page), [["Dog", 160, 120, 400, 300]], slack=2)


def test_four_points_by_keyboard(opened: Open) -> None:
    page = picture_focused(opened())
    keys(page, "e", "ArrowUp")  # the cross begins in the middle of the picture
    keys(page, *["Shift+ArrowUp"] * 10, "Enter")
    keys(page, *["Shift+ArrowDown"] * 10, *["Shift+ArrowLeft"] * 12, "Enter")
    keys(page, *["Shift+ArrowRight"] * 12, *["Shift+ArrowDown"] * 6, "Enter")
    keys(page, *["Shift+ArrowRight"] * 8, "Enter")
    assert near(boxes(page), [["Dog", 200, 139, 400, 299]])
    keys(page, "Control+z")
    assert boxes(page) == []


def test_a_point_by_keyboard_is_taken_back(opened: Open) -> None:
    page = picture_focused(opened('drawing-mode="extreme"'))
    keys(page, "ArrowUp", "Enter", "Control+z", "Escape")
    assert boxes(page) == []
    assert page.locator("crowd-bounding-box circle.band").count() == 0


def test_keys_1_to_9_choose_among_nine_classes(opened: Open) -> None:
    page = drawn(opened(labels=NINE))
    for number in range(1, 10):
        keys(page, str(number))
        assert boxes(page)[0][0] == f"Class {number}"


@pytest.mark.parametrize("way", ["opened", "touched"])
def test_a_class_is_chosen_by_its_button(way: str, request: pytest.FixtureRequest) -> None:
    page = request.getfixturevalue(way)()
    tool(page, "Cat").tap() if way == "touched" else tool(page, "Cat").click()
    Finger(page).stroke((100, 100), (150, 150), (200, 200)) if way == "touched" else drawn(page)
    assert near(boxes(page), [["Cat", 100, 100, 200, 200]], slack=2)


@pytest.mark.parametrize(
    ("pressed", "wanted"),
    [
        (["Alt+ArrowRight"], [100, 100, 201, 200]),
        (["Alt+Shift+ArrowLeft"], [100, 100, 190, 200]),
        (["Alt+ArrowDown"], [100, 100, 200, 201]),
        (["Alt+Shift+ArrowUp"], [100, 100, 200, 190]),
        (["Control+ArrowLeft"], [99, 100, 200, 200]),
        (["Control+Shift+ArrowRight"], [110, 100, 200, 200]),
        (["Control+ArrowUp"], [100, 99, 200, 200]),
        (["Control+Shift+ArrowDown"], [100, 110, 200, 200]),
        (["Control+Shift+ArrowLeft"] * 20, [0, 100, 200, 200]),
        (["Control+Shift+ArrowRight"] * 20, [199, 100, 200, 200]),
        (["Alt+Shift+ArrowLeft"] * 20, [100, 100, 101, 200]),
        (["ArrowLeft", "Shift+ArrowDown"], [99, 110, 199, 210]),
    ],
)
def test_every_edge_is_nudged_by_arrow_keys(
    opened: Open, pressed: list[str], wanted: list[int]
) -> None:
    page = drawn(opened())
    assert near(boxes(page), FIRST)
    keys(page, *pressed)
    assert near(boxes(page), [["Dog", *wanted]])
    keys(page, "Control+z")
    if len(set(pressed)) == 1:  # a held key is one step
        assert near(boxes(page), FIRST)


def test_an_edge_is_dragged_by_touch(touched: Open) -> None:
    page = touched()
    finger = Finger(page)
    finger.stroke((100, 100), (200, 200), (300, 300))
    finger.stroke((300, 300), (340, 330), (360, 350))
    ((_, left, top, right, bottom),) = boxes(page)
    assert (left, top) == pytest.approx((100, 100), abs=3)
    assert (right, bottom) == pytest.approx((360, 350), abs=8)


def test_zoom_and_pan_by_keyboard(opened: Open) -> None:
    page = picture_focused(opened())
    keys(page, "+", "+", "+")
    expect(page.locator(".zoom")).to_have_text("338%")
    before = shift(page)
    keys(page, "ArrowRight", "ArrowDown", "ArrowDown")
    after = shift(page)
    assert (after[0] - before[0], after[1] - before[1]) == pytest.approx((40, 80), abs=1)
    keys(page, "-")
    expect(page.locator(".zoom")).to_have_text("225%")
    keys(page, "0")
    expect(page.locator(".zoom")).to_have_text("100%")


@pytest.mark.parametrize("way", ["opened", "touched"])
def test_every_tool_works_by_its_button(way: str, request: pytest.FixtureRequest) -> None:
    page = request.getfixturevalue(way)()

    def press(name: str) -> None:
        tool(page, name).tap() if way == "touched" else tool(page, name).click()

    press("Add box (B)")
    press("Copy the last box (C)")
    assert len(boxes(page)) == 2
    press("Undo")
    assert len(boxes(page)) == 1
    press("Redo")
    assert len(boxes(page)) == 2
    press("Zoom in")
    expect(page.locator(".zoom")).to_have_text("150%")
    press("Zoom out")
    expect(page.locator(".zoom")).to_have_text("100%")
    press("Four points")
    expect(tool(page, "Four points")).to_have_attribute("aria-pressed", "true")
    press("Delete box 2")
    assert len(boxes(page)) == 1


def test_copy_undo_and_redo_by_keyboard(opened: Open) -> None:
    page = picture_focused(opened())
    keys(page, "b", "c")
    (_, left, top, right, bottom), twin = boxes(page)
    size = (right - left, bottom - top)  # type: ignore[operator]
    assert (twin[3] - twin[1], twin[4] - twin[2]) == pytest.approx(size, abs=1)  # type: ignore[operator]
    assert twin[1:3] != [left, top]
    keys(page, "Control+z")
    assert len(boxes(page)) == 1
    keys(page, "Control+y")
    assert len(boxes(page)) == 2
    keys(page, "n", "Delete")
    assert boxes(page) == [twin]


def test_nothing_to_box_by_touch(touched: Open, site: Site) -> None:
    page = touched('nothing-field="n"', more=TICK)
    page.get_by_role("checkbox", name="Nothing here").tap()
    submit(page)
    assert site.answer()["n"] == {"nothing": True}


def test_nothing_to_box_by_keyboard(opened: Open, site: Site) -> None:
    page = opened('nothing-field="n"', more=TICK)
    page.get_by_role("checkbox", name="Nothing here").focus()
    keys(page, "Space")
    submit(page)
    assert site.answer()["n"] == {"nothing": True}


def test_proposals_are_decided_one_by_one_by_keyboard(opened: Open, site: Site) -> None:
    page = picture_focused(opened(PROPOSED))
    keys(page, "n", "a")  # accepts the first, and goes on to the next
    keys(page, "r")
    keys(page, "n", "n", "Shift+ArrowRight")
    submit(page)
    found = site.answer()["b"]["boundingBoxes"]
    assert [(box["label"], box["left"]) for box in found] == [("Dog", 10), ("Dog", 530)]


def test_proposals_are_decided_one_by_one_by_touch(touched: Open, site: Site) -> None:
    page = touched(PROPOSED)
    tool(page, "Accept box 1, Dog").tap()
    tool(page, "Reject box 2, Cat").tap()
    tool(page, "Accept box 2, Dog").tap()
    submit(page)
    assert [box["left"] for box in site.answer()["b"]["boundingBoxes"]] == [10, 520]


def test_the_help_names_every_key(opened: Open) -> None:
    page = picture_focused(opened())
    keys(page, "?")
    shown = page.locator("crowd-bounding-box dialog table").first
    for key in (
        "1 – 9",
        "Alt + arrows",
        "Ctrl + arrows",
        "Enter",
        "A, R",
        "C",
        "E",
        "Space + drag",
    ):
        expect(shown).to_contain_text(key)
