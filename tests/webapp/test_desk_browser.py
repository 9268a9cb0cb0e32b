"""The adjudication desk in a real browser: boxes by mouse, by touch and by keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from jobs.db import reading
from jobs.reports import item_view
from tests.webapp.browsing import Site
from tests.webapp.desk_pages import (
    Open,
    assert_box,
    decided,
    dragging,
    drawn,
    go,
    newest,
    sources,
    worst,
)
from tests.webapp.desk_pages import as_person as as_person
from tests.webapp.desk_pages import site as site

pytestmark = pytest.mark.browser


def test_a_box_is_drawn_moved_and_resized_with_the_mouse(site: Site, as_person: Open) -> None:
    page, item = as_person(), worst(site)
    go(page, item)
    page.get_by_role("button", name="Nothing there").click()
    page.select_option("#class", "eye")
    with dragging(page) as drag:
        drag(300, 50, 400, 150)
        expect(page.locator("[data-count]")).to_have_text("1 box")
        drag(350, 100, 370, 120)
        assert_box(drawn(page)[0], 320, 70, 420, 170)
        drag(420, 170, 450, 200)
    assert_box(drawn(page)[0], 320, 70, 450, 200)
    decided(page)
    label = newest(site, item)
    assert_box(label.value["boxes"][0], 320, 70, 450, 200)
    assert (label.value["boxes"][0]["label"], label.provenance["reason"]) == (
        "eye",
        "majority-wrong",
    )
    assert label.provenance["boxes"] == [{"how": "drawn", "answers": []}]
    assert page.url != f"{site.address}/jobs/1/items/{item}/decide/boxes?job=1"


def test_the_boxes_are_there_however_fast_the_page_starts(site: Site, as_person: Open) -> None:
    page = as_person()
    page.add_init_script("performance.now = () => 1")
    go(page, worst(site))
    expect(page.locator(".a9s-annotation").nth(1)).to_be_attached()
    page.get_by_role("button", name="Nothing there").click()
    expect(page.locator("[data-count]")).to_have_text("0 boxes")


def test_a_voice_is_accepted_as_it_is_with_one_press(site: Site, as_person: Open) -> None:
    page, item = as_person(), worst(site)
    go(page, item)
    with reading(site.sessions) as session:
        answer = next(a for a in item_view(session, 1, item).answers if a.kind == "boxes")
    page.get_by_label(f"Decide as {answer.worker} says").click()
    page.get_by_text("Decided. Earlier versions are kept.").wait_for()
    label = newest(site, item)
    sides = ("label", "left", "top", "right", "bottom")
    assert [[box[side] for side in sides] for box in label.value["boxes"]] == [
        [box[side] for side in sides] for box in answer.value["boxes"]
    ]
    assert all(one == {"how": "taken", "answers": [answer.answer_id]}
               for one in label.provenance["boxes"])  # fmt: skip


def test_everything_is_done_by_keys_alone(site: Site, as_person: Open) -> None:
    page, item = as_person(), worst(site)
    go(page, item)
    press = page.keyboard.press
    press("e")
    press("b")
    press("3")
    before = drawn(page)[0]
    for key in ("Shift+ArrowLeft", "ArrowUp", "Alt+ArrowRight", "Control+ArrowDown"):
        press(key)
    after = drawn(page)[0]
    assert after["label"] == "eye"
    assert after["left"] == pytest.approx(before["left"] - 10, abs=0.02)
    assert after["right"] == pytest.approx(before["right"] - 9, abs=0.02)
    assert after["top"] == pytest.approx(before["top"], abs=0.02)
    assert after["bottom"] == pytest.approx(before["bottom"] - 1, abs=0.02)
    press("x")
    assert len(drawn(page)) == 2
    press("Delete")
    assert len(drawn(page)) == 1
    press("Control+z")
    press("Control+z")
    assert drawn(page) == [after]
    press("Control+y")
    assert len(drawn(page)) == 2
    press("Shift+Digit2")
    assert {one["how"] for one in sources(page)} == {"taken"}
    press("r")
    press("Escape")
    expect(page.locator("#reason")).to_be_focused()
    page.keyboard.press("Control+Enter")
    page.get_by_text("Decided. Earlier versions are kept.").wait_for()
    assert newest(site, item).origin == "adjudication"
    page.locator("h1").click()
    press("u")
    page.get_by_text("Taken back.").wait_for()
    assert f"/items/{item}/decide/boxes" in page.url
    press("s")
    page.wait_for_url(lambda address: f"/items/{item}/" not in address)


def test_boxes_of_several_voices_become_one_and_the_merge_is_undone(
    site: Site, as_person: Open
) -> None:
    page, item = as_person(), worst(site)
    go(page, item)
    page.keyboard.press("e")
    page.keyboard.press("n")
    page.keyboard.press("Space")
    expect(page.locator("[data-picked]")).to_contain_text("1 chosen for merging")
    page.keyboard.press("n")
    page.get_by_role("button", name="Choose for merging").click()
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.locator("[data-picked]")).to_contain_text("Merged 2 boxes, weighted")
    assert sources(page)[0]["how"] == "merged"
    decided(page)
    assert newest(site, item).provenance["boxes"][0]["how"] == "merged"
    page.get_by_role("button", name="Undo", exact=False).first.click()
    page.get_by_text("Taken back.").wait_for()
    with reading(site.sessions) as session:
        view = item_view(session, 1, item)
    assert [label.version for label in view.labels if label.kind == "boxes"] == [2, 1]
    assert next(q.state for q in view.questions if q.kind == "boxes") == "conflict"


def test_one_press_merges_all_that_drew_the_same_object(site: Site, as_person: Open) -> None:
    page, item = as_person(), worst(site)
    go(page, item)
    page.keyboard.press("e")
    with reading(site.sessions) as session:
        answers = [a for a in item_view(session, 1, item).answers if a.kind == "boxes"]
    faces = [box for a in answers for box in a.value["boxes"] if box["label"] == "face"]
    assert len(faces) >= 2
    for _ in range(40):
        page.keyboard.press("n")
        if "face" in page.locator("[data-picked]").inner_text():
            break
    page.keyboard.press("m")
    box, source = drawn(page)[0], sources(page)[0]
    assert (box["label"], source["how"]) == ("face", "merged")
    assert 2 <= len(source["answers"]) <= len(faces)
    low, high = min(face["right"] for face in faces), max(face["right"] for face in faces)
    assert low <= box["right"] <= high


def test_a_finger_draws_moves_the_picture_and_decides(site: Site, as_person: Open) -> None:
    page = as_person(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    item = worst(site)
    go(page, item)
    page.get_by_role("button", name="Nothing there").tap()
    page.locator("[data-view]").scroll_into_view_if_needed()
    frame = page.locator("[data-picture]").bounding_box()
    assert frame
    client = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        given = [{"x": frame["x"] + x, "y": frame["y"] + y, "id": n}
                 for n, (x, y) in enumerate(points)]  # fmt: skip
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})

    touch("touchStart", (100, 40))
    for step in range(1, 6):
        touch("touchMove", (100 + 20 * step, 40 + 16 * step))
    touch("touchEnd")
    expect(page.locator("[data-count]")).to_have_text("1 box")
    width = float(page.locator("[data-stage]").get_attribute("data-width") or 1)
    scale = frame["width"] / width
    box = drawn(page)[0]
    assert abs((box["right"] - box["left"]) * scale - 100) < 4
    touch("touchStart", (60, 60), (200, 60))
    touch("touchMove", (20, 60), (260, 60))
    touch("touchEnd")
    expect(page.locator("[data-level]")).not_to_have_text("100 %")
    assert len(drawn(page)) == 1
    page.get_by_role("button", name="Decide and go on").tap()
    page.get_by_text("Decided. Earlier versions are kept.").wait_for()
    assert len(newest(site, item).value["boxes"]) == 1


def test_every_button_says_what_it_does_to_the_keyboard_too(site: Site, as_person: Open) -> None:
    page = as_person()
    go(page, worst(site))
    silent = "[...document.querySelectorAll('main button')].filter((one) => one.title).length"
    assert page.evaluate(silent) == 0
    add = page.get_by_role("button", name="Add box", exact=True)
    assert add.get_attribute("aria-keyshortcuts") == "B"
    page.get_by_role("button", name="Move", exact=True).focus()
    page.keyboard.press("Tab")
    expect(page.locator(".tip:popover-open")).to_have_text(
        "Adds a box in the middle of what you see. Key: B"
    )
    page.keyboard.press("Escape")
    expect(page.locator(".tip:popover-open")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Buttons and keys")).to_contain_text("Add box B")


def test_a_finger_that_holds_a_button_reads_what_it_does(site: Site, as_person: Open) -> None:
    page = as_person(viewport={"width": 360, "height": 740}, has_touch=True)
    go(page, worst(site))
    button = page.get_by_role("button", name="Nothing there", exact=True)
    button.dispatch_event("pointerover", {"pointerType": "touch"})
    expect(page.locator(".tip:popover-open")).to_contain_text("there is nothing to draw")
    button.dispatch_event("pointerout", {"pointerType": "touch"})
    expect(page.locator(".tip:popover-open")).to_have_count(0)
    assert page.locator("[data-boxes]").input_value() != "[]"
