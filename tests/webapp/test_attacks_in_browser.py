"""Every text that somebody else chose, in a real browser: nothing runs or becomes HTML."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlalchemy import JSON, String, Text, inspect, text
from sqlalchemy.orm import Session

from jobs.db import transaction
from jobs.findings import report
from jobs.records import PageSource
from jobs.specs import saved_templates
from jobs.tables import TemplateTrial
from jobs.tables.base import Base
from tests.webapp import campaign
from tests.webapp.browsing import Site
from tests.webapp.test_api import Program
from tests.webapp.test_attacks_by_files import commented, polyglot
from tests.webapp.test_browser import PAGES, visit
from tests.webapp.test_exporting import draw_boxes
from webapp.auth import limiter

pytestmark = pytest.mark.browser

PAYLOADS = {
    "a tag in an attribute": '"><img src=x data-evil onerror=alert(1)></script><script>alert(2)//',
    "a script's end": "</script></title></textarea><script data-evil>alert(3)</script><!--",
    "a drawing": "'><svg data-evil onload=alert(4)><use href='data:image/svg+xml,x'/></svg>",
    "foreign content": '<math><mtext><style><img title="</style><img data-evil onerror=alert(5)>',
    "an address": 'javascript:alert(6)//" data-evil autofocus onfocus=alert(6) x="',
    "a template": "{{7777*7777}}${7777*7777}<b data-evil>`${alert(7)}`</b>",
}
LINES = "\u2028\u2029\n]]>-->\\u003cscript\\u003e"  # where a column takes any text
WORDS = {
    "worker": ("name", "provider_worker_id"),
    "item": ("name", "licence", "source"),
    "dataset": ("name",),
    "job": ("name",),
    "batch": ("name",),
    "hit": ("provider_hit_id",),
    "assignment": ("parse_error", "decision_reason", "decided_by"),
    "raw_submission": ("provider_assignment_id", "provider_worker_id", "raw"),
    "intake": ("source", "dataset_name", "problem", "licence", "item_source", "actor"),
    "decision": ("note", "actor"),
    "second_look": ("note", "asked_by"),
    "reservation": ("actor",),
    "label": ("actor",),
    "finding": ("message", "key"),
    "switch": ("reason", "actor"),
    "user": ("name",),
    "api_token": ("name",),
    "hook": ("url", "created_by"),
    "hook_delivery": ("problem", "key"),
    "work": ("error",),
    "export": ("name", "problem", "actor"),
    "intent": ("error", "actor", "provider_reference"),
    "ledger_transaction": ("actor", "request_id", "key"),
    "job_change": ("before", "after", "actor"),
    "template_version": ("note", "created_by", "source"),
    "template_trial": ("title", "problem", "created_by"),
    "route": ("provider_hit_type_id",),
}
LINKS = (
    "[...document.querySelectorAll('[href],[src],[action]')].flatMap((one) =>"
    " ['href', 'src', 'action'].map((name) => one.getAttribute(name) || ''))"
)
MORE_PAGES = (
    "/templates", "/templates/evil/versions", "/templates/evil/edit", "/templates/evil/compare",
    "/templates/trials/1", "/jobs/1/workers/1/habits", "/jobs/1/spending", "/jobs/1/throughput",
    "/jobs/1/items/1", "/jobs/1/items/2", "/jobs/1/items/1/decide/boxes", "/jobs/2/rehearsal",
    "/jobs/1/ledger/totals", "/jobs/1/items?class=cup", "/health/queue", "/settings/payers",
    "/datasets/imports/1/state", "/jobs/2/gate",
)  # fmt: skip


def furnish(site: Site) -> None:
    """A row of every kind that a page shows."""
    app = site.app
    draw_boxes(app)
    program = Program(app, "admin")
    for path, body in (
        ("/hooks", {"url": "https://example.org/hear"}),
        ("/jobs/1/exports", {"format": "jsonl", "name": "x"}),
        ("/jobs/1/pause", {}),
        ("/jobs/1/resume", {}),
    ):
        assert program.send(path, body).status_code < 300, path
    with transaction(site.sessions) as session:
        report(session, "k", "m", campaign.NOW, 1)
        for number in range(2):
            source = PageSource(f"<p>${{x}} {number}</p>", "fields")
            saved_templates.save(session, "evil", source, actor="a", now=campaign.NOW, note="n")
        session.add(
            TemplateTrial(
                title="t", pages=["p"], state="done", problem="", created_by="a",
                created_at=campaign.NOW, finished_at=campaign.NOW,
                results=[{"row": 1, "problem": "cup", "seconds": 1.0, "is_closed_in_preview": True,
                          "screenshot": "", "answer": {"a": "cup"}, "answer_xml": "cup"}],
            )
        )  # fmt: skip


def poison(session: Session, payload: str) -> None:
    """Put the payload wherever a person, worker, dataset or venue chose the words."""
    guards = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%RAISE%'")
    for guard in session.scalars(guards).all():
        session.execute(text(f"DROP TRIGGER {guard}"))
    known = inspect(session.connection())
    for name, columns in WORDS.items():
        for column in columns:
            assert column in {one["name"] for one in known.get_columns(name)}, (name, column)
            session.execute(
                text(f'UPDATE "{name}" SET "{column}" = :evil || rowid'),
                {"evil": payload + ("" if name == "job" else LINES)},
            )
    quoted = json.dumps(payload)
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if not isinstance(column.type, (JSON, String, Text)):
                continue
            for word in ("cup", "eye", "red", "blue"):
                put = (
                    f'UPDATE "{table.name}" SET "{column.name}" = replace("{column.name}", :a, :b)'
                )
                session.execute(text(put), {"a": f'"{word}"', "b": quoted.replace("alert", word)})
    body = session.execute(text("SELECT id, body FROM schema_version")).all()
    for number, kept in body:
        schema = json.loads(kept)
        schema |= {"title": payload, "instructions": payload, "short_instructions": payload}
        schema["attributes"][0] |= {"title": payload}
        session.execute(
            text("UPDATE schema_version SET body = :b WHERE id = :i"),
            {"b": json.dumps(schema), "i": number},
        )


@pytest.fixture
def site(seeded_folder: Path, tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    limiter.enabled = False
    found = Site(folder)
    yield found
    found.stop()
    limiter.enabled = True


@pytest.mark.parametrize("name", PAYLOADS)
def test_no_words_of_others_run_or_become_html(site: Site, browser: Browser, name: str) -> None:
    """In lists, titles, editors, charts, tooltips, the desk and the parts that scripts fetch."""
    furnish(site)
    with transaction(site.sessions) as session:
        poison(session, PAYLOADS[name])
    shown = set()
    with visit(site, browser) as page:
        for address in (*PAGES, *MORE_PAGES):
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == (404 if address == "/jobs/999" else 200), address
            assert page.locator("[data-evil]").count() == 0, address
            assert "60481729" not in page.content(), address
            if "data-evil" in page.inner_text("body"):
                shown.add(address)
            links = page.evaluate(LINKS)
            assert not [one for one in links if one.strip().lower().startswith("javascript:")]
    assert len(shown) >= 15, shown


def test_no_picture_runs_when_it_is_opened_alone(site: Site, browser: Browser) -> None:
    blobs = site.app.extensions["hitworks"].blobs
    kept = {blobs.put(commented(), "image/jpeg"), blobs.put(polyglot(), "image/gif")}
    ran: list[str] = []
    with visit(site, browser) as page:
        alone = page.context.new_page()  # the browser's own page around a picture has a style
        alone.on("dialog", lambda dialog: ran.append(dialog.message))
        for key in kept:
            signed = "/media/" + blobs.url(key).partition("/media/")[2]
            for address in (signed, f"/images/{key}", f"/thumbnails/320/{key}"):
                answer = alone.goto(address)
                assert answer is not None
                assert answer.headers["content-type"].startswith("image/")
                assert alone.locator("img").count() == 1
                assert alone.locator("script").count() == 0
        assert ran == []
        page.goto("/jobs")
        for key in kept:  # nor as a script or a page inside ours
            said = page.evaluate(
                "(src) => new Promise((done) => { const s = document.createElement('script');"
                " s.onload = () => done('ran'); s.onerror = () => done('refused');"
                " s.src = src; document.head.append(s); })",
                f"/images/{key}",
            )
            assert said == "refused"


def test_no_api_token_can_be_read_again(site: Site, browser: Browser) -> None:
    """A script that got into a page would find none: they are shown once, and kept as hashes."""
    secret = Program(site.app, "admin").headers["Authorization"].removeprefix("Bearer ")
    with visit(site, browser) as page:
        for address in ("/account", "/people", "/settings", "/health", "/"):
            page.goto(address)
            assert secret not in page.content()
        assert page.evaluate("document.cookie") == ""
        for address in (
            "/api/v1/tokens",
            "/api/current-user/token",
            "/api/v1/me",
            "/account/token",
        ):
            assert page.request.get(f"{site.address}{address}").status in (401, 404)
