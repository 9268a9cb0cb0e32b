"""A new job by a person with a browser: six steps, left and resumed, gone back to without loss."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from jobs.db import reading
from jobs.planning.estimating import sample_page
from tests.webapp import campaign
from tests.webapp.browsing import launched
from tests.webapp.test_browser import Site, visit
from tests.webapp.test_browser import site as site  # the fixture

pytestmark = pytest.mark.browser


@pytest.fixture
def example(tmp_path: Path) -> Path:
    path = tmp_path / "tight.jpg"
    path.write_bytes(campaign.shots()[0].data)
    return path


def write_question(page: Page, name: str) -> None:
    page.goto("/jobs/new")
    page.click("text=Go on with it")
    page.fill("#name", name)
    page.fill("#title", "Draw a box around each mug")
    page.fill("#classes", "mug\nplate")


def test_the_six_steps_are_walked_and_gone_back_without_loss(
    site: Site, browser: Browser, example: Path
) -> None:
    with visit(site, browser) as page:
        write_question(page, "six-steps")
        page.fill("#attribute-name-0", "clean")
        page.select_option("#attribute-kind-0", "yes_no")
        page.set_input_files("#example-good", str(example))
        page.fill("[name=example-text-good]", "Touches the mug")
        page.click("text=Keep it and go on")
        page.wait_for_url("**/jobs/new/plan*")
        page.click(".stepper >> text=Question")
        assert page.input_value("#classes") == "mug\nplate"
        assert page.input_value("#attribute-name-0") == "clean"
        assert page.input_value("#example-note-0") == "Touches the mug"
        page.click("text=Keep it and go on")
        page.fill("#name", "Six steps")
        assert "answered by 3 different people" in page.inner_text("[data-sum=mturk-boxes]")
        page.click("text=Make the draft")
        page.wait_for_url("**/money")
        job = page.url.split("/")[4]
        assert "lacks" in page.inner_text("main")
        page.fill("#reward-0", "0.10")
        assert "$14.40 an hour" in page.inner_text("main")
        page.click("text=Set the budget to")
        page.wait_for_selector("text=Kept.")
        assert "lacks" not in page.inner_text("main")
        page.fill("#reward-0", "0.08")
        page.fill("#budget", "500")
        page.click("text=Keep and go on")
        page.wait_for_url("**/rehearse")
        page.click("text=Go on to the launch")
        page.click(".stepper >> text=Routes and quality")
        page.fill("#redundancy-mturk-boxes", "2")
        page.click("text=Keep the changes")
        page.wait_for_url("**/money")
        assert (page.input_value("#reward-0"), page.input_value("#budget")) == ("0.08", "500.00")
        page.goto("/jobs/new")
        page.click("[aria-label='Go on with Six steps']")
        page.click(".stepper >> text=Launch")
        page.click("button:has-text('Launch')")
        page.wait_for_url(f"**/jobs/{job}")
        page.wait_for_selector("text=Waiting for a background worker")
        assert launched(site.app, int(job)) == "running"
        page.wait_for_selector("main .pill.running")  # without a further click
        assert "Preparing HITs" not in page.inner_text("main")


def test_example_pictures_reach_the_page_of_a_worker_with_their_pixels_alone(
    site: Site, browser: Browser, example: Path
) -> None:
    example.write_bytes(example.read_bytes() + b"<script>alert(1)</script>")
    with visit(site, browser) as page:
        write_question(page, "examples")
        page.set_input_files("#example-bad", str(example))
        page.fill("[name=example-text-bad]", "<img src=x onerror=alert(1)>")
        page.click("text=Keep it and go on")
        page.fill("#name", "Examples")
        page.click("text=Make the draft")
        page.wait_for_url("**/money")
        job_id = int(page.url.split("/")[4])
    place = site.app.extensions["hitworks"]
    with reading(site.sessions) as session:
        html = sample_page(session, job_id, 0, place.blobs)
    assert "&lt;img src=x" in html
    assert "<img src=x" not in html
    address = html.partition('<div class="examples">')[2].partition('src="')[2].partition('"')[0]
    picture = site.app.test_client().get("/media/" + address.partition("/media/")[2])
    assert picture.status_code == 200
    assert b"<script>" not in picture.data


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(
    site: Site, browser: Browser, example: Path
) -> None:
    with visit(site, browser) as page:
        write_question(page, "wrong")
        page.fill("#attribute-name-0", "size")
        page.select_option("#attribute-kind-0", "scale")
        page.fill("#attribute-options-0", "small to large")
        page.set_input_files("#example-good", str(example))
        page.click("text=Keep it and go on")
        assert "scale such as" in page.inner_text("#fault-attribute-options-0")
        assert page.input_value("#classes") == "mug\nplate"
        assert page.locator(".example img").count() == 1
        described = page.get_attribute("#attribute-options-0", "aria-describedby")
        assert described == "fault-attribute-options-0"
        assert not Axe().run(page).response["violations"]
        page.goto("/jobs/2/money")
        page.fill("#reward-0", "0.001")
        page.fill("#budget", "900")
        page.click("text=Keep and go on")
        assert "cent" in page.inner_text("#fault-reward-0")
        assert page.input_value("#budget") == "900"
        assert not Axe().run(page).response["violations"]


def test_a_question_is_kept_while_it_is_written_and_gone_on_with_later(
    site: Site, browser: Browser
) -> None:
    with visit(site, browser) as page:
        write_question(page, "unfinished")
        page.wait_for_selector("text=Kept as you write")
        page.fill("#instructions", "Handles belong to the mug.")
        page.wait_for_timeout(200)
        page.click("text=Leave it for later")
        page.wait_for_selector("text=Kept as it is")
        page.click("[aria-label='Go on with Draw a box around each mug']")
        assert page.input_value("#instructions") == "Handles belong to the mug."
        assert page.input_value("#name") == "unfinished"
        page.goto("/jobs/new")
        assert page.locator("[aria-label='Go on with Draw a box around each mug']").count() == 1
        page.click("[aria-label='Throw away Draw a box around each mug']")
        page.wait_for_selector("text=Thrown away")
        assert "Draw a box around each mug" not in page.inner_text("main .stack")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_step_suits_a_small_screen(site: Site, browser: Browser, theme: str) -> None:
    with visit(site, browser, theme=theme, width=360) as page:
        for address in ("/jobs/new", "/jobs/new/question?dataset=1&schema=1", "/jobs/2/plan",
                        "/jobs/2/money", "/jobs/2/rehearse", "/jobs/2/review"):  # fmt: skip
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
            assert not Axe().run(page).response["violations"], address
