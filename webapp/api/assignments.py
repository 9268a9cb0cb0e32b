"""Submitted work over the API: decided, paid a bonus, a rejection taken back."""

from __future__ import annotations

from flask import Blueprint, Response

from jobs.money import parse_usd
from jobs.reports.assignments import affected, assignment_list
from jobs.reviewing import reversals, review
from jobs.spending import bonuses
from jobs.workers import rejecting
from webapp.api.acts import (
    Approval,
    Asked,
    Assignment,
    NewBonus,
    Rejection,
    RejectionSeen,
    ReversalSeen,
    Why,
    Work,
    WorkQuery,
)
from webapp.api.spec import endpoint, reply
from webapp.auth import actor
from webapp.installation import installation, now, reading, writing

blueprint = Blueprint("assignments", __name__)


@blueprint.get("/jobs/<int:job_id>/assignments")
@endpoint("manager", "read", Work, tag="assignments")
def index(job_id: int, query: WorkQuery) -> Response:
    """A job's submitted work by id, with its decisions."""
    with reading() as session:
        rows = assignment_list(
            session, job_id, state=query.state, worker_id=query.worker_id,
            after=query.after, limit=query.limit + 1,
        )  # fmt: skip
    page = rows[: query.limit]
    return reply(Work(rows=page, next=page[-1].id if len(rows) > query.limit else None))


@blueprint.get("/assignments/<int:assignment_id>")
@endpoint("manager", "read", Assignment, tag="assignments")
def show(assignment_id: int) -> Response:
    """One assignment, and how its worker fares in the job."""
    with reading() as session:
        return reply(Assignment(affected(session, assignment_id)))


@blueprint.post("/assignments/<int:assignment_id>/approve")
@endpoint("manager", "spend", Assignment, tag="assignments")
def approve(assignment_id: int, json: Approval) -> Response:
    """Pay the work, in the background and once; 409 when it is decided already."""
    return _decide(assignment_id, "approve", json.reason)


@blueprint.get("/assignments/<int:assignment_id>/reject")
@endpoint("manager", "read", RejectionSeen, tag="assignments")
def reject_preview(assignment_id: int) -> Response:
    """Whom a rejection touches, and what measured speaks against them."""
    with reading() as session:
        affected(session, assignment_id)
        return reply(RejectionSeen(rejecting.preview_rejection(session, [assignment_id])))


@blueprint.post("/assignments/<int:assignment_id>/reject")
@endpoint("manager", "spend", Assignment, tag="assignments")
def reject(assignment_id: int, json: Rejection) -> Response:
    """Refuse to pay the work; 409 without a second kind of evidence, unless on purpose."""
    return _decide(assignment_id, "reject", json.reason, without_evidence=json.without_evidence)


@blueprint.post("/assignments/<int:assignment_id>/bonus")
@endpoint("manager", "spend", Asked, status=202, tag="assignments")
def bonus(assignment_id: int, json: NewBonus) -> Response:
    """Pay more for decided work; the same key pays once."""
    amount = parse_usd(json.amount, name="amount", whole_cents=True)
    with writing() as session:
        bonuses.grant_bonus(
            session, assignment_id, amount,
            reason_key=json.key, reason=json.reason, actor=actor(), now=now(),
        )  # fmt: skip
    return reply(Asked(asked="bonus", n=1), 202)


@blueprint.get("/assignments/<int:assignment_id>/reverse")
@endpoint("manager", "read", ReversalSeen, tag="assignments")
def reverse_preview(assignment_id: int) -> Response:
    """Whom taking the rejection back pays, how much, and until when it can be done."""
    place = installation()
    with reading() as session:
        seen = reversals.preview_reversal(session, assignment_id, place.venues, place.blobs, now())
    return reply(ReversalSeen(seen))


@blueprint.post("/assignments/<int:assignment_id>/reverse")
@endpoint("manager", "spend", Asked, status=202, tag="assignments")
def reverse(assignment_id: int, json: Why) -> Response:
    """Take a rejection back and pay the work; a repeat pays nothing more."""
    place = installation()
    with writing() as session:
        reversals.reverse(
            session, assignment_id, place.venues, place.blobs, now(),
            reason=json.reason, actor=actor(),
        )  # fmt: skip
    return reply(Asked(asked="reverse", n=1), 202)


def _decide(
    assignment_id: int, decision: str, reason: str, *, without_evidence: bool = False
) -> Response:
    with writing() as session:
        review.decide(
            session, assignment_id, decision, reason, actor(), now(),
            without_evidence=without_evidence,
        )  # fmt: skip
        return reply(Assignment(affected(session, assignment_id)))
