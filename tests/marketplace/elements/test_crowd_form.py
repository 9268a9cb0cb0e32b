"""What a crowd-form sends, and when it refuses to."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.marketplace.elements.crowd_site import Site, open_hit, wait_until_ready

pytestmark = pytest.mark.browser

HEAD = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>t</title>'
    '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script></head><body>'
)


def page_of(body: str, form: str = "<crowd-form>") -> str:
    return f"{HEAD}{form}{body}</crowd-form></body></html>"


def submit(page: Page) -> None:
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#received")).to_be_visible()


def test_all_fields_become_one_answer_beside_the_assignment_id(page: Page, site: Site) -> None:
    body = (
        '<crowd-input name="country" label="Country"></crowd-input>'
        '<crowd-input name="empty" label="Empty"></crowd-input>'
        '<crowd-checkbox name="seen" value="dog" checked>dog</crowd-checkbox>'
        '<crowd-checkbox name="seen" value="cat">cat</crowd-checkbox>'
    )
    open_hit(page, site.hit(page_of(body)))
    page.get_by_label("Country").fill("Perú & «x»")
    submit(page)
    assert set(site.posts[0]) == {"taskAnswers", "assignmentId"}
    assert site.posts[0]["assignmentId"] == ["A1"]
    assert site.answer() == {"country": "Perú & «x»", "seen": {"dog": True, "cat": False}}


def test_plain_inputs_are_collected_too(page: Page, site: Site) -> None:
    body = (
        '<input name="a" aria-label="a"><textarea name="b" aria-label="b"></textarea>'
        '<select name="c" aria-label="c"><option>one</option><option>two</option></select>'
        '<input type="radio" name="d" value="x" aria-label="x">'
        '<input type="radio" name="d" value="y" aria-label="y">'
        '<input type="checkbox" name="e" value="on" aria-label="e" checked>'
        '<input type="hidden" name="f" value="h">'
        '<input name="g" disabled value="not sent" aria-label="g">'
    )
    open_hit(page, site.hit(page_of(body)))
    page.get_by_label("a", exact=True).fill("1")
    page.get_by_label("c", exact=True).select_option("two")
    page.get_by_label("y", exact=True).check()
    submit(page)
    assert site.answer() == {
        "a": "1",
        "c": "two",
        "d": {"x": False, "y": True},
        "e": {"on": True},
        "f": "h",
    }


def test_a_preview_cannot_be_submitted_and_says_why(page: Page, site: Site) -> None:
    open_hit(page, site.hit(page_of("<p>hello</p>"), assignment="ASSIGNMENT_ID_NOT_AVAILABLE"))
    expect(page.get_by_role("button", name="Submit")).to_be_disabled()
    expect(page.get_by_role("status")).to_contain_text("must ACCEPT the HIT")
    page.evaluate("document.querySelector('crowd-form').submit()")
    assert site.posts == []


def test_two_submits_in_a_row_send_one_answer(page: Page, site: Site) -> None:
    open_hit(page, site.hit(page_of('<crowd-input name="a" value="1" label="A"></crowd-input>')))
    expect(page.get_by_label("A")).to_be_visible()
    page.evaluate(
        "() => { const form = document.querySelector('crowd-form');"
        " form.submit(); form.submit(); form.requestSubmit(); }"
    )
    expect(page.locator("#received")).to_be_visible()
    assert len(site.posts) == 1


def test_a_required_field_left_empty_is_named_and_nothing_is_sent(page: Page, site: Site) -> None:
    open_hit(page, site.hit(page_of('<crowd-input name="a" label="A" required></crowd-input>')))
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("One answer is missing")
    expect(page.get_by_text("Please fill in this field.")).to_be_visible()
    assert site.posts == []
    page.get_by_label("A").fill("x")
    submit(page)
    assert site.answer() == {"a": "x"}


def test_a_pages_own_handler_may_stop_the_submission(page: Page, site: Site) -> None:
    script = (
        "<script>let asked = 0; document.querySelector('crowd-form').onsubmit = function (event) {"
        " asked += 1; if (asked === 1) event.preventDefault(); };</script>"
    )
    html = page_of('<crowd-input name="a" value="1" label="A"></crowd-input>')
    open_hit(page, site.hit(html.replace("</body>", script + "</body>")))
    page.get_by_role("button", name="Submit").click()
    assert site.posts == []
    submit(page)
    assert page.evaluate("1") == 1
    assert len(site.posts) == 1


def test_the_page_is_told_when_the_elements_are_ready(page: Page, site: Site) -> None:
    script = (
        "<script>document.addEventListener('all-crowd-elements-ready', () => {"
        " document.querySelector('crowd-input').value = 'filled'; });</script>"
    )
    html = page_of(f'{script}<crowd-input name="a" label="A"></crowd-input>')
    open_hit(page, site.hit(html))
    submit(page)
    assert site.answer() == {"a": "filled"}


def test_a_nested_form_does_not_leave_without_the_answer(page: Page, site: Site) -> None:
    body = '<form action="/elsewhere"><input name="a" aria-label="A"><button>Go</button></form>'
    open_hit(page, site.hit(page_of(body)))
    page.get_by_label("A").fill("x")
    page.get_by_label("A").press("Enter")
    expect(page.locator("#received")).to_be_visible()
    assert site.answer() == {"a": "x"}


def test_flattened_answers_have_dotted_names(page: Page, site: Site) -> None:
    body = (
        '<crowd-checkbox name="seen" value="dog" checked>dog</crowd-checkbox>'
        '<crowd-input name="note" value="n" label="Note"></crowd-input>'
    )
    open_hit(page, site.hit(page_of(body, '<crowd-form answer-format="flatten-objects">')))
    submit(page)
    assert site.posts[0] == {"seen.dog": ["true"], "note": ["n"], "assignmentId": ["A1"]}


def test_outside_a_worker_frame_the_answer_is_printed(page: Page, site: Site) -> None:
    url = site.hit(page_of('<crowd-input name="a" value="1" label="A"></crowd-input>'))
    open_hit(page, url.split("?")[0])
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("pre")).to_contain_text('"a": "1"')
    assert site.posts == []


def test_a_draft_survives_a_reload(page: Page, site: Site) -> None:
    body = (
        '<crowd-text-area name="note" label="Note"></crowd-text-area>'
        '<crowd-checkbox name="seen" value="dog">dog</crowd-checkbox>'
        '<crowd-radio-group><crowd-radio-button name="r" value="1">one</crowd-radio-button>'
        '<crowd-radio-button name="r" value="2">two</crowd-radio-button></crowd-radio-group>'
        '<crowd-slider name="s" min="0" max="10" unset aria-label="s"></crowd-slider>'
        '<input name="plain" aria-label="plain">'
    )
    url = site.hit(page_of(body))
    open_hit(page, url)
    page.get_by_label("Note").fill("half done")
    page.get_by_role("checkbox", name="dog").click()
    page.get_by_role("radio", name="two").click()
    page.get_by_label("plain").fill("p")
    page.get_by_role("slider", name="s").press("ArrowRight")
    page.reload()
    wait_until_ready(page)
    expect(page.get_by_role("status")).to_contain_text("unfinished answer was restored")
    submit(page)
    assert site.answer() == {
        "note": "half done",
        "seen": {"dog": True},
        "r": {"1": False, "2": True},
        "s": 6,
        "plain": "p",
    }


def test_a_draft_of_one_assignment_is_not_shown_in_another(page: Page, site: Site) -> None:
    html = page_of('<crowd-input name="a" label="A"></crowd-input>')
    open_hit(page, site.hit(html))
    page.get_by_label("A").fill("mine")
    open_hit(page, site.hit(html, assignment="A2"))
    expect(page.get_by_label("A")).to_have_value("")


def test_offline_keeps_the_answer_and_says_so(page: Page, site: Site) -> None:
    open_hit(page, site.hit(page_of('<crowd-input name="a" label="A"></crowd-input>')))
    page.get_by_label("A").fill("x")
    page.context.set_offline(True)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("You are offline")
    page.context.set_offline(False)
    submit(page)
    assert [post["assignmentId"] for post in site.posts] == [["A1"]]


def test_an_unknown_element_is_named(page: Page, site: Site) -> None:
    open_hit(page, site.hit(page_of("<crowd-hologram></crowd-hologram>")))
    expect(page.get_by_role("alert")).to_contain_text("crowd-hologram")


def test_a_reset_button_empties_the_fields(page: Page, site: Site) -> None:
    body = (
        '<crowd-input name="a" label="A"></crowd-input><input name="p" aria-label="P" value="kept">'
        '<crowd-button form-action="reset">Clear</crowd-button>'
    )
    open_hit(page, site.hit(page_of(body)))
    page.get_by_label("A").fill("x")
    page.get_by_label("P").fill("y")
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_label("A")).to_have_value("")
    expect(page.get_by_label("P")).to_have_value("kept")
