"""Qualifications: who holds what, what it guards, how it is asked for and tested."""

from __future__ import annotations

from typing import Any

import pytest

from tests.marketplace.bench import (
    SCHEMAS,
    Account,
    Person,
    advance,
    answer_key,
    choice,
    code_of,
    free_text,
    meet,
    message_of,
    open_account,
    question_form,
    refused,
    text_of,
)
from webapp.marketplace.serving import Running

EXISTS_ALREADY = (
    "You have already created a QualificationType with this name. A QualificationType's name must "
    "be unique among all of the QualificationTypes created by the same user."
)


def made(account: Account, name: str = "Sharp eyes", **more: Any) -> str:
    row = account.client.create_qualification_type(
        Name=name, Description="Sees well", QualificationTypeStatus="Active", **more
    )
    return str(row["QualificationType"]["QualificationTypeId"])


def grant(account: Account, type_id: str, worker: Person, value: int = 1) -> None:
    account.client.associate_qualification_with_worker(
        QualificationTypeId=type_id,
        WorkerId=worker.worker_id,
        IntegerValue=value,
        SendNotification=False,
    )


def guarded_hit(account: Account, type_id: str, guard: str, **more: Any) -> dict[str, Any]:
    requirement = {
        "QualificationTypeId": type_id,
        "Comparator": "GreaterThanOrEqualTo",
        "IntegerValues": [5],
        "ActionsGuarded": guard,
        **more,
    }
    return account.hit(account.hit_type(QualificationRequirements=[requirement]))


@pytest.mark.parametrize(
    ("guard", "found", "previewed"),
    [
        ("Accept", True, 200),
        ("PreviewAndAccept", True, 403),
        ("DiscoverPreviewAndAccept", False, 404),
    ],
)
def test_a_requirement_guards_what_it_says(
    account: Account, worker: Person, guard: str, found: bool, previewed: int
) -> None:
    type_id = made(account)
    hit = guarded_hit(account, type_id, guard)
    assert (hit["HITTypeId"] in worker.groups()) is found
    assert worker.get(f"/projects/{hit['HITTypeId']}/tasks").status_code == previewed
    assert worker.accept(hit).status_code in (403, 404)
    grant(account, type_id, worker, 5)
    assert hit["HITTypeId"] in worker.groups()
    assert worker.get(f"/projects/{hit['HITTypeId']}/tasks").status_code == 200
    assert worker.accept(hit).status_code == 200


def test_staff_alone_find_in_house_hits(running: Running, worker: Person) -> None:
    account = open_account(running, "inhouse")
    listed = account.client.list_qualification_types(
        Query="In-house staff", MustBeRequestable=False, MustBeOwnedByCaller=True
    )["QualificationTypes"]
    (staff_type,) = [row for row in listed if row["Name"] == "In-house staff"]
    hit = account.hit(
        account.hit_type(
            Reward="0.00",
            QualificationRequirements=[
                {
                    "QualificationTypeId": staff_type["QualificationTypeId"],
                    "Comparator": "Exists",
                    "ActionsGuarded": "DiscoverPreviewAndAccept",
                }
            ],
        )
    )
    assert hit["HITTypeId"] not in worker.groups()
    assert worker.accept(hit).status_code == 404
    assert "In-house staff" not in text_of(worker.get("/worker/qualifications"))
    colleague = meet(running, staff=True)
    assert hit["HITTypeId"] in colleague.groups()
    colleague.do(hit)


def test_a_name_is_unique_among_the_owner_s(running: Running, account: Account) -> None:
    type_id = made(account, "Once")
    error = refused(made, account=account, name="Once")
    assert (code_of(error), message_of(error)) == (
        "RequestError QualificationTypeAlreadyExists",
        EXISTS_ALREADY,
    )
    assert made(open_account(running), "Once") != type_id


def test_a_type_disposed_of_frees_its_name(account: Account, worker: Person) -> None:
    type_id = made(account, "Passing")
    account.client.delete_qualification_type(QualificationTypeId=type_id)
    error = refused(account.client.delete_qualification_type, QualificationTypeId=type_id)
    assert (code_of(error), message_of(error)) == (
        "RequestError InvalidQualificationTypeState",
        "This operation can be called with a status of: Active,Inactive",
    )
    error = refused(account.client.get_qualification_type, QualificationTypeId=type_id)
    assert code_of(error) == "RequestError QualificationTypeDoesNotExist"
    assert made(account, "Passing") != type_id


def test_a_type_in_use_waits_for_its_hits(
    running: Running, account: Account, worker: Person
) -> None:
    type_id = made(account, "In use")
    hit = guarded_hit(account, type_id, "Accept")
    account.client.delete_qualification_type(QualificationTypeId=type_id)
    error = refused(made, account=account, name="In use")
    assert code_of(error) == "RequestError QualificationTypeAlreadyExists"
    account.client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)
    account.client.delete_hit(HITId=hit["HITId"])
    advance(running, seconds=1)
    made(account, "In use")


def test_scores_are_given_overwritten_revoked_and_given_again(
    account: Account, worker: Person
) -> None:
    type_id = made(account)
    given = {"QualificationTypeId": type_id, "WorkerId": worker.worker_id}
    error = refused(account.client.get_qualification_score, **given)
    assert code_of(error) == "RequestError QualificationDoesNotExist"
    assert message_of(error).endswith("does not exist.")
    grant(account, type_id, worker, 3)
    grant(account, type_id, worker, 7)
    held = account.client.get_qualification_score(**given)["Qualification"]
    assert (held["IntegerValue"], held["Status"]) == (7, "Granted")
    account.client.disassociate_qualification_from_worker(**given, Reason="moved on")
    error = refused(account.client.get_qualification_score, **given)
    assert (code_of(error), message_of(error)) == (
        "RequestError InvalidQualificationState",
        "This operation can be called with a status of: Granted",
    )
    error = refused(account.client.disassociate_qualification_from_worker, **given)
    assert code_of(error) == "RequestError InvalidQualificationState"
    page = account.client.list_workers_with_qualification_type(
        QualificationTypeId=type_id, Status="Revoked"
    )
    assert [row["WorkerId"] for row in page["Qualifications"]] == [worker.worker_id]
    grant(account, type_id, worker, 1)
    assert account.client.get_qualification_score(**given)["Qualification"]["IntegerValue"] == 1


def test_an_unknown_worker_is_not_valid(account: Account) -> None:
    type_id = made(account)
    error = refused(
        account.client.associate_qualification_with_worker,
        QualificationTypeId=type_id,
        WorkerId="A143XRCI1YXAFE",
    )
    assert code_of(error) == "ParameterValidationError"
    assert (
        message_of(error) == 'The value "A143XRCI1YXAFE" is not valid for the parameter WorkerId.'
    )


def test_an_inactive_type_is_not_granted_nor_required(account: Account, worker: Person) -> None:
    type_id = made(account)
    account.client.update_qualification_type(
        QualificationTypeId=type_id, QualificationTypeStatus="Inactive", Description="new words"
    )
    row = account.client.get_qualification_type(QualificationTypeId=type_id)["QualificationType"]
    assert (row["Description"], row["IsRequestable"]) == ("new words", False)
    error = refused(grant, account=account, type_id=type_id, worker=worker)
    assert code_of(error) == "RequestError InvalidQualificationTypeState"
    error = refused(guarded_hit, account=account, type_id=type_id, guard="Accept")
    assert code_of(error) == "RequestError InvalidQualificationTypeState"


def test_a_request_waits_for_the_requester(
    running: Running, account: Account, worker: Person
) -> None:
    type_id = made(account, "By hand")
    assert worker.post(f"/worker/qualifications/{type_id}/request").status_code == 200
    assert worker.post(f"/worker/qualifications/{type_id}/request").status_code == 409
    (asked,) = account.client.list_qualification_requests(QualificationTypeId=type_id)[
        "QualificationRequests"
    ]
    assert asked["WorkerId"] == worker.worker_id
    request_id = asked["QualificationRequestId"]
    other = open_account(running).client
    error = refused(other.accept_qualification_request, QualificationRequestId=request_id)
    assert code_of(error) == "RequestError QualificationRequestDoesNotExist"
    account.client.accept_qualification_request(QualificationRequestId=request_id, IntegerValue=9)
    error = refused(account.client.reject_qualification_request, QualificationRequestId=request_id)
    assert code_of(error) == "RequestError InvalidQualificationRequestState"
    held = account.client.get_qualification_score(
        QualificationTypeId=type_id, WorkerId=worker.worker_id
    )
    assert held["Qualification"]["IntegerValue"] == 9


def test_a_rejected_request_tells_why_and_may_come_again_after_the_delay(
    running: Running, account: Account, worker: Person
) -> None:
    type_id = made(account, "Retry", RetryDelayInSeconds=3600)
    path = f"/worker/qualifications/{type_id}/request"
    worker.post(path)
    (asked,) = account.client.list_qualification_requests()["QualificationRequests"]
    account.client.reject_qualification_request(
        QualificationRequestId=asked["QualificationRequestId"], Reason="Show me more work"
    )
    assert "Show me more work" in text_of(worker.get("/worker/qualifications"))
    assert worker.post(path).status_code == 409
    advance(running, hours=1)
    assert worker.post(path).status_code == 200


def test_a_type_can_grant_itself(account: Account, worker: Person) -> None:
    type_id = made(account, "For all", AutoGranted=True, AutoGrantedValue=4)
    worker.post(f"/worker/qualifications/{type_id}/request")
    held = account.client.get_qualification_score(
        QualificationTypeId=type_id, WorkerId=worker.worker_id
    )
    assert held["Qualification"]["IntegerValue"] == 4


TEST = question_form(choice("capital", "Paris", "Rome"), choice("river", "Seine", "Tiber"))
KEY = answer_key(
    ("capital", "Paris", 1),
    ("river", "Seine", 1),
    mapping="<QualificationValueMapping><PercentageMapping><MaximumSummedScore>2"
    "</MaximumSummedScore></PercentageMapping></QualificationValueMapping>",
)


def start_test(account: Account, worker: Person, **more: Any) -> tuple[str, str]:
    type_id = made(account, "Tested", Test=TEST, TestDurationInSeconds=600, **more)
    page = worker.post(f"/worker/qualifications/{type_id}/request")
    assert page.status_code == 200
    assert "Which capital?" in text_of(page)
    return type_id, page.url.partition("127.0.0.1")[2].partition("/")[2]


def test_a_test_with_a_key_is_scored_at_once(account: Account, worker: Person) -> None:
    type_id, path = start_test(account, worker, AnswerKey=KEY)
    assert worker.post("/" + path, q0="Paris", q1="Tiber").status_code == 200
    held = account.client.get_qualification_score(
        QualificationTypeId=type_id, WorkerId=worker.worker_id
    )
    assert held["Qualification"]["IntegerValue"] == 50
    assert worker.post("/" + path, q0="Paris", q1="Seine").status_code == 409
    assert worker.post(f"/worker/qualifications/{type_id}/request").status_code == 409


def test_a_test_without_a_key_is_read_by_the_requester(account: Account, worker: Person) -> None:
    type_id, path = start_test(account, worker)
    assert account.client.list_qualification_requests()["NumResults"] == 0
    assert worker.post("/" + path, q0="Paris").status_code == 422
    worker.post("/" + path, q0="Paris", q1="Seine")
    (asked,) = account.client.list_qualification_requests(QualificationTypeId=type_id)[
        "QualificationRequests"
    ]
    assert "<SelectionIdentifier>Paris</SelectionIdentifier>" in asked["Answer"]
    assert asked["Test"] == TEST


def test_a_test_ends_with_its_time(running: Running, account: Account, worker: Person) -> None:
    _, path = start_test(account, worker, AnswerKey=KEY)
    advance(running, seconds=700)
    assert worker.post("/" + path, q0="Paris", q1="Seine").status_code == 410


def test_another_worker_s_test_is_not_there(
    account: Account, worker: Person, running: Running
) -> None:
    _, path = start_test(account, worker, AnswerKey=KEY)
    stranger = meet(running)
    assert stranger.get("/" + path).status_code == 404
    assert stranger.post("/" + path, q0="Paris", q1="Seine").status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        {"Test": TEST},
        {"Test": TEST, "TestDurationInSeconds": 60, "AutoGranted": True},
        {"AnswerKey": KEY},
        {"Test": "<no/>", "TestDurationInSeconds": 60},
        {"Test": question_form(), "TestDurationInSeconds": 60},
        {"Test": TEST, "TestDurationInSeconds": 60, "AnswerKey": "<no/>"},
        {
            "Test": question_form(choice("a", "x"), choice("a", "y")),
            "TestDurationInSeconds": 60,
        },
    ],
)
def test_tests_that_make_no_sense_are_refused(account: Account, given: dict[str, Any]) -> None:
    error = refused(made, account=account, name="Odd", **given)
    assert code_of(error) == "ParameterValidationError"


def test_the_approval_rate_is_100_until_a_hundred_submissions(
    account: Account, worker: Person
) -> None:
    hit = account.hit()
    account.client.reject_assignment(AssignmentId=worker.do(hit), RequesterFeedback="no")
    assert "Approval rate 100 %" in text_of(worker.get("/worker/qualifications"))


def test_forms_of_the_old_namespace_are_taken(account: Account) -> None:
    old = question_form(free_text("q"), namespace="2005-10-01")
    made(account, "Old", Test=old, TestDurationInSeconds=60)
    assert SCHEMAS in old


def test_lists_find_types_by_words(running: Running, account: Account) -> None:
    made(account, "Spots birds", Keywords="wings, feathers")
    made(account, "Spots cars")
    client = account.client

    def names(**more: Any) -> list[str]:
        given = {"MustBeRequestable": True, "MustBeOwnedByCaller": True, **more}
        return [
            row["Name"] for row in client.list_qualification_types(**given)["QualificationTypes"]
        ]

    assert names(Query="feathers spots") == ["Spots birds"]
    assert names(Query="100%_\\") == []
    assert sorted(names()) == ["Spots birds", "Spots cars"]
