"""A launch that the background carries out, watched in a real browser."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from jobs import calls
from tests.webapp.browsing import Site
from tests.webapp.desk_pages import site as site
from tests.webapp.test_browser import visit

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("theme", "width"), [("light", 360), ("dark", 1280)])
def test_the_page_of_a_launch_suits_everyone_and_moves_on_by_itself(
    site: Site, browser: Browser, theme: str, width: int
) -> None:
    with visit(site, browser, theme=theme, width=width) as page:
        page.goto("/jobs/2/review")
        page.get_by_role("button", name="Launch").click()
        page.get_by_text("Preparing HITs").wait_for()
        assert not Axe().run(page).response["violations"]
        assert page.evaluate("document.documentElement.scrollWidth") == width
        calls.drain(site.app.extensions["hitworks"])
        expect(page.get_by_text("Preparing HITs")).to_have_count(0, timeout=30_000)
        expect(page.get_by_text("running", exact=True).first).to_be_visible()
