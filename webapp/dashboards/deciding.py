"""Submitted work paid or refused by a person, after a look at whom that touches."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.errors import Conflict, InvalidInput
from jobs.money import format_usd
from jobs.reports.assignments import Affected, affected
from jobs.reviewing import review
from jobs.workers import rejecting
from webapp import confirming
from webapp.auth import actor, allow
from webapp.confirming import Field, Step, typed
from webapp.installation import now, reading, writing

blueprint = Blueprint("deciding", __name__)


@blueprint.get("/assignments/<int:assignment_id>/approve")
@allow("manager")
def approve_preview(assignment_id: int) -> str:
    """Whom approving pays."""
    with reading() as session:
        return confirming.show(_approval(affected(session, assignment_id)))


@blueprint.post("/assignments/<int:assignment_id>/approve")
@allow("manager")
def approve(assignment_id: int) -> Response | tuple[str, int]:
    """Pay the work; a second press is refused, for it is decided."""
    try:
        return _decide(assignment_id, "approve", "Approved: it is paid once, in the background.")
    except InvalidInput as error:
        with reading() as session:
            return confirming.show_again(_approval(affected(session, assignment_id)), error)


@blueprint.get("/assignments/<int:assignment_id>/reject")
@allow("manager")
def reject_preview(assignment_id: int) -> str:
    """Whom a rejection touches, and what measured speaks against them."""
    with reading() as session:
        return confirming.show(_rejection(session, assignment_id))


@blueprint.post("/assignments/<int:assignment_id>/reject")
@allow("manager")
def reject(assignment_id: int) -> Response | tuple[str, int]:
    """Refuse to pay the work; where nothing measured speaks against it, only on purpose."""
    try:
        return _decide(assignment_id, "reject", "Rejected: the worker is told why.")
    except InvalidInput as error:
        with reading() as session:
            return confirming.show_again(_rejection(session, assignment_id), error)


def _decide(assignment_id: int, decision: str, message: str) -> Response:
    with writing() as session:
        review.decide(
            session, assignment_id, decision, typed("reason"), actor(), now(),
            without_evidence=typed("without_evidence") == "yes",
        )  # fmt: skip
        row = affected(session, assignment_id).assignment
    flash(message)
    return redirect(url_for("workers.worker", job_id=row.job_id, worker_id=row.worker_id))


def _step(seen: Affected, title: str) -> Step:
    row = seen.assignment
    if row.state != "Submitted" or row.decision:
        raise Conflict(
            f"assignment {row.id} is decided already: {row.decision or row.state} "
            f"by {row.decided_by or 'the venue'}"
        )
    told = [
        f"{row.provider_worker_id} worked {row.work_seconds:.0f} seconds for "
        f"{format_usd(row.reward_micros)}. In this job: {seen.n_submitted:,} submitted, "
        f"{seen.n_approved:,} approved, {seen.n_rejected:,} rejected.",
    ]
    if row.parse_error:
        told.append(f"The answer could not be read, and is kept as it came: {row.parse_error}")
    return Step(
        title, url_for("workers.worker", job_id=row.job_id, worker_id=row.worker_id),
        "Worker", "", tuple(told),
    )  # fmt: skip


def _approval(seen: Affected) -> Step:
    row = seen.assignment
    step = _step(seen, f"Pay for assignment {row.id}?")
    told = (*step.told, "It is paid from what is held for it. This cannot be taken back.")
    field = Field("reason", "A word to the worker", most=1024, is_needed=False)
    return replace(step, button="Pay it", told=told, fields=(field,))


def _rejection(session: Session, assignment_id: int) -> Step:
    seen = affected(session, assignment_id)
    step = _step(seen, f"Refuse to pay for assignment {assignment_id}?")
    worker = rejecting.preview_rejection(session, [assignment_id]).workers[0]
    before = "none decided yet" if worker.rate_before is None else f"{worker.rate_before:.1%}"
    told = [
        *step.told,
        f"Approved of all their work for you: {before}, {worker.rate_after:.1%} after this. Their "
        "standing at the venue suffers too. It can be taken back for 30 days.",
        *(f"Evidence ({one.kind}): {one.told}" for one in worker.evidence),
    ]
    kept = {}
    if not worker.evidence:
        told.append(
            "Nothing measured speaks against this worker: your look would be the only evidence."
        )
        kept = {"without_evidence": "yes"}
    field = Field("reason", "What the worker is told", most=1024)
    return replace(
        step, button="Refuse to pay", told=tuple(told), fields=(field,), kept=kept, is_danger=True
    )
