"""Pictures of the main pages for docs/tour.md, in both themes, from the demo's data.

scripts/demo --exit
.venv/bin/python scripts/tour_images.py [--data-dir var/demo]

The demo's folder is copied first and stays as it is; the pictures of an earlier run are
written over.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from waitress.server import create_server

from jobs import accounts
from jobs.db import open_engine, transaction
from jobs.installation import migrating
from jobs.settings import Settings
from webapp import create_app
from webapp.auth import limiter

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs/images"
SIZE = {"width": 1280, "height": 860}
WIDTH = 1000  # of a picture, in pixels
MOST_BYTES = 60_000
EMAIL, PASSWORD = "ada@example.org", "a tour of the pages"
# name, address, the element that stands at the top of the picture
PAGES = (
    ("home", "/", ""),
    ("job", "/jobs/1", ""),
    ("quality", "/jobs/1", "h2:has-text('Confidence')"),
    ("disagreements", "/jobs/1", "h2:has-text('Disagreements')"),
    ("items", "/jobs/1/items", ""),
    ("item", "/jobs/1/items/5", ".itemname"),
    ("desk", "/jobs/1/items/5/decide/boxes", ""),
    ("workers", "/jobs/1/workers", ""),
    ("worker", "/jobs/1/workers/9", "h2:has-text('Bias and jitter')"),
    ("ledger", "/jobs/1/ledger", ""),
    ("exports", "/jobs/1/exports", ""),
    ("settings", "/settings", ""),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the pictures of docs/tour.md.")
    parser.add_argument("--data-dir", type=Path, default=ROOT / "var/demo")
    given = parser.parse_args()
    if not (given.data_dir / "hitworks.sqlite").exists():
        raise SystemExit(f"{given.data_dir}: run scripts/demo --exit first")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        shutil.copytree(given.data_dir, data)
        with served(data) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
                args=["--no-sandbox", "--disable-gpu"],
            )
            for theme in ("light", "dark"):
                for name, picture in pictures(browser, address, theme):
                    path = IMAGES / f"tour-{name}-{theme}.webp"
                    path.write_bytes(picture)
                    print(f"{path.relative_to(ROOT)}: {len(picture):,} bytes")
            browser.close()


@contextmanager
def served(data_dir: Path) -> Iterator[str]:
    """The address of the web app over the folder, with an administrator who can sign in."""
    settings = Settings(data_dir=data_dir)
    engine = open_engine(settings.database())
    migrating.upgrade(engine, datetime.now(UTC))
    engine.dispose()
    limiter.enabled = False
    app = create_app(settings)
    add_person(app)
    server = create_server(app, host="127.0.0.1", port=0, threads=8)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(timeout=10)


def add_person(app: Flask) -> None:
    with transaction(app.extensions["hitworks"].sessions) as session:
        known = {person.email for person in accounts.people(session)}
        if EMAIL not in known:
            accounts.create_person(
                session, email=EMAIL, name="Ada", role="admin", password=PASSWORD,
                now=datetime.now(UTC),
            )  # fmt: skip


def pictures(browser: Browser, address: str, theme: str) -> Iterator[tuple[str, bytes]]:
    """(name, WebP bytes) of each page."""
    context = browser.new_context(
        base_url=address, viewport=SIZE, color_scheme=theme, timezone_id="Europe/Berlin",
        locale="en-GB",
    )  # fmt: skip
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("[name=email]", EMAIL)
    page.fill("[name=password]", PASSWORD)
    page.click("button")
    for name, path, top in PAGES:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        if top:
            page.locator(top).first.evaluate(
                "place => window.scrollTo(0, place.getBoundingClientRect().top + scrollY - 40)"
            )
            page.wait_for_timeout(300)
        yield name, small(page.screenshot())
    context.close()


def small(png: bytes) -> bytes:
    """The picture as WebP under MOST_BYTES."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image = image.resize(
        (WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS
    )
    for quality in range(82, 20, -6):
        out = io.BytesIO()
        image.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= MOST_BYTES:
            return out.getvalue()
    raise SystemExit(f"a picture does not fit into {MOST_BYTES:,} bytes")


if __name__ == "__main__":
    main()
