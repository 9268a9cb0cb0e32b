"""A real browser for robots. It needs Playwright and a Chromium; HTTP robots need neither."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, ProxySettings, sync_playwright
from playwright.sync_api import Error as BrowserError

from jobs.errors import InvalidInput
from jobs.rehearsals.robots import Robot

# The last: what a page sends without a proxy's knowledge, as video calls do, is not sent at all.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def open_browser(way_out: str = "", own: Sequence[str] = ()) -> Iterator[Browser]:
    """A headless Chromium: the one on the path, else Playwright's own.

    With ``way_out`` everything but the addresses ``own`` is asked for through that proxy,
    loopback as well.

    Raises:
        InvalidInput: when there is none.

    """
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    # First, for the last rule that fits wins: loopback goes through the proxy, except ``own``.
    past = ",".join(("<-loopback>", *(urlsplit(address).netloc for address in own)))
    proxy = ProxySettings(server=way_out, bypass=past) if way_out else None
    with sync_playwright() as playwright:
        try:
            opened = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, proxy=proxy)
        except BrowserError as error:
            raise InvalidInput(
                "browser: found none that starts; install Chromium, or run: "
                f"playwright install chromium ({error.message.splitlines()[0]:.120})"
            ) from error
        try:
            yield opened
        finally:
            opened.close()


def sign_in(page: Page, url: str, robot: Robot) -> None:
    """The robot types its name and password and sees the list of HITs."""
    page.goto(f"{url}/worker/sign-in")
    page.get_by_label("Name").fill(robot.name)
    page.get_by_label("Password").fill(robot.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/worker")
