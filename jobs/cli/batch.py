"""HITs launched together: where they stand, and their work done at once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
from rich.table import Table

from jobs import collection, publishing
from jobs.blobs import open_blobs
from jobs.cli import _door
from jobs.drafts import read_draft
from jobs.job_specs import parse_job_spec
from jobs.money import format_usd
from jobs.rehearsals.forecast import Forecast, Measure, Wanted, forecast, parse_people, read_subject
from jobs.rehearsals.run import Cast
from jobs.reports.batches import batch_list
from jobs.settings import Settings
from quality.simulate import PROFILES, profile


@click.group("batch")
def group() -> None:
    """Batches: rehearse, list, publish, collect."""


@group.command("list")
@click.argument("job_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def list_batches(settings: Settings, job_id: int, as_json: bool) -> None:
    """The batches of a job with their HITs and assignments."""
    with _door.reading(settings) as session:
        rows = batch_list(session, job_id)
    columns = ("id", "batch", "state", "HITs", "posted", "closed", "submitted", "wanted")
    shown = [
        (
            row.id,
            row.name,
            row.state,
            row.n_hits,
            row.n_posted,
            row.n_closed,
            row.n_assignments,
            row.n_wanted,
        )
        for row in rows
    ]
    _door.show(rows, as_json, _door.table(columns, shown))


@group.command("publish")
@click.argument("batch_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def publish(settings: Settings, batch_id: int, as_json: bool) -> None:
    """Post what is not posted; any number of runs post each HIT once."""
    with (
        _door.resources(settings) as resources,
        _door.progress_bar("HITs", not as_json) as progress,
    ):
        report = publishing.publish_batch(resources, batch_id, progress)
    text = f"{report.n_posted} posted, {report.n_failed} failed, {report.n_open} open"
    _door.show(report, as_json, text)


@group.command("collect")
@click.argument("batch_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def collect(settings: Settings, batch_id: int, as_json: bool) -> None:
    """Fetch what was submitted; any number of runs store each submission once."""
    with (
        _door.resources(settings) as resources,
        _door.progress_bar("HITs", not as_json) as progress,
    ):
        report = collection.collect_batch(resources, batch_id, progress)
    text = f"{report.n_new} new, {report.n_unparsed} not readable, {report.n_closed} HITs closed"
    _door.show(report, as_json, text)


@group.command("rehearse")
@click.argument("job")
@click.option(
    "--workers",
    default="careful:2,average:4,sloppy:1",
    show_default=True,
    help="The crowd: skills and how many of each.",
)
@click.option("--staff", default="careful:2", show_default=True, help="For in-house routes.")
@click.option(
    "--model",
    type=click.Choice(list(PROFILES)),
    default="average",
    show_default=True,
    help="The skill that model routes are given.",
)
@click.option(
    "--items",
    type=_door.Whole(1),
    default=20,
    show_default=True,
    help="Items a run; the numbers are scaled to all.",
)
@click.option("--runs", type=_door.Whole(2, 50), default=5, show_default=True, help="Rehearsals.")
@click.option("--seed", type=_door.Whole(0), default=0, show_default=True, help="Of chance.")
@_door.json_option
@_door.settings_of
def rehearse(
    settings: Settings,
    job: str,
    workers: str,
    staff: str,
    model: str,
    items: int,
    runs: int,
    seed: int,
    as_json: bool,
) -> None:
    """Say what a job will likely cost, yield and take, before a cent is spent.

    JOB is a job file or a job's number. Simulated workers do its HITs on a marketplace of
    their own in a folder that is thrown away; nothing is posted and nothing written.
    """
    with _door.reading(settings) as session:
        path = Path(job)
        if job.isascii() and job.isdigit() and not path.exists():
            spec = read_draft(session, int(job))
        else:
            spec = parse_job_spec(_door.read_text(path), job)
        subject = read_subject(session, spec)
    cast = Cast(parse_people(workers, "workers"), parse_people(staff, "staff"), profile(model))
    blobs = open_blobs(settings)
    with (
        tempfile.TemporaryDirectory(prefix="hitworks-rehearsal-") as folder,
        _door.progress_bar("Rehearsals", not as_json) as progress,
    ):
        found = forecast(
            subject,
            Wanted(cast, items, runs, seed),
            _door.open_marketplace(),
            blobs.read,
            Path(folder),
            _door.now(),
            progress,
        )
    _door.show(found, as_json, lambda: _forecast_table(found))
    if not as_json:
        _door.show(None, False, _described(found))


def _forecast_table(found: Forecast) -> Table:
    rows = [
        (one.name, *(_shown(one, end) for end in (one.likely, one.low, one.high)))
        for one in found.measures
    ]
    return _door.table(("", "likely", "at least", "at most"), rows)


def _shown(measure: Measure, value: float) -> str:
    if measure.unit == "usd":
        return format_usd(round(value * 100) * 10_000)
    if measure.unit == "seconds":
        minutes = round(value / 60)
        return (
            f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{value / 60:.1f} min"
        )
    return f"{value:.3f}" if measure.unit == "share" else f"{value:.2f}"


def _described(found: Forecast) -> str:
    """What the numbers are of, and how far to trust them."""
    lines = [
        f"{found.job}: all {found.n_items} items with {found.n_people} people at work without "
        f"a pause; 9 of 10 jobs end between the ends.",
        f"From {found.n_runs} rehearsals of {found.n_rehearsed} items.",
        *found.notes,
    ]
    cost = found.measures[0]
    if cost.high * 1e6 > found.budget_micros:
        lines.append(f"The budget of {format_usd(found.budget_micros)} may not be enough.")
    return "\n".join(lines)
