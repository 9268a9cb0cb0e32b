"""The workers' pages in a real browser: for eyes, keyboards, phones and screen readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageStat
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.marketplace.bench import (
    Account,
    Person,
    admin,
    answer_key,
    choice,
    free_text,
    html_question,
    meet,
    open_account,
    question_form,
)
from webapp.marketplace.serving import Running

pytestmark = pytest.mark.browser

COLOURS = html_question(
    "<!DOCTYPE html><html lang='en'><head><title>Colours</title>"
    "<script src='https://s3.amazonaws.com/mturk-public/externalHIT_v1.js'></script></head>"
    "<body><main><h1>Which colour is it?</h1>"
    "<form name='mturk_form' id='mturk_form' method='post'>"
    "<input type='hidden' id='assignmentId' name='assignmentId' value=''>"
    "<label>Colour <input name='colour'></label>"
    "<input type='submit' id='submitButton' value='Send'></form>"
    "<script>turkSetAssignmentID();</script></main></body></html>"
)


@dataclass
class Desk:
    """A signed-in worker's browser window; script errors and refused resources fail the test."""

    running: Running
    person: Person
    context: BrowserContext
    page: Page
    problems: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.running.url + path)

    def violations(self) -> list[str]:
        found = Axe().run(self.page)
        return [f"{self.page.url}: {rule['id']}" for rule in found.response["violations"]]


@pytest.fixture
def desk_of(browser: Browser) -> Iterator[Callable[..., Desk]]:
    opened: list[Desk] = []

    def open_desk(
        running: Running, *, theme: str = "light", width: int = 1280, **more: str
    ) -> Desk:
        context = browser.new_context(
            color_scheme=theme,  # type: ignore[arg-type]
            viewport={"width": width, "height": 850},
        )
        person = meet(running, **more)
        desk = Desk(running, person, context, context.new_page())
        desk.page.on("pageerror", lambda error: desk.problems.append(str(error)))
        desk.page.on(
            "console",
            lambda line: desk.problems.append(line.text) if "Security" in line.text else None,
        )
        opened.append(desk)
        desk.go("/worker")
        desk.page.get_by_label("Name").fill(person.name)
        desk.page.get_by_label("Password").fill("long enough")
        desk.page.keyboard.press("Enter")
        expect(desk.page.get_by_role("heading", name="HITs", exact=True)).to_be_visible()
        return desk

    yield open_desk
    for desk in opened:
        desk.context.close()
        assert desk.problems == []


def furnish(running: Running) -> tuple[Account, dict, dict]:
    """An account with work of several kinds, and a test to take."""
    account = open_account(running)
    client = account.client
    test = question_form(choice("capital", "Paris", "Rome"), free_text("why"))
    client.create_qualification_type(
        Name=f"Geography {account.key}",
        Description="Knows where places are",
        QualificationTypeStatus="Active",
        Test=test,
        TestDurationInSeconds=900,
        AnswerKey=answer_key(("capital", "Paris", 1)),
    )
    colours = account.hit_type(
        Title=f"Name the colour {account.key}", Keywords="image, colour, quick", Reward="0.12"
    )
    hit = account.hit(colours, Question=COLOURS, MaxAssignments=5)
    account.hit(colours, Question=COLOURS, MaxAssignments=5)
    form = account.hit(
        account.hit_type(Title=f"A short survey {account.key}"),
        Question=question_form(
            "<Overview><Title>Survey</Title></Overview>",
            choice("season", "spring", "autumn"),
            choice("pets", "cat", "dog", style="checkbox"),
            choice("city", "Rome", "Oslo", style="dropdown"),
            free_text("why", "<NumberOfLinesSuggestion>4</NumberOfLinesSuggestion>"),
        ),
    )  # fmt: skip
    return account, hit, form


def live_through(desk: Desk, account: Account, hit: dict) -> None:
    """Give the worker a history: paid, rejected, with a bonus, letters, a request."""
    person = desk.person
    paid, refused = account.hit(account.hit_type()), account.hit(account.hit_type())
    first, second = person.do(paid), person.do(refused)
    account.client.approve_assignment(AssignmentId=first, RequesterFeedback="Thank you!")
    account.client.reject_assignment(
        AssignmentId=second, RequesterFeedback="Three of five boxes miss the car's wheels."
    )
    account.client.send_bonus(
        WorkerId=person.worker_id, AssignmentId=first, BonusAmount="0.50", Reason="Great boxes"
    )


@pytest.mark.parametrize(
    ("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)]
)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(
    running: Running, desk_of: Callable[..., Desk], theme: str, width: int, tmp_path: Path
) -> None:
    account, hit, form = furnish(running)
    desk = desk_of(running, theme=theme, width=width)
    live_through(desk, account, hit)
    qualification = account.client.list_qualification_types(
        MustBeRequestable=True, MustBeOwnedByCaller=True
    )["QualificationTypes"][0]["QualificationTypeId"]
    test = desk.person.post(f"/worker/qualifications/{qualification}/request")
    held = desk.person.take(hit)
    answered = desk.person.take(form)
    study = {"kind": "study", "hit_type_id": hit["HITTypeId"]}
    links = [admin(running, "POST", "/invitations", body).json()["url"] for body in ({}, study)]
    paths = [
        "/worker", f"/worker?search={account.key}&sort=reward", "/worker?search=nothingfits",
        f"/projects/{hit['HITTypeId']}/tasks", f"/worker/tasks/{held}",
        f"/worker/tasks/{answered}", "/worker/work", "/worker/messages", "/worker/qualifications",
        test.url.removeprefix(running.url), "/projects/3NOSUCH/tasks",
        links[0].removeprefix(running.url), links[1].removeprefix(running.url) + "p1",
    ]  # fmt: skip
    found: list[str] = []
    for number, path in enumerate(paths):
        desk.go(path)
        desk.page.screenshot(path=tmp_path / f"{theme}-{width}-{number:02}.png", full_page=True)
        found += desk.violations()
        wide = desk.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            found.append(f"{path}: {wide} px too wide")
    desk.context.clear_cookies()
    desk.go("/worker/sign-in")
    found += desk.violations()
    assert found == []


def test_a_worker_does_hits_one_after_the_other_by_keyboard(
    running: Running, desk_of: Callable[..., Desk]
) -> None:
    account, hit, _ = furnish(running)
    desk = desk_of(running)
    page = desk.page
    desk.go(f"/projects/{hit['HITTypeId']}/tasks")
    preview = page.frame_locator("#hit-frame")
    expect(preview.locator("#submitButton")).to_be_disabled()
    page.get_by_role("button", name="Accept this HIT").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/worker/tasks/*")
    first = page.url
    expect(page.locator("#timer")).to_contain_text("00:0")
    page.get_by_label("Accept the next HIT automatically").focus()
    with page.expect_response("**/worker/accept-next"):
        page.keyboard.press("Space")
    frame = page.frame_locator("#hit-frame")
    frame.get_by_label("Colour").fill("teal")
    frame.get_by_label("Colour").press("Enter")
    page.wait_for_url(lambda url: "/worker/tasks/" in url and url != first)
    frame = page.frame_locator("#hit-frame")
    frame.get_by_label("Colour").fill("red")
    frame.get_by_label("Colour").press("Enter")
    page.wait_for_url(f"**/projects/{hit['HITTypeId']}/tasks")
    rows = [
        row
        for made in account.client.list_hits()["HITs"]
        for row in account.assignments(made)
        if made["HITTypeId"] == hit["HITTypeId"]
    ]
    assert sorted(("teal" in row["Answer"], "red" in row["Answer"]) for row in rows) == [
        (False, True),
        (True, False),
    ]


def test_a_submit_that_comes_too_late_is_told_on_the_page_around(
    running: Running, desk_of: Callable[..., Desk]
) -> None:
    account, hit, _ = furnish(running)
    desk = desk_of(running)
    assignment_id = desk.person.take(hit)
    desk.go(f"/worker/tasks/{assignment_id}")
    desk.person.post(f"/worker/tasks/{assignment_id}/return")
    frame = desk.page.frame_locator("#hit-frame")
    frame.get_by_label("Colour").fill("teal")
    frame.locator("#submitButton").click()
    expect(desk.page.locator("#frame-message")).to_contain_text("ran out, or it was returned")
    assert account.assignments(hit) == []


def test_a_form_in_the_frame_is_filled_and_sent(
    running: Running, desk_of: Callable[..., Desk]
) -> None:
    account, _, form = furnish(running)
    desk = desk_of(running)
    desk.go(f"/worker/tasks/{desk.person.take(form)}")
    frame = desk.page.frame_locator("#hit-frame")
    frame.get_by_label("autumn").check()
    frame.get_by_label("dog").check()
    frame.get_by_role("combobox").select_option("Oslo")
    frame.get_by_role("button", name="Submit").click()
    desk.page.wait_for_url(lambda url: "/worker/tasks/" not in url)
    answer = account.assignments(form)[0]["Answer"]
    for chosen in ("autumn", "dog", "Oslo"):
        assert f"<SelectionIdentifier>{chosen}</SelectionIdentifier>" in answer


def test_a_page_in_the_frame_cannot_reach_the_worker_s_page(
    running: Running, desk_of: Callable[..., Desk]
) -> None:
    account = open_account(running)
    evil = html_question(
        "<!DOCTYPE html><html><head><title>x</title></head><body><p id='told'></p><script>"
        "const told = document.getElementById('told'); const say = (t) => told.textContent += t;"
        "try { say(window.parent.document.title); } catch { say('no parent;'); }"
        "try { say(document.cookie || 'no cookie;'); } catch { say('no cookie;'); }"
        "try { window.top.location = 'about:blank'; } catch { say('no top;'); }"
        "</script><input name='a'></body></html>"
    )
    hit = account.hit(Question=evil)
    desk = desk_of(running)
    desk.go(f"/worker/tasks/{desk.person.take(hit)}")
    told = desk.page.frame_locator("#hit-frame").locator("#told")
    expect(told).to_have_text("no parent;no cookie;no top;")
    desk.problems.clear()
    assert "/worker/tasks/" in desk.page.url


def test_a_page_that_goes_along_with_the_dark_is_not_white_on_white(
    running: Running, desk_of: Callable[..., Desk]
) -> None:
    page = (
        "<!DOCTYPE html><html lang='en'><head><title>t</title>"
        "<meta name='color-scheme' content='light dark'></head>"
        "<body><p id='words'>Words</p><input name='a' aria-label='a'></body></html>"
    )
    account = open_account(running)
    for theme, is_light in (("light", True), ("dark", False)):
        desk = desk_of(running, theme=theme)
        desk.go(f"/worker/tasks/{desk.person.take(account.hit(Question=html_question(page)))}")
        words = desk.page.frame_locator("#hit-frame").locator("#words")
        ink = words.evaluate("element => getComputedStyle(element).color")
        assert (ink == "rgb(0, 0, 0)") is is_light
        picture = Image.open(BytesIO(desk.page.locator("#hit-frame").screenshot())).convert("L")
        assert (ImageStat.Stat(picture).median[0] > 128) is is_light


def test_formats_and_numbers_of_choices_are_said_while_a_form_is_filled(
    running: Running, desk_of: Callable[..., Desk]
) -> None:
    formats = (
        "<Constraints><AnswerFormatRegex regex='^[a-c][1-3]$' flags='i' errorText='Like B2.'/>"
        "<AnswerFormatRegex regex='2$' errorText='Ends in 2.'/></Constraints>"
    )
    two = choice("pets", "cat", "dog", "cow", style="checkbox").replace(
        "<StyleSuggestion>", "<MaxSelectionCount>2</MaxSelectionCount><StyleSuggestion>"
    )
    account = open_account(running)
    desk = desk_of(running)
    hit = account.hit(Question=question_form(free_text("move", formats), two))
    desk.go(f"/worker/tasks/{desk.person.take(hit)}")
    frame = desk.page.frame_locator("#hit-frame")
    move, cat = frame.get_by_label("Say move"), frame.get_by_label("cat")
    for text, said in (("zz", "Like B2."), ("b1", "Ends in 2."), ("B2", "")):
        move.fill(text)
        assert move.evaluate("field => field.validationMessage") == said
    for ticked, said in (("cat", ""), ("dog", ""), ("cow", "Choose at most 2.")):
        frame.get_by_label(ticked).check()
        assert cat.evaluate("field => field.validationMessage") == said
    frame.get_by_role("button", name="Submit").click()
    frame.get_by_label("cow").uncheck()
    frame.get_by_role("button", name="Submit").click()
    desk.page.wait_for_url(lambda url: "/worker/tasks/" not in url)
    assert "<FreeText>B2</FreeText>" in account.assignments(hit)[0]["Answer"]
