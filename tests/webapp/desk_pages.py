"""A browser at the adjudication desk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from jobs.db import reading
from jobs.reports import item_view
from jobs.reports.conflicts import Queue, conflicts
from tests.webapp.browsing import Site
from tests.webapp.campaign import PASSWORD
from webapp.auth import limiter

Open = Callable[..., Page]


@pytest.fixture
def site(seeded_folder: Path, tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    limiter.enabled = False
    found = Site(folder)
    yield found
    found.stop()
    limiter.enabled = True


@pytest.fixture
def as_person(site: Site, browser: Browser) -> Iterator[Open]:
    """Opens a page as the person of a role; a script error or a refused resource fails the test."""
    problems: list[str] = []
    contexts = []

    def sign_in(role: str = "adjudicator", **options: Any) -> Page:
        options = {"viewport": {"width": 1360, "height": 860}, **options}
        context = browser.new_context(base_url=site.address, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
        page.on(
            "console", lambda m: problems.append(m.text) if "Content Security" in m.text else None
        )
        page.goto("/sign-in")
        page.fill("#email", f"{role}@example.org")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site.address}/")
        return page

    yield sign_in
    for context in contexts:
        for page in context.pages:  # a page that says it is left would speak to a server that stops
            page.wait_for_load_state("networkidle")
            page.evaluate("delete document.querySelector('[data-desk]')?.dataset.look")
        context.close()
    assert not problems, problems


def worst(site: Site, kind: str = "boxes", place: int = 0) -> int:
    """The item of the worst question of a kind."""
    with reading(site.sessions) as session:
        return conflicts(session, Queue(1, kind))[place].item_id


def newest(site: Site, item_id: int, kind: str = "boxes") -> Any:
    with reading(site.sessions) as session:
        labels = item_view(session, 1, item_id).labels
    return next((label for label in labels if label.kind == kind), None)


def go(page: Page, item_id: int, kind: str = "boxes") -> None:
    page.goto(f"/jobs/1/items/{item_id}/decide/{kind}?job=1")
    if kind == "boxes":
        page.locator(".a9s-annotation").first.wait_for()


def drawn(page: Page) -> list[dict[str, Any]]:
    return list(json.loads(page.locator("[data-boxes]").input_value()))


def sources(page: Page) -> list[dict[str, Any]]:
    return list(json.loads(page.locator("[data-sources]").input_value()))


@contextmanager
def dragging(page: Page) -> Iterator[Callable[..., None]]:
    """Drags from one point of the picture to another, in its own pixels."""
    frame = page.locator("[data-picture]").bounding_box()
    width = float(page.locator("[data-stage]").get_attribute("data-width") or 1)
    assert frame
    scale = frame["width"] / width

    def drag(x: float, y: float, to_x: float, to_y: float) -> None:
        page.mouse.move(frame["x"] + x * scale, frame["y"] + y * scale)
        page.mouse.down()
        page.mouse.move(frame["x"] + to_x * scale, frame["y"] + to_y * scale, steps=6)
        page.mouse.up()

    yield drag


def assert_box(box: dict[str, Any], left: float, top: float, right: float, bottom: float) -> None:
    expected = {"left": left, "top": top, "right": right, "bottom": bottom}
    assert all(abs(box[side] - at) < 2 for side, at in expected.items()), box


def decided(page: Page) -> None:
    page.get_by_role("button", name="Decide and go on").click()
    page.get_by_text("Decided. Earlier versions are kept.").wait_for()
