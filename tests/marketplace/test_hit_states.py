"""The life of a HIT through the API: states, counters, expiry, extension, disposal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.marketplace.bench import (
    Account,
    Person,
    advance,
    code_of,
    html_question,
    message_of,
    open_account,
    refused,
)
from webapp.marketplace.serving import Running


def counters(hit: dict) -> tuple[str, int, int, int]:
    return (
        hit["HITStatus"],
        hit["NumberOfAssignmentsAvailable"],
        hit["NumberOfAssignmentsPending"],
        hit["NumberOfAssignmentsCompleted"],
    )


def in_market_time(running: Running, **amount: float) -> datetime:
    now = datetime.fromtimestamp(running.market.dial.now() / 1000, UTC)
    return now + timedelta(**amount)


def test_a_new_hit_is_assignable_with_every_slot_open(account: Account) -> None:
    hit = account.hit(MaxAssignments=3, RequesterAnnotation="batch 7")
    assert counters(hit) == ("Assignable", 3, 0, 0)
    assert hit["HITReviewStatus"] == "NotReviewed"
    assert hit["RequesterAnnotation"] == "batch 7"
    assert hit["QualificationRequirements"] == []
    assert hit["Reward"] == "0.05"
    assert account.now(hit) == hit


def test_counters_follow_accept_submit_and_decision(
    account: Account, workers: Callable[[int], list[Person]]
) -> None:
    hit = account.hit(MaxAssignments=2)
    ann, bob = workers(2)
    first = ann.take(hit)
    assert counters(account.now(hit)) == ("Assignable", 1, 1, 0)
    second = bob.take(hit)
    assert counters(account.now(hit)) == ("Unassignable", 0, 2, 0)
    ann.submit(first)
    assert counters(account.now(hit)) == ("Unassignable", 0, 1, 0)
    bob.submit(second)
    assert counters(account.now(hit)) == ("Reviewable", 0, 0, 0)
    account.client.approve_assignment(AssignmentId=first)
    account.client.reject_assignment(AssignmentId=second, RequesterFeedback="no")
    assert counters(account.now(hit)) == ("Reviewable", 0, 0, 2)


def test_a_returned_hit_is_assignable_again(account: Account, worker: Person) -> None:
    hit = account.hit()
    assignment_id = worker.take(hit)
    assert account.now(hit)["HITStatus"] == "Unassignable"
    worker.post(f"/worker/tasks/{assignment_id}/return")
    assert counters(account.now(hit)) == ("Assignable", 1, 0, 0)


def test_an_abandoned_hit_is_assignable_again(
    running: Running, account: Account, worker: Person
) -> None:
    hit = account.hit()
    assignment_id = worker.take(hit)
    advance(running, seconds=601)
    assert counters(account.now(hit)) == ("Assignable", 1, 0, 0)
    assert worker.submit(assignment_id).status_code == 410
    assert account.assignments(hit) == []


def test_a_hit_becomes_reviewable_when_it_expires_and_keeps_its_open_slots(
    running: Running, account: Account
) -> None:
    hit = account.hit(MaxAssignments=2)
    advance(running, hours=2)
    assert counters(account.now(hit)) == ("Reviewable", 2, 0, 0)


def test_an_expired_hit_with_work_under_way_is_unassignable_until_it_is_submitted(
    running: Running, account: Account, worker: Person
) -> None:
    hit = account.hit(account.hit_type(AssignmentDurationInSeconds=7200), MaxAssignments=2)
    assignment_id = worker.take(hit)
    account.client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)
    assert counters(account.now(hit)) == ("Unassignable", 1, 1, 0)
    assert worker.submit(assignment_id).status_code == 200
    assert counters(account.now(hit)) == ("Reviewable", 1, 0, 0)


def test_expiring_twice_at_the_same_time_is_a_used_token(account: Account) -> None:
    hit = account.hit()
    account.client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)
    error = refused(account.client.update_expiration_for_hit, HITId=hit["HITId"], ExpireAt=0)
    assert message_of(error) == (
        f'The idempotency token "{hit["HITId"]}Thu Jan 01 00:00:00 UTC 1970" '
        "has already been processed."
    )


def test_an_expired_hit_comes_back_by_a_later_expiration(
    running: Running, account: Account, worker: Person
) -> None:
    hit = account.hit()
    account.client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)
    assert worker.accept(hit).status_code == 404
    later = in_market_time(running, hours=3)
    account.client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=later)
    assert account.now(hit)["HITStatus"] == "Assignable"
    assert worker.accept(hit).status_code == 200
    account.client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)


def test_a_running_hit_s_life_is_not_shortened(running: Running, account: Account) -> None:
    hit = account.hit()
    sooner = in_market_time(running, minutes=10)
    error = refused(account.client.update_expiration_for_hit, HITId=hit["HITId"], ExpireAt=sooner)
    assert code_of(error) == "ParameterValidationError"


def test_more_assignments_reopen_a_finished_hit(account: Account, worker: Person) -> None:
    hit = account.hit()
    worker.do(hit)
    assert account.now(hit)["HITStatus"] == "Reviewable"
    account.client.create_additional_assignments_for_hit(
        HITId=hit["HITId"], NumberOfAdditionalAssignments=2
    )
    assert counters(account.now(hit)) == ("Assignable", 2, 0, 0)


def test_an_extension_token_counts_once(account: Account) -> None:
    hit = account.hit()
    given = {"HITId": hit["HITId"], "NumberOfAdditionalAssignments": 2, "UniqueRequestToken": "x"}
    account.client.create_additional_assignments_for_hit(**given)
    error = refused(account.client.create_additional_assignments_for_hit, **given)
    assert message_of(error) == 'The idempotency token "x" has already been processed.'
    assert account.now(hit)["MaxAssignments"] == 3


def test_under_ten_assignments_never_become_ten(account: Account) -> None:
    hit = account.hit(MaxAssignments=9)
    error = refused(
        account.client.create_additional_assignments_for_hit,
        HITId=hit["HITId"],
        NumberOfAdditionalAssignments=1,
    )
    assert code_of(error) == "RequestError InvalidMaximumAssignmentsIncrease"
    large = account.hit(MaxAssignments=10)
    account.client.create_additional_assignments_for_hit(
        HITId=large["HITId"], NumberOfAdditionalAssignments=5
    )
    assert account.now(large)["MaxAssignments"] == 15


def test_reviewing_and_back(account: Account, worker: Person) -> None:
    hit = account.hit()
    client = account.client
    early = refused(client.update_hit_review_status, HITId=hit["HITId"])
    assert code_of(early) == "RequestError InvalidHITState"
    worker.do(hit)
    client.update_hit_review_status(HITId=hit["HITId"])
    assert account.now(hit)["HITStatus"] == "Reviewing"
    assert code_of(refused(client.update_hit_review_status, HITId=hit["HITId"])).endswith("State")
    reviewing = client.list_reviewable_hits(Status="Reviewing")["HITs"]
    assert reviewing == [{"HITId": hit["HITId"]}]
    client.update_hit_review_status(HITId=hit["HITId"], Revert=True)
    assert account.now(hit)["HITStatus"] == "Reviewable"


def test_a_hit_with_open_or_undecided_work_is_not_deleted(account: Account, worker: Person) -> None:
    hit = account.hit()
    wanted = (
        "This HIT is currently in the state '{}'.  "
        "This operation can be called with a status of: Reviewing, Reviewable"
    )
    error = refused(account.client.delete_hit, HITId=hit["HITId"])
    assert (code_of(error), message_of(error)) == (
        "RequestError InvalidHITState",
        wanted.format("Assignable"),
    )
    assignment_id = worker.do(hit)
    error = refused(account.client.delete_hit, HITId=hit["HITId"])
    assert message_of(error) == wanted.format("Reviewable")
    account.client.approve_assignment(AssignmentId=assignment_id)
    account.client.delete_hit(HITId=hit["HITId"])
    error = refused(account.client.delete_hit, HITId=hit["HITId"])
    assert message_of(error) == wanted.format("Disposed")


def test_a_deleted_hit_is_gone_from_lists_but_still_told_of(
    account: Account, worker: Person
) -> None:
    hit = account.hit()
    assignment_id = worker.do(hit)
    account.client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="no")
    account.client.delete_hit(HITId=hit["HITId"])
    assert account.now(hit)["HITStatus"] == "Disposed"
    assert account.client.list_hits()["HITs"] == []
    for call in (account.client.list_assignments_for_hit, account.client.list_bonus_payments):
        assert code_of(refused(call, HITId=hit["HITId"])) == "RequestError HITDoesNotExist"
    error = refused(
        account.client.approve_assignment, AssignmentId=assignment_id, OverrideRejection=True
    )
    assert code_of(error) == "RequestError AssignmentDoesNotExist"


def test_hits_end_by_themselves_after_120_days(
    running: Running, account: Account, worker: Person
) -> None:
    hit = account.hit()
    worker.do(hit)
    advance(running, days=31)
    assert account.now(hit)["HITStatus"] == "Reviewable"
    assert account.assignments(hit)[0]["AssignmentStatus"] == "Approved"
    advance(running, days=90)
    assert account.now(hit)["HITStatus"] == "Disposed"
    advance(running, days=120)
    error = refused(account.hit, type_id=hit["HITTypeId"])
    assert code_of(error) == "RequestError HITTypeDoesNotExist"


def test_equal_hit_types_are_one_and_a_hit_moves_between_types_until_accepted(
    account: Account, worker: Person
) -> None:
    first, other = account.hit_type(), account.hit_type(Reward="0.10")
    assert account.hit_type() == first != other
    hit = account.hit(first)
    account.client.update_hit_type_of_hit(HITId=hit["HITId"], HITTypeId=other)
    moved = account.now(hit)
    assert (moved["HITTypeId"], moved["Reward"]) == (other, "0.10")
    assert account.statement().held_cents == 12
    worker.take(moved)
    error = refused(account.client.update_hit_type_of_hit, HITId=hit["HITId"], HITTypeId=first)
    assert code_of(error) == "RequestError InvalidHITState"


def test_create_hit_finds_an_equal_hit_type(account: Account) -> None:
    type_id = account.hit_type()
    made = account.client.create_hit(
        Title="Colours",
        Description="Name a colour",
        Reward="0.05",
        AssignmentDurationInSeconds=600,
        LifetimeInSeconds=60,
        Question=html_question(),
    )["HIT"]
    assert made["HITTypeId"] == type_id
    assert made["MaxAssignments"] == 1


@pytest.mark.parametrize("operation", ["create_hit", "create_hit_with_hit_type"])
def test_a_repeated_token_is_an_error_that_names_the_hit(account: Account, operation: str) -> None:
    given = {"LifetimeInSeconds": 60, "Question": html_question(), "UniqueRequestToken": "t-1"}
    if operation == "create_hit":
        given |= {
            "Title": "a",
            "Description": "b",
            "Reward": "0.01",
            "AssignmentDurationInSeconds": 60,
        }
    else:
        given["HITTypeId"] = account.hit_type()
    call = getattr(account.client, operation)
    hit_id = call(**given)["HIT"]["HITId"]
    error = refused(call, **given)
    assert code_of(error) == "RequestError HitAlreadyExists"
    assert hit_id in message_of(error)
    assert [row["HITId"] for row in account.client.list_hits()["HITs"]] == [hit_id]


def test_a_token_is_forgotten_after_24_hours(running: Running, account: Account) -> None:
    type_id = account.hit_type()
    account.hit(type_id, UniqueRequestToken="day")
    advance(running, hours=24)
    account.hit(type_id, UniqueRequestToken="day")
    assert account.client.list_hits()["NumResults"] == 2


def test_a_token_of_a_call_that_failed_is_free(account: Account) -> None:
    type_id = account.hit_type()
    refused(
        account.client.create_hit_with_hit_type,
        HITTypeId=type_id,
        LifetimeInSeconds=60,
        Question="<no/>",
        UniqueRequestToken="free",
    )
    account.hit(type_id, UniqueRequestToken="free")


def test_another_requester_sees_nothing(running: Running, account: Account, worker: Person) -> None:
    hit = account.hit()
    assignment_id = worker.do(hit)
    other = open_account(running).client
    assert other.list_hits()["HITs"] == []
    assert code_of(refused(other.get_hit, HITId=hit["HITId"])) == "RequestError HITDoesNotExist"
    for call in (other.get_assignment, other.approve_assignment):
        error = refused(call, AssignmentId=assignment_id)
        assert code_of(error) == "RequestError AssignmentDoesNotExist"
    error = refused(
        other.create_hit_with_hit_type,
        HITTypeId=hit["HITTypeId"],
        LifetimeInSeconds=60,
        Question=hit["Question"],
    )
    assert code_of(error) == "RequestError HITTypeDoesNotExist"


def test_a_new_hit_settles_before_it_can_be_changed(served: Callable[..., Running]) -> None:
    running = served(settling_seconds=15)
    account = open_account(running)
    hit = account.hit()
    error = refused(
        account.client.create_additional_assignments_for_hit,
        HITId=hit["HITId"],
        NumberOfAdditionalAssignments=1,
    )
    assert code_of(error) == "RequestError InvalidHITState"
    advance(running, seconds=15)
    account.client.create_additional_assignments_for_hit(
        HITId=hit["HITId"], NumberOfAdditionalAssignments=1
    )
    fresh = account.hit()
    account.client.update_expiration_for_hit(HITId=fresh["HITId"], ExpireAt=0)


def test_lists_lag_behind_when_told_to(served: Callable[..., Running]) -> None:
    running = served(index_lag_seconds=15)
    account = open_account(running)
    hit = account.hit()
    assert account.client.list_hits()["HITs"] == []
    assert account.now(hit)["HITStatus"] == "Assignable"
    advance(running, seconds=15)
    assert account.client.list_hits()["NumResults"] == 1
