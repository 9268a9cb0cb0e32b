"""Every operation in every state of what it acts on, and what the service says to it.

    python -m tests.marketplace.conformance

writes the two tables of docs/marketplace.md that come from here; a test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.marketplace.refusal_texts import TEXTS
from tests.marketplace.states import ASSIGNMENTS, HITS, REQUESTS, SCORES, TYPES, World

DOCUMENT = Path(__file__).parents[2] / "docs" / "marketplace.md"
OK = ""
Arguments = Callable[[World, Any], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One call in one state; ``outcome`` names a text, or is empty where the call is taken."""

    operation: str
    subject: str
    state: str
    arguments: Arguments
    outcome: str

    def __str__(self) -> str:
        return f"{self.operation}-{self.state.replace(' ', '_')}"


def _rows(
    operation: str, subject: str, states: tuple[str, ...], arguments: Arguments,
    taken: str, refused: Mapping[str, str],
) -> Iterator[Case]:  # fmt: skip
    """A case for each state: those listed in ``taken``, and the texts of the others."""
    outcomes = dict.fromkeys(taken.split(", ") if taken else (), OK)
    for names, text in refused.items():
        outcomes |= dict.fromkeys(names.split(", "), text)
    assert set(outcomes) <= set(states), (operation, set(outcomes) - set(states))
    for state in states:
        if state in outcomes:
            yield Case(operation, subject, state, arguments, outcomes[state])


def _hit(operation: str, taken: str, refused: Mapping[str, str], **more: Any) -> list[Case]:
    def arguments(_world: World, hit_id: str) -> dict[str, Any]:
        return {"HITId": hit_id, **more}

    return list(_rows(operation, "HIT", HITS, arguments, taken, refused))


def _work(operation: str, taken: str, refused: Mapping[str, str], **more: Any) -> list[Case]:
    def arguments(_world: World, assignment_id: str) -> dict[str, Any]:
        return {"AssignmentId": assignment_id, **more}

    return list(_rows(operation, "assignment", ASSIGNMENTS, arguments, taken, refused))


def _type(operation: str, taken: str, refused: Mapping[str, str], **more: Any) -> list[Case]:
    def arguments(world: World, type_id: str) -> dict[str, Any]:
        ours = {"WorkerId": world.person.worker_id} if "IntegerValue" in more else {}
        return {"QualificationTypeId": type_id, **ours, **more}

    return list(_rows(operation, "qualification type", TYPES, arguments, taken, refused))


def _one(operation: str, state: str, outcome: str, **arguments: Any) -> Case:
    """A call whose arguments may be made from the world by functions of it."""

    def made(world: World, _subject: Any) -> dict[str, Any]:
        return {
            name: value(world) if callable(value) else value for name, value in arguments.items()
        }

    return Case(operation, "", state, made, outcome)


_ALIVE = "assignable, unassignable, expired, undecided, reviewing"
_NO_HIT = {"disposed, missing, another's": "no HIT"}
_NO_WORK = {"returned, disposed, missing, another's": "no assignment"}
_NO_TYPE = {"deleted, missing, another's": "no qualification type"}
_HIT_TYPE = {
    "Title": "t", "Description": "d", "Reward": "0.05", "AssignmentDurationInSeconds": 60,
}  # fmt: skip
_WEBHOOK = {
    "Destination": "http://127.0.0.1:9/", "Transport": "SNS", "Version": "2014-08-15",
    "EventTypes": ["AssignmentSubmitted"],
}  # fmt: skip
_ELSEWHERE = {**_WEBHOOK, "Destination": "http://elsewhere.example/"}


def _guards(world: World, type_id: str) -> dict[str, Any]:
    asked = {"QualificationTypeId": type_id, "Comparator": "Exists"}
    return {**_HIT_TYPE, "QualificationRequirements": [asked]}


def _score(_world: World, pair: tuple[str, str]) -> dict[str, Any]:
    return {"QualificationTypeId": pair[0], "WorkerId": pair[1]}


def _request(_world: World, request_id: str) -> dict[str, Any]:
    return {"QualificationRequestId": request_id}


def _bonus(world: World, assignment_id: str) -> dict[str, Any]:
    return {
        "AssignmentId": assignment_id, "WorkerId": world.person.worker_id,
        "BonusAmount": "0.10", "Reason": "well done",
    }  # fmt: skip


CASES: tuple[Case, ...] = (
    *_hit("GetHIT", f"{_ALIVE}, disposed", {"missing, another's": "no HIT"}),
    *_hit("ListAssignmentsForHIT", _ALIVE, _NO_HIT),
    *_hit("ListReviewPolicyResultsForHIT", _ALIVE, _NO_HIT),
    *_hit("ListBonusPayments", _ALIVE, _NO_HIT),
    *_rows("UpdateExpirationForHIT", "HIT", HITS,
           lambda world, hit_id: {"HITId": hit_id, "ExpireAt": world.tomorrow()}, _ALIVE, _NO_HIT),
    *_hit("CreateAdditionalAssignmentsForHIT", _ALIVE, _NO_HIT, NumberOfAdditionalAssignments=1),
    *_hit("UpdateHITReviewStatus", "expired, undecided",
          {"assignable, unassignable, reviewing": "HIT not Reviewable", **_NO_HIT}),
    *_hit("UpdateHITReviewStatus", "reviewing", {"expired": "HIT not Reviewing"}, Revert=True),
    *_hit("DeleteHIT", "expired, reviewing",
          {"assignable, unassignable, undecided": "HIT not deletable",
           "disposed": "HIT disposed of", "missing, another's": "no HIT"}),
    *_rows("UpdateHITTypeOfHIT", "HIT", HITS,
           lambda world, hit_id: {"HITId": hit_id, "HITTypeId": world.hit_type()},
           "assignable, expired, reviewing",
           {"unassignable, undecided": "HIT has work", **_NO_HIT}),
    *_work("GetAssignment", "submitted, approved, rejected",
           {"accepted": "needs a submission", **_NO_WORK}),
    *_work("ApproveAssignment", "submitted",
           {"accepted, approved, rejected": "needs Submitted", **_NO_WORK}),
    *_work("ApproveAssignment", "rejected", {"accepted, approved": "needs Submitted"},
           OverrideRejection=True),
    *_work("RejectAssignment", "submitted",
           {"accepted, approved, rejected": "needs Submitted", **_NO_WORK},
           RequesterFeedback="no"),
    *_rows("SendBonus", "assignment", ASSIGNMENTS, _bonus, "submitted, approved, rejected",
           {"accepted": "bonus needs work", **_NO_WORK}),
    *_work("ListBonusPayments", "accepted, submitted, approved, rejected", _NO_WORK),
    *_work("GetFileUploadURL", "", {"submitted, approved, rejected": "no file uploads",
                                    **_NO_WORK}, QuestionIdentifier="q"),
    *_type("GetQualificationType", "active, inactive, disposing, another's",
           {"deleted, missing": "no qualification type"}),
    *_type("UpdateQualificationType", "active, inactive",
           {"disposing": "needs Active,Inactive", **_NO_TYPE}, Description="new"),
    *_type("DeleteQualificationType", "active, inactive",
           {"disposing, deleted": "needs Active,Inactive",
            "missing, another's": "no qualification type"}),
    *_type("AssociateQualificationWithWorker", "active",
           {"inactive, disposing": "needs Active", **_NO_TYPE}, IntegerValue=3),
    *_type("ListHITsForQualificationType", "active, inactive, disposing, another's",
           {"deleted, missing": "no qualification type"}),
    *_type("ListWorkersWithQualificationType", "active, inactive, disposing", _NO_TYPE),
    *_type("ListQualificationRequests", "active, inactive, disposing", _NO_TYPE),
    *_rows("CreateHITType", "qualification type", TYPES, _guards, "active, another's",
           {"inactive, disposing": "needs Active", "deleted, missing": "no qualification type"}),
    *_rows("GetQualificationScore", "score", SCORES, _score, "granted",
           {"revoked": "needs Granted", "never held": "no qualification"}),
    *_rows("DisassociateQualificationFromWorker", "score", SCORES, _score, "granted",
           {"revoked": "needs Granted", "never held": "no qualification"}),
    *_rows("AcceptQualificationRequest", "request", REQUESTS, _request, "pending",
           {"granted, rejected": "request decided", "missing, another's": "no request"}),
    *_rows("RejectQualificationRequest", "request", REQUESTS, _request, "pending",
           {"granted, rejected": "request decided", "missing, another's": "no request"}),
    _one("CreateHITType", "equal attributes", OK, **_HIT_TYPE),
    _one("CreateHIT", "of an equal type", OK, **_HIT_TYPE, LifetimeInSeconds=60,
         Question=World.question),
    _one("CreateHIT", "without a question", "needs a question", **_HIT_TYPE,
         LifetimeInSeconds=60),
    _one("CreateHIT", "with broken HTML", "HTML5 error", **_HIT_TYPE, LifetimeInSeconds=60,
         Question=World.broken_question),
    _one("CreateHIT", "token used", "HIT exists", **_HIT_TYPE, LifetimeInSeconds=60,
         Question=World.question, UniqueRequestToken=World.used_hit_token),
    _one("CreateHIT", "nearly no money", "no money", **{**_HIT_TYPE, "Reward": "99999.00"},
         LifetimeInSeconds=60, Question=World.question),
    _one("CreateHITWithHITType", "own type", OK, HITTypeId=World.hit_type,
         LifetimeInSeconds=60, Question=World.question),
    _one("CreateHITWithHITType", "missing type", "no HIT type", HITTypeId=World.missing,
         LifetimeInSeconds=60, Question=World.question),
    _one("CreateHITWithHITType", "another's type", "no HIT type", HITTypeId=World.others_hit_type,
         LifetimeInSeconds=60, Question=World.question),
    _one("CreateHITWithHITType", "unknown layout", "no layout", HITTypeId=World.hit_type,
         LifetimeInSeconds=60, HITLayoutId=World.missing),
    _one("CreateHITWithHITType", "life too short", "out of range", HITTypeId=World.hit_type,
         LifetimeInSeconds=29, Question=World.question),
    _one("CreateAdditionalAssignmentsForHIT", "nine become ten", "no tenth assignment",
         HITId=World.hit_of_nine, NumberOfAdditionalAssignments=1),
    _one("UpdateExpirationForHIT", "same time again", "token processed",
         HITId=World.expired_once, ExpireAt=0),
    _one("SendBonus", "token used", "token processed", AssignmentId=World.rewarded,
         WorkerId=World.worker_id, BonusAmount="0.10", Reason="r",
         UniqueRequestToken=World.used_bonus_token),
    _one("SendBonus", "a fraction of a cent", "amount pattern", AssignmentId=World.missing,
         WorkerId="A1", BonusAmount="0.9752", Reason="r"),
    _one("SendBonus", "to somebody else", "bad WorkerId", AssignmentId=World.rewarded,
         WorkerId="A143XRCI1YXAFE", BonusAmount="0.10", Reason="r"),
    _one("ListHITs", "any", OK),
    _one("ListHITs", "a hundred and one at once", "too many at once", MaxResults=101),
    _one("ListReviewableHITs", "any type", OK),
    _one("ListReviewableHITs", "missing type", "no HIT type", HITTypeId=World.missing),
    _one("GetAccountBalance", "any", OK),
    _one("ListQualificationTypes", "any", OK, MustBeRequestable=True),
    _one("CreateQualificationType", "new name", OK, Name=World.new_name, Description="d",
         QualificationTypeStatus="Active"),
    _one("CreateQualificationType", "name taken", "name taken", Name=World.taken_name,
         Description="d", QualificationTypeStatus="Active"),
    _one("CreateWorkerBlock", "known worker", OK, WorkerId=World.worker_to_block, Reason="r"),
    _one("CreateWorkerBlock", "unknown worker", "bad WorkerId", WorkerId="A143XRCI1YXAFE",
         Reason="r"),
    _one("DeleteWorkerBlock", "blocked", OK, WorkerId=World.blocked_worker),
    _one("DeleteWorkerBlock", "not blocked", OK, WorkerId=World.worker_id),
    _one("DeleteWorkerBlock", "unknown worker", "WorkerId invalid", WorkerId="A143XRCI1YXAFE"),
    _one("ListWorkerBlocks", "any", OK),
    _one("NotifyWorkers", "anybody", OK, Subject="s", MessageText="m",
         WorkerIds=lambda world: [world.person.worker_id]),
    _one("UpdateNotificationSettings", "own type", OK, HITTypeId=World.hit_type,
         Notification=_WEBHOOK),
    _one("UpdateNotificationSettings", "missing type", "no HIT type", HITTypeId=World.missing,
         Notification=_WEBHOOK),
    _one("UpdateNotificationSettings", "nothing to set", "needs a notification",
         HITTypeId=World.hit_type),
    _one("UpdateNotificationSettings", "another host", "bad endpoint", HITTypeId=World.hit_type,
         Notification=_ELSEWHERE),
    _one("SendTestEventNotification", "this machine", OK, Notification=_WEBHOOK,
         TestEventType="Ping"),
    _one("SendTestEventNotification", "another host", "bad endpoint", Notification=_ELSEWHERE,
         TestEventType="Ping"),
)  # fmt: skip


def as_tables() -> str:
    """The texts with their standing, and the operations by state, as Markdown."""
    lines = ["| text | type and code | standing |", "|---|---|---|"]
    lines += [
        f"| `{text.message}` | {text.code} | {'exact' if text.is_exact else 'chosen'} |"
        for text in TEXTS.values()
    ]
    lines += ["", "| operation | taken | refused |", "|---|---|---|"]
    for operation in sorted({case.operation for case in CASES}):
        ours = [case for case in CASES if case.operation == operation]
        taken = dict.fromkeys(case.state for case in ours if not case.outcome)
        refused = dict.fromkeys(case.state for case in ours if case.outcome)
        lines.append(f"| {operation} | {', '.join(taken) or '–'} | {', '.join(refused) or '–'} |")
    return "\n".join(lines)


def within(document: str) -> re.Match[str]:
    """The part of the document that ``as_tables`` fills."""
    found = re.search(r"(?s)(?<=<!-- conformance -->\n).*?(?=\n<!-- end -->)", document)
    assert found, "docs/marketplace.md lacks the conformance markers"
    return found


if __name__ == "__main__":
    old = DOCUMENT.read_text(encoding="utf-8")
    place = within(old)
    DOCUMENT.write_text(old[: place.start()] + as_tables() + old[place.end() :], encoding="utf-8")
