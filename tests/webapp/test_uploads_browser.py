"""Images brought by a person with a browser: chosen, sent with progress, watched, cancelled."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from jobs import calls
from tests.webapp import campaign
from tests.webapp.test_browser import Site, visit
from tests.webapp.test_browser import site as site  # the fixture

pytestmark = pytest.mark.browser


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "June"
    (folder / "deep").mkdir(parents=True)
    for number, shot in enumerate(campaign.shots()):
        place = folder / "deep" if number % 2 else folder
        (place / shot.name).write_bytes(shot.data)
    (folder / "torn.jpg").write_bytes(campaign.shots()[0].data[:900])
    (folder / ".DS_Store").write_bytes(b"x")
    return folder


def take_in(site: Site) -> None:
    calls.drain(site.app.extensions["hitworks"])


def test_a_folder_is_sent_with_progress_and_reported(
    site: Site, browser: Browser, photos: Path
) -> None:
    with visit(site, browser) as page:
        page.goto("/datasets")
        page.fill("#dataset-name", "A folder")
        page.set_input_files("#folder", str(photos))
        page.focus("[data-send]")
        page.keyboard.press("Enter")
        page.wait_for_url("**/datasets/imports/*")
        page.wait_for_selector("text=files are here")
        take_in(site)
        page.wait_for_selector("text=Taken in")
        assert f"of {len(campaign.shots()) + 1} found" in page.inner_text("main")
        page.wait_for_selector(".thumbs img")
        with page.expect_download() as download:
            page.click("text=All as CSV")
        assert "torn.jpg" in Path(download.value.path()).read_text()
        page.click("text=See the images")
        assert page.inner_text("h1") == "A folder"


def test_a_large_archive_is_sent_in_pieces(site: Site, browser: Browser, photos: Path) -> None:
    archive = photos.parent / "big.zip"
    with zipfile.ZipFile(archive, "w") as found:
        for path in photos.rglob("*.jpg"):
            found.write(path, path.relative_to(photos))
        found.writestr("padding.jpg", bytes(range(256)) * 70_000)
    with visit(site, browser) as page:
        page.goto("/jobs/new")
        page.fill("#dataset-name", "An archive")
        page.set_input_files("#files", str(archive))
        page.click("[data-send]")
        page.wait_for_url("**/datasets/imports/*")
        take_in(site)
        page.wait_for_selector("text=New job with them")


def test_what_is_refused_is_said_beside_the_form(
    site: Site, browser: Browser, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"no zip at all")
    with visit(site, browser) as page:
        page.goto("/datasets")
        page.fill("#dataset-name", "Refused")
        page.click("[data-send]")
        assert "Choose images" in page.inner_text("[data-trouble]")
        page.set_input_files("#files", str(bad))
        page.click("[data-send]")
        page.wait_for_selector("text=expected a readable zip file")
        assert page.is_enabled("[data-send]")
        take_in(site)
        page.goto("/datasets")
        assert "Refused" not in page.inner_text(".split .stack")


def test_an_import_is_cancelled_from_its_page(site: Site, browser: Browser, photos: Path) -> None:
    with visit(site, browser) as page:
        page.goto("/datasets")
        page.fill("#dataset-name", "Given up")
        page.set_input_files("#folder", str(photos))
        page.click("[data-send]")
        page.wait_for_url("**/datasets/imports/*")
        page.click("text=Cancel the import")
        page.wait_for_selector("text=Nothing of it is kept")
        take_in(site)
        page.reload()
        assert "Given up" not in page.inner_text("main")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_import_suits_every_eye_at_every_stage(
    site: Site, browser: Browser, photos: Path, theme: str
) -> None:
    with visit(site, browser, theme=theme, width=360) as page:
        page.goto("/datasets")
        page.fill("#dataset-name", f"Seen in {theme}")
        page.set_input_files("#folder", str(photos))
        page.click("[data-send]")
        page.wait_for_url("**/datasets/imports/*")
        page.wait_for_selector("text=files are here")
        assert not Axe().run(page).response["violations"]
        take_in(site)
        page.wait_for_selector("text=Taken in")
        assert not Axe().run(page).response["violations"]
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
