"""A project manager who has never used a terminal: from photos to an export, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pycocotools.coco import COCO

from jobs.combining.comparing import corners
from quality.boxes import box_f1
from tests.journeys import scenes
from tests.journeys.scenes import Scene
from tests.journeys.town import Town

pytestmark = pytest.mark.browser

N_ITEMS = 4
PASSWORD = "photos and patience"
PATIENCE_MS = 120_000


@contextmanager
def visit(town: Town, browser: Browser) -> Iterator[Page]:
    """A page of the web app that fails on any script error."""
    problems: list[str] = []
    context = browser.new_context(
        base_url=town.settings.web_url(), viewport={"width": 1280, "height": 900},
        accept_downloads=True,
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def test_a_person_goes_from_photos_to_an_export_without_a_terminal(
    town: Town, browser: Browser, tmp_path: Path
) -> None:
    drawn = scenes.write_folder(town.folder / "holiday", N_ITEMS)
    with visit(town, browser) as page:
        claim(page, json.loads(town.run("user", "first-run", "--json"))["token"])
        bring_images(town, page, [town.folder / "holiday" / one.name for one in drawn])
        ask_a_question(page)
        plan(page)
        pay(page)
        rehearse(page)
        launch(page)
        job_id = int(re.search(r"/jobs/(\d+)", page.url)[1])  # type: ignore[index]
        with town.robots(drawn, "holiday", crowd_of=2) as errors:
            watch(town, page, job_id, errors)
        adjudicate(page, job_id)
        town.wait_for_labels(job_id, [])
        look_at_an_item(page, job_id)
        file = export(page, job_id, tmp_path)
    assert_labels_are_right(file, drawn)
    town.check_books()


def claim(page: Page, token: str) -> None:
    """The first administrator, by the address that was printed."""
    page.goto(f"/first-run#{token}")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Email").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the administrator").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def bring_images(town: Town, page: Page, files: list[Path]) -> None:
    """Upload photos as a dataset and wait until the background took them in."""
    page.get_by_role("link", name=re.compile("New job|Make the first one")).first.click()
    page.get_by_label("Name of the dataset").fill("holiday")
    page.get_by_label("Images, a zip archive, or a list").set_input_files(files)
    page.get_by_role("button", name="Take them in").click()
    page.wait_for_url("**/datasets/imports/*")
    on_with_them = page.get_by_role("link", name="New job with them")

    def is_there() -> bool:
        page.wait_for_timeout(200)
        return on_with_them.is_visible()

    town.wait_until(is_there, "the photos are taken in")
    on_with_them.click()


def ask_a_question(page: Page) -> None:
    page.locator("#name").fill("shapes")
    page.get_by_label("Title", exact=True).fill("Mark every square and every disc")
    page.get_by_label("Instructions", exact=True).fill("Boxes touch the outermost pixels.")
    page.get_by_label("Box classes, one a line").fill("square\ndisc")
    page.get_by_role("button", name="Keep it and go on").click()


def plan(page: Page) -> None:
    """Two answers each by the crowd; nothing is sure enough, so a person decides it all."""
    page.get_by_label("Name", exact=True).fill("Holiday shapes")
    page.locator("[name=redundancy-mturk-boxes]").fill("2")
    page.locator("[name=sure_at]").fill("100")
    page.get_by_role("button", name=re.compile("Make the draft")).click()
    page.wait_for_url("**/money")


def pay(page: Page) -> None:
    """A budget that is enough."""
    page.get_by_label("Budget, $").fill("25.00")
    page.get_by_role("button", name="Keep and go on").click()
    page.wait_for_url("**/rehearse")


def rehearse(page: Page) -> None:
    """Four pictures, twice, on a marketplace that is thrown away."""
    page.get_by_label("Items a run").fill(str(N_ITEMS))
    page.get_by_label("Runs", exact=True).fill("2")
    page.get_by_role("button", name="Rehearse").click()
    forecast = page.get_by_role("region", name="Forecast")
    expect(forecast).to_contain_text("Cost", timeout=PATIENCE_MS)


def launch(page: Page) -> None:
    page.get_by_role("link", name="Go on to the launch").click()
    expect(page.get_by_role("heading", name="Review and launch")).to_be_visible()
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page.get_by_role("heading", name="Holiday shapes")).to_be_visible()
    expect(page.get_by_text("running").first).to_be_visible(timeout=PATIENCE_MS)


def watch(town: Town, page: Page, job_id: int, errors: list[Exception]) -> None:
    """The live page counts the robots' answers without being asked again."""

    def has_conflicts() -> bool:
        assert not errors, errors
        page.wait_for_timeout(100)
        return town.report(job_id).summary.n_conflicts == N_ITEMS

    town.wait_until(has_conflicts, "every picture waits for a person")
    shown = page.locator("dl.stats div", has_text="Conflicts").locator("dd")
    expect(shown).to_contain_text(str(N_ITEMS), timeout=PATIENCE_MS)


def adjudicate(page: Page, job_id: int) -> None:
    """Take what the consensus says of each picture; the desk brings the next one."""
    page.goto(f"/adjudicate?job={job_id}")
    page.get_by_role("button", name="Start with the worst").click()
    for left in range(N_ITEMS, 0, -1):
        expect(page.get_by_text(f"{left} left")).to_be_visible()
        page.get_by_role("button", name="Decide and go on").click()
    expect(page.get_by_role("heading", name="Nothing to decide")).to_be_visible()


def look_at_an_item(page: Page, job_id: int) -> None:
    """The label says that a person settled it, and how."""
    page.goto(f"/jobs/{job_id}/items")
    page.get_by_role("link", name=re.compile("scene-01")).click()
    expect(page.get_by_text(re.compile("A person settled it"))).to_be_visible()


def export(page: Page, job_id: int, folder: Path) -> Path:
    page.goto(f"/jobs/{job_id}/exports")
    page.get_by_role("radio", name=re.compile("COCO", re.I)).check()
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download(timeout=PATIENCE_MS) as found:
        page.get_by_role("link", name=re.compile("Download")).first.click()
    file = folder / found.value.suggested_filename
    found.value.save_as(file)
    return file


def assert_labels_are_right(file: Path, drawn: list[Scene]) -> None:
    """As pycocotools reads the file: each picture's boxes are those that were drawn."""
    coco = COCO(str(file))
    names = {one["id"]: one["name"] for one in coco.loadCats(coco.getCatIds())}
    images = {one["file_name"]: one["id"] for one in coco.loadImgs(coco.getImgIds())}
    assert set(images) == {one.name for one in drawn}
    for one in drawn:
        said = []
        for found in coco.loadAnns(coco.getAnnIds(imgIds=[images[one.name]])):
            left, top, width, height = found["bbox"]
            label = names[found["category_id"]]
            said.append(
                {"label": label, "left": left, "top": top,
                 "right": left + width, "bottom": top + height}
            )  # fmt: skip
        (a, a_labels), (b, b_labels) = (
            corners({"boxes": said}), corners({"boxes": [vars(box) for box in one.boxes]})
        )  # fmt: skip
        assert box_f1(a, b, a_labels, b_labels, threshold=0.8) == 1.0, one.name
