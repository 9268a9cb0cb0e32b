"""Sent twice, from a preview, too late, without a network: a clear word, and one answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, Route, expect

from tests.marketplace.bench import (
    Account,
    Person,
    advance,
    free_text,
    html_question,
    question_form,
)
from webapp.marketplace.serving import Running

pytestmark = pytest.mark.browser

# As careless as pages come: it asks neither for an assignment nor whether it is a preview.
CARELESS = html_question(
    "<!DOCTYPE html><html lang='en'><head><title>Colours</title></head><body>"
    "<form id='form' method='post'><input type='hidden' name='assignmentId'>"
    "<label>Colour <input name='colour'></label><button>Send</button></form><script>"
    "const given = new URLSearchParams(location.search), form = document.getElementById('form');"
    "form.assignmentId.value = given.get('assignmentId');"
    "form.action = given.get('turkSubmitTo') + '/mturk/externalSubmit';"
    "</script></body></html>"
)


@pytest.fixture
def page(worker: Person, browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    for name, value in worker.browser.cookies.get_dict().items():
        context.add_cookies([{"name": name, "value": value, "url": worker.running.url}])
    yield context.new_page()
    context.close()


@pytest.fixture
def hit(account: Account) -> dict[str, Any]:
    return account.hit(Question=CARELESS)


def frame_of(page: Page) -> FrameLocator:
    return page.frame_locator("#hit-frame")


def fill(page: Page, colour: str) -> None:
    frame_of(page).get_by_label("Colour").fill(colour)


def send(page: Page) -> None:
    frame_of(page).get_by_role("button", name="Send").click()


def answers(account: Account, hit: dict[str, Any]) -> list[str]:
    return [row["Answer"] for row in account.assignments(hit)]


def test_sending_twice_at_once_leaves_one_answer(
    account: Account, worker: Person, page: Page, hit: dict[str, Any]
) -> None:
    page.goto(f"{worker.running.url}/worker/tasks/{worker.take(hit)}")
    fill(page, "teal")
    frame_of(page).locator("#form").evaluate("form => { form.submit(); form.submit(); }")
    page.wait_for_url(lambda url: "/worker/tasks/" not in url)
    (answer,) = answers(account, hit)
    assert "teal" in answer


def test_two_windows_leave_the_first_answer_and_the_second_says_so(
    account: Account, worker: Person, page: Page, hit: dict[str, Any]
) -> None:
    address, other = (
        f"{worker.running.url}/worker/tasks/{worker.take(hit)}",
        page.context.new_page(),
    )
    for window, colour in ((page, "teal"), (other, "red")):
        window.goto(address)
        fill(window, colour)
    send(page)
    page.wait_for_url(lambda url: "/worker/tasks/" not in url)
    send(other)
    expect(other.locator("#frame-message")).to_contain_text("Your first answer counts")
    (answer,) = answers(account, hit)
    assert "teal" in answer


def test_a_preview_takes_no_answer_and_says_so(
    account: Account, worker: Person, page: Page, hit: dict[str, Any]
) -> None:
    page.goto(f"{worker.running.url}/projects/{hit['HITTypeId']}/tasks")
    fill(page, "teal")
    send(page)
    expect(frame_of(page).get_by_role("alert")).to_contain_text("must accept the HIT")
    expect(page.locator("#frame-message")).to_contain_text("must accept the HIT")
    assert account.now(hit)["NumberOfAssignmentsPending"] == 0
    page.get_by_role("button", name="Accept").click()
    page.wait_for_url("**/worker/tasks/**")
    fill(page, "teal")
    send(page)
    page.wait_for_url(lambda url: "/worker/tasks/" not in url)
    assert len(answers(account, hit)) == 1


def test_an_answer_after_the_deadline_is_not_taken_and_says_so(
    running: Running, account: Account, worker: Person, page: Page
) -> None:
    short = account.hit(account.hit_type(AssignmentDurationInSeconds=60), Question=CARELESS)
    page.goto(f"{running.url}/worker/tasks/{worker.take(short)}")
    fill(page, "teal")
    advance(running, seconds=61)
    send(page)
    expect(page.locator("#frame-message")).to_contain_text("ran out, or it was returned")
    assert answers(account, short) == []


def test_without_a_network_the_page_around_says_to_wait(
    account: Account, worker: Person, page: Page, hit: dict[str, Any]
) -> None:
    page.goto(f"{worker.running.url}/worker/tasks/{worker.take(hit)}")
    fill(page, "teal")
    page.context.set_offline(True)
    expect(page.locator("#frame-message")).to_contain_text("Wait with submitting")
    page.context.set_offline(False)
    expect(page.locator("#frame-message")).to_contain_text("is back")
    send(page)
    page.wait_for_url(lambda url: "/worker/tasks/" not in url)
    assert len(answers(account, hit)) == 1


def test_an_answer_whose_receipt_is_lost_has_arrived_once(
    account: Account, worker: Person, page: Page, hit: dict[str, Any]
) -> None:
    def deliver_and_drop(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    address = f"{worker.running.url}/worker/tasks/{worker.take(hit)}"
    page.goto(address)
    fill(page, "teal")
    page.route("**/mturk/externalSubmit", deliver_and_drop)
    with page.expect_event("requestfailed"):
        send(page)
    page.unroute("**/mturk/externalSubmit")
    page.goto(address)
    expect(page.get_by_role("main")).to_contain_text("You submitted this HIT")
    (answer,) = answers(account, hit)
    assert "teal" in answer


def test_an_answer_that_was_lost_on_the_way_can_be_sent_again(
    account: Account, worker: Person, page: Page, hit: dict[str, Any]
) -> None:
    page.goto(f"{worker.running.url}/worker/tasks/{worker.take(hit)}")
    fill(page, "teal")
    page.route("**/mturk/externalSubmit", lambda route: route.abort("connectionreset"))
    with page.expect_event("requestfailed"):
        send(page)
    assert answers(account, hit) == []
    page.unroute("**/mturk/externalSubmit")
    page.reload()
    fill(page, "teal")
    send(page)
    page.wait_for_url(lambda url: "/worker/tasks/" not in url)
    assert len(answers(account, hit)) == 1


CROWD = html_question(
    "<!DOCTYPE html><html lang='en'><head><title>Colours</title>"
    "<script src='https://assets.crowd.aws/crowd-html-elements.js'></script></head><body>"
    "<crowd-form><label>Colour <input name='colour'></label></crowd-form></body></html>"
)
FORM = question_form(free_text("colour"))


@pytest.mark.parametrize(("question", "field"), [(CROWD, "Colour"), (FORM, "Say colour")])
def test_an_unfinished_answer_survives_a_reload_where_a_frame_has_no_storage(
    account: Account, worker: Person, page: Page, question: str, field: str
) -> None:
    page.goto(f"{worker.running.url}/worker/tasks/{worker.take(account.hit(Question=question))}")
    expect(page.locator("#timer")).to_be_visible()
    while "teal" not in page.evaluate("() => JSON.stringify(sessionStorage)"):
        frame_of(page).get_by_label(field).fill("")  # typed before the script ran, it is not kept
        frame_of(page).get_by_label(field).press_sequentially("teal")
        page.wait_for_timeout(300)
    page.reload()
    expect(frame_of(page).get_by_label(field)).to_have_value("teal")
    page.goto(f"{worker.running.url}/worker/tasks/{worker.take(account.hit(Question=question))}")
    expect(frame_of(page).get_by_label(field)).to_have_value("")
