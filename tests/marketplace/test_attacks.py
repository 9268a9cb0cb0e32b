"""Known attacks on servers of this kind, by the kind of thing that is attacked."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from tests.marketplace.bench import (
    Account,
    Person,
    admin,
    choice,
    frame_of,
    meet,
    open_account,
    question_form,
    text_of,
)
from webapp.marketplace.apps import worker_app
from webapp.marketplace.serving import Running, serve
from webapp.marketplace.store import reading
from webapp.marketplace.tables.base import Base
from webapp.marketplace.tables.people import Invitation, Worker
from webapp.marketplace.tables.traffic import Notice, Setting

SCRIPT = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'{{7*7}}${7*7}"


def shows_as_text(page: requests.Response) -> None:
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    assert "alert(1)" not in page.text or "{{7*7}}" in text_of(page)
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]


# What is asked


@pytest.mark.parametrize("name", ["search", "sort", "min_reward", "next", "groupId", "before"])
def test_no_argument_is_a_template(worker: Person, name: str) -> None:
    for path in ("/worker", "/worker/work", "/worker/sign-in", "/mturk/preview"):
        page = worker.get(path, params={name: "{{7777*7777}}<b>"})
        assert str(7777 * 7777) not in page.text
        assert "{{7777*7777}}<b>" not in page.text


@pytest.mark.parametrize("odd", ["id;select 1", "(case when 1 then 1 end)", "reward--", "'"])
def test_order_and_page_are_chosen_from_a_list(worker: Person, odd: str) -> None:
    for path, name in (("/worker", "sort"), ("/worker/work", "before")):
        assert worker.get(path, params={name: odd}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/..%2f..%2fserving.py", "/static/%2e%2e/%2e%2e/serving.py", "/static../serving.py",
        "/static/..\\serving.py", "/static/CON", "/static/NUL.js", "/console",
        "/worker?__debugger__=yes&cmd=resource&f=debugger.js",
    ],
)  # fmt: skip
def test_no_file_but_ours_and_no_debugger(running: Running, path: str) -> None:
    for origin in (running.url, running.content_url):
        request = requests.Request("GET", origin + path).prepare()
        request.url = origin + path  # as it stands, with its dots
        with requests.Session() as session:
            page = session.send(request, timeout=30, allow_redirects=False)
        assert page.status_code in (303, 404)
        assert "TICK" not in page.text
        assert "openShell" not in page.text  # a word of its script


@pytest.mark.parametrize("header", ["Content-Type", "Referer", "X-Forwarded-Host", "User-Agent"])
def test_headers_are_not_echoed(running: Running, header: str) -> None:
    marked = {header: "zzz-marker/<b>", "X-Amz-Target": "zzz-marker"}
    for answer in (
        requests.get(running.url + "/worker/sign-in", headers=marked, timeout=30),
        requests.post(running.url + "/", headers={header: "zzz-marker/<b>"}, timeout=30),
        requests.post(running.url + "/mturk/externalSubmit", headers=marked, timeout=30),
    ):
        assert "zzz-marker" not in answer.text


def test_looking_changes_nothing(running: Running, account: Account, worker: Person) -> None:
    hit = account.hit(MaxAssignments=3)
    task = worker.take(hit)
    worker.submit(worker.take(account.hit(hit["HITTypeId"])))

    def rows() -> dict[str, Any]:
        with reading(running.market.sessions) as session:
            return {
                name: sorted(map(repr, session.execute(select(table)).all()))
                for name, table in Base.metadata.tables.items()
                if name not in (Setting.__tablename__, Notice.__tablename__)
            }

    before = rows()
    fills = {"hit_type_id": hit["HITTypeId"], "assignment_id": task, "filename": "worker.css"}
    for rule in worker_app(running.market).url_map.iter_rules():
        if "GET" in (rule.methods or ()):
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: fills.get(found[1], "x"), rule.rule)
            worker.get(path)
    assert rows() == before


# What is said


def test_a_requester_s_words_are_text_wherever_a_worker_reads_them(
    account: Account, worker: Person
) -> None:
    client = account.client
    first, second = account.hit(account.hit_type(Title=SCRIPT)), account.hit()
    done, bad = worker.do(first), worker.do(second)
    client.approve_assignment(AssignmentId=done, RequesterFeedback=SCRIPT)
    client.reject_assignment(AssignmentId=bad, RequesterFeedback=SCRIPT)
    client.send_bonus(
        AssignmentId=done, WorkerId=worker.worker_id, BonusAmount="0.10", Reason=SCRIPT
    )
    client.notify_workers(Subject=SCRIPT, MessageText=SCRIPT, WorkerIds=[worker.worker_id])
    test = question_form(
        choice("c", "a").replace("Which c?", "&lt;script&gt;alert('x')&lt;/script&gt;")
    )
    type_id = client.create_qualification_type(
        Name=SCRIPT, Description=SCRIPT, QualificationTypeStatus="Active", Test=test,
        TestDurationInSeconds=60,
    )["QualificationType"]["QualificationTypeId"]  # fmt: skip
    shows_as_text(worker.get("/worker/work"))
    shows_as_text(worker.get("/worker/messages"))
    shows_as_text(worker.get("/worker/qualifications"))
    page = worker.post(f"/worker/qualifications/{type_id}/request")
    assert "/worker/tests/" in page.url
    shows_as_text(page)
    account.hit(account.hit_type(Title=SCRIPT, Keywords=SCRIPT, Description=SCRIPT))
    shows_as_text(worker.get("/worker"))


def test_a_worker_s_words_are_data_in_the_answer_and_text_in_refusals(
    account: Account, worker: Person
) -> None:
    hit = account.hit()
    worker.do(hit, **{SCRIPT: SCRIPT, "b": "]]></FreeText><x/>"})
    answer = account.assignments(hit)[0]["Answer"]
    assert "<script>" not in answer
    assert "<x/>" not in answer
    form = account.hit(Question=question_form(choice("c", "a")))
    page = worker.submit(worker.take(form), q0=SCRIPT)
    assert page.status_code == 422
    assert "<script>alert" not in page.text


# Who


def test_another_s_things_are_as_if_they_were_not(
    running: Running, account: Account, worker: Person
) -> None:
    other = meet(running)
    task = other.take(account.hit())
    for method, path in (
        ("get", "/worker/tasks/{}"),
        ("post", "/worker/tasks/{}/return"),
        ("get", "/worker/tests/{}"),
        ("post", "/worker/tests/{}"),
    ):
        ask: Callable[[str], requests.Response] = getattr(worker, method)
        foreign, missing = ask(path.format(task)), ask(path.format("3MISSING"))
        assert foreign.status_code == missing.status_code == 404
        assert text_of(foreign) == text_of(missing)
    assert other.get(f"/worker/tasks/{task}").status_code == 200


def test_a_forged_submission_leaves_nothing(
    running: Running, account: Account, worker: Person
) -> None:
    other, hit = meet(running), account.hit(MaxAssignments=5)
    theirs, given_up = other.take(hit), worker.take(hit)
    worker.post(f"/worker/tasks/{given_up}/return")
    for assignment_id, status in (
        (theirs, 403),
        (given_up, 410),
        ("3FORGED", 404),
        (hit["HITId"], 404),
    ):
        assert worker.submit(assignment_id, hitId=hit["HITId"], a="1").status_code == status
    stranger = {"assignmentId": theirs, "workerId": worker.worker_id, "a": "1"}
    forged = requests.post(running.url + "/mturk/externalSubmit", data=stranger, timeout=30)
    assert forged.status_code == 403
    assert account.assignments(hit) == []
    assert account.now(hit)["NumberOfAssignmentsPending"] == 1


def test_the_frame_s_address_is_sealed_with_all_it_says(account: Account, worker: Person) -> None:
    address = frame_of(worker.get(f"/worker/tasks/{worker.take(account.hit())}"))
    assert requests.get(address, timeout=30).status_code == 200
    for pattern, put in (
        (r"turkSubmitTo=[^&]+", "turkSubmitTo=https%3A%2F%2Fevil.example"),
        (r"turkSubmitTo=[^&]+", "turkSubmitTo=javascript%3Aalert(1)"),
        (r"turkSubmitTo=[^&]+", "turkSubmitTo=%2F%2Fevil.example"),
        (r"workerId=[^&]+", "workerId=A2OTHER"),
        (r"assignmentId=[^&]+", "assignmentId=3OTHER"),
        (r"ticket=[^&]+", "ticket=" + "0" * 32),
    ):
        forged = requests.get(re.sub(pattern, put, address), timeout=30)
        assert forged.status_code in (400, 403)


def test_pages_are_framed_by_nobody_and_hits_by_worker_pages_alone(
    running: Running, account: Account, worker: Person
) -> None:
    task = worker.get(f"/worker/tasks/{worker.take(account.hit())}")
    assert "frame-ancestors 'none'" in task.headers["Content-Security-Policy"]
    frame = requests.get(frame_of(task), timeout=30)
    assert frame.headers["Content-Security-Policy"] == f"frame-ancestors {running.url}"
    assert "Set-Cookie" not in frame.headers


def test_pages_of_a_worker_are_not_kept_by_others(worker: Person) -> None:
    for path in ("/worker", "/worker/work", "/worker/messages"):
        headers = worker.get(path, headers={"Origin": "https://evil.example"}).headers
        assert headers["Cache-Control"] == "no-store"
        assert "Cookie" in headers["Vary"]
        assert not [name for name in headers if name.startswith("Access-Control")]


def test_a_session_from_before_signing_in_stays_a_stranger_s(running: Running) -> None:
    person, browser = meet(running), requests.Session()
    page = browser.get(running.url + "/worker/sign-in", timeout=30)
    planted = requests.Session()
    planted.cookies.update(browser.cookies.get_dict())
    token = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    assert token
    fields = {"name": person.name, "password": "long enough", "csrf_token": token[1]}
    browser.post(running.url + "/worker/sign-in", data=fields, timeout=30)
    assert browser.get(running.url + "/worker", timeout=30).url.endswith("/worker")
    assert "/sign-in" in planted.get(running.url + "/worker", timeout=30).url


def test_invitations_cannot_be_guessed_and_ended_ones_look_like_unknown_ones(
    running: Running, account: Account
) -> None:
    made = admin(running, "POST", "/invitations", {"kind": "account"})
    token = made.json()["url"].rpartition("/")[2]
    assert len(token) >= 32
    with reading(running.market.sessions) as session:
        assert token not in set(session.scalars(select(Invitation.token_hash)))
    wrong = ("/join/" + "A" * len(token), f"/study/{token}", f"/join/{token[:-1]}", "/join/%00")
    pages = [requests.get(running.url + path, timeout=30) for path in wrong]
    assert {page.status_code for page in pages} == {404}
    assert len({text_of(page) for page in pages}) == 1


def test_ids_do_not_tell_how_many_there_are(running: Running, account: Account) -> None:
    ids = [account.hit()["HITId"] for _ in range(5)]
    people = [meet(running).worker_id for _ in range(2)]
    assert all(re.fullmatch(r"3[A-Z0-9]{29}", one) for one in ids)
    assert all(re.fullmatch(r"A[A-Z0-9]{13}", one) for one in people)
    assert len({one[:8] for one in ids}) == 5


def test_the_known_answers_are_shown_to_no_worker(account: Account, worker: Person) -> None:
    policy = {
        "PolicyName": "ScoreMyKnownAnswers/2011-09-01",
        "Parameters": [
            {"Key": "AnswerKey", "MapEntries": [{"Key": "colour", "Values": ["zzgold"]}]}
        ],
    }
    hit = account.hit(AssignmentReviewPolicy=policy)
    preview = worker.get(f"/projects/{hit['HITTypeId']}/tasks")
    task = worker.get(f"/worker/tasks/{worker.take(hit)}")
    frames = [requests.get(frame_of(page), timeout=30) for page in (preview, task)]
    done = worker.submit(task.url.rpartition("/")[2], colour="red")
    for page in (preview, task, *frames, done, worker.get("/worker/work")):
        assert page.status_code == 200
        assert "zzgold" not in page.text


# At once


def test_many_decisions_at_once_are_one(account: Account, worker: Person) -> None:
    hit = account.hit()
    done, clients = worker.do(hit), [open_account(account.running, account.key) for _ in range(4)]

    def decide(n: int) -> bool:
        client = clients[n % 4].client
        try:
            if n % 2:
                client.approve_assignment(AssignmentId=done)
            else:
                client.reject_assignment(AssignmentId=done, RequesterFeedback="no")
        except client.exceptions.RequestError:
            return False
        return True

    def reward(n: int) -> bool:
        client = clients[n % 4].client
        try:
            client.send_bonus(
                AssignmentId=done, WorkerId=worker.worker_id, BonusAmount="0.10", Reason="r",
                UniqueRequestToken=f"once-{done}",
            )  # fmt: skip
        except client.exceptions.RequestError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(decide, range(16))) == 1
        assert sum(pool.map(reward, range(16))) == 1
    paid = account.statement()
    assert paid.bonus_cents == 10
    assert paid.reward_cents in (0, 5)


# The start


def test_a_fresh_installation_has_no_door_open(served: Callable[..., Running]) -> None:
    running = served(folder="fresh")
    with reading(running.market.sessions) as session:
        assert session.scalar(select(func.count()).select_from(Worker)) == 0
    assert inspect.signature(serve).parameters["host"].default == "127.0.0.1"
    assert running.url.startswith("http://127.0.0.1:")


def test_trying_a_webhook_tells_nothing_of_who_listens(running: Running, account: Account) -> None:
    told = []
    for port in (running.market.worker_origin.rpartition(":")[2], "9"):
        notification = {
            "Destination": f"http://127.0.0.1:{port}/x", "Transport": "SNS",
            "Version": "2014-08-15", "EventTypes": ["Ping"],
        }  # fmt: skip
        answer = account.client.send_test_event_notification(
            Notification=notification, TestEventType="Ping"
        )
        told.append({name: answer[name] for name in answer if name != "ResponseMetadata"})
    assert told == [{}, {}]
