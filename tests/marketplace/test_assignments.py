"""Assignments through the API: what is listed, decided, paid, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.marketplace.bench import (
    Account,
    Person,
    advance,
    code_of,
    meet,
    message_of,
    open_account,
    refused,
)
from webapp.marketplace.serving import Running

ONLY_SUBMITTED = "This operation can be called with a status of: Submitted"


@pytest.fixture
def done(account: Account, worker: Person) -> str:
    """The id of a submitted assignment."""
    return worker.do(account.hit())


def test_an_answer_arrives_as_the_service_s_xml(account: Account, worker: Person) -> None:
    hit = account.hit()
    worker.do(hit, taskAnswers='[{"a": "<b> & é"}]', workerId=worker.worker_id)
    (row,) = account.assignments(hit)
    assert row["Answer"] == (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?><QuestionFormAnswers xmlns="http://'
        "mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers."
        'xsd"><Answer><QuestionIdentifier>taskAnswers</QuestionIdentifier><FreeText>[{"a": "&lt;b'
        '&gt; &amp; é"}]</FreeText></Answer></QuestionFormAnswers>'
    )
    assert row["WorkerId"] == worker.worker_id
    assert row["Deadline"] > row["AcceptTime"] <= row["SubmitTime"] < row["AutoApprovalTime"]


def test_what_xml_cannot_hold_is_replaced_and_line_ends_survive(
    account: Account, worker: Person
) -> None:
    hit = account.hit()
    worker.do(hit, text="a\x00b\x0bc\r\nd\ud7ff\uffff]]>")
    answer = account.assignments(hit)[0]["Answer"]
    assert "<FreeText>a\ufffdb\ufffdc&#13;\nd\ud7ff\ufffd]]&gt;</FreeText>" in answer


def test_an_accepted_assignment_is_not_listed_and_not_given(
    account: Account, worker: Person
) -> None:
    hit = account.hit()
    assignment_id = worker.take(hit)
    assert account.assignments(hit) == []
    error = refused(account.client.get_assignment, AssignmentId=assignment_id)
    assert message_of(error) == (
        "This operation can be called with a status of: Reviewable,Approved,Rejected"
    )
    error = refused(account.client.approve_assignment, AssignmentId=assignment_id)
    assert code_of(error) == "RequestError InvalidAssignmentState"


def test_get_assignment_brings_the_hit_too(account: Account, done: str) -> None:
    given = account.client.get_assignment(AssignmentId=done)
    assert given["Assignment"]["AssignmentStatus"] == "Submitted"
    assert given["HIT"]["HITId"] == given["Assignment"]["HITId"]


@pytest.mark.parametrize("first", ["approve", "reject"])
@pytest.mark.parametrize("second", ["approve", "reject"])
def test_an_assignment_is_decided_once(
    account: Account, done: str, first: str, second: str
) -> None:
    calls = {
        "approve": lambda: account.client.approve_assignment(AssignmentId=done),
        "reject": lambda: account.client.reject_assignment(
            AssignmentId=done, RequesterFeedback="no"
        ),
    }
    calls[first]()
    before = account.statement()
    error = refused(calls[second])
    assert (code_of(error), message_of(error)) == (
        "RequestError InvalidAssignmentState",
        ONLY_SUBMITTED,
    )
    assert account.statement() == before


def test_rejected_work_can_be_paid_after_all_within_thirty_days(
    running: Running, account: Account, workers: Callable[[int], list[Person]]
) -> None:
    hit = account.hit(MaxAssignments=2)
    first, second = (person.do(hit) for person in workers(2))
    for assignment_id in (first, second):
        account.client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="no")
    account.client.approve_assignment(AssignmentId=first, OverrideRejection=True)
    row = account.client.get_assignment(AssignmentId=first)["Assignment"]
    assert row["AssignmentStatus"] == "Approved"
    assert row["ApprovalTime"] >= row["RejectionTime"]
    assert account.statement().spent_cents == 6
    advance(running, days=31)
    error = refused(account.client.approve_assignment, AssignmentId=second, OverrideRejection=True)
    assert message_of(error) == ONLY_SUBMITTED


def test_work_is_approved_by_itself_at_its_time(
    running: Running, account: Account, worker: Person
) -> None:
    hit = account.hit(account.hit_type(AutoApprovalDelayInSeconds=3600))
    worker.do(hit)
    advance(running, seconds=3500)
    assert account.assignments(hit)[0]["AssignmentStatus"] == "Submitted"
    advance(running, seconds=200)
    (row,) = account.assignments(hit)
    assert row["AssignmentStatus"] == "Approved"
    assert row["ApprovalTime"] == row["AutoApprovalTime"]
    assert account.statement().reward_cents == 5
    error = refused(
        account.client.reject_assignment, AssignmentId=row["AssignmentId"], RequesterFeedback="no"
    )
    assert message_of(error) == ONLY_SUBMITTED


def test_no_delay_approves_at_once(running: Running, account: Account, worker: Person) -> None:
    hit = account.hit(account.hit_type(AutoApprovalDelayInSeconds=0))
    worker.do(hit)
    advance(running, seconds=1)
    assert account.assignments(hit)[0]["AssignmentStatus"] == "Approved"


def test_fresh_work_is_not_known_yet_when_told_to_lag(served: Callable[..., Running]) -> None:
    running = served(decision_lag_seconds=10)
    account = open_account(running)
    assignment_id = meet(running).do(account.hit())
    error = refused(account.client.approve_assignment, AssignmentId=assignment_id)
    assert message_of(error) == "This operation can be called with a status of: null"
    advance(running, seconds=10)
    account.client.approve_assignment(AssignmentId=assignment_id)


def test_feedback_is_kept_and_control_characters_are_refused(
    account: Account, worker: Person, done: str
) -> None:
    for feedback in ("bad\x01", "x" * 1025):
        error = refused(
            account.client.reject_assignment, AssignmentId=done, RequesterFeedback=feedback
        )
        assert code_of(error) == "ParameterValidationError"
    account.client.reject_assignment(AssignmentId=done, RequesterFeedback="Boxes are <b>loose</b>")
    row = account.client.get_assignment(AssignmentId=done)["Assignment"]
    assert row["RequesterFeedback"] == "Boxes are <b>loose</b>"
    assert "Boxes are &lt;b&gt;loose&lt;/b&gt;" in worker.get("/worker/work").text


def test_a_bonus_is_paid_once_a_token(account: Account, worker: Person, done: str) -> None:
    given = {
        "WorkerId": worker.worker_id,
        "AssignmentId": done,
        "BonusAmount": "1.05",
        "Reason": "well done",
        "UniqueRequestToken": "bonus-1",
    }
    account.client.send_bonus(**given)
    error = refused(account.client.send_bonus, **given)
    assert message_of(error) == 'The idempotency token "bonus-1" has already been processed.'
    told = account.statement()
    assert (told.bonus_cents, told.bonus_fee_cents) == (105, 21)
    hit_id = account.client.get_assignment(AssignmentId=done)["HIT"]["HITId"]
    for query in ({"AssignmentId": done}, {"HITId": hit_id}):
        (bonus,) = account.client.list_bonus_payments(**query)["BonusPayments"]
        assert (bonus["BonusAmount"], bonus["Reason"]) == ("1.05", "well done")
    assert "A bonus of $1.05" in worker.get("/worker/messages").text
    assert "$1.05" in worker.get("/worker/work").text


def test_a_bonus_goes_to_who_did_the_work(account: Account, running: Running, done: str) -> None:
    stranger = meet(running)
    given = {"AssignmentId": done, "BonusAmount": "0.10", "Reason": "x"}
    error = refused(account.client.send_bonus, WorkerId=stranger.worker_id, **given)
    assert message_of(error) == (
        f'The value "{stranger.worker_id}" is not valid for the parameter WorkerId.'
    )
    assert account.statement().bonus_cents == 0


@pytest.mark.parametrize("amount", ["0", "0.00", "100001.00", "9" * 400])
def test_odd_bonuses_are_refused(account: Account, worker: Person, done: str, amount: str) -> None:
    error = refused(
        account.client.send_bonus,
        WorkerId=worker.worker_id,
        AssignmentId=done,
        BonusAmount=amount,
        Reason="x",
    )
    assert code_of(error) == "ParameterValidationError"


def test_bonus_payments_are_asked_for_one_thing(account: Account, done: str) -> None:
    assert code_of(refused(account.client.list_bonus_payments)) == "ParameterValidationError"
    hit_id = account.client.get_assignment(AssignmentId=done)["HIT"]["HITId"]
    error = refused(account.client.list_bonus_payments, HITId=hit_id, AssignmentId=done)
    assert code_of(error) == "ParameterValidationError"


def test_an_assignment_nobody_has_does_not_exist(account: Account) -> None:
    for call, more in (
        (account.client.get_assignment, {}),
        (account.client.approve_assignment, {}),
        (account.client.reject_assignment, {"RequesterFeedback": "x"}),
        (account.client.get_file_upload_url, {"QuestionIdentifier": "q"}),
        (account.client.list_bonus_payments, {}),
    ):
        error = refused(call, AssignmentId="3NOSUCH", **more)
        assert code_of(error) == "RequestError AssignmentDoesNotExist"
        assert message_of(error) == "Assignment 3NOSUCH does not exist."


def test_file_uploads_ended_in_2017(account: Account, done: str) -> None:
    error = refused(account.client.get_file_upload_url, AssignmentId=done, QuestionIdentifier="q")
    assert code_of(error) == "ParameterValidationError"


def test_assignments_can_be_listed_by_status(
    account: Account, workers: Callable[[int], list[Person]]
) -> None:
    hit = account.hit(MaxAssignments=3)
    first, second, third = (person.do(hit) for person in workers(3))
    account.client.approve_assignment(AssignmentId=first)
    account.client.reject_assignment(AssignmentId=second, RequesterFeedback="no")

    def listed(*statuses: str) -> list[str]:
        page = account.client.list_assignments_for_hit(
            HITId=hit["HITId"], AssignmentStatuses=list(statuses)
        )
        return [row["AssignmentId"] for row in page["Assignments"]]

    assert listed("Submitted") == [third]
    assert listed("Approved", "Rejected") == [first, second]
    assert listed() == [first, second, third]


def test_a_given_up_id_can_be_given_to_the_next_worker(served: Callable[..., Running]) -> None:
    running = served(reuse_assignment_ids=True)
    account = open_account(running)
    hit = account.hit()
    ann, bob = meet(running), meet(running)
    first = ann.take(hit)
    ann.post(f"/worker/tasks/{first}/return")
    assert bob.take(hit) == first
    stolen = ann.submit(first)
    assert stolen.status_code == 403
    anonymous = bob.browser.__class__().post(
        running.url + "/mturk/externalSubmit", data={"assignmentId": first, "colour": "red"}
    )
    assert anonymous.status_code == 403
    assert bob.submit(first).status_code == 200
    (row,) = account.assignments(hit)
    assert row["WorkerId"] == bob.worker_id
