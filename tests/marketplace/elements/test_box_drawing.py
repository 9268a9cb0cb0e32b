"""Boxes drawn, corrected and submitted with mouse, touch and keyboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.marketplace.elements.crowd_site import Site, open_hit, wait_until_ready
from tests.marketplace.elements.drawing import Hand, bounding_box, boxes, near
from tests.marketplace.elements.test_crowd_form import page_of, submit

pytestmark = pytest.mark.browser

Open = Callable[..., Hand]


@pytest.fixture
def draw(page: Page, site: Site, picture: str) -> Open:
    def opened(extra: str = "", labels: str = "['Dog', 'Cat']", more: str = "") -> Hand:
        body = bounding_box(picture, extra=extra, labels=labels) + more
        open_hit(page, site.hit(page_of(body)))
        return Hand(page, page.locator("crowd-bounding-box").first)

    return opened


def element(page: Page) -> Locator:
    return page.locator("crowd-bounding-box").first


def test_a_dragged_box_is_submitted_in_image_pixels(page: Page, site: Site, draw: Open) -> None:
    draw().drag(160, 120, 400, 300)
    submit(page)
    assert site.answer() == {
        "b": {
            "boundingBoxes": [
                {"height": 180, "label": "Dog", "left": 160, "top": 120, "width": 240}
            ],
            "inputImageProperties": {"height": 480, "width": 640},
        }
    }


def test_a_second_box_can_be_drawn_at_once_and_keys_choose_its_label(
    page: Page, draw: Open
) -> None:
    hand = draw()
    hand.drag(10, 40, 100, 140)
    hand.drag(300, 200, 500, 400)
    page.keyboard.press("2")
    hand.drag(20, 300, 120, 400)
    assert near(
        boxes(page),
        [["Dog", 10, 40, 100, 140], ["Cat", 300, 200, 500, 400], ["Cat", 20, 300, 120, 400]],
    )


def test_a_drag_that_leaves_the_picture_ends_at_its_edge(page: Page, draw: Open) -> None:
    hand = draw()
    hand.drag(500, 300, 700, 560)
    assert near(boxes(page), [["Dog", 500, 300, 640, 480]])


def test_a_click_draws_nothing(page: Page, draw: Open) -> None:
    hand = draw()
    hand.click(300, 300)
    page.mouse.down()
    page.mouse.move(hand.at(300, 300)[0] + 1, hand.at(300, 300)[1] + 1)
    page.mouse.up()
    assert boxes(page) == []


def test_a_small_box_is_kept(page: Page, draw: Open) -> None:
    hand = draw()
    hand.drag(300, 300, 307, 306)
    assert near(boxes(page), [["Dog", 300, 300, 307, 306]])


def test_the_selected_box_is_moved_and_resized_by_its_handles(page: Page, draw: Open) -> None:
    hand = draw()
    hand.drag(100, 100, 200, 200)
    hand.drag(150, 150, 180, 190)
    assert near(boxes(page), [["Dog", 130, 140, 230, 240]])
    hand.drag(230, 240, 330, 300)
    assert near(boxes(page), [["Dog", 130, 140, 330, 300]], slack=2)


def test_there_is_no_rotation_handle(page: Page, draw: Open) -> None:
    hand = draw()
    hand.drag(100, 100, 200, 200)
    expect(element(page).locator(".a9s-rotation-handle-group")).to_be_hidden()


def test_shift_draws_inside_the_selected_box(page: Page, draw: Open) -> None:
    hand = draw()
    hand.drag(100, 100, 400, 400)
    page.keyboard.down("Shift")
    hand.drag(150, 150, 200, 200)
    page.keyboard.up("Shift")
    assert near(boxes(page), [["Dog", 100, 100, 400, 400], ["Dog", 150, 150, 200, 200]])


def test_a_click_selects_and_delete_removes(page: Page, draw: Open) -> None:
    hand = draw()
    hand.drag(10, 40, 100, 140)
    hand.drag(300, 200, 500, 400)
    hand.click(50, 90)
    page.keyboard.press("Delete")
    assert near(boxes(page), [["Dog", 300, 200, 500, 400]])


def test_arrow_keys_nudge_and_alt_arrows_resize(page: Page, draw: Open) -> None:
    hand = draw()
    hand.drag(100, 100, 200, 200)
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert near(boxes(page), [["Dog", 102, 109, 202, 209]])
    for key in ("Alt+ArrowRight", "Alt+Shift+ArrowUp"):
        page.keyboard.press(key)
    assert near(boxes(page), [["Dog", 102, 109, 203, 199]])


def test_a_box_can_not_be_nudged_out_of_the_picture(page: Page, draw: Open) -> None:
    hand = draw()
    hand.drag(5, 5, 100, 100)
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    assert near(boxes(page), [["Dog", 0, 0, 95, 95]])


def test_undo_and_redo_walk_through_all_changes(page: Page, draw: Open) -> None:
    hand = draw()
    hand.drag(10, 40, 100, 140)
    hand.drag(300, 200, 500, 400)
    page.keyboard.press("2")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert near(boxes(page), [["Dog", 10, 40, 100, 140]])
    page.keyboard.press("Control+y")
    page.keyboard.press("Control+Shift+z")
    assert [box[0] for box in boxes(page)] == ["Dog", "Cat"]
    expect(element(page).get_by_role("button", name="Redo")).to_be_disabled()


def test_undo_touches_only_the_picture_in_use(page: Page, site: Site, picture: str) -> None:
    body = bounding_box(picture, name="b") + bounding_box(picture, name="c")
    open_hit(page, site.hit(page_of(body)))
    first, second = page.locator("crowd-bounding-box").all()
    Hand(page, first).drag(10, 40, 100, 140)
    Hand(page, second).drag(300, 200, 500, 400)
    page.keyboard.press("Control+z")
    assert near(boxes(page, "b"), [["Dog", 10, 40, 100, 140]])
    assert boxes(page, "c") == []


def test_four_extreme_points_make_a_box(page: Page, draw: Open) -> None:
    hand = draw('drawing-mode="extreme"')
    for point in ((250, 120), (160, 200), (300, 300), (400, 250)):
        hand.click(*point)
    assert near(boxes(page), [["Dog", 160, 120, 400, 300]])


def test_an_extreme_point_can_be_taken_back(page: Page, draw: Open) -> None:
    hand = draw()
    page.keyboard.press("e")
    for point in ((250, 120), (10, 10)):
        hand.click(*point)
    page.keyboard.press("Control+z")
    for point in ((160, 200), (300, 300), (400, 250)):
        hand.click(*point)
    assert near(boxes(page), [["Dog", 160, 120, 400, 300]])


def test_copy_makes_a_twin_under_the_pointer(page: Page, draw: Open) -> None:
    hand = draw()
    hand.drag(100, 100, 160, 140)
    page.mouse.move(*hand.at(400, 300))
    page.keyboard.press("c")
    assert near(boxes(page), [["Dog", 100, 100, 160, 140], ["Dog", 370, 280, 430, 320]])


def test_zoom_does_not_change_what_a_pixel_is(page: Page, draw: Open) -> None:
    hand = draw()
    page.mouse.move(*hand.at(280, 210))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    expect(element(page).get_by_text("272%")).to_be_visible()
    hand.drag(240, 180, 320, 240)
    assert near(boxes(page), [["Dog", 240, 180, 320, 240]])
    page.keyboard.press("0")
    expect(element(page).get_by_text("100%")).to_be_visible()


def test_space_and_drag_pans_and_draws_nothing(page: Page, draw: Open) -> None:
    hand = draw()
    element(page).get_by_role("button", name="Zoom in").click(click_count=3)
    before = hand.canvas.bounding_box()
    frame = element(page).locator(".viewport").bounding_box()
    assert before
    assert frame
    x, y = frame["x"] + 300, frame["y"] + 200
    page.mouse.move(x, y)
    page.keyboard.down("Space")
    page.mouse.down()
    page.mouse.move(x - 60, y - 40, steps=3)
    page.mouse.up()
    page.keyboard.up("Space")
    after = hand.canvas.bounding_box()
    assert after
    assert (before["x"] - after["x"], before["y"] - after["y"]) == pytest.approx((60, 40), abs=2)
    assert boxes(page) == []


def test_everything_can_be_done_with_the_keyboard_alone(page: Page, site: Site, draw: Open) -> None:
    draw()
    add = element(page).get_by_role("button", name="Add box (B)")
    add.focus()
    page.keyboard.press("Enter")
    for title, value in (("X", "161"), ("Y", "121"), ("Width", "240"), ("Height", "180")):
        element(page).get_by_label(title, exact=True).fill(value)
        page.keyboard.press("Tab")
    element(page).get_by_label("Label of box 1, Dog").select_option("Cat")
    page.get_by_role("button", name="Submit").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#received")).to_be_visible()
    (box,) = site.answer()["b"]["boundingBoxes"]
    assert box == {"label": "Cat", "left": 161, "top": 121, "width": 240, "height": 180}


def test_a_finger_draws_and_two_fingers_zoom(browser: Browser, site: Site, picture: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    page = context.new_page()
    open_hit(page, site.hit(page_of(bounding_box(picture))))
    hand = Hand(page, element(page))
    fingers = context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touched = [
            {"x": x, "y": y, "id": index}
            for index, (x, y) in enumerate(hand.at(*point) for point in points)
        ]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    touch("touchStart", (160, 120))
    touch("touchMove", (300, 200))
    touch("touchMove", (400, 300))
    touch("touchEnd")
    assert near(boxes(page), [["Dog", 160, 120, 400, 300]], slack=2)
    touch("touchStart", (300, 350))
    touch("touchStart", (300, 350), (340, 350))
    touch("touchMove", (280, 350), (360, 350))
    touch("touchEnd")
    zoom = element(page).locator(".zoom").inner_text()
    assert int(zoom.removesuffix("%")) > 150
    assert len(boxes(page)) == 1
    context.close()


def test_nothing_to_box_is_an_explicit_answer(page: Page, site: Site, draw: Open) -> None:
    tick = '<crowd-checkbox name="n" value="nothing">Nothing here</crowd-checkbox>'
    hand = draw('nothing-field="n"', more=tick)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Draw a box, or tick that there is nothing to box.")).to_be_visible()
    page.get_by_role("checkbox", name="Nothing here").click()
    hand.drag(100, 100, 200, 200)
    expect(page.get_by_role("checkbox", name="Nothing here")).not_to_be_checked()
    page.keyboard.press("Delete")
    page.get_by_role("checkbox", name="Nothing here").click()
    submit(page)
    assert site.answer()["n"] == {"nothing": True}
    assert site.answer()["b"]["boundingBoxes"] == []


INITIAL = (
    "initial-value=\"[{label:'Dog',left:10,top:40,width:90,height:100},"
    "{label:'Cat',left:300,top:200,width:200,height:200,},]\""
)


def test_initial_boxes_are_shown_and_say_whether_they_were_changed(page: Page, draw: Open) -> None:
    hand = draw(INITIAL)
    value = "() => document.querySelector('crowd-bounding-box').value.initialValueModified"
    assert near(boxes(page), [["Dog", 10, 40, 100, 140], ["Cat", 300, 200, 500, 400]])
    assert page.evaluate(value) is False
    hand.click(50, 90)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(value) is True
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(value) is False


def test_each_proposal_is_accepted_corrected_or_rejected(
    page: Page, site: Site, draw: Open
) -> None:
    third = INITIAL.replace("},]", "},{label:'Dog',left:520,top:20,width:60,height:60}]")
    hand = draw(f"{third} review-proposals")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("3 proposed boxes wait for your decision")).to_be_visible()
    element(page).get_by_role("button", name="Accept box 1, Dog").click()
    page.keyboard.press("r")
    hand.click(550, 50)
    hand.drag(550, 50, 560, 50)
    submit(page)
    found = site.answer()["b"]["boundingBoxes"]
    assert [(box["label"], box["left"]) for box in found] == [("Dog", 10), ("Dog", 530)]
    assert site.answer()["b"]["initialValueModified"] is True


def test_a_drawing_survives_a_reload(page: Page, draw: Open) -> None:
    hand = draw()
    hand.drag(160, 120, 400, 300)
    page.reload()
    wait_until_ready(page)
    assert near(boxes(page), [["Dog", 160, 120, 400, 300]])
    expect(element(page).get_by_text("Boxes (1)")).to_be_visible()


def test_a_missing_picture_is_said_and_can_be_tried_again(page: Page, site: Site) -> None:
    open_hit(page, site.hit(page_of(bounding_box("data:image/png;base64,xx"))))
    expect(page.get_by_text("The picture could not be loaded.")).to_be_visible()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Without it this cannot be answered.")).to_be_visible()
    assert site.posts == []


def test_labels_that_cannot_be_read_are_named(page: Page, site: Site, picture: str) -> None:
    open_hit(page, site.hit(page_of(bounding_box(picture, labels="['Dog'"))))
    expect(page.get_by_role("alert")).to_contain_text('the attribute "labels" is not a list')


def test_scripts_of_requesters_read_the_value(page: Page, draw: Open) -> None:
    hand = draw()
    hand.drag(100, 100, 200, 200)
    read = "(name) => document.querySelector('crowd-bounding-box')[name].boundingBoxes.length"
    assert page.evaluate(read, "value") == 1
    assert page.evaluate(read, "_submittableValue") == 1
