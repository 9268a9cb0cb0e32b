"""A robot with a mouse: it does box HITs in a real browser, as a person would.

Needs Playwright and a Chromium; the HTTP robots of ``jobs.rehearsals.robots`` need neither.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from playwright.sync_api import Browser, FrameLocator, Locator, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

from jobs.errors import InvalidInput, ProviderError
from jobs.rehearsals.answers import Truth, answer, picture_name, read_questions
from jobs.rehearsals.robots import Done, Robot

DRAG_STEPS = 4
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


def draw_one(page: Page, url: str, robot: Robot, truths: Mapping[str, Truth], title: str) -> Done:
    """The next HIT called ``title``: accepted, its boxes drawn with the mouse, submitted.

    Raises:
        ProviderError: when the marketplace does not take the submission.

    """
    page.goto(f"{url}/worker")
    named = page.get_by_role("link", name=title, exact=True)
    page.locator("li.group", has=named).get_by_role("button").click()
    assignment_id = page.locator("section[data-assignment-id]").get_attribute("data-assignment-id")
    hit = page.frame_locator("#hit-frame")
    questions = [one for one in read_questions(_html(hit)) if one.kind == "boxes"]
    fields = answer(questions, truths, robot.profile, np.random.default_rng(robot.seed))
    for question in questions:
        element = hit.locator(f'crowd-bounding-box[name="{question.name}"]')
        size = truths[picture_name(element.get_attribute("src") or "")]
        boxes = fields[question.name]["boundingBoxes"]
        for box in boxes:
            _draw(page, element, box, (size.width, size.height))
        if not boxes:
            nothing = question.name.removesuffix("boxes") + "nothing"
            hit.locator(f'crowd-checkbox[name="{nothing}"]').click()
    with page.expect_response(lambda one: one.url.endswith("/mturk/externalSubmit")) as posted:
        hit.get_by_role("button", name="Submit").click()
    if not posted.value.ok:
        raise ProviderError(
            f"marketplace: the browser's submission was answered {posted.value.status}",
            permanent=True,
        )
    return Done(robot.name, str(assignment_id), fields)


def _html(hit: FrameLocator) -> str:
    hit.locator("crowd-form").wait_for()
    return str(hit.locator(":root").evaluate("root => root.outerHTML"))


def _draw(
    page: Page, element: Locator, box: Mapping[str, float | str], size: tuple[int, int]
) -> None:
    """Drag from one corner to the other, then name the box, which is still selected."""
    canvas = element.locator(".canvas")
    canvas.scroll_into_view_if_needed()
    frame = canvas.bounding_box()
    if frame is None:
        raise ProviderError("HIT page: the picture is not to be seen", permanent=True)
    left, top = float(box["left"]), float(box["top"])
    corners = ((left, top), (left + float(box["width"]), top + float(box["height"])))
    start, end = (
        (
            frame["x"] + x / size[0] * frame["width"],
            frame["y"] + y / size[1] * frame["height"],
        )
        for x, y in corners
    )
    page.keyboard.down("Shift")  # draws even where another box lies
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=DRAG_STEPS)
    page.mouse.up()
    page.keyboard.up("Shift")
    element.locator(".labels button", has=page.get_by_text(str(box["label"]), exact=True)).click()
