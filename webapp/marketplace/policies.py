"""The two review policies: known answers on each submission, plurality once a HIT is done.

They compare strings, as the service did. What they find and do is kept as rows for
ListReviewPolicyResultsForHIT.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.marketplace import decisions, notices
from webapp.marketplace.dial import SECOND
from webapp.marketplace.identifiers import new_id
from webapp.marketplace.lifecycle import refresh
from webapp.marketplace.policy_parameters import KNOWN_ANSWERS, PLURALITY, Parameters
from webapp.marketplace.questions.answers import read_answers
from webapp.marketplace.refusals import Refusal
from webapp.marketplace.tables.people import Worker
from webapp.marketplace.tables.work import Assignment, Hit, ReviewRow

_LONGEST_COMPARED = 256
_FEE_STEP = 10
_DEFAULT_EXTENSION = 5

Answers = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Agreement:
    """What the workers of a HIT agree on: the agreed answer by question, and the share of them."""

    agreed: Mapping[str, tuple[str, ...]]
    shares: Mapping[str, int]
    hit_score: int


def review_assignment(session: Session, assignment: Assignment, now: int) -> None:
    """Score a fresh submission against known answers and do what the HIT's policy says."""
    policy = assignment.hit.assignment_policy
    if not policy or policy["PolicyName"] != KNOWN_ANSWERS:
        return
    given = Parameters(policy)
    log = _Log(session, assignment.hit, "Assignment", assignment.assignment_id, now)
    key = given.entries("AnswerKey")
    answers = read_answers(assignment.answer)
    right = {question: _same(answers.get(question, ()), values) for question, values in key.items()}
    score = 100 * sum(right.values()) // max(1, len(right))
    assignment.known_answer_score = score
    for question, is_right in right.items():
        log.result("KnownAnswerCorrect", str(int(is_right)), question)
    log.result("KnownAnswerScore", str(score))
    _decide(
        session, assignment, score, given, now, log,
        approve="ApproveIfKnownAnswerScoreIsAtLeast", reject="RejectIfKnownAnswerScoreIsLessThan",
    )  # fmt: skip
    if score < given.number("ExtendIfKnownAnswerScoreIsLessThan", 0):
        extra = given.number("ExtendMaximumAssignments", _DEFAULT_EXTENSION)
        _extend(session, assignment.hit, extra, given, now, log)


def review_hit(session: Session, hit: Hit, now: int) -> None:
    """Compare the answers of a HIT that has become Reviewable and do what its policy says."""
    policy = hit.hit_policy
    if not policy or policy["PolicyName"] != PLURALITY:
        return
    given = Parameters(policy)
    counted = _counted(session, hit, given)
    answers = {assignment.id: read_answers(assignment.answer) for assignment in counted}
    questions = given.values("QuestionIds")
    found = _agreement(questions, list(answers.values()), given)
    log = _Log(session, hit, "HIT", hit.hit_id, now)
    for question in questions:
        log.result("QuestionAgreementScore", str(found.shares[question]), question)
        if question in found.agreed:
            log.result("AgreedAnswer", "|".join(found.agreed[question]), question)
    log.result("HITAgreementScore", str(found.hit_score))
    for assignment in counted:
        _review_worker(session, assignment, answers[assignment.id], found, given, now)
    if found.hit_score < given.number("ExtendIfHITAgreementScoreIsLessThan", 0):
        _extend(session, hit, given.number("ExtendMaximumAssignments", 0), given, now, log)


def _counted(session: Session, hit: Hit, given: Parameters) -> list[Assignment]:
    """The HIT's submissions that the plurality looks at, the earliest first."""
    rows = session.scalars(
        select(Assignment)
        .where(
            Assignment.hit_id == hit.id,
            Assignment.state.in_(("Submitted", "Approved", "Rejected")),
        )
        .order_by(Assignment.submitted_at, Assignment.id)
    )
    least = given.number("DisregardAssignmentIfKnownAnswerScoreIsLessThan", 0)
    drop_rejected = given.is_true("DisregardAssignmentIfRejected")
    return [
        row
        for row in rows
        if not (drop_rejected and row.state == "Rejected")
        and (row.known_answer_score is None or row.known_answer_score >= least)
    ]


def _agreement(
    questions: Sequence[str], answers: Sequence[Answers], given: Parameters
) -> Agreement:
    threshold = given.number("QuestionAgreementThreshold", 0)
    agreed: dict[str, tuple[str, ...]] = {}
    shares: dict[str, int] = {}
    for question in questions:
        votes = Counter(_comparable(one.get(question, ())) for one in answers)
        votes.pop((), None)
        best, count = min(votes.items(), key=lambda vote: (-vote[1], vote[0]), default=((), 0))
        shares[question] = 100 * count // max(1, len(answers))
        if 100 * count > threshold * len(answers):
            agreed[question] = best
    return Agreement(agreed, shares, 100 * len(agreed) // max(1, len(questions)))


def _review_worker(
    session: Session, assignment: Assignment, answers: Answers, found: Agreement,
    given: Parameters, now: int,
) -> None:  # fmt: skip
    matched = sum(
        _comparable(answers.get(question, ())) == agreed
        for question, agreed in found.agreed.items()
    )
    score = 100 * matched // max(1, len(found.agreed))
    worker = session.get_one(Worker, assignment.worker_id)
    log = _Log(session, assignment.hit, "HIT", assignment.assignment_id, now, "Assignment")
    log.result("WorkerAgreementScore", str(score), worker.worker_id)
    if found.agreed:
        _decide(
            session, assignment, score, given, now, log,
            approve="ApproveIfWorkerAgreementScoreIsAtLeast",
            reject="RejectIfWorkerAgreementScoreIsLessThan",
        )  # fmt: skip


def _decide(
    session: Session, assignment: Assignment, score: int, given: Parameters, now: int,
    log: _Log, *, approve: str, reject: str,
) -> None:  # fmt: skip
    if assignment.state != "Submitted":
        return
    if given.has(approve) and score >= given.number(approve, 101):
        decisions.approve(session, assignment, now, given.text("ApproveReason"))
        log.action("approve", "Assignment", assignment.assignment_id, "Succeeded")
    elif given.has(reject) and score < given.number(reject, 0):
        reason = given.text("RejectReason") or "The answers differ from the expected ones."
        decisions.reject(session, assignment, now, reason)
        log.action("reject", "Assignment", assignment.assignment_id, "Succeeded")


def _extend(
    session: Session, hit: Hit, n_more: int, given: Parameters, now: int, log: _Log
) -> None:
    """Open slots for more workers; without ExtendMinimumTimeInSeconds nothing happens, as seen."""
    seconds = given.number("ExtendMinimumTimeInSeconds", 0)
    if n_more < 1 or seconds < 1:
        log.action("extend", "HIT", hit.hit_id, "Cancelled")
        return
    if hit.created_max_assignments < _FEE_STEP <= hit.max_assignments + n_more:
        log.action("extend", "HIT", hit.hit_id, "Failed", "InvalidMaximumAssignmentsIncrease")
        return
    before = (hit.max_assignments, hit.expires_at, hit.told_expired, hit.status, hit.n_held)
    try:
        with session.begin_nested():
            hit.max_assignments += n_more
            hit.expires_at = max(hit.expires_at, now + seconds * SECOND)
            hit.told_expired = False
            refresh(session, hit, now)
    except Refusal as refusal:
        session.refresh(hit)
        _restore(hit, before)
        log.action("extend", "HIT", hit.hit_id, "Failed", refusal.code.rpartition(".")[2])
        return
    notices.record(session, hit, "HITExtended", now)
    log.action("extend", "HIT", hit.hit_id, "Succeeded")


def _restore(hit: Hit, before: tuple[int, int, bool, str, int]) -> None:
    hit.max_assignments, hit.expires_at, hit.told_expired, hit.status, hit.n_held = before


@dataclass(frozen=True)
class _Log:
    """Writes down results and actions about one subject."""

    session: Session
    hit: Hit
    level: str
    subject_id: str
    now: int
    subject_type: str = ""

    def result(self, key: str, value: str, question: str = "") -> None:
        self._add(False, {
            "ActionId": new_id(), "SubjectId": self.subject_id,
            "SubjectType": self.subject_type or self.level, "QuestionId": question or None,
            "Key": key, "Value": value,
        })  # fmt: skip

    def action(
        self, name: str, target_type: str, target_id: str, status: str, error: str = ""
    ) -> None:
        self._add(True, {
            "ActionId": new_id(), "ActionName": name, "TargetId": target_id,
            "TargetType": target_type, "Status": status, "CompleteTime": self.now,
            "ErrorCode": error or None,
        })  # fmt: skip

    def _add(self, is_action: bool, body: dict[str, Any]) -> None:
        self.session.add(
            ReviewRow(hit_id=self.hit.id, level=self.level, is_action=is_action, body=body)
        )


def _same(given: Sequence[str], wanted: Sequence[str]) -> bool:
    return {value.strip() for value in given} == {value.strip() for value in wanted}


def _comparable(values: Sequence[str]) -> tuple[str, ...]:
    """Answers as plurality compares them; too long ones count as none."""
    if any(len(value) > _LONGEST_COMPARED for value in values):
        return ()
    return tuple(sorted(value.strip() for value in values))
