"""A real browser for robots. It needs Playwright and a Chromium; HTTP robots need neither."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

from jobs.errors import InvalidInput
from jobs.rehearsals.robots import Robot

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless Chromium: the one on the path, else Playwright's own.

    Raises:
        InvalidInput: when there is none.

    """
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        try:
            opened = playwright.chromium.launch(
                executable_path=path, args=["--no-sandbox", "--disable-gpu"]
            )
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
