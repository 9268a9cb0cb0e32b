"""All operations in all states, by unmodified boto3; the document's tables come from the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from botocore import xform_name
from botocore.exceptions import ClientError

from tests.marketplace.bench import (
    Account,
    Person,
    admin,
    code_of,
    meet,
    message_of,
    open_account,
    refused,
)
from tests.marketplace.conformance import CASES, DOCUMENT, Case, as_tables, within
from tests.marketplace.refusal_texts import TEXTS
from tests.marketplace.states import World
from webapp.marketplace.service_model import operation_names
from webapp.marketplace.serving import Running

# Texts that a state cannot bring about, and the test below that does.
ELSEWHERE = {"too soon", "HIT settles", "null member", "too fast"}


@pytest.fixture(scope="module")
def crowd(shared: Running) -> tuple[Account, Person]:
    """The other requester and a worker: they are in nobody's way."""
    return open_account(shared), meet(shared)


@pytest.fixture
def world(running: Running, account: Account, crowd: tuple[Account, Person]) -> World:
    return World(account, *crowd)


def said(error: ClientError) -> tuple[str, str]:
    return code_of(error), message_of(error)


def assert_says(error: ClientError, name: str) -> None:
    text = TEXTS[name]
    pattern = ".*".join(re.escape(part) for part in text.message.split("…"))
    code, message = said(error)
    kind = text.code.partition(" ")[0]
    # botocore keeps no TurkErrorCode of error types that its model lacks
    assert code == (kind if kind == "ParameterValidationError" else text.code)
    assert re.fullmatch(pattern, message, re.DOTALL), (message, text.message)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_operation_in_a_state_is_taken_or_refused_in_the_service_s_words(
    world: World, case: Case
) -> None:
    arguments = case.arguments(world, world.put(case.subject, case.state))
    call = getattr(world.account.client, xform_name(case.operation))
    if case.outcome:
        assert_says(refused(call, **arguments), case.outcome)
    else:
        assert call(**arguments)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_every_operation_has_a_case_and_every_text_a_test() -> None:
    assert {case.operation for case in CASES} == operation_names()
    assert {case.outcome for case in CASES} - {""} | ELSEWHERE == set(TEXTS)
    assert {case.operation for case in CASES if not case.outcome} == operation_names() - {
        "GetFileUploadURL"
    }


def test_an_operation_refused_changes_nothing(world: World) -> None:
    hit_id = world.hit("undecided")
    before = world.account.client.get_hit(HITId=hit_id)["HIT"]
    for name, more in (
        ("delete_hit", {}),
        ("update_hit_type_of_hit", {"HITTypeId": world.hit_type()}),
        ("update_hit_review_status", {"Revert": True}),
    ):
        refused(getattr(world.account.client, name), HITId=hit_id, **more)
    assert world.account.client.get_hit(HITId=hit_id)["HIT"] == before


def test_fresh_things_answer_as_if_they_were_not_there_yet(
    served: Callable[..., Running],
) -> None:
    running = served(decision_lag_seconds=60, settling_seconds=60)
    account, person = open_account(running), meet(running)
    hit = account.hit()
    grow = account.client.create_additional_assignments_for_hit
    assert_says(refused(grow, HITId=hit["HITId"], NumberOfAdditionalAssignments=1), "HIT settles")
    done = person.do(hit)
    assert_says(refused(account.client.approve_assignment, AssignmentId=done), "too soon")


def test_throttling_says_so(running: Running, account: Account) -> None:
    fault = {"operation": "GetAccountBalance", "effect": "throttle", "access_key": account.key}
    assert admin(running, "PUT", "/faults", [fault]).status_code == 200
    assert_says(refused(account.client.get_account_balance), "too fast")


def test_a_member_left_out_is_null(running: Running, account: Account) -> None:
    """boto3 would not send this: it looks at required members itself."""
    answer = requests.post(
        running.url,
        json={"WorkerId": "A1", "BonusAmount": "0.10", "AssignmentId": "3A"},
        headers={
            "X-Amz-Target": "MTurkRequesterServiceV20170117.SendBonus",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={account.key}/20300101/us-east-1/"
            f"mturk-requester/aws4_request, SignedHeaders=host, Signature={'0' * 64}",
        },
        timeout=30,
    )
    told = answer.json()
    assert (told["__type"], told["message"]) == (
        "ValidationException",
        TEXTS["null member"].message,
    )


def test_the_document_tells_what_is_exact_and_what_is_chosen() -> None:
    found = within(DOCUMENT.read_text(encoding="utf-8"))[0]
    assert found == as_tables(), "run: python -m tests.marketplace.conformance"


def test_every_test_that_the_document_names_is_there() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    section = document.partition("## Security")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(test_\w+)`", section))
    sources = (path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    there = set(re.findall(r"^def (test_\w+)", "\n".join(sources), re.MULTILINE))
    assert len(named) > 40
    assert named - there == set()
