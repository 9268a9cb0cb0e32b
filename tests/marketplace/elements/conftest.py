from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page

from tests.marketplace.elements.crowd_site import STATIC, Site, running_site


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as running:
        yield running


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A page that fails the test on any script error or refused request."""
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda line: line.type == "error" and troubles.append(line.text))
    yield opened
    context.close()
    assert (troubles, site.missing) == ([], [])


@pytest.fixture
def picture(site: Site) -> str:
    """The address of a 640 by 480 picture: a red block at (160, 120)-(400, 300) on grey."""
    image = Image.new("RGB", (640, 480), (120, 130, 140))
    ImageDraw.Draw(image).rectangle((160, 120, 399, 299), fill=(200, 30, 30))
    data = io.BytesIO()
    image.save(data, "PNG")
    return site.add("/picture.png", data.getvalue(), "image/png")


@pytest.fixture(scope="session", autouse=True)
def vendor_is_there() -> None:
    vendor = STATIC / "vendor" / "annotorious.js"
    assert vendor.is_file(), "the front-end libraries are missing: run scripts/install first"
