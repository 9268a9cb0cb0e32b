"""Faults on request, strict signatures, two databases, and a clock that goes forward."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from sqlalchemy import text

from tests.marketplace.bench import (
    Account,
    Person,
    admin,
    code_of,
    html_question,
    meet,
    message_of,
    open_account,
    refused,
)
from webapp.marketplace.serving import Running, serve
from webapp.marketplace.store import write


def misbehave(running: Running, *faults: dict[str, Any]) -> None:
    answer = admin(running, "PUT", "/faults", list(faults))
    assert answer.status_code == 200, answer.text


def test_a_connection_dropped_before_leaves_no_trace(running: Running, account: Account) -> None:
    type_id = account.hit_type()
    misbehave(running, {"operation": "CreateHITWithHITType", "effect": "drop_before"})
    with pytest.raises(ConnectionClosedError):
        account.hit(type_id)
    assert account.client.list_hits()["NumResults"] == 0
    account.hit(type_id)


def test_a_connection_dropped_after_has_made_the_hit(running: Running, account: Account) -> None:
    type_id = account.hit_type()
    misbehave(running, {"operation": "CreateHITWithHITType", "effect": "drop_after"})
    with pytest.raises(ConnectionClosedError):
        account.hit(type_id, UniqueRequestToken="once")
    (made,) = account.client.list_hits()["HITs"]
    error = refused(account.hit, type_id=type_id, UniqueRequestToken="once")
    assert made["HITId"] in message_of(error)


@pytest.mark.parametrize(("effect", "n_made"), [("fault_before", 0), ("fault_after", 1)])
def test_a_service_fault_may_or_may_not_have_worked(
    running: Running, account: Account, effect: str, n_made: int
) -> None:
    type_id = account.hit_type()
    misbehave(running, {"operation": "CreateHITWithHITType", "effect": effect})
    error = refused(account.hit, type_id=type_id)
    assert error.response["Error"]["Code"] == "ServiceFault"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert account.client.list_hits()["NumResults"] == n_made


def test_faults_strike_the_calls_they_name(running: Running, account: Account) -> None:
    misbehave(
        running,
        {"operation": "GetAccountBalance", "effect": "throttle", "first": 2, "last": 3},
        {"operation": "*", "effect": "fault_before", "access_key": "someone else", "last": 99},
    )
    call = account.client.get_account_balance
    call()
    for _ in range(2):
        error = refused(call)
        assert (code_of(error), message_of(error)) == ("ThrottlingException", "Rate exceeded")
    call()


def test_repeats_of_one_call_are_seen(running: Running) -> None:
    key = f"patient{running.market.dial.now()}"
    client = boto3.client(
        "mturk",
        endpoint_url=running.url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 3, "mode": "standard"}),
    )
    misbehave(running, {"operation": "GetAccountBalance", "effect": "drop_after"})
    client.get_account_balance()
    seen = [
        call
        for call in admin(running, "GET", "/faults").json()["calls"]
        if call["access_key"] == key
    ]
    assert [call["attempt"] for call in seen] == ["1", "2"]
    assert len({call["invocation_id"] for call in seen}) == 1
    assert seen[0]["effects"] == ["drop_after"]


def test_a_delay_waits(running: Running, account: Account) -> None:
    misbehave(
        running, {"operation": "GetAccountBalance", "effect": "delay_before", "seconds": 0.01}
    )
    account.client.get_account_balance()


@pytest.mark.parametrize(
    "faults",
    [
        {},
        [1],
        [{"operation": "GetHIT"}],
        [{"operation": "GetHIT", "effect": "explode"}],
        [{"operation": "GetHIT", "effect": "throttle", "first": "a"}],
        [{"operation": "GetHIT", "effect": "delay_before", "seconds": 1e9}],
        [{"operation": "GetHIT", "effect": "throttle", "colour": "red"}],
    ],
)
def test_odd_faults_are_refused(running: Running, faults: object) -> None:
    assert admin(running, "PUT", "/faults", faults).status_code == 422


def client_of(running: Running, key: str, secret: str) -> Any:
    return boto3.client(
        "mturk",
        endpoint_url=running.url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )


def test_strict_mode_checks_who_signs(served: Callable[..., Running]) -> None:
    running = served(strict=True)
    opened = {"access_key": "AKIAEXAMPLE", "secret_key": "very secret"}
    assert admin(running, "POST", "/requesters", opened).status_code == 201
    assert admin(running, "POST", "/requesters", opened).status_code == 409
    good = client_of(running, "AKIAEXAMPLE", "very secret")
    assert good.get_account_balance()["AvailableBalance"] == "10000.00"
    good.create_hit_type(Title="é", Description="b", Reward="0.01", AssignmentDurationInSeconds=60)
    forged = client_of(running, "AKIAEXAMPLE", "guess")
    assert code_of(refused(forged.get_account_balance)) == "InvalidSignatureException"
    error = refused(client_of(running, "AKIAOTHER", "x").get_account_balance)
    assert code_of(error) == "UnrecognizedClientException"


def test_the_clock_only_goes_forward_and_is_kept(tmp_path: Path) -> None:
    def wall() -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC)

    url = f"sqlite:///{tmp_path / 'market.sqlite'}"
    with serve(database_url=url, clock=wall) as running:
        before = admin(running, "GET", "/clock").json()["now"]
        told = admin(running, "POST", "/clock", {"advance_seconds": 3600.5}).json()
        assert told["now"] == before + 3600.5
        for odd in (-1, "1", None, True, 1e12):
            answer = admin(running, "POST", "/clock", {"advance_seconds": odd})
            assert answer.status_code == 422
    with serve(database_url=url, clock=wall) as running:
        assert admin(running, "GET", "/clock").json()["ahead_seconds"] == 3600.5


def test_our_own_failure_is_the_service_s_fault(
    served: Callable[..., Running],
) -> None:
    running = served()
    account = open_account(running)
    write(running.market.sessions, lambda session: session.execute(text("DROP TABLE market_bonus")))
    error = refused(account.client.list_bonus_payments, HITId=account.hit()["HITId"])
    assert error.response["Error"]["Code"] == "ServiceFault"
    assert "market_bonus" not in str(error)


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    url, secrets = f"sqlite:///{tmp_path / 'market.sqlite'}", tmp_path / "secrets.json"
    with serve(database_url=url, secret_file=secrets) as running:
        account, worker = open_account(running, "local"), meet(running)
        hit = account.hit()
        assignment_id = worker.take(hit)
        port = int(running.url.rpartition(":")[2])
    with serve(database_url=url, secret_file=secrets, port=port) as again:
        worker.running = again
        assert worker.submit(assignment_id).status_code == 200
        reopened = open_account(again, "local")
        assert reopened.assignments(hit)[0]["AssignmentId"] == assignment_id
        assert reopened.statement().held_cents == 6


def test_more_requests_than_connections_wait_their_turn(tmp_path: Path) -> None:
    with serve(database_url=f"sqlite:///{tmp_path / 'm.sqlite'}", n_threads=24) as running:
        account, worker = open_account(running), meet(running)
        type_id = account.hit_type()
        hits = [account.hit(type_id) for _ in range(24)]
        token, cookies = worker.token(), worker.browser.cookies.get_dict()

        def do(_: object) -> int:
            page = requests.post(
                f"{running.url}/projects/{type_id}/accept",
                data={"csrf_token": token},
                cookies=cookies,
                timeout=60,
            )
            return requests.post(
                f"{running.url}/mturk/externalSubmit",
                data={"assignmentId": page.url.rpartition("/")[2], "colour": "red"},
                cookies=cookies,
                timeout=60,
            ).status_code

        with ThreadPoolExecutor(24) as pool:
            assert list(pool.map(do, hits)) == [200] * 24


@pytest.mark.postgres
def test_postgresql_serves_as_well(postgres_url: str, tmp_path: Path) -> None:
    with serve(database_url=postgres_url, n_threads=12) as running:
        account = open_account(running)
        type_id = account.hit_type()
        crowd = [meet(running) for _ in range(6)]
        hits = [account.hit(type_id, MaxAssignments=2) for _ in range(5)]

        def work(person: Person) -> int:
            done = 0
            while True:
                page = person.post(f"/projects/{type_id}/accept")
                if page.status_code == 404:
                    return done
                assert person.submit(page.url.rpartition("/")[2]).status_code == 200
                done += 1

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(work, crowd)) == 10
        for hit in hits:
            rows = account.assignments(hit)
            assert len({row["WorkerId"] for row in rows}) == 2
            for row in rows:
                account.client.approve_assignment(AssignmentId=row["AssignmentId"])
            account.client.delete_hit(HITId=hit["HITId"])
        assert account.statement().spent_cents == 60

        def post(_: int) -> bool:
            try:
                account.client.create_hit_with_hit_type(
                    HITTypeId=type_id,
                    LifetimeInSeconds=60,
                    Question=html_question(),
                    UniqueRequestToken="same",
                )
            except ClientError as error:
                assert code_of(error) == "RequestError HitAlreadyExists"
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(post, range(6))) == 1
