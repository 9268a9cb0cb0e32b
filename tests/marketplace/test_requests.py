"""What the API takes and refuses: the wire, the model's constraints, the service's own checks."""

from __future__ import annotations

import json
import re
from typing import Any

import botocore.session
import pytest
import requests

from tests.marketplace.bench import (
    PAGE,
    Account,
    code_of,
    external_question,
    html_question,
    message_of,
    open_account,
    refused,
)
from webapp.marketplace.dispatch import OPERATIONS
from webapp.marketplace.serving import Running

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=wire/20260101/us-east-1/mturk-requester/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
)


def post(running: Running, operation: str, body: Any, **headers: str) -> requests.Response:
    data = body if isinstance(body, bytes) else json.dumps(body)
    given = {
        "X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": AUTHORIZATION,
        **headers,
    }
    return requests.post(running.url + "/", data=data, headers=given, timeout=30)


def test_every_operation_of_the_model_is_answered() -> None:
    model = botocore.session.get_session().get_service_model("mturk")
    assert set(OPERATIONS) == set(model.operation_names)


def test_the_wire_looks_like_the_service_s(running: Running) -> None:
    answer = post(running, "GetAccountBalance", {})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert len(answer.headers["x-amzn-RequestId"]) == 36
    assert re.fullmatch(r"\d+\.\d\d", answer.json()["AvailableBalance"])
    error = post(running, "GetHIT", {"HITId": "3NOSUCH"})
    assert error.status_code == 400
    body = error.json()
    assert (body["__type"], body["TurkErrorCode"]) == (
        "RequestError",
        "AWS.MechanicalTurk.HITDoesNotExist",
    )
    assert body["Message"].startswith("Hit 3NOSUCH does not exist. (")
    assert body["Message"].endswith(" s)")


def test_times_are_seconds_with_a_fraction(running: Running) -> None:
    made = post(
        running,
        "CreateHIT",
        {
            "Title": "a",
            "Description": "b",
            "Reward": "0.01",
            "AssignmentDurationInSeconds": 60,
            "LifetimeInSeconds": 60,
            "Question": html_question(),
        },
    ).json()["HIT"]
    assert isinstance(made["CreationTime"], float | int)
    assert made["Expiration"] - made["CreationTime"] == pytest.approx(60)


@pytest.mark.parametrize(
    ("operation", "body", "kind"),
    [
        ("NoSuchThing", {}, "UnknownOperationException"),
        ("GetHIT", b"{", "SerializationException"),
        ("GetHIT", b"[1]", "SerializationException"),
        ("GetHIT", b'{"HITId": NaN}', "SerializationException"),
        ("GetHIT", b"[" * 100_000, "SerializationException"),
        ("GetHIT", {"HITId": 5}, "SerializationException"),
        ("GetHIT", {"HITId": {"a": 1}}, "SerializationException"),
        ("ListHITs", {"MaxResults": "5"}, "SerializationException"),
        ("ListHITs", {"MaxResults": True}, "SerializationException"),
        ("ListHITs", {"MaxResults": 1.5}, "SerializationException"),
        ("ListHITs", {"MaxResults": 1e30}, "SerializationException"),
        ("NotifyWorkers", {"WorkerIds": {"a": "b"}}, "SerializationException"),
        ("UpdateExpirationForHIT", {"HITId": "A", "ExpireAt": "soon"}, "SerializationException"),
        ("UpdateExpirationForHIT", {"HITId": "A", "ExpireAt": 1e300}, "SerializationException"),
        ("GetHIT", b'{"HITId": "\\ud800"}', "SerializationException"),
    ],
)
def test_malformed_requests_are_refused(
    running: Running, operation: str, body: Any, kind: str
) -> None:
    answer = post(running, operation, body)
    assert (answer.status_code, answer.json()["__type"]) == (400, kind)


def test_a_request_without_credentials_is_refused(running: Running) -> None:
    answer = post(running, "GetAccountBalance", {}, Authorization="")
    assert answer.json()["__type"] == "MissingAuthenticationTokenException"
    answer = post(running, "GetAccountBalance", {}, Authorization="Basic abc")
    assert answer.json()["__type"] == "IncompleteSignatureException"


def test_a_null_is_an_absent_member(running: Running) -> None:
    answer = post(running, "RejectAssignment", {"AssignmentId": "A", "RequesterFeedback": None})
    assert answer.json()["message"] == (
        "1 validation error detected: Value null at 'requesterFeedback' failed to satisfy "
        "constraint: Member must not be null"
    )


def test_all_broken_constraints_are_listed(running: Running) -> None:
    body = {"WorkerId": "bad id", "BonusAmount": "0.9752", "AssignmentId": "", "Reason": "x"}
    told = post(running, "SendBonus", body).json()
    assert told["__type"] == "ValidationException"
    message = told["message"]
    assert message.startswith("4 validation errors detected: ")
    for part in (
        "Value 'bad id' at 'workerId' failed to satisfy constraint: Member must satisfy regular "
        "expression pattern: ^A[A-Z0-9]+$",
        "Value '0.9752' at 'bonusAmount' failed to satisfy constraint: Member must satisfy regular "
        r"expression pattern: ^[0-9]+(\.)?[0-9]{0,2}$",
        "Value '' at 'assignmentId' failed to satisfy constraint: Member must have length greater "
        "than or equal to 1",
    ):
        assert part in message


def test_maxima_and_enums_are_checked(account: Account) -> None:
    error = refused(account.client.list_hits, MaxResults=101)
    assert message_of(error) == (
        "1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: "
        "Member must have value less than or equal to 100"
    )
    error = refused(account.client.list_reviewable_hits, Status="Gone")
    assert message_of(error).endswith("Member must satisfy enum value set: [Reviewable, Reviewing]")
    error = refused(account.hit, UniqueRequestToken="x" * 65)
    assert message_of(error).endswith("Member must have length less than or equal to 64")


@pytest.mark.parametrize("reward", ["-1", "0.001", "1e9", "NaN", "0,05", "٠٫٠٥", "1_0", "", "1\n"])
def test_odd_rewards_are_refused(account: Account, reward: str) -> None:
    assert code_of(refused(account.hit_type, Reward=reward)) == "ValidationException"


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({"Title": "x" * 129}, "Title"),
        ({"Title": "  "}, "Title"),
        ({"Description": "x" * 2001}, "Description"),
        ({"Keywords": "x" * 1001}, "Keywords"),
        ({"Reward": "9" * 30}, "Reward"),
        ({"AssignmentDurationInSeconds": 29}, "AssignmentDurationInSeconds"),
        ({"AssignmentDurationInSeconds": 31_536_001}, "AssignmentDurationInSeconds"),
        ({"AutoApprovalDelayInSeconds": 2_592_001}, "AutoApprovalDelayInSeconds"),
        ({"AutoApprovalDelayInSeconds": -1}, "AutoApprovalDelayInSeconds"),
    ],
)
def test_hit_types_within_the_documented_limits(
    account: Account, given: dict[str, Any], parameter: str
) -> None:
    error = refused(account.hit_type, **given)
    assert code_of(error) == "ParameterValidationError"
    assert f"is not valid for the parameter {parameter}." in message_of(error)


@pytest.mark.parametrize(
    "given",
    [
        {"MaxAssignments": 0},
        {"MaxAssignments": -1},
        {"MaxAssignments": 1_000_000_001},
        {"LifetimeInSeconds": 29},
        {"LifetimeInSeconds": 31_536_001},
        {"RequesterAnnotation": "x" * 256},
    ],
)
def test_hits_within_the_documented_limits(account: Account, given: dict[str, Any]) -> None:
    assert code_of(refused(account.hit, **given)) == "ParameterValidationError"
    assert account.client.list_hits()["NumResults"] == 0


@pytest.mark.parametrize(
    "requirement",
    [
        {"QualificationTypeId": "00000000000000000040", "Comparator": "GreaterThan"},
        {"QualificationTypeId": "00000000000000000040", "Comparator": "Near", "IntegerValues": [1]},
        {
            "QualificationTypeId": "00000000000000000040",
            "Comparator": "EqualTo",
            "IntegerValues": [1, 2],
        },
        {
            "QualificationTypeId": "00000000000000000040",
            "Comparator": "In",
            "IntegerValues": list(range(16)),
        },
        {
            "QualificationTypeId": "00000000000000000071",
            "Comparator": "EqualTo",
            "IntegerValues": [1],
        },
        {
            "QualificationTypeId": "00000000000000000071",
            "Comparator": "EqualTo",
            "LocaleValues": [{"Country": "US"}, {"Country": "IN"}],
        },
        {
            "QualificationTypeId": "00000000000000000040",
            "Comparator": "Exists",
            "IntegerValues": [1],
        },
    ],
)
def test_requirements_that_make_no_sense_are_refused(
    account: Account, requirement: dict[str, Any]
) -> None:
    error = refused(account.hit_type, QualificationRequirements=[requirement])
    assert code_of(error) in ("ParameterValidationError", "ValidationException")


def test_a_requirement_of_an_unknown_qualification(account: Account) -> None:
    requirement = {"QualificationTypeId": "3NOSUCH", "Comparator": "Exists"}
    error = refused(account.hit_type, QualificationRequirements=[requirement])
    assert code_of(error) == "RequestError QualificationTypeDoesNotExist"
    many = [{"QualificationTypeId": "00000000000000000040", "Comparator": "Exists"}] * 11
    error = refused(account.hit_type, QualificationRequirements=many)
    assert code_of(error) == "ParameterValidationError"


def test_html_errors_name_line_and_column(account: Account) -> None:
    page = PAGE.replace("<body>", '<body>\n<body>\n<p a="1"b="2">AT&T</p>')
    error = refused(account.hit, Question=html_question(page))
    assert code_of(error) == "ParameterValidationError"
    message = message_of(error)
    assert message.startswith(
        "There was an error parsing the HTML5 data in your request.  Please make sure the data is "
        "well-formed and validates as HTML5. Details: Errors: <! [2,"
    )
    assert (
        "An “body” start tag seen but an element of the same type was already open. !>" in message
    )
    assert "No space between attributes. !>" in message
    assert "“&” did not start a character reference. (“&” probably should have been " in message
    assert "!> Invalid content: <!DOCTYPE html>" in message


@pytest.mark.parametrize(
    "page",
    [
        "<!DOCTYPE html><body><crowd-form><crowd-input name='a'></crowd-input></crowd-form></body>",
        "<p>no doctype</p><input name='a'>",
        "<!DOCTYPE html><html><head><script>if (a && b < c) {}</script></head><body></body></html>",
    ],
)
def test_unknown_elements_and_missing_tags_are_no_parse_errors(account: Account, page: str) -> None:
    assert account.hit(Question=html_question(page))["HITStatus"] == "Assignable"


@pytest.mark.parametrize(
    "question",
    [
        "not xml",
        "<HTMLQuestion/>",
        html_question().replace("2011-11-11", "2012-12-12"),
        html_question().replace("HTMLContent", "Content"),
        html_question(height="tall"),
        html_question(""),
        html_question().replace("<FrameHeight>0</FrameHeight>", ""),
        external_question("http://example.com/"),
        external_question("javascript:alert(1)"),
        external_question("https://user:word@example.com/"),
        "<!DOCTYPE x [<!ENTITY a 'b'>]>" + html_question(),
        "<a>" * 5000 + "</a>" * 5000,
    ],
)
def test_documents_that_do_not_fit_are_refused(account: Account, question: str) -> None:
    error = refused(account.hit, Question=question)
    assert code_of(error) == "ParameterValidationError"


def test_a_question_is_at_most_65535_bytes(account: Account) -> None:
    room = 65_535 - len(html_question().encode())
    account.hit(Question=html_question(PAGE.replace("</body>", "x" * room + "</body>")))
    large = html_question(PAGE.replace("</body>", "é" * (room // 2 + 1) + "</body>"))
    assert len(large) < 65_535 < len(large.encode())
    error = refused(account.hit, Question=large)
    assert "65535 bytes" in message_of(error)


def test_a_question_or_a_layout_is_needed(account: Account) -> None:
    type_id = account.hit_type()
    call = account.client.create_hit_with_hit_type
    error = refused(call, HITTypeId=type_id, LifetimeInSeconds=60)
    assert code_of(error) == "ParameterValidationError"
    error = refused(call, HITTypeId=type_id, LifetimeInSeconds=60, HITLayoutId="3NOSUCH")
    assert code_of(error) == "RequestError HITLayoutDoesNotExist"


def test_every_page_with_something_on_it_has_a_new_token(account: Account) -> None:
    type_id = account.hit_type()
    made = {account.hit(type_id)["HITId"] for _ in range(5)}
    seen, tokens, token = [], set(), None
    while True:
        page = account.client.list_hits(MaxResults=2, **({"NextToken": token} if token else {}))
        assert page["NumResults"] == len(page["HITs"])
        if not page["HITs"]:
            assert "NextToken" not in page
            break
        seen += [hit["HITId"] for hit in page["HITs"]]
        token = page["NextToken"]
        assert token not in tokens
        tokens.add(token)
    assert set(seen) == made
    assert len(seen) == 5
    paginator = account.client.get_paginator("list_hits")
    assert len([hit for page in paginator.paginate() for hit in page["HITs"]]) == 5


def test_a_token_serves_its_own_list_only(running: Running, account: Account) -> None:
    account.hit()
    token = account.client.list_hits()["NextToken"]
    for call in (
        account.client.list_worker_blocks,
        open_account(running).client.list_hits,
    ):
        error = refused(call, NextToken=token)
        assert message_of(error) == f'The value "{token}" is not valid for the parameter NextToken.'
    error = refused(account.client.list_hits, NextToken="made up")
    assert code_of(error) == "ParameterValidationError"


def test_hits_are_listed_by_what_they_require(account: Account) -> None:
    type_id = account.client.create_qualification_type(
        Name="Sharp eyes", Description="d", QualificationTypeStatus="Active"
    )["QualificationType"]["QualificationTypeId"]
    needing = account.hit(
        account.hit_type(
            QualificationRequirements=[{"QualificationTypeId": type_id, "Comparator": "Exists"}]
        )
    )
    account.hit()
    page = account.client.list_hits_for_qualification_type(QualificationTypeId=type_id)
    assert [hit["HITId"] for hit in page["HITs"]] == [needing["HITId"]]
    (echo,) = needing["QualificationRequirements"]
    assert (echo["ActionsGuarded"], echo["RequiredToPreview"]) == ("Accept", False)
