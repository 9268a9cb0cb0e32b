"""The marketplace's own books: fees by the table, holds, releases, and never under zero."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from tests.marketplace.bench import (
    Account,
    Person,
    admin,
    code_of,
    message_of,
    open_account,
    refused,
)
from webapp.marketplace.fees import assignment_fee, bonus_fee
from webapp.marketplace.serving import Running
from webapp.marketplace.store import reading
from webapp.marketplace.tables.money import Entry

NO_MONEY = (
    "This Requester has insufficient funds in their account to complete this transaction. "
    "Please visit https://requester.mturk.com/prepayments/new to purchase Prepaid HITs."
)


@pytest.mark.parametrize(
    ("reward", "n", "masters", "fee"),
    [
        (5, 9, False, 1),
        (5, 10, False, 2),
        (1, 1, False, 1),
        (0, 1, False, 1),
        (52, 1, False, 10),
        (53, 1, False, 11),
        (54, 1, False, 11),
        (100, 9, False, 20),
        (100, 10, False, 40),
        (100, 9, True, 25),
        (100, 10, True, 45),
    ],
)
def test_the_fee_table(reward: int, n: int, masters: bool, fee: int) -> None:
    assert assignment_fee(reward, n, for_masters=masters, account_kind="crowd") == fee


def test_bonus_fees_and_in_house_fees() -> None:
    assert [bonus_fee(cents, account_kind="crowd") for cents in (1, 100, 105, 1000)] == [
        1,
        20,
        21,
        200,
    ]
    assert bonus_fee(100, account_kind="inhouse") == 0
    assert assignment_fee(100, 50, for_masters=True, account_kind="inhouse") == 0


@given(st.integers(0, 10_000_000), st.integers(1, 1000), st.booleans())
def test_a_fee_is_at_least_a_cent_and_grows_with_the_reward(
    reward: int, n: int, masters: bool
) -> None:
    fee = assignment_fee(reward, n, for_masters=masters, account_kind="crowd")
    more = assignment_fee(reward + 1, n, for_masters=masters, account_kind="crowd")
    assert 1 <= fee <= more


def test_money_is_held_at_posting_paid_at_approval_and_released_otherwise(
    account: Account, workers: Callable[[int], list[Person]]
) -> None:
    hit = account.hit(MaxAssignments=3)
    start = 1_000_000
    assert account.statement().held_cents == 18
    balance = account.client.get_account_balance()
    assert (balance["AvailableBalance"], balance["OnHoldBalance"]) == ("9999.82", "0.18")
    first, second = (person.do(hit) for person in workers(2))
    account.client.approve_assignment(AssignmentId=first)
    account.client.reject_assignment(AssignmentId=second, RequesterFeedback="no")
    told = account.statement()
    assert (told.reward_cents, told.fee_cents, told.held_cents) == (5, 1, 6)
    account.client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)
    told = account.statement()
    assert (told.held_cents, told.available_cents) == (0, start - 6)
    assert told.spent_cents == start - told.available_cents


def test_extending_holds_more_and_masters_cost_more(account: Account) -> None:
    masters = [{"QualificationTypeId": "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "Comparator": "Exists"}]
    hit = account.hit(
        account.hit_type(Reward="1.00", QualificationRequirements=masters), MaxAssignments=2
    )
    assert account.statement().held_cents == 250
    account.client.create_additional_assignments_for_hit(
        HITId=hit["HITId"], NumberOfAdditionalAssignments=1
    )
    assert account.statement().held_cents == 375


def poor(running: Running, cents: int) -> Account:
    key = f"poor{running.market.dial.now()}"
    made = admin(running, "POST", "/requesters", {"access_key": key, "balance_cents": cents})
    assert made.status_code == 201, made.text
    return open_account(running, key)


def test_nothing_is_made_without_money(running: Running, worker: Person) -> None:
    account = poor(running, 12)
    type_id = account.hit_type()
    error = refused(account.hit, type_id=type_id, MaxAssignments=3)
    assert (code_of(error), message_of(error)) == ("RequestError InsufficientFunds", NO_MONEY)
    assert account.client.list_hits()["NumResults"] == 0
    hit = account.hit(type_id, MaxAssignments=2)
    error = refused(
        account.client.create_additional_assignments_for_hit,
        HITId=hit["HITId"],
        NumberOfAdditionalAssignments=1,
    )
    assert code_of(error) == "RequestError InsufficientFunds"
    assert account.now(hit)["MaxAssignments"] == 2
    assignment_id = worker.do(hit)
    error = refused(
        account.client.send_bonus,
        WorkerId=worker.worker_id,
        AssignmentId=assignment_id,
        BonusAmount="0.01",
        Reason="x",
    )
    assert code_of(error) == "RequestError InsufficientFunds"
    assert account.client.list_bonus_payments(AssignmentId=assignment_id)["NumResults"] == 0
    account.client.approve_assignment(AssignmentId=assignment_id)
    assert account.statement().spent_cents == 6


def test_posts_at_once_never_pass_the_balance(running: Running) -> None:
    account = poor(running, 60)
    type_id = account.hit_type()

    def post(_: int) -> bool:
        try:
            account.hit(type_id, MaxAssignments=4)
        except ClientError as error:
            assert code_of(error) == "RequestError InsufficientFunds"
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(post, range(8))) == 2
    told = account.statement()
    assert (told.available_cents, told.held_cents) == (12, 48)


def test_the_in_house_account_pays_no_fee(running: Running) -> None:
    account = open_account(running, "inhouse")
    before = account.statement()
    hit = account.hit(account.hit_type(Reward="0.00"), MaxAssignments=20)
    assert account.statement().held_cents == before.held_cents
    account.client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)


def test_every_transfer_balances(running: Running, account: Account, worker: Person) -> None:
    account.client.approve_assignment(AssignmentId=worker.do(account.hit()))
    with reading(running.market.sessions) as session:
        uneven = session.execute(
            select(Entry.transfer_id)
            .group_by(Entry.transfer_id)
            .having(func.sum(Entry.amount_cents) != 0)
        ).all()
    assert uneven == []


def test_the_worker_sees_what_was_earned_and_what_waits(account: Account, worker: Person) -> None:
    first, second = account.hit(), account.hit()
    account.client.approve_assignment(AssignmentId=worker.do(first))
    worker.do(second)
    page = worker.get("/worker/work").text
    assert '<dd id="earned">$0.05</dd>' in page
    assert '<dd id="waiting">$0.05</dd>' in page
