"""A requester's page in the frame, bent on evil, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.marketplace.bench import Account, Person, html_question, meet, open_account
from webapp.marketplace.serving import Running

pytestmark = pytest.mark.browser

COOKIE = "hitworks_marketplace"


@dataclass
class Victim:
    """A worker signed in at the address that people are told, with a page open."""

    person: Person
    context: BrowserContext
    page: Page

    def meets(self, account: Account, script: str) -> dict[str, str]:
        """What the page in the frame of a HIT found out, by name."""
        hit = account.hit(
            Question=html_question(
                "<!DOCTYPE html><html><head><title>x</title></head><body><input name='a'>"
                "<p id='told'></p><script>const told = {};"
                "const end = () => { const p = document.getElementById('told');"
                " p.textContent = JSON.stringify(told); p.className = 'done'; };"
                f"{script}</script></body></html>"
            )
        )
        task = self.person.take(hit)
        self.page.goto(f"{self.person.running.url}/worker/tasks/{task}")
        told = self.page.frame_locator("#hit-frame").locator("#told.done")
        expect(told).to_be_attached()
        found = told.evaluate("p => JSON.parse(p.textContent)")
        assert isinstance(found, dict)
        return found

    def name_shown(self) -> str:
        self.page.goto(f"{self.person.running.url}/worker")
        return self.page.locator(".who").inner_text()


@pytest.fixture
def victim(running: Running, browser: Browser) -> Iterator[Victim]:
    person, context = meet(running), browser.new_context()
    value = person.browser.cookies.get_dict()[COOKIE]
    context.add_cookies([{"name": COOKIE, "value": value, "url": running.url, "httpOnly": True}])
    yield Victim(person, context, context.new_page())
    context.close()


@pytest.fixture
def evil(running: Running) -> Account:
    return open_account(running)


def test_the_frame_reaches_neither_page_nor_cookie_nor_answers_of_the_worker_s_origin(
    victim: Victim, evil: Account
) -> None:
    told = victim.meets(
        evil,
        "const ask = (name, act) => { try { told[name] = String(act()); }"
        " catch (error) { told[name] = error.name; } };"
        "ask('parent', () => window.parent.document.title);"
        "ask('top', () => { window.top.location = 'about:blank'; return 'moved'; });"
        "ask('cookie', () => document.cookie);"
        "ask('popup', () => window.open('about:blank'));"
        f"fetch('{victim.person.running.url}/worker/work', {{credentials: 'include'}})"
        ".then((answer) => answer.text()).then((text) => { told.read = text; })"
        ".catch((error) => { told.read = error.name; }).finally(end);",
    )
    assert told == {
        "parent": "SecurityError",
        "top": "SecurityError",
        "cookie": "",
        "popup": "null",
        "read": "TypeError",
    }
    assert "/worker/tasks/" in victim.page.url


@pytest.mark.parametrize("path", ["/", "/worker"])
def test_the_frame_cannot_sign_the_worker_in_as_somebody_else(
    victim: Victim, evil: Account, path: str
) -> None:
    """Cookies do not tell ports apart: only another host name keeps them from each other."""
    accomplice = meet(victim.person.running)
    planted = accomplice.browser.cookies.get_dict()[COOKIE]
    victim.meets(evil, f"document.cookie = '{COOKIE}={planted}; path={path}'; end();")
    assert victim.name_shown() == victim.person.name
    victim.page.get_by_role("button", name="Sign out").click()
    victim.page.goto(f"{victim.person.running.url}/worker")
    assert "/worker/sign-in" in victim.page.url


def test_the_frame_cannot_act_for_the_worker(victim: Victim, evil: Account) -> None:
    url = victim.person.running.url
    victim.meets(
        evil,
        "const form = document.createElement('form'); form.method = 'post'; form.target = 'sink';"
        f"form.action = '{url}/worker/sign-out'; document.body.append(form);"
        "const sink = document.createElement('iframe'); sink.name = 'sink';"
        "document.body.append(sink); sink.addEventListener('load', end); form.submit();",
    )
    assert victim.name_shown() == victim.person.name


def test_the_page_around_goes_only_where_its_own_frame_s_outcome_says(
    victim: Victim, evil: Account
) -> None:
    victim.meets(
        evil,
        "for (const next of ['https://evil.example/', '//evil.example', '/\\\\evil.example',"
        " 'javascript:alert(1)', '/worker/work']) {"
        " window.parent.postMessage({marketplace: 'submitted', next}, '*'); }"
        "setTimeout(end, 200);",
    )
    assert "/worker/tasks/" in victim.page.url
