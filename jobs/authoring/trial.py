"""A page tried as a worker would meet it: posted, previewed, accepted, filled, submitted, read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Frame, Page, Response
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import TimeoutError as BrowserTimeout

from jobs.answer_fields import read_fields
from jobs.authoring.trial_result import Trial
from jobs.errors import HitworksError, InvalidAnswer
from jobs.providers._turk_terms import CrowdTerms
from jobs.providers.mturk import Mturk
from jobs.records import TAGS, HitSpec, LabelSchema, Submission
from jobs.rehearsals.browser import sign_in
from jobs.rehearsals.filling import complaints, fill_page, submit_button, wait_until_alive
from jobs.rehearsals.robots import Ground, Robot, open_account
from jobs.settings import Settings
from quality.simulate import profile

WINDOW = (1200, 1600)
PATIENCE_MS = 10_000
EVENT = "externalSubmit"


def try_pages(
    pages: Sequence[tuple[int, str]],
    ground: Ground,
    browser: Browser,
    folder: Path,
    clock: Callable[[], datetime],
    seed: int = 0,
) -> Iterator[Trial]:
    """Each page (row number, HTML) done by a robot; screenshots and answers go to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(data_dir=folder, mturk_local_url=ground.url)
    venue = Mturk("mturk", "local", settings, CrowdTerms(clock))
    robot = Robot("trial", "robots need no secret", profile("average"), seed)
    open_account(ground.url, ground.admin_token, robot)
    context = browser.new_context(viewport={"width": WINDOW[0], "height": WINDOW[1]})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    try:
        sign_in(page, ground.url, robot)
        for row, html in pages:
            yield _try(page, ground, venue, row, html, folder, np.random.default_rng([seed, row]))
    finally:
        context.close()


def _try(
    page: Page,
    ground: Ground,
    venue: Mturk,
    row: int,
    html: str,
    folder: Path,
    rng: np.random.Generator,
) -> Trial:
    picture = folder / f"row-{row:04}.png"
    is_closed, problem = False, ""
    missing: list[str] = []
    spec = _spec(row, html)
    try:
        posted = venue.publish(spec)
    except HitworksError as error:
        return Trial(row, f"refused: {error}", is_closed, 0.0, None, "", "")
    watch = _watcher(missing)
    page.on("response", watch)
    try:
        page.goto(f"{ground.url}/projects/{posted.provider_hit_type_id}/tasks")
        is_closed = _is_closed(_frame(page))
        page.get_by_role("button", name="Accept this HIT").click()
        problem = _do(page, picture, rng)
    except BrowserError as error:
        problem = f"the browser: {error.message.splitlines()[0]:.200}"
    finally:
        page.remove_listener("response", watch)
    if missing and not problem:
        problem = f"a worker would not see {missing[0]}"
    found = list(venue.fetch(posted, spec))
    if not found:
        problem = problem or "no answer arrived"
        return Trial(row, problem, is_closed, 0.0, None, "", _name(picture))
    return _read(row, problem, is_closed, found[0], picture)


def _watcher(missing: list[str]) -> Callable[[Response], None]:
    """Notes pictures that their host does not give to a worker's browser."""

    def look(response: Response) -> None:
        if response.request.resource_type == "image" and response.status >= 400:
            missing.append(f"{response.url:.200}: its host answers {response.status}")

    return look


def _spec(row: int, html: str) -> HitSpec:
    title = f"Row {row}"
    return HitSpec(
        marker=title, token=f"trial-{row}", kind=TAGS, schema=LabelSchema("trial", (), ()),
        attributes=(), tasks=(), html=html, title=title, description="A page on trial",
        keywords="", reward_micros=10_000, max_assignments=1, lifetime_seconds=3600,
        assignment_duration_seconds=600, auto_approval_delay_seconds=3600,
    )  # fmt: skip


def _frame(page: Page) -> Frame:
    """The HIT's own page, alive."""
    handle = page.locator("#hit-frame").element_handle()
    frame = handle.content_frame() if handle else None
    if frame is None:
        raise BrowserError("the worker's page has no HIT")
    wait_until_alive(frame)
    return frame


def _is_closed(frame: Frame) -> bool:
    button = submit_button(frame)
    return button is None or button.is_disabled()


def _do(page: Page, picture: Path, rng: np.random.Generator) -> str:
    """Fill the accepted HIT, take its picture, submit it; what went wrong, if anything."""
    page.wait_for_selector("section[data-assignment-id]")
    frame = _frame(page)
    fill_page(page, frame, rng)
    page.screenshot(path=str(picture))
    button = submit_button(frame)
    if button is None:
        return "the page has no submit button"
    place = page.url
    try:
        with page.expect_response(lambda one: one.url.endswith(EVENT)) as posted:
            button.click()
    except BrowserTimeout:
        return "; ".join(["the page sent nothing", *complaints(frame)])[:500]
    if posted.value.ok:
        page.wait_for_url(lambda url: url != place)  # the worker is led on to the next HIT
        return ""
    return f"the submission was answered {posted.value.status}"


def _read(row: int, problem: str, is_closed: bool, submission: Submission, picture: Path) -> Trial:
    picture.with_suffix(".xml").write_text(submission.raw, encoding="utf-8")
    seconds = (submission.submitted_at - submission.accepted_at).total_seconds()
    try:
        answer = read_fields(submission.raw).values
    except InvalidAnswer as error:
        answer, problem = None, f"the answer cannot be read: {error}"
    return Trial(row, problem, is_closed, seconds, answer, submission.raw, _name(picture))


def _name(picture: Path) -> str:
    return picture.name if picture.exists() else ""
