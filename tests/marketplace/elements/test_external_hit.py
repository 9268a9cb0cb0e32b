"""The names of externalHIT_v1.js, for plain HTML forms."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.marketplace.elements.crowd_site import Site

pytestmark = pytest.mark.browser

PLAIN = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>t</title>
<script src="/frame/externalHIT_v1.js"></script></head><body>
<form id="mturk_form" method="post" action="https://www.mturk.com/mturk/externalSubmit">
<input type="hidden" id="assignmentId" name="assignmentId" value="">
<input name="answer" aria-label="answer"><input type="submit" id="submitButton" value="Submit">
</form><script>turkSetAssignmentID();</script></body></html>"""


def test_a_plain_form_posts_to_the_host_it_came_from(page: Page, site: Site) -> None:
    page.goto(site.hit(PLAIN, assignment="A 1+2"))
    page.get_by_label("answer").fill("yes")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#received")).to_be_visible()
    assert site.posts == [{"assignmentId": ["A 1+2"], "answer": ["yes"]}]


def test_in_preview_the_button_is_disabled_and_says_why(page: Page, site: Site) -> None:
    page.goto(site.hit(PLAIN, assignment="ASSIGNMENT_ID_NOT_AVAILABLE"))
    button = page.locator("#submitButton")
    expect(button).to_be_disabled()
    expect(button).to_have_value("You must ACCEPT the HIT before you can submit the results.")


def test_parameters_are_decoded_and_missing_ones_have_a_default(page: Page, site: Site) -> None:
    page.goto(site.hit(PLAIN) + "&note=a%26b+c&bad=100%&empty=")
    read = "(name) => turkGetParam(name, 'default')"
    assert page.evaluate(read, "note") == "a&b c"
    assert page.evaluate(read, "bad") == "100%"
    assert page.evaluate(read, "empty") == ""
    assert page.evaluate(read, "absent") == "default"
    assert page.evaluate("turkGetSubmitToHost()") == site.root
    page.goto(site.add("/javascript", PLAIN) + "?turkSubmitTo=javascript:alert(1)")
    assert page.evaluate("turkGetSubmitToHost()") == "https://www.mturk.com"
