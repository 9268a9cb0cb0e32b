"""The studio as a person uses it: written, seen, answered, tried, kept, compared, restored."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from jobs.db import transaction
from jobs.records import PageSource
from jobs.specs.saved_templates import save
from tests.webapp.campaign import NOW
from tests.webapp.studio_site import StudioSite, preview, seeded_studio, visit

pytestmark = pytest.mark.browser

FORM = (
    '<!DOCTYPE html>\n<html lang="en">\n<head><title>t</title>\n'
    '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script></head>\n<body>\n'
    "<crowd-form>\n%s\n</crowd-form>\n</body>\n</html>\n"
)
HEAVIEST_BYTES = 150_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioSite]:
    folder = tmp_path_factory.mktemp("studio") / "data"
    with seeded_studio(folder) as found:
        yield found


def keep(site: StudioSite, name: str, *texts: str) -> None:
    sessions = site.app.extensions["hitworks"].sessions
    for text in texts:
        with transaction(sessions) as session:
            save(session, name, PageSource(text, "fields"), actor="ada", now=NOW)


def write(page: Page, text: str) -> None:
    """Replace the whole page and wait until it was looked at."""
    with page.expect_response("**/templates/preview"):
        page.get_by_label("HTML of the page").fill(text)


def test_a_template_is_written_seen_answered_and_kept(site: StudioSite, browser: Browser) -> None:
    with visit(site, browser) as page:
        page.goto("/templates")
        page.get_by_role("link", name="Boxes on one image").click()
        preview(page)
        write(page, FORM % '<crowd-input label="a"></crowd-input>')
        finding = page.locator("[data-findings] li")
        expect(finding).to_contain_text("without a name")
        expect(finding).to_contain_text("A field without a name is not part of the answer.")
        expect(finding).to_contain_text("Give it a name of its own")
        finding.get_by_role("button", name="Line 7").click()
        expect(page.locator("#here")).to_contain_text("Line 7: <crowd-input> without a name")
        expect(page.locator(".gutter .error")).to_have_text("7")
        page.get_by_label("Asked for").select_option("tags")
        write(page, FORM % '<h1>${title}</h1><crowd-input name="colour"></crowd-input>')
        expect(page.locator("[data-findings]")).to_have_text("Nothing to mend.")
        frame = preview(page)
        expect(frame.locator("h1")).to_contain_text("name the main colour")
        frame.locator("crowd-input input").fill("red")
        frame.get_by_role("button", name="Submit").click()
        expect(page.locator("[data-verdict]")).to_contain_text("A job would take this answer")
        parsed = json.loads(page.locator("[data-parsed]").inner_text())
        assert parsed == [{"tags": {"colour": "red"}}]
        page.get_by_text("Answer XML", exact=True).first.click()
        expect(page.locator("[data-document]")).to_contain_text(
            "<QuestionIdentifier>taskAnswers</QuestionIdentifier>"
        )
        page.get_by_label("Name", exact=True).fill("colour-by-hand")
        page.get_by_label("What changed").fill("First try")
        page.get_by_role("button", name="Save a version").click()
        expect(page.get_by_text("Saved as version 1")).to_be_visible()
        page.goto("/jobs/2/plan")
        choice = page.locator("#template-mturk-tags")
        choice.select_option("colour-by-hand@1")
        page.get_by_role("button", name="Keep the changes").click()
        expect(page.get_by_role("alert")).to_contain_text("shows one image a HIT")
        page.locator("#tasks-mturk-tags").fill("1")
        page.get_by_role("button", name="Keep the changes").click()
        page.wait_for_url("**/money")
        page.goto("/jobs/2/plan")
        assert choice.input_value() == "colour-by-hand@1"


def test_a_draft_shows_each_page_as_a_worker_sees_it(site: StudioSite, browser: Browser) -> None:
    with visit(site, browser) as page:
        page.goto("/jobs/2/money")
        page.get_by_role("link", name="See the page as a worker").first.click()
        frame = page.frame_locator("iframe[name=preview]")
        expect(frame.get_by_text("Boxes touch the outermost pixels").first).to_be_attached()
        expect(frame.locator("crowd-bounding-box img").first).to_be_visible()
        assert not Axe().run(page).response["violations"]


def test_an_answer_that_a_job_would_refuse_says_why(site: StudioSite, browser: Browser) -> None:
    with visit(site, browser) as page:
        page.goto("/templates/new?from=box-page")
        page.get_by_label("Asked for").select_option("tags")
        write(page, FORM % '<crowd-input name="colour"></crowd-input>')
        frame = preview(page)
        frame.locator("crowd-input input").fill("mauve")
        frame.get_by_role("button", name="Submit").click()
        verdict = page.locator("[data-verdict]")
        expect(verdict).to_contain_text("A job would refuse this answer: t0-colour: unknown option")


def test_rows_of_ones_own_fill_the_page_one_by_one(
    site: StudioSite, browser: Browser, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"question": "A <b>cat</b>?"}\n{"question": "A dog?"}\n', "utf-8")
    with visit(site, browser) as page:
        page.goto("/templates/new?from=row-page")
        preview(page)
        write(page, FORM % '<p id="q">${question}</p><crowd-input name="a"></crowd-input>')
        with page.expect_response("**/templates/preview"):
            page.get_by_label("From a file").set_input_files(rows)
        question = page.frame_locator("[data-stand] iframe").locator("#q")
        expect(question).to_have_text("A <b>cat</b>?")
        page.get_by_role("button", name="Next").click()
        expect(question).to_have_text("A dog?")
        expect(page.locator("#number")).to_have_value("2")
        write(page, FORM % '<p>${querstion}</p><crowd-input name="a"></crowd-input>')
        expect(page.locator("[data-problem]")).to_contain_text("no column 'querstion'")
        expect(page.locator("[data-findings]")).to_contain_text("${querstion} is no column")


def test_the_page_is_shown_as_before_accepting_too(site: StudioSite, browser: Browser) -> None:
    with visit(site, browser) as page:
        page.goto("/templates/new?from=boxes")
        preview(page)
        with page.expect_response("**/templates/preview"):
            page.get_by_label("accepted", exact=True).uncheck()
        frame = preview(page)
        expect(frame.get_by_text("You must ACCEPT the HIT")).to_be_visible()
        page.get_by_role("button", name="Phone").click()
        assert page.locator("[data-stand] iframe").bounding_box()["width"] <= 360  # type: ignore[index]


def test_the_page_can_reach_neither_the_studio_nor_what_browsers_keep(
    site: StudioSite, browser: Browser
) -> None:
    script = """<p id="out"></p><input name="a" aria-label="a"><script>
    const found = [];
    for (const [name, get] of Object.entries({
      studio: () => parent.document.title, cookies: () => document.cookie,
      kept: () => localStorage.length, top: () => { top.location = 'about:blank'; return 1; },
    })) { try { found.push(name + ' ' + get()); } catch (error) { found.push('no ' + name); } }
    found.push('origin ' + origin);
    document.getElementById('out').textContent = found.join(', ');
    </script>"""
    with visit(site, browser) as page:
        page.goto("/templates/new?from=box-page")
        write(page, FORM % script)
        out = page.frame_locator("[data-stand] iframe").locator("#out")
        expect(out).to_have_text("no studio, no cookies, no kept, no top, origin null")
        assert page.url.endswith("/templates/new?from=box-page")


def test_only_what_the_studio_has_sealed_is_shown(site: StudioSite, browser: Browser) -> None:
    page = browser.new_page()
    address = f"{site.market.content_url}/trial/page"
    for seal in ("", "0" * 64, "ß"):
        form = {"html": "<script>alert(1)</script>", "studio": site.address, "seal": seal}
        assert page.request.post(address, form=form).status == 403
    page.close()


def test_the_answer_of_another_page_is_not_believed(site: StudioSite, browser: Browser) -> None:
    with visit(site, browser) as page:
        page.goto("/templates/new?from=box-page")
        preview(page)
        page.evaluate("postMessage({ trial: '<QuestionFormAnswers/>' }, '*')")
        page.wait_for_timeout(300)
        expect(page.locator("[data-answered]")).to_be_hidden()


def test_all_rows_are_tried_in_a_headless_browser(site: StudioSite, browser: Browser) -> None:
    with visit(site, browser) as page:
        page.goto("/templates/new?from=row-page")
        with page.expect_response("**/templates/preview"):
            page.get_by_label("Rows", exact=True).fill("question\nTea?\n<script>x</script>\n")
        write(page, FORM % '<p>${question}</p><crowd-input name="said" required></crowd-input>')
        page.get_by_role("button", name="Try all rows").click()
        place = page.locator("[data-trial]")
        expect(place).to_contain_text("All 2 rows were answered.", timeout=120_000)
        expect(place.locator("li")).to_have_count(2)
        expect(place.locator("li img").first).to_be_visible()
        place.get_by_text("Answer, as it is read").first.click()
        expect(place.locator("pre").first).to_contain_text('"said"')
        assert not Axe().run(page).response["violations"]


def test_versions_are_compared_and_restored(site: StudioSite, browser: Browser) -> None:
    old = FORM % '<p>Cats</p>\n<crowd-input name="a"></crowd-input>'
    keep(site, "two", old, old.replace("Cats", "Dogs"))
    with visit(site, browser) as page:
        page.goto("/templates/two/versions")
        page.get_by_role("link", name="What changed in version 2").click()
        expect(page.locator("tr.changed .code").nth(0)).to_have_text("<p>Cats</p>")
        expect(page.locator("tr.changed .code").nth(1)).to_have_text("<p>Dogs</p>")
        assert page.locator("tr.changed mark").all_inner_texts()
        page.get_by_role("button", name="Restore version 1").click()
        expect(page.get_by_text("Version 3 has the text of version 1.")).to_be_visible()
        expect(page.locator("tbody tr").first).to_contain_text("Restored from version 1")


def test_a_text_written_from_an_older_version_is_not_lost(
    site: StudioSite, browser: Browser
) -> None:
    keep(site, "both", FORM % '<crowd-input name="a"></crowd-input>')
    with visit(site, browser) as page:
        page.goto("/templates/both/edit")
        write(page, FORM % '<crowd-input name="mine"></crowd-input>')
        keep(site, "both", FORM % '<crowd-input name="theirs"></crowd-input>')
        page.get_by_role("button", name="Save a version").click()
        expect(page.get_by_role("alert").first).to_contain_text("ada saved version 2")
        assert 'name="mine"' in page.get_by_label("HTML of the page").input_value()


def test_the_studio_is_left_by_tab_and_worked_by_keys(site: StudioSite, browser: Browser) -> None:
    with visit(site, browser) as page:
        page.goto("/templates/new?from=box-page")
        preview(page)
        page.get_by_label("HTML of the page").focus()
        page.keyboard.press("Control+End")
        page.keyboard.type("<!-- by key -->")
        expect(page.locator(".paint .is-comment").last).to_have_text("<!-- by key -->")
        page.keyboard.press("Control+z")
        expect(page.locator(".paint")).not_to_contain_text("by key -->")
        reached = set()
        for _ in range(30):
            page.keyboard.press("Tab")
            reached.add(
                page.evaluate(
                    "document.activeElement.name || document.activeElement.textContent.trim()"
                )
            )
        assert "source" not in reached
        assert {"Phone", "Next", "number", "accepted", "Start afresh", "data"} <= reached


def test_tab_goes_through_the_studio_as_one_reads_it(site: StudioSite, browser: Browser) -> None:
    with visit(site, browser) as page:
        page.goto("/templates/new?from=box-page")
        preview(page)
        reached: list[str] = []
        while "Save a version" not in reached and len(reached) < 80:
            page.keyboard.press("Tab")
            name = "document.activeElement.name || document.activeElement.textContent.trim()"
            reached.append(page.evaluate(name))
        wanted = [
            "Skip to the content", "language", "source", "Phone", "Whole width", "Previous",
            "number", "Next", "accepted", "Start afresh", "data", "dataset", "Try all rows",
            "name", "note", "Save a version",
        ]  # fmt: skip
        assert [one for one in reached if one in wanted] == wanted


ADDRESSES = (
    "/templates", "/templates/new?from=box-page", "/templates/new?from=boxes",
    "/templates/seen/edit", "/templates/seen/versions", "/templates/seen/compare?old=1&new=2",
)  # fmt: skip


@pytest.fixture
def seen(site: StudioSite) -> None:
    text = FORM % '<crowd-input label="a"></crowd-input>\n<button>x</button>'
    keep(site, "seen", text, text.replace("x", "y") + "\n" * 12)


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_the_studio(site: StudioSite, browser: Browser, theme: str) -> None:
    with visit(site, browser, theme=theme) as page:
        found = {}
        for address in ADDRESSES:
            page.goto(address)
            page.wait_for_load_state("networkidle")
            violations = Axe().run(page).response["violations"]
            if violations:
                found[address] = [(v["id"], v["nodes"][0]["html"][:160]) for v in violations]
        assert not found


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize("width", [360, 680])
def test_the_studio_fits_a_narrow_screen(site: StudioSite, browser: Browser, width: int) -> None:
    with visit(site, browser, width=width) as page:
        wide = []
        for address in ADDRESSES:
            page.goto(address)
            page.wait_for_load_state("networkidle")
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append(address)
        assert not wide


def test_the_studio_stays_light(site: StudioSite, browser: Browser) -> None:
    with visit(site, browser) as page:
        sizes: dict[str, int] = {}

        def weigh(response) -> None:  # type: ignore[no-untyped-def]
            if response.url.startswith(f"{site.address}/static/"):
                sizes[response.url] = len(gzip.compress(response.body()))

        page.on("response", weigh)
        page.goto("/templates/new?from=boxes")
        page.wait_for_load_state("networkidle")
        assert len(sizes) >= 5
        assert sum(sizes.values()) < HEAVIEST_BYTES
