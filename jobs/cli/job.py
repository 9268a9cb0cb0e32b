"""Labeling campaigns: from a job file to labels."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from jobs import db, reports
from jobs.cli import _door
from jobs.errors import InvalidInput
from jobs.hits import stopping
from jobs.money import format_usd
from jobs.planning import amending, drafts, launch_gate
from jobs.planning.estimating import Estimate, estimate
from jobs.planning.launch_gate import LaunchPreview
from jobs.planning.planning import check_confirmed, create_job, launch
from jobs.reports.heads import job_head
from jobs.reports.history import job_changes
from jobs.resources import Resources
from jobs.settings import Settings
from jobs.specs.job_specs import parse_job_spec
from jobs.spending import pausing

WATCH_SECONDS = 1.0


@click.group("job")
def group() -> None:
    """Jobs: create, price, launch, watch."""


@group.command("create")
@click.argument("path", type=click.Path(path_type=Path))
@_door.json_option
@_door.settings_of
def create(settings: Settings, path: Path, as_json: bool) -> None:
    """Make a draft from a job file (YAML or JSON). Nothing is posted, no money held."""
    spec = parse_job_spec(_door.read_text(path), str(path))
    with _door.writing(settings) as session:
        job = create_job(session, spec, _door.now(), _door.actor())
        made = {"id": job.id, "name": job.name, "state": job.state}
    _door.show(made, as_json, f"job {made['id']}: {made['name']} (draft)")


@group.command("replan")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("path", type=click.Path(path_type=Path))
@_door.json_option
@_door.settings_of
def replan(settings: Settings, job_id: int, path: Path, as_json: bool) -> None:
    """Put the plan of a job file in a draft's place; refused once it is launched."""
    spec = parse_job_spec(_door.read_text(path), str(path))
    with _door.writing(settings) as session:
        drafts.change_draft(session, job_id, spec, _door.now(), _door.actor())
    _door.show({"id": job_id, "name": spec.name}, as_json, f"job {job_id}: {spec.name} (draft)")


@group.command("change")
@click.argument("job_id", type=_door.ROW_ID)
@click.option("--name", help="A new name.")
@click.option(
    "--sure-at", type=_door.Real(0, 1), help="From which confidence an answer is a label."
)
@click.option("--max-extra", type=_door.Whole(0, 20), help="Most further answers a question.")
@click.option("--review", type=click.Choice(["approve", "screen"]), help="How work is decided.")
@click.option(
    "--second-look",
    type=click.Choice(["asked", "sampled", "always"]),
    help="Whose decisions a second person checks.",
)
@click.option("--share", type=_door.Real(0, 1), help="Of all questions, where it is sampled.")
@click.option(
    "--disputes",
    type=click.Choice(["anyone", "manager"]),
    help="Who decides where two people disagree.",
)
@click.option("--preview", is_flag=True, help="Show what would change, and change nothing.")
@_door.json_option
@_door.settings_of
def change(
    settings: Settings,
    job_id: int,
    name: str | None,
    sure_at: float | None,
    max_extra: int | None,
    review: str | None,
    second_look: str | None,
    share: float | None,
    disputes: str | None,
    preview: bool,
    as_json: bool,
) -> None:
    """Change what may change of a job under way; the same terms again change nothing."""
    asked: dict[str, Any] = {
        "name": name,
        "sure_at": sure_at,
        "max_extra_answers": max_extra,
        "review": review,
        "second_look": second_look,
        "share": share,
        "disputes": disputes,
    }
    given = {key: value for key, value in asked.items() if value is not None}
    with _door.writing(settings) as session:
        wanted = replace(amending.terms_of(session, job_id), **given)
        seen = amending.preview(session, job_id, wanted)
        if not preview:
            amending.amend(session, job_id, wanted, _door.actor(), _door.now())
    lines = [f"{what}: {before}, then {after}" for what, before, after in seen.changes]
    if seen.n_sure is not None:
        lines.append(f"about {seen.n_sure} questions sure enough, {seen.n_unsure} not")
    _door.show(seen, as_json, "\n".join(lines) or "nothing is different")


@group.command("changes")
@click.argument("job_id", type=_door.ROW_ID)
@click.option("--after", type=_door.Whole(0, 2**62), default=0, help="Only those after this id.")
@click.option("--limit", type=_door.Whole(1, 1000), default=100, help="Most rows.")
@_door.json_option
@_door.settings_of
def list_changes(settings: Settings, job_id: int, after: int, limit: int, as_json: bool) -> None:
    """What was changed of the job while it was under way: when, by whom, from what to what."""
    with _door.reading(settings) as session:
        job_head(session, job_id)  # NotFound for an unknown job
        rows = job_changes(session, job_id, after=after, limit=limit)
    shown = [(one.created_at, one.name, one.what, one.before, one.after) for one in rows]
    _door.show(rows, as_json, _door.table(("when", "who", "what", "before", "after"), shown))


@group.command("estimate")
@click.argument("job_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def price(settings: Settings, job_id: int, as_json: bool) -> None:
    """What the job will likely cost, and what it can cost at most."""
    with _door.resources(settings) as resources, db.reading(resources.sessions) as session:
        found = estimate(session, job_id, resources.venues, resources.blobs)
    _door.show(found, as_json, lambda: _estimate_table(found))


@group.command("preview")
@click.argument("job_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def preview_launch(settings: Settings, job_id: int, as_json: bool) -> None:
    """What launch would ask you to agree to: cost by line, who pays, from which balance."""
    with _door.resources(settings) as resources:
        found = _preview(resources, job_id)
    _door.show(found, as_json, lambda: _estimate_table(found.estimate))
    if not as_json:
        click.echo("\n".join(_told(found)))


@group.command("launch")
@click.argument("job_id", type=_door.ROW_ID)
@click.option("--yes", is_flag=True, help="Do not ask before money is held.")
@click.option("--confirm", "typed", help="The job's name, which production asks for in any case.")
@_door.json_option
@_door.settings_of
def launch_job(
    settings: Settings, job_id: int, yes: bool, typed: str | None, as_json: bool
) -> None:
    """Slice the job and hand its batches to the background workers.

    Shows the cost by line, who pays and from which balance first; a budget, cap or balance
    that is too small refuses, with the missing amount.
    """
    with _door.resources(settings) as resources:
        gate = _preview(resources, job_id)
        if not yes and not as_json:
            _door.show(None, False, lambda: _estimate_table(gate.estimate))
        click.echo("\n".join(_told(gate)), err=True)
        if gate.environment == "production":
            if typed is None and not yes:
                typed = click.prompt("This spends real money. Type the job's name to launch it")
        elif not yes:
            click.confirm("Launch, and let it spend up to the worst case?", abort=True, err=as_json)
        check_confirmed(gate.environment, gate.name, typed or "")
        launch_gate.check(gate)
        with (
            _door.progress_bar("Planning HITs", not as_json) as progress,
            db.transaction(resources.sessions) as session,
        ):
            found = launch(
                session,
                job_id,
                resources.venues,
                resources.blobs,
                _door.now(),
                _door.actor(),
                confirmed=typed or "",
                progress=progress,
            )
    _door.show(found, as_json, f"job {job_id} runs: {found.n_hits} HITs")


@group.command("list")
@_door.json_option
@_door.settings_of
def list_jobs(settings: Settings, as_json: bool) -> None:
    """Every job, newest first."""
    with _door.reading(settings) as session:
        rows = reports.job_list(session)
    shown = [
        (
            row.id,
            row.name,
            row.state,
            row.environment,
            f"{row.n_labels}/{row.n_questions}",
            format_usd(row.spent_micros),
            format_usd(row.budget_micros),
        )
        for row in rows
    ]
    columns = ("id", "job", "state", "environment", "labels", "spent", "budget")
    _door.show(rows, as_json, _door.table(columns, shown))


@group.command("show")
@click.argument("job_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def show(settings: Settings, job_id: int, as_json: bool) -> None:
    """Progress, agreement, accuracy and cost by route."""
    with _door.reading(settings) as session:
        report = reports.job_report(session, job_id)
    summary = report.summary
    _door.show(
        report,
        as_json,
        f"{summary.name}: {summary.state}, {summary.n_labels} of {summary.n_questions} labels, "
        f"{summary.n_answers} answers, agreement {_door.share(summary.agreement)}, "
        f"{summary.n_conflicts} to adjudicate, "
        f"{format_usd(summary.spent_micros)} of {format_usd(summary.budget_micros)} spent",
    )
    if not as_json:
        _door.show(None, False, _route_table(report))


@group.command("watch")
@click.argument("job_id", type=_door.ROW_ID)
@click.option("--timeout", type=_door.Real(0), default=0.0, help="Give up after this many seconds.")
@_door.json_option
@_door.settings_of
def watch(settings: Settings, job_id: int, timeout: float, as_json: bool) -> None:
    """Follow the job until it is finished or cancelled."""
    started = time.monotonic()
    with _door.progress_bar("Labels", not as_json) as progress:
        while True:
            with _door.reading(settings) as session:
                summary = reports.job_report(session, job_id).summary
            progress(summary.n_labels, summary.n_questions)
            if summary.state in ("finished", "cancelled"):
                break
            if timeout and time.monotonic() - started > timeout:
                raise InvalidInput(f"job {job_id}: still {summary.state} after {timeout:g} seconds")
            time.sleep(WATCH_SECONDS)
    _door.show(summary, as_json, f"{summary.name}: {summary.state}")


@group.command("pause")
@click.argument("job_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def pause(settings: Settings, job_id: int, as_json: bool) -> None:
    """Make no paid call for the job until it is resumed."""
    with _door.writing(settings) as session:
        pausing.pause_job(session, job_id, _door.actor(), _door.now())
    _door.show({"id": job_id, "state": "paused"}, as_json, f"job {job_id}: paused")


@group.command("resume")
@click.argument("job_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def resume(settings: Settings, job_id: int, as_json: bool) -> None:
    """Let paid calls go on from where they stopped."""
    with _door.writing(settings) as session:
        pausing.resume_job(session, job_id, _door.actor(), _door.now())
    _door.show({"id": job_id, "state": "running"}, as_json, f"job {job_id}: runs")


@group.command("stop")
@click.argument("job_id", type=_door.ROW_ID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_door.json_option
@_door.settings_of
def stop(settings: Settings, job_id: int, yes: bool, as_json: bool) -> None:
    """Stop the job for good: HITs are called in, submitted work is still decided and paid."""
    with _door.reading(settings) as session:
        head = job_head(session, job_id)
    if not yes:
        click.confirm(f"Stop {head.name!r} for good?", abort=True, err=as_json)
    with _door.writing(settings) as session:
        n_batches = stopping.stop_job(session, job_id, _door.actor(), _door.now())
    result = {"id": job_id, "state": "cancelled", "n_batches": n_batches}
    _door.show(result, as_json, f"job {job_id}: stopped, {n_batches} batches are called in")


def _preview(resources: Resources, job_id: int) -> LaunchPreview:
    with db.reading(resources.sessions) as session:
        return launch_gate.preview(session, job_id, resources.venues, resources.blobs, _door.now())


def _told(found: LaunchPreview) -> list[str]:
    """Environment, payers, limits, and what speaks against a launch, a line each."""
    lines = [f"{found.name}: {found.environment}"]
    lines += [launch_gate.describe(payer) for payer in found.payers]
    left = found.limits.left_micros
    if left is not None:
        lines.append(f"{format_usd(left)} is left under the cap of all {found.environment} jobs")
    lines += [f"warning: {text}" for text in found.warnings]
    held_back = [found.held_back] if found.held_back else []
    return lines + [f"refused: {text}" for text in (*held_back, *found.refusals)]


def _estimate_table(found: Estimate) -> Table:
    rows = [
        (
            line.provider,
            line.kind,
            line.text,
            f"({format_usd(line.micros)})" if line.is_part else format_usd(line.micros),
        )
        for line in found.lines
    ]
    rows.append(("likely", "", "", format_usd(found.likely_micros)))
    rows.append(("at most", "", "", format_usd(found.worst_micros)))
    rows.append(("budget", "", "", format_usd(found.budget_micros)))
    return _door.table(("route", "question", "what", "cost"), rows)


def _route_table(report: reports.JobReport) -> Table:
    rows = [
        (
            route.tagger or route.provider,
            route.kind,
            route.n_assignments,
            route.n_approved,
            route.n_rejected,
            format_usd(route.reward_micros),
            format_usd(route.fee_micros),
            format_usd(route.held_micros),
        )
        for route in report.routes
    ]
    columns = ("route", "question", "submitted", "approved", "rejected", "reward", "fee", "held")
    return _door.table(columns, rows)
