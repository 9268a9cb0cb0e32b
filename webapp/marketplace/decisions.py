"""Approve and reject: each assignment is decided once, and paid once."""

from __future__ import annotations

from sqlalchemy.orm import Session

from webapp.marketplace import books, notices
from webapp.marketplace.dial import DAY
from webapp.marketplace.lifecycle import locked_assignment
from webapp.marketplace.refusals import assignment_state
from webapp.marketplace.tables.work import Assignment

OVERRIDE_DAYS = 30


def approve(
    session: Session, assignment: Assignment, now: int, feedback: str | None = None
) -> None:
    """Pay a submitted assignment.

    Raises:
        Refusal: InvalidAssignmentState, when it is not Submitted.

    """
    assignment = locked_assignment(session, assignment.id)
    if assignment.state != "Submitted":
        raise assignment_state("Submitted", assignment.state)
    assignment.hit.n_submitted -= 1
    _pay(session, assignment, now, feedback)


def approve_rejected(
    session: Session, assignment: Assignment, now: int, feedback: str | None = None
) -> None:
    """Pay work that was rejected by mistake, up to 30 days after it was submitted.

    Raises:
        Refusal: InvalidAssignmentState; InsufficientFunds.

    """
    assignment = locked_assignment(session, assignment.id)
    hit, submitted_at = assignment.hit, assignment.submitted_at or 0
    too_late = now - submitted_at > OVERRIDE_DAYS * DAY
    if assignment.state != "Rejected" or too_late or hit.status == "Disposed":
        raise assignment_state("Submitted", assignment.state)
    books.set_hold(session, hit, hit.n_held + 1, now)
    hit.n_rejected -= 1
    _pay(session, assignment, now, feedback)


def reject(session: Session, assignment: Assignment, now: int, feedback: str) -> None:
    """Refuse a submitted assignment; what was held for it is released.

    Raises:
        Refusal: InvalidAssignmentState, when it is not Submitted.

    """
    assignment = locked_assignment(session, assignment.id)
    if assignment.state != "Submitted":
        raise assignment_state("Submitted", assignment.state)
    hit = assignment.hit
    assignment.state, assignment.rejected_at = "Rejected", now
    assignment.feedback = feedback
    hit.n_submitted -= 1
    hit.n_rejected += 1
    books.set_hold(session, hit, hit.n_held - 1, now)
    notices.record(session, hit, "AssignmentRejected", now, assignment)


def check_ripe(assignment: Assignment, now: int, lag_seconds: float) -> None:
    """Nothing, unless the submission is so fresh that the service does not know it yet.

    Raises:
        Refusal: InvalidAssignmentState with ``status of: null``.

    """
    if assignment.submitted_at and now - assignment.submitted_at < lag_seconds * 1000:
        raise assignment_state("null", assignment.state)


def _pay(session: Session, assignment: Assignment, now: int, feedback: str | None) -> None:
    assignment.state, assignment.approved_at = "Approved", now
    if feedback is not None:
        assignment.feedback = feedback
    assignment.hit.n_approved += 1
    books.pay_assignment(session, assignment, now)
    notices.record(session, assignment.hit, "AssignmentApproved", now, assignment)
