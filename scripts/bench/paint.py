"""Prints when a real browser first paints each page, and what script and style each one loads.

    scripts/demo --exit
    python -m scripts.bench.paint [--data-dir var/demo] [--visits 7]

The pages are those that links lead to from the home page, one of each kind. A visit is a
navigation in a browser that has the static files already; the first visit to the app, with
nothing cached, is told apart. Bytes are those of scripts and styles, each compressed by gzip.
"""

from __future__ import annotations

import argparse
import gzip
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page, Response, sync_playwright

from scripts.tour_images import EMAIL, PASSWORD, ROOT, SIZE, served

BAR_MILLISECONDS, BAR_BYTES = 200, 150_000
_PAINT = """() => new Promise((tell) => new PerformanceObserver((list) => {
  const [painted] = list.getEntriesByName('first-contentful-paint');
  if (painted) tell(painted.startTime);
}).observe({ type: 'paint', buffered: true }))"""
_LINKS = "() => [...document.querySelectorAll('a[href]:not([download])')].map(a => a.href)"
_NO_PAGE = re.compile(r"/(static|api|media|sign-out)\b|\.(csv|zip|json|jsonl)$|/(download|file)\b")


@dataclass(frozen=True)
class Visits:
    """One page: its address, paints in milliseconds, and bytes of script and style."""

    path: str
    paints: list[float]
    n_bytes: int


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the first paint of every page.")
    parser.add_argument("--data-dir", type=Path, default=ROOT / "var/demo")
    parser.add_argument("--visits", type=int, default=7)
    given = parser.parse_args()
    if not (given.data_dir / "hitworks.sqlite").exists():
        raise SystemExit(f"{given.data_dir}: run scripts/demo --exit first")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    n_slow = 0
    with tempfile.TemporaryDirectory() as folder:
        data = shutil.copytree(given.data_dir, Path(folder) / "data")
        with served(data) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
                args=["--no-sandbox", "--disable-gpu"],
            )
            cold = first_paint_ever(browser, address)
            print(f"first visit ever, nothing cached, the sign-in page: {cold:.0f} ms")
            print(f"{'page':42} {'median ms':>10} {'slowest':>8} {'KB':>6}")
            for one in visits(signed_in(browser, address), address, given.visits):
                slowest = max(one.paints)
                n_slow += median(one.paints) > BAR_MILLISECONDS or one.n_bytes > BAR_BYTES
                kilobytes = one.n_bytes / 1000
                print(f"{one.path:42} {median(one.paints):10.0f} {slowest:8.0f} {kilobytes:6.0f}")
            browser.close()
    print(f"{n_slow} pages over {BAR_MILLISECONDS} ms or {BAR_BYTES // 1000} KB")
    return 1 if n_slow else 0


def first_paint_ever(browser: Browser, address: str) -> float:
    """Milliseconds to the first paint in a browser that knows nothing yet."""
    page = browser.new_page(viewport=SIZE)
    page.goto(f"{address}/sign-in")
    painted = float(page.evaluate(_PAINT))
    page.close()
    return painted


def signed_in(browser: Browser, address: str) -> Page:
    page = browser.new_context(base_url=address, viewport=SIZE).new_page()
    page.goto("/sign-in")
    page.fill("[name=email]", EMAIL)
    page.fill("[name=password]", PASSWORD)
    page.click("button")
    page.wait_for_url(f"{address}/")
    return page


def visits(page: Page, address: str, n_visits: int) -> Iterator[Visits]:
    """Every kind of page that can be reached, each visited once more than is counted."""
    bytes_of: dict[str, int] = {}
    loaded: set[str] = set()
    page.on("response", lambda response: _weigh(response, bytes_of, loaded))
    waiting, known = ["/"], {"/"}
    while waiting:
        path = waiting.pop(0)
        loaded.clear()
        page.goto(path, wait_until="load")
        for link in page.evaluate(_LINKS):
            found = link.removeprefix(address).partition("#")[0].partition("?")[0]
            kind = re.sub(r"\d+", "1", found)
            if link.startswith(address) and kind not in known and not _NO_PAGE.search(found):
                known.add(kind)
                waiting.append(found)
        paints = []
        for _ in range(n_visits):
            page.goto(path, wait_until="load")
            paints.append(float(page.evaluate(_PAINT)))
        yield Visits(path, paints, sum(bytes_of[url] for url in loaded))


def _weigh(response: Response, bytes_of: dict[str, int], loaded: set[str]) -> None:
    if response.request.resource_type not in ("script", "stylesheet") or response.status != 200:
        return
    loaded.add(response.url)
    if response.url not in bytes_of:
        bytes_of[response.url] = len(gzip.compress(response.body()))


if __name__ == "__main__":
    raise SystemExit(main())
