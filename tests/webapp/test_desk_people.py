"""The desk between people: refused, left to another, looked at by two; for every eye and screen."""

from __future__ import annotations

import gzip

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from jobs.adjudication import deciding
from jobs.adjudication.deciding import Verdict
from jobs.adjudication.rounds import Decider
from jobs.db import transaction
from tests.webapp.browsing import Site
from tests.webapp.campaign import NOW
from tests.webapp.desk_pages import (
    Open,
    decided,
    dragging,
    drawn,
    go,
    newest,
    worst,
)
from tests.webapp.desk_pages import as_person as as_person
from tests.webapp.desk_pages import site as site

pytestmark = pytest.mark.browser


def test_a_decision_made_meanwhile_refuses_mine_and_keeps_my_boxes(
    site: Site, as_person: Open
) -> None:
    page, item = as_person(), worst(site)
    go(page, item)
    page.keyboard.press("e")
    with dragging(page) as drag:
        drag(300, 50, 400, 150)
    expect(page.locator("[data-count]")).to_have_text("1 box")
    mine = drawn(page)
    with transaction(site.sessions) as session:
        deciding.decide(
            session, 1, item, "boxes", Verdict({"boxes": []}, "agreed"),
            by=Decider("manager@example.org"), expected_version=0, now=NOW,
        )  # fmt: skip
    page.get_by_role("button", name="Decide and go on").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("version 1 has been written by manager@example.org")
    page.locator(".a9s-annotation").first.wait_for()
    assert drawn(page) == mine
    decided(page)
    label = newest(site, item)
    assert (label.version, len(label.value["boxes"])) == (2, 1)


def test_boxes_that_are_none_come_back_with_the_reason(site: Site, as_person: Open) -> None:
    page, item = as_person(), worst(site)
    go(page, item)
    page.evaluate(
        """document.querySelector('[data-boxes]').value = JSON.stringify([
        {label: 'dragon', left: 1, top: 1, right: 50, bottom: 50},
        {label: 'eye', left: 10, top: 10, right: 60, bottom: 50}]);
        document.querySelector('[data-sources]').value = '';"""
    )
    with page.expect_response(lambda r: r.request.method == "POST" and "decide" in r.url) as came:
        page.get_by_role("button", name="Decide and go on").click()
    assert came.value.status == 422
    expect(page.get_by_role("alert")).to_contain_text("unknown class 'dragon'")
    assert newest(site, item) is None


def test_another_person_takes_the_second_look_and_the_first_may_not(
    site: Site, as_person: Open
) -> None:
    ana, ben, item = as_person("adjudicator"), as_person("manager"), worst(site)
    go(ana, item)
    ana.get_by_role("button", name="Ask for a second look").click()
    expect(ana.locator("#note")).to_be_focused()
    ana.fill("#note", "Is the left eye in it?")
    ana.get_by_role("button", name="Ask for a second look").click()
    ana.get_by_text("Left to another person.").wait_for()
    go(ana, item)
    expect(ana.get_by_text("another person must decide it now")).to_be_visible()
    expect(ana.get_by_role("button", name="Decide and go on")).to_be_disabled()
    ben.goto("/adjudicate?job=1&state=second_look")
    ben.get_by_role("button", name="Start with the worst").click()
    expect(ben.get_by_text("Is the left eye in it?")).to_be_visible()
    expect(ben.get_by_text("draft of who asked")).to_be_visible()
    ben.get_by_role("button", name="Decide and go on").click()
    ben.get_by_text("Decided. Earlier versions are kept.").wait_for()
    label = newest(site, item)
    assert (label.actor, label.provenance["second_look"]) == ("manager@example.org", "asked")


def test_two_people_do_not_look_at_one_question_unknowingly(site: Site, as_person: Open) -> None:
    ana, ben = as_person("adjudicator"), as_person("manager")
    for page in (ana, ben):
        page.goto("/adjudicate?job=1")
        page.get_by_role("button", name="Start with the worst").click()
        page.wait_for_url("**/decide/**")
    assert ana.url != ben.url
    ben.goto(ana.url)
    expect(ben.locator("[data-looking]")).to_contain_text("Ada Adjudicator is looking at this.")
    ben.get_by_role("button", name="Look at it too").click()
    expect(ben.locator("[data-looking]")).to_be_hidden()
    ana.evaluate("askAround()")
    expect(ana.locator("[data-looking]")).to_contain_text("Ada Manager is looking at this.")


def test_tags_are_taken_chosen_and_set_aside_by_keys(site: Site, as_person: Open) -> None:
    page, item = as_person(), worst(site, "tags")
    go(page, item, "tags")
    page.keyboard.press("3")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Decided. Earlier versions are kept.").wait_for()
    assert newest(site, item, "tags").value == {"tags": {"colour": "orange"}}
    other = worst(site, "tags")
    go(page, other, "tags")
    page.get_by_label("Take what Consensus says").click()
    page.select_option("#reason", "bad-image")
    page.get_by_role("button", name="Set aside and go on").click()
    page.get_by_text("Set aside: it stays out of exports.").wait_for()
    page.goto("/adjudicate?job=1&state=set_aside")
    expect(page.get_by_text("The picture is broken or unusable").first).to_be_visible()


def test_the_keys_are_shown_and_can_be_turned_off(site: Site, as_person: Open) -> None:
    page = as_person()
    go(page, worst(site))
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("next, previous box")
    assert not Axe().run(page).response["violations"]
    dialog.get_by_label("Single keys work").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    assert drawn(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_desk_in_any_state(
    site: Site, as_person: Open, theme: str
) -> None:
    page, item = as_person(color_scheme=theme), worst(site)
    found = {}

    def look(name: str) -> None:
        violations = Axe().run(page).response["violations"]
        if violations:
            found[name] = [(v["id"], v["nodes"][0]["html"][:160]) for v in violations]

    go(page, item)
    page.keyboard.press("n")
    look("a box chosen")
    page.fill("#note", "?")
    page.get_by_role("button", name="Ask for a second look").click()
    page.wait_for_load_state()
    look("flash")
    go(page, item)
    look("refused")
    for address in (
        "/adjudicate?job=1",
        "/adjudicate?state=set_aside",
        "/adjudicate?job=1&only=tags",
    ):
        page.goto(address)
        look(address)
    go(page, worst(site, "tags"), "tags")
    look("tags")
    assert not found


@pytest.mark.parametrize("width", [360, 680])
def test_the_desk_fits_a_narrow_screen_and_twice_the_size(
    site: Site, as_person: Open, width: int
) -> None:
    page = as_person(viewport={"width": width, "height": 430})
    for kind in ("boxes", "tags"):
        go(page, worst(site, kind), kind)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        picture = page.locator("[data-view]").bounding_box()
        assert picture
        assert picture["width"] >= width - 60


def test_script_and_style_of_the_desk_stay_under_150_kb_compressed(
    site: Site, as_person: Open
) -> None:
    page = as_person()
    sizes: dict[str, int] = {}
    page.on(
        "response",
        lambda r: (
            sizes.__setitem__(r.url, len(gzip.compress(r.body()))) if "/static/" in r.url else None
        ),
    )
    go(page, worst(site))
    page.wait_for_load_state("networkidle")
    assert len(sizes) > 6
    assert sum(sizes.values()) < 150_000


def test_the_next_picture_is_fetched_before_it_is_needed(site: Site, as_person: Open) -> None:
    page = as_person()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    go(page, worst(site))
    page.wait_for_load_state("networkidle")
    ahead = page.locator("[data-stage]").get_attribute("data-ahead")
    assert ahead
    assert any(url.endswith(ahead) for url in seen)


def test_a_picture_that_fails_says_so_and_is_asked_for_again(site: Site, as_person: Open) -> None:
    page = as_person()
    page.route("**/images/**", lambda route: route.abort())
    page.goto(f"/jobs/1/items/{worst(site)}/decide/boxes")
    broken = page.get_by_text("The picture could not be loaded.")
    expect(broken).to_be_visible()
    page.unroute("**/images/**")
    page.get_by_role("button", name="Try again").click()
    expect(broken).to_be_hidden()
    page.locator(".a9s-annotation").first.wait_for()
    assert drawn(page)
