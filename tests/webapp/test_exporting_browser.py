"""The export page in a real browser: by keyboard, in both themes, on a narrow screen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pycocotools.coco import COCO

from jobs import calls
from tests.webapp.test_browser import Site, visit
from tests.webapp.test_exporting import draw_boxes
from webapp.auth import limiter

pytestmark = pytest.mark.browser


@pytest.fixture
def site(seeded_folder: Path, tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    limiter.enabled = False
    found = Site(folder)
    draw_boxes(found.app)
    yield found
    found.stop()
    limiter.enabled = True


def press_through(page: Page, to: str) -> None:
    """Tab until the control of this name has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText"
        )
        if name.startswith(to):
            return
    pytest.fail(f"no {to!r} by keyboard")


def test_labels_are_chosen_counted_exported_and_fetched_by_keyboard(
    site: Site, browser: Browser, tmp_path: Path
) -> None:
    with visit(site, browser) as page:
        page.goto("/jobs/1/exports")
        told = page.locator("[data-count]")
        expect(told).to_contain_text("final labels would be exported")
        everything = told.inner_text()
        press_through(page, "COCO JSON")
        press_through(page, "cup")
        page.keyboard.press("Space")
        expect(told).not_to_have_text(everything)
        press_through(page, "Name of the snapshot")
        page.keyboard.type("By keyboard")
        press_through(page, "Export")
        page.keyboard.press("Enter")
        expect(page.locator("progress")).to_be_visible()
        calls.drain(site.app.extensions["hitworks"])
        link = page.get_by_role("link", name="Download By keyboard")
        link.wait_for()
        press_through(page, "Download")
        with page.expect_download() as fetched:
            page.keyboard.press("Enter")
        path = tmp_path / "labels.json"
        fetched.value.save_as(path)
        page.get_by_role("button", name="Make By keyboard again").click()
        calls.drain(site.app.extensions["hitworks"])
        page.get_by_text("the same bytes", exact=False).first.wait_for()
    assert [each["name"] for each in COCO(str(path)).loadCats([1])] == ["cup"]
    assert json.loads(path.read_text())["info"]["hitworks"]["filters"]["classes"] == ["cup"]


def test_only_what_the_format_holds_is_offered(site: Site, browser: Browser) -> None:
    with visit(site, browser) as page:
        page.goto("/jobs/1/exports")
        for title, offered in (
            ("COCO JSON", ["Confidence", "Provenance", "Licence"]),
            ("YOLO", ["Confidence", "Provenance", "Licence", "Images"]),
            ("CSV", ["Confidence", "Licence"]),
        ):
            page.get_by_text(title, exact=True).click()
            shown = page.locator("[data-extra]:visible").all_inner_texts()
            assert [text.split()[0] for text in shown] == offered
            assert page.get_by_label("Question").is_visible() is (title == "COCO JSON")
        page.get_by_label("Confidence at least").fill("much")
        expect(page.locator("[data-count]")).to_contain_text("expected 0 to 100 percent")


@pytest.mark.parametrize(("theme", "width"), [("light", 360), ("dark", 1280)])
def test_axe_finds_nothing_while_one_waits_one_failed_and_one_is_done(
    site: Site, browser: Browser, theme: str, width: int
) -> None:
    place = site.app.extensions["hitworks"]
    with visit(site, browser, theme=theme, width=width) as page:
        page.goto("/jobs/1/exports")
        for title in ("COCO JSON", "JSON lines"):
            page.get_by_text(title, exact=True).click()
            page.get_by_role("button", name="Export").click()
            page.get_by_role("status").first.wait_for()
            if title == "COCO JSON":
                calls.drain(place)
        assert not Axe().run(page).response["violations"]
        assert page.evaluate("document.documentElement.scrollWidth") == width
