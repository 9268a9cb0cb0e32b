"""The workers' pages over HTTP: finding, accepting, submitting once, and nothing for strangers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import requests

from tests.marketplace.bench import (
    PAGE,
    Account,
    Person,
    admin,
    advance,
    external_question,
    frame_of,
    html_question,
    meet,
    open_account,
)
from webapp.marketplace.serving import Running

ALREADY = "Your first answer counts; nothing was changed."


def test_the_frame_gets_the_four_parameters_and_a_host_root(
    running: Running, account: Account, worker: Person
) -> None:
    hit = account.hit()
    page = worker.accept(hit)
    address = frame_of(page)
    assert address.startswith(f"{running.content_url}/dynamic/hit?")
    given = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert given["hitId"] == hit["HITId"]
    assert given["workerId"] == worker.worker_id
    assert given["turkSubmitTo"] == running.url
    assert page.url.endswith(given["assignmentId"])
    served = requests.get(address, timeout=30)
    assert served.text == PAGE
    assert "Set-Cookie" not in served.headers
    assert served.headers["Content-Security-Policy"] == f"frame-ancestors {running.url}"


def test_a_preview_has_no_assignment(account: Account, worker: Person) -> None:
    hit = account.hit()
    address = frame_of(worker.get(f"/projects/{hit['HITTypeId']}/tasks"))
    assert "assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE" in address
    assert requests.get(address, timeout=30).text == PAGE
    refusal = worker.submit("ASSIGNMENT_ID_NOT_AVAILABLE")
    assert refusal.status_code == 400
    assert "You must accept the HIT before you can submit the results." in refusal.text
    assert account.now(hit)["NumberOfAssignmentsPending"] == 0


def test_the_frame_opens_from_the_worker_s_page_only(
    running: Running, account: Account, worker: Person
) -> None:
    address = frame_of(worker.accept(account.hit()))
    assert requests.get(address + "0", timeout=30).status_code == 403
    other = address.replace("workerId=A", "workerId=B")
    assert requests.get(other, timeout=30).status_code == 403
    evil = address.replace("turkSubmitTo=http%3A%2F%2F127", "turkSubmitTo=http%3A%2F%2Fevil.127")
    assert requests.get(evil, timeout=30).status_code == 400
    assert requests.get(running.url + urlsplit(address).path, timeout=30).status_code == 404


def test_amazon_s_scripts_and_submit_address_become_ours(
    running: Running, account: Account, worker: Person
) -> None:
    page = PAGE.replace(
        "</head>",
        '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'
        '<script src="https://s3.amazonaws.com/mturk-public/externalHIT_v1.js"></script></head>',
    ).replace("<form ", '<form action="https://www.mturk.com/mturk/externalSubmit" ')
    address = frame_of(worker.accept(account.hit(Question=html_question(page))))
    served = requests.get(address, timeout=30).text
    assert "amazonaws" not in served
    assert "crowd.aws" not in served
    assert f'action="{running.url}/mturk/externalSubmit"' in served
    for name in ("crowd/crowd-html-elements.js", "frame/externalHIT_v1.js"):
        assert f'src="/static/{name}"' in served
        script = requests.get(f"{running.content_url}/static/{name}", timeout=30)
        assert script.status_code == 200
        assert "javascript" in script.headers["Content-Type"]


def test_an_external_question_keeps_its_query(account: Account, worker: Person) -> None:
    hit = account.hit(Question=external_question("https://example.com/task?a=1&b=2#top"))
    page = worker.accept(hit)
    address = frame_of(page)
    assert address.startswith("https://example.com/task?a=1&b=2&assignmentId=3")
    assert address.endswith("#top")
    assert "frame-src 'self' " in page.headers["Content-Security-Policy"]
    assert "https://example.com" in page.headers["Content-Security-Policy"]


def test_a_double_submit_leaves_one_answer_and_says_so(account: Account, worker: Person) -> None:
    hit = account.hit()
    assignment_id = worker.take(hit)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: worker.submit(assignment_id, colour=str(n)), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    assert all(ALREADY in answer.text for answer in answers if answer.status_code == 409)
    (row,) = account.assignments(hit)
    assert row["AssignmentStatus"] == "Submitted"


def test_a_submit_after_the_decision_changes_nothing(account: Account, worker: Person) -> None:
    hit = account.hit()
    assignment_id = worker.do(hit)
    account.client.approve_assignment(AssignmentId=assignment_id)
    assert worker.submit(assignment_id, colour="green").status_code == 409
    assert "green" not in account.assignments(hit)[0]["Answer"]


def test_a_late_submit_is_refused_clearly(
    running: Running, account: Account, worker: Person
) -> None:
    assignment_id = worker.take(account.hit())
    advance(running, seconds=700)
    late = worker.submit(assignment_id)
    assert late.status_code == 410
    assert "The time for this HIT ran out" in late.text
    assert "ran out" in worker.get(f"/worker/tasks/{assignment_id}").text


def test_an_empty_form_is_refused(account: Account, worker: Person) -> None:
    assignment_id = worker.take(account.hit())
    empty = worker.submit(assignment_id, hitId="x", workerId=worker.worker_id)
    assert (empty.status_code, "held no answer" in empty.text) == (400, True)
    assert worker.submit(assignment_id).status_code == 200


def test_an_answer_is_its_holder_s_alone(
    running: Running, account: Account, workers: Callable[[int], list[Person]]
) -> None:
    ann, bob = workers(2)
    assignment_id = ann.take(account.hit())
    assert bob.submit(assignment_id).status_code == 403
    assert bob.get(f"/worker/tasks/{assignment_id}").status_code == 404
    assert bob.post(f"/worker/tasks/{assignment_id}/return").status_code == 404
    url = running.url + "/mturk/externalSubmit"
    forged = {"assignmentId": assignment_id, "workerId": bob.worker_id, "colour": "x"}
    assert requests.post(url, data=forged, timeout=30).status_code == 403
    assert requests.post(url, data={"assignmentId": "3NO", "c": "x"}, timeout=30).status_code == 404
    assert requests.get(url, params=forged, timeout=30).status_code == 405
    from_frame = requests.post(url, data={"assignmentId": assignment_id, "c": "1"}, timeout=30)
    assert from_frame.status_code == 200


def test_fields_come_from_the_form_and_the_query_once_each(
    running: Running, account: Account, worker: Person
) -> None:
    hit = account.hit()
    assignment_id = worker.take(hit)
    worker.browser.post(
        running.url + "/mturk/externalSubmit?from=query&hitId=x",
        data=[("assignmentId", assignment_id), ("tag", "a"), ("tag", "b")],
        timeout=30,
    )
    answer = account.assignments(hit)[0]["Answer"]
    assert "<FreeText>query</FreeText>" in answer
    assert "<FreeText>a</FreeText>" in answer
    assert "hitId" not in answer
    assert ">b<" not in answer


def test_accepting_next_is_automatic_when_wanted(account: Account, worker: Person) -> None:
    type_id = account.hit_type()
    first, second = account.hit(type_id), account.hit(type_id)
    worker.post("/worker/accept-next", accepts_next="yes")
    answer = worker.submit(worker.take(first))
    path = answer.text.partition('id="next" href="')[2].partition('"')[0]
    assert path.startswith("/worker/tasks/")
    assert account.now(second)["NumberOfAssignmentsPending"] == 1
    last = worker.submit(path.rpartition("/")[2])
    assert f'href="/projects/{type_id}/tasks"' in last.text


def test_accepting_twice_gives_one_assignment(account: Account, worker: Person) -> None:
    hit = account.hit(MaxAssignments=3)
    assert worker.take(hit) == worker.take(hit)
    assert account.now(hit)["NumberOfAssignmentsPending"] == 1


def test_one_worker_does_a_hit_once(account: Account, worker: Person) -> None:
    hit = account.hit(MaxAssignments=3)
    worker.do(hit)
    again = worker.accept(hit)
    assert again.status_code == 409
    assert "Each worker does a HIT once" in again.text
    assert hit["HITTypeId"] not in worker.groups()


def test_many_workers_never_share_a_slot(
    account: Account, workers: Callable[[int], list[Person]]
) -> None:
    type_id = account.hit_type()
    hits = [account.hit(type_id) for _ in range(4)]
    crowd = workers(6)
    with ThreadPoolExecutor(6) as pool:
        pages = list(pool.map(lambda person: person.accept(hits[0]), crowd))
    assert sorted(page.status_code for page in pages) == [200, 200, 200, 200, 404, 404]
    assert {account.now(hit)["NumberOfAssignmentsPending"] for hit in hits} == {1}


def test_a_returned_hit_is_not_the_next_one_offered(account: Account, worker: Person) -> None:
    type_id = account.hit_type()
    first, second = account.hit(type_id), account.hit(type_id)
    worker.post(f"/worker/tasks/{worker.take(first)}/return")
    offered = worker.post(f"/projects/{type_id}/accept")
    assert second["HITId"] in frame_of(offered)
    worker.post(f"/worker/tasks/{offered.url.rpartition('/')[2]}/return")


def test_a_blocked_worker_sees_nothing_of_the_requester(account: Account, worker: Person) -> None:
    hit = account.hit()
    client, given = account.client, {"WorkerId": worker.worker_id}
    client.create_worker_block(**given, Reason="spam")
    assert hit["HITTypeId"] not in worker.groups()
    assert worker.accept(hit).status_code == 403
    assert "spam" not in worker.get("/worker/messages").text
    assert client.list_worker_blocks()["WorkerBlocks"] == [{**given, "Reason": "spam"}]
    client.delete_worker_block(**given)
    client.delete_worker_block(**given)
    assert worker.accept(hit).status_code == 200


def test_groups_are_searched_by_words_and_reward(account: Account, worker: Person) -> None:
    cheap = account.hit(account.hit_type(Title="Zebra stripes"))["HITTypeId"]
    dear = account.hit(account.hit_type(Title="Zebra count", Reward="2.00"))["HITTypeId"]
    assert set(worker.groups(search="zebra")) == {cheap, dear}
    assert set(worker.groups(search="zebra", min_reward="0.50")) == {dear}
    assert worker.groups(search="no such words") == {}
    assert list(worker.groups(search="zebra", sort="reward")) == [dear, cheap]


def test_an_answer_too_large_is_refused(account: Account, worker: Person) -> None:
    assignment_id = worker.take(account.hit())
    assert worker.submit(assignment_id, big="x" * (9 * 1024 * 1024)).status_code == 413
    assert worker.submit(assignment_id, big="x" * (2 * 1024 * 1024)).status_code == 200


def test_letters_reach_those_whose_work_was_reviewed(
    running: Running, account: Account, workers: Callable[[int], list[Person]]
) -> None:
    known, stranger = workers(2)
    account.client.approve_assignment(AssignmentId=known.do(account.hit()))
    failures = account.client.notify_workers(
        Subject="New HITs",
        MessageText="<i>Come</i>",
        WorkerIds=[known.worker_id, stranger.worker_id],
    )["NotifyWorkersFailureStatuses"]
    assert [row["WorkerId"] for row in failures] == [stranger.worker_id]
    page = known.get("/worker/messages").text
    assert "&lt;i&gt;Come&lt;/i&gt;" in page
    assert "New HITs" not in stranger.get("/worker/messages").text
    assert "unread" in page
    known.post("/worker/messages/read")
    assert "unread" not in known.get("/worker/messages").text


def test_a_worker_holds_so_many_hits_at_a_time(served: Callable[..., Running]) -> None:
    running = served(max_accepted_hits=1)
    account, worker = open_account(running), meet(running)
    worker.take(account.hit())
    assert worker.accept(account.hit()).status_code == 409


def test_a_layout_is_filled_once_and_raw(
    running: Running, account: Account, worker: Person
) -> None:
    page = PAGE.replace("<body>", "<body><p>${name}</p>")
    layout_id = admin(running, "POST", "/layouts", {"html": page}).json()["layout_id"]
    values = [{"Name": "name", "Value": "<b>${name}</b> ]]&gt; AT&amp;T"}]
    made = account.client.create_hit_with_hit_type(
        HITTypeId=account.hit_type(),
        LifetimeInSeconds=60,
        HITLayoutId=layout_id,
        HITLayoutParameters=values,
    )["HIT"]
    assert made["HITLayoutId"] == layout_id
    served = requests.get(frame_of(worker.accept(made)), timeout=30).text
    assert "<p><b>${name}</b> ]]&gt; AT&amp;T</p>" in served
