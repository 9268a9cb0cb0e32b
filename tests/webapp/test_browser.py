"""The pages in a real browser: for every eye and hand, in both themes, and against scripts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from jobs.db import transaction
from jobs.money import format_usd
from jobs.records import PageSource
from jobs.specs import saved_templates
from jobs.tables import GoldResult, Item, Job, Label, Worker
from tests.webapp import campaign
from tests.webapp.browsing import Site
from tests.webapp.campaign import PASSWORD
from webapp.auth import limiter

pytestmark = pytest.mark.browser

PAGES = (
    "/", "/jobs", "/jobs/1", "/jobs/1/items", "/jobs/1/items/5", "/jobs/1/items/5/decide/boxes",
    "/jobs/1/items/5/decide/tags", "/jobs/1/workers", "/jobs/1/ledger", "/jobs/1/exports",
    "/adjudicate", "/datasets", "/datasets/1", "/jobs/new", "/jobs/new/question?dataset=1",
    "/jobs/new/plan?dataset=1&schema=1", "/jobs/2/money", "/jobs/2/rehearse",
    "/jobs/new/question?dataset=1&schema=1&draft=2", "/datasets/imports/1",
    "/jobs/2/review", "/jobs/3/review", "/people", "/account",
    "/health", "/jobs/999", "/jobs/2/plan", "/jobs/1/stop",
    "/jobs/1/workers/1", "/jobs/1/workers/1/exclude", "/jobs/1/workers/1/grant",
    "/jobs/1/workers/1/warn", "/jobs/1/assignments", "/assignments/1/bonus",
    "/settings", "/settings/limits/local", "/findings", "/jobs/1/batches",
    "/jobs/1/cap", "/jobs/1/terms", "/batches/1/prolong", "/batches/1/extend", "/batches/1/expire",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(seeded_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site") / "data"
    shutil.copytree(seeded_folder, folder)
    limiter.enabled = False
    found = Site(folder)
    yield found
    found.stop()
    limiter.enabled = True


@contextmanager
def visit(
    site: Site, browser: Browser, *, theme: str = "light", width: int = 1280
) -> Iterator[Page]:
    """A signed-in administrator's page; a script error or a refused resource fails the test."""
    problems: list[str] = []
    context = browser.new_context(
        base_url=site.address,
        color_scheme=theme,  # type: ignore[arg-type]
        viewport={"width": width, "height": 800},
    )
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.on("dialog", lambda dialog: problems.append(f"a script ran: {dialog.message}"))
    page.on("console", lambda m: problems.append(m.text) if "Content Security" in m.text else None)
    page.goto("/sign-in")
    page.fill("#email", "admin@example.org")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.address}/")
    yield page
    context.close()
    assert not problems, problems


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(site: Site, browser: Browser, theme: str) -> None:
    with visit(site, browser, theme=theme) as page:
        found = {}
        for address in PAGES:
            page.goto(address)
            violations = Axe().run(page).response["violations"]
            if violations:
                found[address] = [(v["id"], v["nodes"][0]["html"][:160]) for v in violations]
        assert not found


def test_sign_in_and_first_run_are_for_everyone_too(site: Site, browser: Browser) -> None:
    page = browser.new_page(base_url=site.address)
    page.goto("/sign-in")
    assert not Axe().run(page).response["violations"]
    page.close()


@pytest.mark.parametrize("width", [360, 640])
def test_no_page_scrolls_sideways_on_a_narrow_screen(
    site: Site, browser: Browser, width: int
) -> None:
    with visit(site, browser, width=width) as page:
        wide = []
        for address in PAGES:
            page.goto(address)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append(address)
        assert not wide


def test_no_cell_is_squeezed_to_a_letter_a_line(site: Site, browser: Browser) -> None:
    page_of = PageSource("<p>${x}</p>", "fields")
    with transaction(site.sessions) as session:
        saved_templates.save(
            session, "street-signs", page_of, actor="manager@example.org", now=campaign.NOW
        )
    with visit(site, browser, width=360) as page:
        for address in ("/templates", "/jobs/1/ledger", "/jobs/1/workers"):
            page.goto(address)
            widths = page.evaluate(
                "[...document.querySelectorAll('td.wrap')].map((c) => c.clientWidth)"
            )
            assert min(widths, default=100) >= 100, address
            assert widths or address != "/templates"


@pytest.mark.parametrize("width", [1280, 360])
def test_the_bars_against_gold_begin_in_one_line(site: Site, browser: Browser, width: int) -> None:
    with transaction(site.sessions) as session:
        label = session.scalars(select(Label).limit(1)).one()
        for name, n_right in (("all", 7), ("most", 6), ("none", 0)):
            result = GoldResult(
                job_id=1, item_id=label.item_id, kind="tags", name=name, label_id=label.id,
                gold_at=campaign.NOW, n_right=n_right, n_labels=7, n_gold=7, iou_millionths=0,
            )  # fmt: skip
            session.merge(result)
    with visit(site, browser, width=width) as page:
        page.goto("/jobs/1")
        shares = page.locator(".meter-cell .share")
        assert {"100.0", "85.7", "0.0"} <= {text[:-2] for text in shares.all_text_contents()}
        for part, edge in ((".share", "right"), (".gauge", "left")):
            found = page.locator(f".meter-cell {part}").evaluate_all(
                f"(all) => all.map((one) => one.getBoundingClientRect().{edge})"
            )
            assert len(found) >= 4
            assert max(found) - min(found) < 0.1, (part, found)


def test_voices_are_shown_and_hidden_by_key_and_by_click(site: Site, browser: Browser) -> None:
    with visit(site, browser) as page:
        page.goto("/jobs/1/items/5")
        consensus = page.locator('[data-layer="0"]')
        assert consensus.is_visible()
        page.keyboard.press("1")
        assert consensus.is_hidden()
        page.get_by_label("Consensus").first.check()
        assert consensus.is_visible()
        page.keyboard.press("ArrowRight")
        page.wait_for_url("**/items/6")


def more_budget(site: Site) -> str:
    """Raise the job's budget; what its page then says. Tests come in any order."""
    with transaction(site.sessions) as session:
        job = session.get_one(Job, 1)
        job.budget_micros += 1_000_000
        return f"of {format_usd(job.budget_micros)}"


def test_live_numbers_arrive_without_a_reload(site: Site, browser: Browser) -> None:
    site.app.config["STREAM_SECONDS"] = 20.0
    with visit(site, browser) as page:
        page.goto("/jobs/1")
        page.get_by_text(more_budget(site)).first.wait_for(timeout=15_000)
        site.app.config["STREAM_SECONDS"] = 0.0


def test_a_stream_that_ends_and_begins_anew_says_nothing_in_the_console(
    site: Site, browser: Browser
) -> None:
    site.app.config["STREAM_SECONDS"] = 0.5
    with visit(site, browser) as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto("/jobs/1")
        for _ in range(3):
            page.wait_for_event("response", lambda answer: answer.url.endswith("/jobs/1/events"))
        page.get_by_text(more_budget(site)).first.wait_for()
        assert said == []
    site.app.config["STREAM_SECONDS"] = 0.0


def test_names_that_are_scripts_run_nowhere(site: Site, browser: Browser) -> None:
    evil = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>'
    with transaction(site.sessions) as session:
        session.get_one(Worker, 1).name = evil
        session.get_one(Item, 5).name = evil
    with visit(site, browser) as page:
        for address in ("/jobs/1/items", "/jobs/1/items/5", "/jobs/1/workers", "/datasets/1",
                        "/jobs/1/items/5/decide/boxes"):  # fmt: skip
            page.goto(address)
            assert page.locator("img[src='x']").count() == 0


def test_the_choice_of_colours_stays(site: Site, browser: Browser) -> None:
    with visit(site, browser) as page:
        page.locator("summary", has_text="Ada Admin").click()
        page.get_by_role("button", name="Dark").click()
        page.goto("/jobs")
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
