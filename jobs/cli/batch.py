"""HITs launched together: where they stand, and their work done at once."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import click
from rich.table import Table

from jobs import db
from jobs.blobs import open_blobs
from jobs.cli import _door
from jobs.errors import HitworksError
from jobs.hits import collection, disposing, extending, orders, prolonging, publishing, stopping
from jobs.money import format_usd
from jobs.planning.drafts import read_draft
from jobs.rehearsals import saved
from jobs.rehearsals.forecast import Forecast, Measure, Wanted, forecast, parse_people, read_subject
from jobs.rehearsals.run import Cast
from jobs.rehearsals.saved import Asked
from jobs.reports.batches import batch_list
from jobs.resources import Resources
from jobs.settings import Settings
from jobs.specs.job_specs import parse_job_spec
from quality.simulate import PROFILES, profile


@click.group("batch")
def group() -> None:
    """Batches: rehearse, list, publish, collect, extend, expire, prolong, dispose."""


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


@group.command("extend")
@click.argument("batch_id", type=_door.ROW_ID)
@click.argument("n_more", type=_door.Whole(1, 1000))
@click.option("--hit", "hit_ids", type=_door.ROW_ID, multiple=True, help="Only this HIT of it.")
@click.option("--yes", is_flag=True, help="Do not ask before money is held.")
@_door.json_option
@_door.settings_of
def extend(
    settings: Settings,
    batch_id: int,
    n_more: int,
    hit_ids: tuple[int, ...],
    yes: bool,
    as_json: bool,
) -> None:
    """Ask N_MORE further people by each HIT of the batch, none of whom has done it before.

    A HIT that has ended is opened again. One made with fewer than ten assignments cannot
    grow to ten. Shows the highest cost first.
    """
    with _door.resources(settings) as resources:
        with db.reading(resources.sessions) as session:
            found = orders.preview_orders(session, batch_id, n_more, resources.venues, hit_ids)
        for hit_id, why in found.refused.items():
            click.echo(f"HIT {hit_id} stays as it is: {why}", err=True)
        if found.hit_ids and not yes:
            cost = format_usd(found.worst_micros)
            click.confirm(
                f"{n_more} more from {len(found.hit_ids)} HITs, at most {cost} of "
                f"{format_usd(found.budget_left_micros)} left?",
                abort=True,
                err=as_json,
            )
        with db.transaction(resources.sessions) as session:
            orders.order_batch(session, batch_id, n_more, _door.actor(), _door.now(), hit_ids)
        with _door.progress_bar("HITs", not as_json) as progress:
            report = extending.extend_batch(resources, batch_id, progress)
    text = f"{report.n_extended} HITs extended, {report.n_refused} refused by the venue"
    _door.show({"ordered": found, "result": report}, as_json, text)


@group.command("expire")
@click.argument("batch_id", type=_door.ROW_ID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_door.json_option
@_door.settings_of
def expire(settings: Settings, batch_id: int, yes: bool, as_json: bool) -> None:
    """Close the batch's HITs to new workers; what was accepted can be finished and is paid."""
    if not yes:
        click.confirm(f"Close the HITs of batch {batch_id}?", abort=True, err=as_json)
    with (
        _door.resources(settings) as resources,
        _door.progress_bar("HITs", not as_json) as progress,
    ):
        n_open = stopping.expire_batch(resources, batch_id, progress)
    result = {"batch_id": batch_id, "n_expired": n_open}
    _door.show(result, as_json, f"batch {batch_id}: {n_open} HITs closed to new workers")


@group.command("prolong")
@click.argument("batch_id", type=_door.ROW_ID)
@click.option(
    "--days", type=_door.Whole(1, prolonging.LONGEST.days), required=True, help="From now."
)
@_door.json_option
@_door.settings_of
def prolong(settings: Settings, batch_id: int, days: int, as_json: bool) -> None:
    """Show the batch's HITs that would end sooner until then; no money moves."""
    until = timedelta(days=days)
    with (
        _door.resources(settings) as resources,
        _door.progress_bar("HITs", not as_json) as progress,
    ):
        with db.transaction(resources.sessions) as session:
            now = resources.clock()
            prolonging.ask(session, batch_id, now + until, _door.actor(), now)
        n_hits = prolonging.prolong_batch(resources, batch_id, progress)
    result = {"batch_id": batch_id, "n_prolonged": n_hits, "until": (now + until).isoformat()}
    _door.show(result, as_json, f"batch {batch_id}: {n_hits} HITs stay open for {days} days")


@group.command("dispose")
@click.argument("batch_id", type=_door.ROW_ID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_door.json_option
@_door.settings_of
def dispose(settings: Settings, batch_id: int, yes: bool, as_json: bool) -> None:
    """Delete a closed batch's HITs at the venue, which would keep them for 120 days.

    Our own records stay. Refused while work is undecided or a rejection may be taken back.
    """
    if not yes:
        click.confirm(f"Delete the HITs of batch {batch_id} there?", abort=True, err=as_json)
    with (
        _door.resources(settings) as resources,
        _door.progress_bar("HITs", not as_json) as progress,
    ):
        n_hits = disposing.dispose_batch(resources, batch_id, _door.actor(), progress)
    result = {"batch_id": batch_id, "n_disposed": n_hits}
    _door.show(result, as_json, f"batch {batch_id}: {n_hits} HITs disposed of")


@group.command("rehearse")
@click.argument("job")
@click.option(
    "--workers",
    default=saved.WORKERS,
    show_default=True,
    help="The crowd: skills and how many of each.",
)
@click.option("--staff", default=saved.STAFF, show_default=True, help="For in-house routes.")
@click.option(
    "--model",
    type=click.Choice(list(PROFILES)),
    default=saved.MODEL,
    show_default=True,
    help="The skill that model routes are given.",
)
@click.option(
    "--items",
    type=_door.Whole(1),
    default=saved.N_ITEMS,
    show_default=True,
    help="Items a run; the numbers are scaled to all.",
)
@click.option(
    "--runs", type=_door.Whole(2, 50), default=saved.N_RUNS, show_default=True, help="Rehearsals."
)
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


@group.command("finish-rehearsal")
@click.argument("rehearsal_id", type=_door.ROW_ID)
@_door.settings_of
def finish_rehearsal(settings: Settings, rehearsal_id: int) -> None:
    """Do a rehearsal that was asked for on a draft's page, and keep its forecast.

    The page starts this itself. A rehearsal that has ended is left alone.
    """
    with _door.resources(settings) as place:
        with db.reading(place.sessions) as session:
            asked = saved.asked(session, rehearsal_id)
        found, problem = None, ""
        if asked is not None:
            try:
                found = _rehearsed(place, rehearsal_id, asked)
            except HitworksError as error:
                problem = str(error)
        with db.transaction(place.sessions) as session:
            saved.end_rehearsal(session, rehearsal_id, _door.now(), found, problem)
    click.echo(f"rehearsal {rehearsal_id}: {problem or 'done'}")


def _rehearsed(place: Resources, rehearsal_id: int, asked: Asked) -> Forecast:
    def progress(n_done: int, _n_runs: int) -> None:
        with db.transaction(place.sessions) as session:
            saved.note_progress(session, rehearsal_id, n_done)

    with db.reading(place.sessions) as session:
        subject = read_subject(session, read_draft(session, asked.job_id))
    with tempfile.TemporaryDirectory(prefix="hitworks-rehearsal-") as folder:
        return forecast(
            subject,
            asked.wanted,
            _door.open_marketplace(),
            place.blobs.read,
            Path(folder),
            _door.now(),
            progress,
        )


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
