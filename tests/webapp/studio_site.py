"""A running web app beside a marketplace, whose second origin shows the studio's pages."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from playwright.sync_api import Browser, FrameLocator, Page
from waitress.server import create_server

from tests.webapp.browsing import close, open_app, seed
from tests.webapp.campaign import PASSWORD
from webapp.auth import limiter
from webapp.marketplace.serving import Running, serve


class StudioSite:
    """Its addresses; images are served by the web app itself."""

    def __init__(self, app: Flask, address: str, market: Running) -> None:
        self.app, self.address, self.market = app, address, market


@contextmanager
def seeded_studio(folder: Path) -> Iterator[StudioSite]:
    """A studio over a new installation in ``folder``, which is gone afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    seed(folder, web_port=port)
    limiter.enabled = False
    with open_studio(folder, port) as found:
        yield found
    limiter.enabled = True
    shutil.rmtree(folder)


@contextmanager
def open_studio(folder: Path, port: int) -> Iterator[StudioSite]:
    """The app over ``folder`` on ``port``, and its marketplace, until the block ends."""
    with serve(
        database_url=f"sqlite:///{folder / 'marketplace.sqlite'}",
        secret_file=folder / "marketplace-secrets.json",
    ) as market:
        app = open_app(folder, web_port=port, content_public_url=market.content_url)
        server = create_server(app, host="127.0.0.1", port=port, threads=8)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        try:
            yield StudioSite(app, f"http://127.0.0.1:{port}", market)
        finally:
            server.close()
            thread.join(timeout=10)
            server.task_dispatcher.shutdown()
            close(app)


@contextmanager
def visit(
    site: StudioSite,
    browser: Browser,
    *,
    person: str = "manager",
    theme: str = "light",
    width: int = 1360,
) -> Iterator[Page]:
    """A signed-in page; a script error or a resource refused to our own page fails the test."""
    problems: list[str] = []
    context = browser.new_context(
        base_url=site.address,
        color_scheme=theme,  # type: ignore[arg-type]
        viewport={"width": width, "height": 900},
    )
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.on("console", lambda m: problems.append(m.text) if "Content Security" in m.text else None)
    page.goto("/sign-in")
    page.fill("#email", f"{person}@example.org")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.address}/")
    yield page
    context.close()
    assert not problems, problems


def preview(page: Page) -> FrameLocator:
    """The frame in which the page is seen, alive."""
    frame = page.frame_locator("[data-stand] iframe")
    frame.locator("crowd-form, form").first.wait_for()
    return frame
