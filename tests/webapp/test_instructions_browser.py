"""In a real browser: no words of a question run, in the app's pages or in a worker's page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from jobs.db import reading
from jobs.tables import Job
from tests.webapp.studio_site import StudioSite, seeded_studio, visit
from tests.webapp.test_api import Program

pytestmark = pytest.mark.browser

RUN = "window.top.hacked=window.hacked=1"
# What got past cleaners of HTML: a second parse sees other elements than the first.
PAYLOADS = (
    f"<noscript><style></noscript><img src=x onerror={RUN}>",
    f'<noscript><p title="</noscript><img src=x onerror={RUN}>">',
    f"<svg><style><img src=x onerror={RUN}></style></svg>",
    f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;<img src=x onerror={RUN}>'>",
    f"<svg></p><style><a id='</style><img src=1 onerror={RUN}>'>",
    f"<form><button formaction='javascript:{RUN}' autofocus onfocus={RUN}>x</button></form>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><use href='data:image/svg+xml,<svg id=x><script>{RUN}</script></svg>#x'></use></svg>",
    f"<svg><foreignObject><iframe srcdoc='<script>{RUN}</script>'></iframe></foreignObject></svg>",
    f"<!--><img src=x onerror={RUN}>-->",
    f"<![CDATA[><img src=x onerror={RUN}>]]>",
    f"<template><script>{RUN}</script></template><details open ontoggle={RUN}>",
    f"</textarea></title></style></script><script>{RUN}</script>",
    f"[click](javascript:{RUN}) ![x](x\"onerror=\"{RUN}) `<img src=x onerror={RUN}>`",
    f"&lt;img src=x onerror={RUN}&gt; \\u003cimg src=x onerror={RUN}\\u003e",
    "{{7*7}} ${7*7} {% include '/etc/passwd' %}",
)  # fmt: skip
WORDS = "\n\n".join(PAYLOADS)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioSite]:
    folder = tmp_path_factory.mktemp("words") / "data"
    with seeded_studio(folder) as found:
        yield found


@pytest.fixture(scope="module")
def drafted(site: StudioSite) -> tuple[int, int]:
    """The ids of a question whose every word is hostile, and of a draft that asks it."""
    program = Program(site.app)
    attribute = {
        "name": "colour", "kind": "one", "title": PAYLOADS[0][:200],
        "options": [PAYLOADS[2][:100], f"<img src=x onerror={RUN}>"], "unsure": "<b>cannot</b>",
    }  # fmt: skip
    schema = {
        "name": "hostile", "title": PAYLOADS[1][:200], "instructions": WORDS,
        "classes": [PAYLOADS[4][:100], "cup"], "attributes": [attribute],
    }  # fmt: skip
    saved = program.send("/schemas", schema)
    assert saved.status_code == 201, saved.text
    route = {"provider": "mturk", "redundancy": 2, "reward": "0.05"}
    job = {
        "name": f"<img src=x onerror={RUN}>", "dataset": "Photos", "schema": "hostile",
        "budget": "20.00", "routes": [{**route, "kind": kind} for kind in ("boxes", "tags")],
    }  # fmt: skip
    made = program.send("/jobs", job)
    assert made.status_code == 201, made.text
    with reading(site.app.extensions["hitworks"].sessions) as session:
        row = session.scalars(select(Job).order_by(Job.id.desc())).first()
    assert row is not None
    return row.schema_id, row.id


def test_no_words_of_a_question_run_on_any_page(
    site: StudioSite, browser: Browser, drafted: tuple[int, int]
) -> None:
    schema, job = drafted
    with visit(site, browser) as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        for address in (
            "/jobs", f"/jobs/{job}", f"/jobs/{job}/plan", f"/jobs/{job}/money",
            f"/jobs/{job}/review", f"/jobs/{job}/rehearse", f"/jobs/{job}/items",
            f"/jobs/{job}/items/1", f"/jobs/{job}/items/1/decide/boxes",
            f"/jobs/{job}/items/1/decide/tags", f"/jobs/{job}/exports",
            f"/jobs/new/question?dataset=1&schema={schema}&draft={job}",
            f"/jobs/new/plan?dataset=1&schema={schema}", "/adjudicate", "/templates/new",
        ):  # fmt: skip
            page.goto(address, wait_until="load")
            assert page.evaluate("window.hacked") is None, address
            assert page.locator("img[src='x'], iframe[srcdoc]").count() == 0, address


@pytest.mark.parametrize("number", [1, 2])
def test_no_words_of_a_question_run_in_a_workers_page(
    site: StudioSite, browser: Browser, drafted: tuple[int, int], number: int
) -> None:
    with visit(site, browser) as page:
        page.goto(f"/jobs/{drafted[1]}/preview/{number}")
        frame = page.frame_locator("iframe[name=preview]")
        expect(frame.get_by_text("<noscript><style></noscript>").first).to_be_attached()
        frame.locator("crowd-form button").first.wait_for(state="attached")
        body = frame.locator("body")
        assert body.evaluate("window.hacked") is None
        assert page.evaluate("window.hacked") is None
        assert frame.locator("img[src='x'], iframe, form button[formaction]").count() == 0


def test_the_same_words_do_run_where_nothing_is_escaped(browser: Browser) -> None:
    """The trap works: words put into a page as they are, are caught by it."""
    page = browser.new_page()
    page.set_content(f"<!DOCTYPE html><p>{WORDS}</p>")
    page.wait_for_function("window.hacked === 1")
    page.close()
