"""Invitation links, and links for a study on another platform."""

from __future__ import annotations

import re

import pytest
import requests

from tests.marketplace.bench import Account, Person, admin, advance, meet, text_of
from webapp.marketplace.serving import Running


def visitor(running: Running) -> Person:
    return Person(running, "", "", requests.Session())


def token_of(page: requests.Response) -> str:
    return page.text.partition('name="csrf-token" content="')[2].partition('"')[0]


def path_of(running: Running, **settings: object) -> str:
    made = admin(running, "POST", "/invitations", settings)
    assert made.status_code == 201, made.text
    return str(made.json()["url"]).removeprefix(running.url)


def join(person: Person, path: str, name: str) -> requests.Response:
    page = person.get(path)
    fields = {"csrf_token": token_of(page), "name": name, "password": "long enough"}
    return person.browser.post(person.running.url + path, data=fields, timeout=30)


def test_an_invitation_makes_as_many_accounts_as_it_says(running: Running) -> None:
    path = path_of(running, max_uses=2)
    first, second, third = (visitor(running) for _ in range(3))
    name = path[-8:].replace("_", "x").replace("-", "x")
    assert join(first, path, f"a{name}").url.endswith("/worker")
    taken = join(second, path, f"a{name}")
    assert (taken.status_code, "is taken" in taken.text) == (409, True)
    assert join(second, path, f"b{name}").status_code == 200
    assert join(third, path, f"c{name}").status_code == 404


def test_an_invitation_ends(running: Running) -> None:
    path = path_of(running, expires_seconds=60)
    advance(running, seconds=61)
    assert visitor(running).get(path).status_code == 404


def test_an_invitation_can_carry_a_qualification(running: Running, account: Account) -> None:
    row = account.client.create_qualification_type(
        Name="Friends", Description="d", QualificationTypeStatus="Active"
    )
    type_id = row["QualificationType"]["QualificationTypeId"]
    path = path_of(running, qualification_type_id=type_id)
    person = visitor(running)
    join(person, path, "friend-" + path[-6:].replace("_", "x").replace("-", "x"))
    assert "Friends" in text_of(person.get("/worker/qualifications"))


def begin(person: Person, path: str) -> requests.Response:
    page = person.get(path)
    shown = re.search(r'name="visitor" value="([^"]*)"', page.text)
    assert shown, page.text
    fields = {"csrf_token": token_of(page), "visitor": shown[1]}
    place = person.running.url + path.partition("?")[0]
    return person.browser.post(place, data=fields, timeout=30)


def test_a_study_s_visitor_works_and_leaves_with_the_code(
    running: Running, account: Account
) -> None:
    type_id = account.hit_type(Title="Study task")
    for _ in range(3):
        account.hit(type_id)
    other = account.hit(account.hit_type(Title="Not for guests"))
    path = path_of(
        running,
        kind="study",
        hit_type_id=type_id,
        n_hits=2,
        completion_code="C0DE",
        redirect_url="https://study.example/done?cc={code}&pid={id}&x=1",
    )
    assert path.endswith("?PROLIFIC_PID=")
    guest = visitor(running)
    assert guest.get(path).status_code == 400
    assert begin(guest, path + "5f3a").url.endswith(f"/projects/{type_id}/tasks")
    assert list(guest.groups()) == [type_id]
    assert guest.accept(other).status_code == 404
    finished = path.partition("?")[0] + "/finished"
    assert "2 tasks are left" in text_of(guest.get(finished))
    for _ in range(2):
        page = guest.post(f"/projects/{type_id}/accept")
        guest.submit(page.url.rpartition("/")[2])
    end = guest.get(f"/projects/{type_id}/tasks")
    assert end.url.endswith("/finished")
    assert "C0DE" in text_of(end)
    assert "https://study.example/done?cc=C0DE&amp;pid=5f3a&amp;x=1" in end.text


def test_the_same_visitor_is_the_same_guest(running: Running, account: Account) -> None:
    hit = account.hit()
    path = path_of(running, kind="study", hit_type_id=hit["HITTypeId"], max_uses=1)
    guest = visitor(running)
    begin(guest, path + "p1")
    assignment_id = guest.take(hit)
    again = visitor(running)
    begin(again, path + "p1")
    assert again.take(hit) == assignment_id
    other = visitor(running)
    assert begin(other, path + "p2").status_code == 404


@pytest.mark.parametrize("odd", ["a%20b", "%3Cscript%3E", "x" * 65, "{{7*7}}"])
def test_odd_visitor_ids_are_refused(running: Running, account: Account, odd: str) -> None:
    path = path_of(running, kind="study", hit_type_id=account.hit_type())
    answer = begin(visitor(running), path + odd)
    assert answer.status_code == 400
    assert "49" not in text_of(answer)


def test_a_study_s_end_is_its_guest_s(running: Running, account: Account) -> None:
    path = path_of(running, kind="study", hit_type_id=account.hit_type())
    stranger = meet(running)
    assert stranger.get(path.partition("?")[0] + "/finished").status_code == 404


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "party"},
        {"kind": "study"},
        {"kind": "study", "hit_type_id": "3NO"},
        {"max_uses": 0},
        {"max_uses": True},
        {"expires_seconds": 1},
        {"qualification_type_id": "3NO"},
    ],
)
def test_odd_invitations_are_refused(running: Running, settings: dict[str, object]) -> None:
    assert admin(running, "POST", "/invitations", settings).status_code == 422
