"""Things of the service in each state an operation may find them in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.marketplace.bench import Account, Person, html_question

HITS = (
    "assignable", "unassignable", "expired", "undecided", "reviewing", "disposed", "missing",
    "another's",
)  # fmt: skip
ASSIGNMENTS = (
    "accepted", "returned", "submitted", "approved", "rejected", "disposed", "missing", "another's",
)  # fmt: skip
TYPES = ("active", "inactive", "disposing", "deleted", "missing", "another's")
SCORES = ("granted", "revoked", "never held")
REQUESTS = ("pending", "granted", "rejected", "missing", "another's")

_MISSING = "3MISSINGMISSINGMISSINGMISSINGM"
_numbers = count(1)


@dataclass
class World:
    """A requester, another one, and a worker."""

    account: Account
    other: Account
    person: Person

    def put(self, subject: str, state: str) -> Any:
        """The id (or ids) of a new ``subject`` in ``state``."""
        if state == "missing":
            return _MISSING
        makers: dict[str, Callable[[str], Any]] = {
            "HIT": self.hit,
            "assignment": self.assignment,
            "qualification type": self.qualification_type,
            "score": self.score,
            "request": self.request,
        }
        return makers[subject](state) if subject else None

    def hit(self, state: str) -> str:
        owner = self.other if state == "another's" else self.account
        client, hit = owner.client, owner.hit()
        hit_id = str(hit["HITId"])
        if state == "unassignable":
            self.person.take(hit)
        if state == "undecided":
            self.person.do(hit)
        if state in ("expired", "reviewing", "disposed"):
            client.update_expiration_for_hit(HITId=hit_id, ExpireAt=0)
        if state == "reviewing":
            client.update_hit_review_status(HITId=hit_id)
        if state == "disposed":
            client.delete_hit(HITId=hit_id)
        return hit_id

    def assignment(self, state: str) -> str:
        owner = self.other if state == "another's" else self.account
        client, hit = owner.client, owner.hit()
        if state in ("accepted", "returned"):
            assignment_id = self.person.take(hit)
            if state == "returned":
                self.person.post(f"/worker/tasks/{assignment_id}/return")
            return assignment_id
        assignment_id = self.person.do(hit)
        if state == "rejected":
            client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="no")
        if state in ("approved", "disposed"):
            client.approve_assignment(AssignmentId=assignment_id)
        if state == "disposed":
            client.delete_hit(HITId=hit["HITId"])
        return assignment_id

    def qualification_type(self, state: str, **more: Any) -> str:
        owner = self.other if state == "another's" else self.account
        made = owner.client.create_qualification_type(
            Name=self.new_name(), Description="d", QualificationTypeStatus="Active", **more
        )["QualificationType"]
        type_id = str(made["QualificationTypeId"])
        if state == "inactive":
            owner.client.update_qualification_type(
                QualificationTypeId=type_id, QualificationTypeStatus="Inactive"
            )
        if state == "disposing":
            asked = {"QualificationTypeId": type_id, "Comparator": "Exists"}
            owner.hit(owner.hit_type(QualificationRequirements=[asked]))
        if state in ("disposing", "deleted"):
            owner.client.delete_qualification_type(QualificationTypeId=type_id)
        return type_id

    def score(self, state: str) -> tuple[str, str]:
        type_id, worker_id = self.qualification_type("active"), self.person.worker_id
        pair = {"QualificationTypeId": type_id, "WorkerId": worker_id}
        if state != "never held":
            self.account.client.associate_qualification_with_worker(**pair)
        if state == "revoked":
            self.account.client.disassociate_qualification_from_worker(**pair)
        return type_id, worker_id

    def request(self, state: str) -> str:
        type_id = self.qualification_type("another's" if state == "another's" else "active")
        owner = self.other if state == "another's" else self.account
        self.person.post(f"/worker/qualifications/{type_id}/request")
        listed = owner.client.list_qualification_requests(QualificationTypeId=type_id)
        request_id = str(listed["QualificationRequests"][0]["QualificationRequestId"])
        if state == "granted":
            owner.client.accept_qualification_request(QualificationRequestId=request_id)
        if state == "rejected":
            owner.client.reject_qualification_request(QualificationRequestId=request_id)
        return request_id

    def missing(self) -> str:
        return _MISSING

    def tomorrow(self) -> int:
        """Seconds since 1970, on the marketplace's own dial."""
        return self.account.running.market.dial.now() // 1000 + 86_400

    def question(self) -> str:
        return html_question()

    def broken_question(self) -> str:
        return html_question("<!DOCTYPE html><html><body><p class=a class=b>AT&T</p></body></html>")

    def hit_type(self) -> str:
        return self.account.hit_type(Title=self.new_name())

    def others_hit_type(self) -> str:
        return self.other.hit_type(Title=self.new_name())

    def hit_of_nine(self) -> str:
        return str(self.account.hit(MaxAssignments=9)["HITId"])

    def expired_once(self) -> str:
        return self.hit("expired")

    def used_hit_token(self) -> str:
        token = self.new_name()
        self.account.client.create_hit(
            Title="t", Description="d", Reward="0.05", AssignmentDurationInSeconds=60,
            LifetimeInSeconds=60, Question=self.question(), UniqueRequestToken=token,
        )  # fmt: skip
        return token

    def used_bonus_token(self) -> str:
        token = self.new_name()
        self.account.client.send_bonus(
            AssignmentId=self.rewarded(), WorkerId=self.person.worker_id, BonusAmount="0.10",
            Reason="r", UniqueRequestToken=token,
        )  # fmt: skip
        return token

    def rewarded(self) -> str:
        return self.assignment("approved")

    def worker_id(self) -> str:
        return self.person.worker_id

    def worker_to_block(self) -> str:
        return self.person.worker_id

    def blocked_worker(self) -> str:
        given = {"WorkerId": self.person.worker_id, "Reason": "r"}
        self.account.client.create_worker_block(**given)
        return self.person.worker_id

    def new_name(self) -> str:
        return f"{self.account.key}-{next(_numbers)}"

    def taken_name(self) -> str:
        name = self.new_name()
        self.account.client.create_qualification_type(
            Name=name, Description="d", QualificationTypeStatus="Active"
        )
        return name
