"""The workers' pages against strangers, forged forms, stolen cookies and hostile words."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.marketplace.bench import (
    Account,
    Person,
    admin,
    meet,
    text_of,
)
from webapp.marketplace.serving import Running


def test_requesters_words_are_text_on_our_pages(account: Account, worker: Person) -> None:
    title = "<script>alert(1)</script>{{7*7}}"
    hit = account.hit(account.hit_type(Title=title, Description="<img src=x onerror=alert(1)>"))
    for path in ("/worker", f"/projects/{hit['HITTypeId']}/tasks"):
        page = worker.get(path)
        assert "<script>alert" not in page.text
        assert "onerror=alert(1)>" not in page.text.replace("&gt;", "")
        policy = page.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize(
    "path",
    [
        "/worker",
        "/worker/work",
        "/worker/messages",
        "/worker/qualifications",
        "/projects/3X/tasks",
        "/worker/tasks/3X",
        "/worker/tests/3X",
        "/mturk/preview?groupId=3X",
    ],
)
def test_pages_ask_strangers_to_sign_in(running: Running, path: str) -> None:
    answer = requests.get(running.url + path, timeout=30, allow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/worker/sign-in")


def test_every_other_post_needs_a_token_of_our_page(
    running: Running, account: Account, worker: Person
) -> None:
    hit = account.hit()
    for path in (
        f"/projects/{hit['HITTypeId']}/accept",
        "/worker/accept-next",
        "/worker/sign-out",
        "/worker/sign-in",
        "/worker/messages/read",
        "/worker/qualifications/3X/request",
        "/join/x",
        "/study/x",
    ):
        answer = worker.browser.post(running.url + path, data={"csrf_token": "no"}, timeout=30)
        assert answer.status_code == 400, path
    assert account.now(hit)["NumberOfAssignmentsPending"] == 0
    assert worker.groups()


def test_cookies_stay_with_the_browser_and_end_with_signing_out(
    running: Running, worker: Person
) -> None:
    (cookie,) = list(worker.browser.cookies)
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"
    stolen = requests.Session()
    stolen.cookies.set_cookie(cookie)
    assert stolen.get(running.url + "/worker", timeout=30).url.endswith("/worker")
    worker.post("/worker/sign-out")
    assert "/sign-in" in stolen.get(running.url + "/worker", timeout=30).url


def test_another_installation_s_cookie_is_refused(
    served: Callable[..., Running], worker: Person
) -> None:
    other = served()
    (cookie,) = list(worker.browser.cookies)
    answer = requests.get(
        other.url + "/worker", cookies={str(cookie.name): str(cookie.value)}, timeout=30
    )
    assert "/sign-in" in answer.url


def test_signing_in_fails_alike_for_wrong_names_and_passwords_and_is_limited(
    served: Callable[..., Running],
) -> None:
    running = served(login_attempts_per_minute=3)
    worker = meet(running)

    def attempt(name: str, password: str) -> requests.Response:
        browser = requests.Session()
        stranger = Person(running, name, "", browser)
        page = browser.get(running.url + "/worker/sign-in", timeout=30)
        token = page.text.partition('name="csrf-token" content="')[2].partition('"')[0]
        fields = {"name": stranger.name, "password": password, "csrf_token": token}
        return browser.post(running.url + "/worker/sign-in", data=fields, timeout=30)

    wrong, unknown = attempt(worker.name, "not this one"), attempt("nobody", "not this one")
    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert text_of(wrong) == text_of(unknown)
    attempt("nobody", "again")
    assert attempt(worker.name, "long enough").status_code == 429


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_signing_in_never_leads_to_another_host(running: Running, target: str) -> None:
    page = requests.get(running.url + "/worker/sign-in", params={"next": target}, timeout=30)
    assert "evil.example" not in page.text


def test_there_is_no_open_sign_up(running: Running) -> None:
    for path in ("/worker/sign-up", "/register", "/join/guess", "/study/guess?PROLIFIC_PID=a"):
        assert requests.get(running.url + path, timeout=30).status_code == 404


def test_admin_calls_need_the_token(running: Running) -> None:
    for method, path in (
        ("POST", "/workers"),
        ("GET", "/clock"),
        ("POST", "/clock"),
        ("PUT", "/faults"),
        ("GET", "/books/local"),
        ("POST", "/invitations"),
        ("GET", "/notices"),
    ):
        answer = requests.request(method, f"{running.url}/admin{path}", json={}, timeout=30)
        assert answer.status_code == 403, path
    secret = running.admin_headers["Authorization"].removeprefix("Bearer ")
    assert secret not in repr(running)


def test_the_secrets_are_each_installation_s_own(
    served: Callable[..., Running], tmp_path: Path
) -> None:
    first, second = served(folder="a"), served(folder="b")
    assert first.market.secrets != second.market.secrets
    assert stat.S_IMODE((tmp_path / "a" / "secrets.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"name": "x"},
        {"name": "<b>", "password": "long enough"},
        {"name": "ok", "password": "short"},
        [],
        {"name": 5, "password": "long enough"},
    ],
)
def test_odd_accounts_are_refused(running: Running, given: object) -> None:
    assert admin(running, "POST", "/workers", given).status_code == 422


def test_a_name_is_taken_once(running: Running, worker: Person) -> None:
    again = admin(running, "POST", "/workers", {"name": worker.name, "password": "long enough"})
    assert again.status_code == 409


def test_a_foreign_host_name_is_refused(running: Running) -> None:
    answer = requests.get(running.url + "/worker", headers={"Host": "evil.example"}, timeout=30)
    assert answer.status_code == 400
