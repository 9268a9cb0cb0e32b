"""Submitted work: what came in, what speaks for or against it, a person's decision."""

from __future__ import annotations

import click

from jobs import review
from jobs.cli import _door
from jobs.errors import Conflict
from jobs.money import format_usd
from jobs.reports.assignments import Affected, AssignmentRow, affected, assignment_list
from jobs.settings import Settings

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
    """Assignments: list, approve, reject."""


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
@click.option("--yes", is_flag=True, help="Do not ask.")
@_door.json_option
@_door.settings_of
def reject(settings: Settings, assignment_id: int, reason: str, yes: bool, as_json: bool) -> None:
    """Refuse to pay the work, after showing whom that touches and what is known of them."""
    with _door.reading(settings) as session:
        person = affected(session, assignment_id)
    if person.assignment.decision or person.assignment.state != "Submitted":
        raise Conflict(
            f"assignment {assignment_id}: decided already "
            f"({person.assignment.decided_by or 'the venue'}: "
            f"{person.assignment.decision or person.assignment.state})"
        )
    click.echo(_portrait(person), err=True)
    if not yes:
        click.confirm("Reject this work?", abort=True, err=True)
    _decide(settings, assignment_id, "reject", reason, as_json)


def _decide(
    settings: Settings, assignment_id: int, decision: str, reason: str, as_json: bool
) -> None:
    with _door.writing(settings) as session:
        review.decide(session, assignment_id, decision, reason, _door.actor(), _door.now())
        made = affected(session, assignment_id).assignment
    text = f"assignment {assignment_id} of {made.provider_worker_id}: {decision}, to be carried out"
    _door.show(made, as_json, text)


def _evidence(row: AssignmentRow) -> tuple[str, str]:
    gold = _door.interval(row.gold_accuracy, row.gold_low, row.gold_high)
    others = _door.interval(row.consensus_accuracy, row.consensus_low, row.consensus_high)
    return f"{gold} of {row.n_gold}", f"{others} of {row.n_answers}"


def _portrait(person: Affected) -> str:
    row = person.assignment
    gold, others = _evidence(row)
    lines = [
        f"Worker {row.provider_worker_id} ({row.provider}) would not get "
        f"{format_usd(row.reward_micros)} for {row.work_seconds:.0f} seconds of work.",
        f"In this job: {person.n_submitted} submitted, {person.n_approved} approved, "
        f"{person.n_rejected} rejected.",
        f"Known pictures right: {gold}. As the others: {others}.",
    ]
    if row.parse_state == "unparsed":
        lines.append(f"The answer could not be read: {row.parse_error}")
    elif row.gold_accuracy is None or row.consensus_accuracy is None:
        lines.append("Fewer than two kinds of evidence speak about this worker: be careful.")
    return "\n".join(lines)
