"""Review policies: known answers on submission, plurality when a HIT is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.marketplace.bench import Account, Person, code_of, meet, open_account, refused
from webapp.marketplace.serving import Running

KNOWN = "ScoreMyKnownAnswers/2011-09-01"
PLURAL = "SimplePlurality/2011-09-01"


def known(answers: dict[str, str], **parameters: int | str) -> dict[str, Any]:
    entries = [{"Key": question, "Values": [value]} for question, value in answers.items()]
    rows = [{"Key": name, "Values": [str(value)]} for name, value in parameters.items()]
    return {"PolicyName": KNOWN, "Parameters": [{"Key": "AnswerKey", "MapEntries": entries}, *rows]}


def plural(*questions: str, **parameters: int | str) -> dict[str, Any]:
    given = {"QuestionAgreementThreshold": 50, "DisregardAssignmentIfRejected": "T", **parameters}
    rows = [{"Key": name, "Values": [str(value)]} for name, value in given.items()]
    return {
        "PolicyName": PLURAL,
        "Parameters": [{"Key": "QuestionIds", "Values": list(questions)}, *rows],
    }


def states(account: Account, hit: dict[str, Any]) -> list[str]:
    return [row["AssignmentStatus"] for row in account.assignments(hit)]


def results(account: Account, hit: dict[str, Any], level: str) -> list[tuple[str, str]]:
    told = account.client.list_review_policy_results_for_hit(HITId=hit["HITId"], MaxResults=100)
    return [(row["Key"], row["Value"]) for row in told[f"{level}ReviewReport"]["ReviewResults"]]


def actions(account: Account, hit: dict[str, Any], level: str) -> list[tuple[str, str]]:
    told = account.client.list_review_policy_results_for_hit(HITId=hit["HITId"], MaxResults=100)
    rows = told[f"{level}ReviewReport"]["ReviewActions"]
    return [(row["ActionName"], row["Status"]) for row in rows]


def test_known_answers_decide_at_once(
    account: Account, workers: Callable[[int], list[Person]]
) -> None:
    policy = known(
        {"a": "1", "b": "2"},
        ApproveIfKnownAnswerScoreIsAtLeast=100,
        RejectIfKnownAnswerScoreIsLessThan=50,
        RejectReason="Too many slips",
    )
    hit = account.hit(MaxAssignments=3, AssignmentReviewPolicy=policy)
    good, middling, bad = workers(3)
    good.do(hit, a=" 1 ", b="2")
    middling.do(hit, a="1", b="x")
    bad.do(hit, a="x", b="x")
    assert states(account, hit) == ["Approved", "Submitted", "Rejected"]
    assert account.assignments(hit)[2]["RequesterFeedback"] == "Too many slips"
    assert account.statement().reward_cents == 5
    scores = [value for key, value in results(account, hit, "Assignment") if key.endswith("Score")]
    assert scores == ["100", "50", "0"]
    assert actions(account, hit, "Assignment") == [
        ("approve", "Succeeded"),
        ("reject", "Succeeded"),
    ]


def test_a_wrong_answer_can_buy_more_assignments(account: Account, worker: Person) -> None:
    policy = known(
        {"a": "1"},
        ExtendIfKnownAnswerScoreIsLessThan=100,
        ExtendMaximumAssignments=2,
        ExtendMinimumTimeInSeconds=7200,
    )
    hit = account.hit(AssignmentReviewPolicy=policy)
    worker.do(hit, a="x")
    after = account.now(hit)
    assert (after["MaxAssignments"], after["HITStatus"]) == (3, "Assignable")
    assert after["Expiration"] > hit["Expiration"]
    assert account.statement().held_cents == 18


def test_the_ten_assignment_rule_binds_policies_too(account: Account, worker: Person) -> None:
    policy = known(
        {"a": "1"},
        ExtendIfKnownAnswerScoreIsLessThan=100,
        ExtendMaximumAssignments=25,
        ExtendMinimumTimeInSeconds=3600,
    )
    hit = account.hit(AssignmentReviewPolicy=policy)
    worker.do(hit, a="x")
    assert account.now(hit)["MaxAssignments"] == 1
    assert actions(account, hit, "Assignment") == [("extend", "Failed")]


def test_plurality_rewards_the_majority(
    account: Account, workers: Callable[[int], list[Person]]
) -> None:
    policy = plural(
        "colour",
        ApproveIfWorkerAgreementScoreIsAtLeast=100,
        RejectIfWorkerAgreementScoreIsLessThan=50,
    )
    hit = account.hit(MaxAssignments=3, HITReviewPolicy=policy)
    for person, colour in zip(workers(3), ("red", "red", "blue"), strict=True):
        person.do(hit, colour=colour)
    assert states(account, hit) == ["Approved", "Approved", "Rejected"]
    told = results(account, hit, "HIT")
    assert ("AgreedAnswer", "red") in told
    assert ("QuestionAgreementScore", "66") in told
    assert ("HITAgreementScore", "100") in told
    assert results(account, hit, "Assignment") == []


@pytest.mark.parametrize(("disregard", "share"), [("T", "100"), ("F", "66")])
def test_rejected_work_counts_in_the_plurality_only_when_told_to(
    account: Account, workers: Callable[[int], list[Person]], disregard: str, share: str
) -> None:
    policy = plural("colour", DisregardAssignmentIfRejected=disregard)
    hit = account.hit(MaxAssignments=3, HITReviewPolicy=policy)
    first, *others = workers(3)
    account.client.reject_assignment(
        AssignmentId=first.do(hit, colour="blue"), RequesterFeedback="no"
    )
    for person in others:
        person.do(hit, colour="red")
    told = results(account, hit, "HIT")
    assert ("QuestionAgreementScore", share) in told
    assert sum(key == "WorkerAgreementScore" for key, _ in told) == (2 if disregard == "T" else 3)


def test_work_with_too_few_known_answers_right_is_disregarded(
    account: Account, workers: Callable[[int], list[Person]]
) -> None:
    hit = account.hit(
        MaxAssignments=3,
        AssignmentReviewPolicy=known(
            {"known": "1"}, ApproveIfKnownAnswerScoreIsAtLeast=100, ApproveReason="Well seen"
        ),
        HITReviewPolicy=plural("colour", DisregardAssignmentIfKnownAnswerScoreIsLessThan=50),
    )
    for person, answer, colour in zip(workers(3), "11x", ("red", "red", "blue"), strict=True):
        person.do(hit, known=answer, colour=colour)
    assert ("QuestionAgreementScore", "100") in results(account, hit, "HIT")
    assert states(account, hit) == ["Approved", "Approved", "Submitted"]
    assert account.assignments(hit)[0]["RequesterFeedback"] == "Well seen"


def test_an_answer_of_more_than_256_characters_is_none_to_the_plurality(
    account: Account, workers: Callable[[int], list[Person]]
) -> None:
    hit = account.hit(MaxAssignments=2, HITReviewPolicy=plural("short", "long"))
    for person in workers(2):
        person.do(hit, short="x" * 256, long="x" * 257)
    told = results(account, hit, "HIT")
    assert [value for key, value in told if key == "QuestionAgreementScore"] == ["100", "0"]
    assert ("HITAgreementScore", "50") in told


def test_no_majority_extends_the_hit(
    account: Account, workers: Callable[[int], list[Person]]
) -> None:
    policy = plural(
        "colour",
        ExtendIfHITAgreementScoreIsLessThan=100,
        ExtendMaximumAssignments=2,
        ExtendMinimumTimeInSeconds=60,
    )
    hit = account.hit(MaxAssignments=2, HITReviewPolicy=policy)
    for person, colour in zip(workers(2), ("red", "blue"), strict=True):
        person.do(hit, colour=colour)
    assert states(account, hit) == ["Submitted", "Submitted"]
    assert account.now(hit)["MaxAssignments"] == 4
    assert account.now(hit)["HITStatus"] == "Assignable"


def test_an_extension_without_a_time_silently_does_not_happen(
    account: Account, worker: Person
) -> None:
    policy = plural(
        "colour", ExtendIfHITAgreementScoreIsLessThan=100, ExtendMaximumAssignments=2,
        QuestionAgreementThreshold=100,
    )  # fmt: skip
    hit = account.hit(HITReviewPolicy=policy)
    worker.do(hit)
    assert account.now(hit)["MaxAssignments"] == 1
    assert actions(account, hit, "HIT") == [("extend", "Cancelled")]


def test_an_extension_nobody_can_pay_fails_and_costs_nothing(
    served: Callable[..., Running],
) -> None:
    running = served(starting_balance_cents=6)
    account = open_account(running)
    policy = known(
        {"colour": "1"},
        ExtendIfKnownAnswerScoreIsLessThan=100,
        ExtendMaximumAssignments=2,
        ExtendMinimumTimeInSeconds=3600,
    )
    hit = account.hit(AssignmentReviewPolicy=policy)
    meet(running).do(hit)
    assert account.now(hit)["MaxAssignments"] == 1
    assert account.now(hit)["HITStatus"] == "Reviewable"
    assert actions(account, hit, "Assignment") == [("extend", "Failed")]
    assert (account.statement().held_cents, account.statement().available_cents) == (6, 0)


@pytest.mark.parametrize(
    "given",
    [
        {"AssignmentReviewPolicy": {"PolicyName": "Mine/1"}},
        {"AssignmentReviewPolicy": {"PolicyName": KNOWN, "Parameters": []}},
        {"AssignmentReviewPolicy": known({"a": "1"}, ApproveIfKnownAnswerScoreIsAtLeast=102)},
        {"AssignmentReviewPolicy": known({"a": "1"}, ExtendMaximumAssignments=26)},
        {"AssignmentReviewPolicy": known({"a": "1"}, NoSuchThing=1)},
        {"HITReviewPolicy": plural("a", QuestionAgreementThreshold="half")},
        {"HITReviewPolicy": plural("a", ExtendIfHITAgreementScoreIsLessThan=50)},
        {"HITReviewPolicy": known({"a": "1"})},
    ],
)
def test_policies_that_make_no_sense_are_refused(account: Account, given: dict[str, Any]) -> None:
    assert code_of(refused(account.hit, **given)) == "ParameterValidationError"


def test_results_are_chosen_by_level_and_come_in_pages(account: Account, worker: Person) -> None:
    hit = account.hit(
        AssignmentReviewPolicy=known({"colour": "red"}), HITReviewPolicy=plural("colour")
    )
    worker.do(hit)
    client, given = account.client, {"HITId": hit["HITId"]}
    told = client.list_review_policy_results_for_hit(
        **given, PolicyLevels=["HIT"], RetrieveActions=False
    )
    assert told["AssignmentReviewReport"]["ReviewResults"] == []
    assert len(told["HITReviewReport"]["ReviewResults"]) == 4
    assert told["AssignmentReviewPolicy"]["PolicyName"] == KNOWN
    rows, token = 0, None
    while True:
        page = client.list_review_policy_results_for_hit(
            **given, MaxResults=2, **({"NextToken": token} if token else {})
        )
        found = sum(
            len(page[f"{level}ReviewReport"][f"Review{kind}"])
            for level in ("Assignment", "HIT")
            for kind in ("Results", "Actions")
        )
        if not found:
            break
        rows, token = rows + found, page["NextToken"]
    assert rows == 6
