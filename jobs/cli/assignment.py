"""Submitted work: what came in, what speaks for or against it, a person's decision."""

from __future__ import annotations

import click

from jobs.cli import _door, _standing
from jobs.db import reading, transaction
from jobs.errors import Conflict
from jobs.money import format_usd
from jobs.reports.assignments import Affected, AssignmentRow, affected, assignment_list
from jobs.reviewing import reversals, review
from jobs.settings import Settings
from jobs.workers import rejecting
from jobs.workers.rejecting import RejectedWorker

COLUMNS = (
    "id",
    "HIT",
    "route",
    "worker",
    "question",
    "state",
    "answer",
    "decision",
    "by",
    "known pictures right",
    "as the others",
)


@click.group("assignment")
def group() -> None:
    """Assignments: list, approve, reject, take a rejection back."""


@group.command("list")
@click.argument("job_id", type=_door.ROW_ID)
@click.option("--waiting", is_flag=True, help="Only those that nobody has decided.")
@click.option(
    "--after",
    type=_door.Whole(0, _door.LARGEST_ROW_ID),
    default=0,
    help="Only ids over this one: the next page.",
)
@click.option(
    "--limit", type=_door.Whole(1, 10_000), default=100, show_default=True, help="Most rows."
)
@_door.json_option
@_door.settings_of
def list_assignments(
    settings: Settings, job_id: int, waiting: bool, after: int, limit: int, as_json: bool
) -> None:
    """A job's submitted work, with its decision and the evidence about its worker."""
    with _door.reading(settings) as session:
        rows = assignment_list(session, job_id, is_waiting=waiting, after=after, limit=limit)
    shown = [
        (
            row.id,
            row.hit_id,
            row.provider,
            row.provider_worker_id,
            row.kind,
            row.state,
            f"{row.parse_state}: {row.parse_error}" if row.parse_error else row.parse_state,
            row.decision,
            row.decided_by,
            *_evidence(row),
        )
        for row in rows
    ]
    _door.show(rows, as_json, _door.table(COLUMNS, shown))


@group.command("approve")
@click.argument("assignment_id", type=_door.ROW_ID)
@click.option("--reason", default="", help="A word to the worker.")
@_door.json_option
@_door.settings_of
def approve(settings: Settings, assignment_id: int, reason: str, as_json: bool) -> None:
    """Pay the work; the background carries it to the venue once."""
    _decide(settings, assignment_id, "approve", reason, as_json)


@group.command("reject")
@click.argument("assignment_id", type=_door.ROW_ID)
@click.option("--reason", required=True, help="What the worker is told.")
@click.option(
    "--without-evidence",
    is_flag=True,
    help="On your look alone, though nothing measured speaks against the worker.",
)
@_standing.preview_option
@_standing.yes_option
@_door.json_option
@_door.settings_of
def reject(
    settings: Settings,
    assignment_id: int,
    reason: str,
    without_evidence: bool,
    preview: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Refuse to pay the work, after showing whom that touches and what is known of them.

    Your look at the work is one kind of evidence; a second one must have been measured.
    """
    with _door.reading(settings) as session:
        person = affected(session, assignment_id)
        seen = rejecting.preview_rejection(session, [assignment_id])
    if seen.decided:
        raise Conflict(
            f"assignment {assignment_id}: decided already "
            f"({person.assignment.decided_by or 'the venue'}: "
            f"{person.assignment.decision or person.assignment.state})"
        )
    text = _portrait(person, seen.workers[0])
    if preview:
        _door.show(seen, as_json, text)
        return
    click.echo(text, err=True)
    if not yes:
        click.confirm("Reject this work?", abort=True, err=True)
    _decide(settings, assignment_id, "reject", reason, as_json, without_evidence)


@group.command("reverse")
@click.argument("assignment_id", type=_door.ROW_ID)
@click.option("--reason", required=True, help="What the worker is told.")
@_standing.preview_option
@_standing.yes_option
@_door.json_option
@_door.settings_of
def reverse(
    settings: Settings, assignment_id: int, reason: str, preview: bool, yes: bool, as_json: bool
) -> None:
    """Take a rejection back and pay the work after all: up to 30 days after it was submitted."""
    with _door.resources(settings) as given, reading(given.sessions) as session:
        place = (given.venues, given.blobs, _door.now())
        done = reversals.intent_of(session, assignment_id)
        seen = None if done else reversals.preview_reversal(session, assignment_id, *place)
    if seen is not None:
        total = format_usd(seen.reward_micros + seen.fee_micros)
        text = (
            f"Pay {seen.provider_worker_id} ({seen.provider}) after all: {total} with the fee, of "
            f"{format_usd(seen.budget_left_micros)} left? {seen.rejected_by} rejected it: "
            f"{seen.rejection_reason} This can be done until {seen.possible_until:%Y-%m-%d %H:%M}."
        )
        if preview:
            _door.show(seen, as_json, text)
            return
        if not yes:
            click.confirm(text, abort=True, err=True)
    with _door.resources(settings) as given, transaction(given.sessions) as session:
        intent_id = reversals.reverse(
            session, assignment_id, given.venues, given.blobs, _door.now(),
            reason=reason, actor=_door.actor(),
        )  # fmt: skip
    made = {"assignment_id": assignment_id, "intent_id": intent_id}
    _door.show(made, as_json, f"assignment {assignment_id}: to be paid after all, once")


def _decide(
    settings: Settings,
    assignment_id: int,
    decision: str,
    reason: str,
    as_json: bool,
    without_evidence: bool = False,
) -> None:
    with _door.writing(settings) as session:
        review.decide(
            session, assignment_id, decision, reason, _door.actor(), _door.now(),
            without_evidence=without_evidence,
        )  # fmt: skip
        made = affected(session, assignment_id).assignment
    text = f"assignment {assignment_id} of {made.provider_worker_id}: {decision}, to be carried out"
    _door.show(made, as_json, text)


def _evidence(row: AssignmentRow) -> tuple[str, str]:
    gold = _door.interval(row.gold_accuracy, row.gold_low, row.gold_high)
    others = _door.interval(row.consensus_accuracy, row.consensus_low, row.consensus_high)
    return f"{gold} of {row.n_gold}", f"{others} of {row.n_answers}"


def _portrait(person: Affected, seen: RejectedWorker) -> str:
    row = person.assignment
    gold, others = _evidence(row)
    before = "–" if seen.rate_before is None else f"{seen.rate_before:.1%}"
    lines = [
        f"Worker {row.provider_worker_id} ({row.provider}) would not get "
        f"{format_usd(row.reward_micros)} for {row.work_seconds:.0f} seconds of work.",
        f"In this job: {person.n_submitted} submitted, {person.n_approved} approved, "
        f"{person.n_rejected} rejected. Approved of all their work for you: {before}, "
        f"{seen.rate_after:.1%} after this.",
        f"Known pictures right: {gold}. As the others: {others}.",
    ]
    lines += [f"Evidence ({one.kind}): {one.told}" for one in seen.evidence]
    if not seen.evidence:
        lines.append(
            "Nothing measured speaks against this worker: your look would be the only evidence."
        )
    return "\n".join(lines)
