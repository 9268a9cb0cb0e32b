"""Submitted work one by one: what became of it, a bonus for it, a rejection taken back."""

from __future__ import annotations

import secrets
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from jobs.blobs import Blobs
from jobs.errors import BudgetExceeded, InvalidInput
from jobs.money import format_usd, parse_usd
from jobs.reports.assignments import AssignmentRow, affected, assignment_list
from jobs.reports.heads import job_head
from jobs.reviewing import reversals
from jobs.reviewing.reversals import ReversalPreview
from jobs.specs.hit_specs import Venues
from jobs.spending import bonuses
from webapp import confirming
from webapp.auth import actor, allow
from webapp.confirming import Field, Step, typed
from webapp.installation import installation, now, reading, writing
from webapp.requests import cursor

blueprint = Blueprint("assignments", __name__)

N_ROWS = 100
STATES = ("", "Submitted", "Approved", "Rejected")


@blueprint.get("/jobs/<int:job_id>/assignments")
@allow("manager")
def index(job_id: int) -> str:
    """A job's submitted work, oldest first, by state."""
    state, after = request.args.get("state", ""), cursor()
    if state not in STATES:
        raise InvalidInput(f"state: expected one of {', '.join(STATES[1:])}, got {state!r:.40}")
    with reading() as session:
        head = job_head(session, job_id)
        rows = assignment_list(session, job_id, state=state, after=after, limit=N_ROWS + 1)
    more = rows[N_ROWS - 1].id if len(rows) > N_ROWS else None
    return render_template(
        "assignments/index.html", job=head, rows=rows[:N_ROWS], state=state, more=more
    )


@blueprint.get("/assignments/<int:assignment_id>/bonus")
@allow("manager")
def bonus_form(assignment_id: int) -> str:
    """How much, and what the worker is told."""
    return confirming.show(_bonus(assignment_id))


@blueprint.post("/assignments/<int:assignment_id>/bonus")
@allow("manager")
def bonus(assignment_id: int) -> Response | str | tuple[str, int]:
    """Show whom the bonus pays and its fee, then grant it; one page's bonus is paid once."""
    asked = _bonus(assignment_id)
    key = typed("key") or f"web-{secrets.token_hex(6)}"
    try:
        amount = parse_usd(typed("amount"), name="bonus", whole_cents=True)
        with reading() as session:
            seen = bonuses.preview_bonus(session, assignment_id, amount, now())
        with confirming.attempt() as session:
            bonuses.grant_bonus(
                session, assignment_id, amount,
                reason_key=key, reason=typed("reason"), actor=actor(), now=now(),
            )  # fmt: skip
    except (InvalidInput, BudgetExceeded) as error:
        return confirming.show_again(asked, error)
    if confirming.is_confirmed():
        return _done(assignment_id, "Bonus granted: it is paid once, in the background.")
    before = sum(micros for _, micros in seen.granted_before)
    told = (
        f"Pay {seen.provider_worker_id} {format_usd(amount)} more, and the venue a fee of "
        f"{format_usd(seen.fee_micros)}: {format_usd(amount + seen.fee_micros)} in all.",
        f"{format_usd(seen.budget_left_micros)} of the budget is left. Bonuses granted for this "
        f"work before: {format_usd(before)}.",
        f"They are told: {typed('reason')}",
    )
    step = confirming.second(
        asked, "Pay it", told, amount=typed("amount"), reason=typed("reason"), key=key
    )
    return confirming.show(step)


@blueprint.get("/assignments/<int:assignment_id>/reverse")
@allow("manager")
def reverse_preview(assignment_id: int) -> str | Response:
    """Whom taking the rejection back pays, how much, and until when it can be done."""
    with reading() as session:
        if reversals.intent_of(session, assignment_id) is not None:
            return _done(assignment_id, "This rejection is being taken back already.")
        return confirming.show(_reversal(reversals.preview_reversal(session, *_at(assignment_id))))


@blueprint.post("/assignments/<int:assignment_id>/reverse")
@allow("manager")
def reverse(assignment_id: int) -> Response | tuple[str, int]:
    """Take a rejection back and pay the work; a second press pays nothing more."""
    try:
        with writing() as session:
            reversals.reverse(session, *_at(assignment_id), reason=typed("reason"), actor=actor())
    except (InvalidInput, BudgetExceeded) as error:
        with reading() as session:
            seen = reversals.preview_reversal(session, *_at(assignment_id))
        return confirming.show_again(_reversal(seen), error)
    return _done(assignment_id, "The rejection is taken back: the work is paid once.")


def _at(assignment_id: int) -> tuple[int, Venues, Blobs, datetime]:
    place = installation()
    return assignment_id, place.venues, place.blobs, now()


def _assignment(assignment_id: int) -> AssignmentRow:
    with reading() as session:
        return affected(session, assignment_id).assignment


def _done(assignment_id: int, message: str) -> Response:
    flash(message)
    return redirect(_worker_address(_assignment(assignment_id)))


def _worker_address(row: AssignmentRow) -> str:
    return url_for("workers.worker", job_id=row.job_id, worker_id=row.worker_id)


def _bonus(assignment_id: int) -> Step:
    row = _assignment(assignment_id)
    fields = (
        Field("amount", "Bonus, $", "Whole cents; the venue's fee comes on top.", most=12,
              mode="decimal"),
        Field("reason", "What the worker is told", most=bonuses.LONGEST_REASON),
    )  # fmt: skip
    told = (f"For assignment {row.id}, which paid {format_usd(row.reward_micros)}.",)
    return Step(
        f"Bonus for {row.provider_worker_id}",
        _worker_address(row), "Worker", "Look at it first", told, fields,
    )  # fmt: skip


def _reversal(seen: ReversalPreview) -> Step:
    row = _assignment(seen.assignment_id)
    told = (
        f"Pays {seen.provider_worker_id} {format_usd(seen.reward_micros)} and a fee of "
        f"{format_usd(seen.fee_micros)}, of {format_usd(seen.budget_left_micros)} left in the "
        "budget. The answer votes again.",
        f"{seen.rejected_by} rejected it: {seen.rejection_reason}",
        f"This can be done until {seen.possible_until:%Y-%m-%d %H:%M} UTC.",
    )
    fields = (Field("reason", "What the worker is told", most=reversals.LONGEST_REASON),)
    return Step(
        f"Take back the rejection of assignment {seen.assignment_id}?",
        _worker_address(row), "Worker", "Pay it after all", told, fields,
    )  # fmt: skip
