"""Acts at once on one HIT, on both databases: each slot is one worker's, each counter its rows'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from tests.marketplace.bench import Account, Person, meet, open_account
from webapp.marketplace.serving import Running, serve

N_WORKERS = 6


@pytest.fixture
def market(empty_database_url: str) -> Iterator[Running]:
    with serve(database_url=empty_database_url, n_threads=12) as running:
        yield running


@pytest.fixture
def crowd(market: Running) -> list[Person]:
    return [meet(market) for _ in range(N_WORKERS)]


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(len(acts)) as pool:
        return [one.result() for one in [pool.submit(act) for act in acts]]


def counters(account: Account, hit: dict[str, Any]) -> tuple[str, int, int, int]:
    told = account.now(hit)
    kinds = ("Available", "Pending", "Completed")
    found = [told[f"NumberOfAssignments{kind}"] for kind in kinds]
    return told["HITStatus"], found[0], found[1], found[2]


def test_the_last_slot_is_one_worker_s(market: Running, crowd: list[Person]) -> None:
    account = open_account(market)
    for _ in range(4):
        hit = account.hit(account.hit_type(Title=f"Once {account.key}"), MaxAssignments=2)
        crowd[0].take(hit)
        pages = at_once([partial(one.accept, hit) for one in crowd[1:]])
        assert Counter(page.status_code for page in pages) == {200: 1, 404: N_WORKERS - 2}
        assert counters(account, hit) == ("Unassignable", 0, 2, 0)
        account.client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)
        for person in crowd:
            for assignment_id in held(person):
                person.post(f"/worker/tasks/{assignment_id}/return")
        assert counters(account, hit) == ("Reviewable", 2, 0, 0)


def held(person: Person) -> list[str]:
    page = person.get("/worker").text
    return [part.partition('"')[0] for part in page.split('data-assignment-id="')[1:]]


def test_submitting_and_returning_at_once_is_one_of_both(
    market: Running, crowd: list[Person]
) -> None:
    account = open_account(market)
    hit = account.hit(MaxAssignments=N_WORKERS)
    taken = [(person, person.take(hit)) for person in crowd]
    acts = [
        act
        for person, held_id in taken
        for act in (
            partial(person.submit, held_id),
            partial(person.post, f"/worker/tasks/{held_id}/return"),
        )
    ]
    answers = [page.status_code for page in at_once(acts)]
    submitted = sum(status == 200 for status in answers[::2])
    assert set(answers[::2]) <= {200, 410}
    assert set(answers[1::2]) <= {200, 409}
    assert len(account.assignments(hit)) == submitted
    status = "Assignable" if submitted < N_WORKERS else "Reviewable"
    assert counters(account, hit) == (status, N_WORKERS - submitted, 0, 0)
    assert account.statement().held_cents == 6 * N_WORKERS


def test_decisions_expiry_and_extension_at_once_leave_counters_and_money_right(
    market: Running, crowd: list[Person]
) -> None:
    account = open_account(market)
    hit = account.hit(MaxAssignments=N_WORKERS)
    done = [person.do(hit) for person in crowd[:4]]
    crowd[4].take(hit)
    clients = [open_account(market, account.key).client for _ in range(4)]

    def tried(call: Callable[..., Any], **arguments: Any) -> bool:
        try:
            call(**arguments)
        except clients[0].exceptions.RequestError:
            return False
        return True

    decide = [
        (
            partial(tried, one.approve_assignment, AssignmentId=assignment_id),
            partial(
                tried, other.reject_assignment, AssignmentId=assignment_id, RequesterFeedback="no"
            ),
        )
        for one, other, assignment_id in zip(clients, clients[::-1], done, strict=True)
    ]
    more = {"NumberOfAdditionalAssignments": 2, "UniqueRequestToken": "more"}
    acts = [
        *(act for pair in decide for act in pair),
        partial(tried, clients[0].update_expiration_for_hit, HITId=hit["HITId"], ExpireAt=0),
        partial(
            tried, clients[1].create_additional_assignments_for_hit, HITId=hit["HITId"], **more
        ),
        partial(crowd[5].accept, hit),
    ]
    answers = at_once(acts)
    assert all(sum(answers[2 * n : 2 * n + 2]) == 1 for n in range(4))
    status, available, pending, completed = counters(account, hit)
    assert (status, completed, available + pending) == ("Unassignable", 4, N_WORKERS + 2 - 4)
    told = account.statement()
    approved = sum(row["AssignmentStatus"] == "Approved" for row in account.assignments(hit))
    assert (told.reward_cents, told.fee_cents) == (5 * approved, approved)
    assert told.held_cents == 6 * pending
