"""HITs launched together: where they stand, and their work done at once."""

from __future__ import annotations

import click

from jobs import collection, publishing
from jobs.cli import _door
from jobs.reports.batches import batch_list
from jobs.settings import Settings


@click.group("batch")
def group() -> None:
    """Batches: list, publish, collect."""


@group.command("list")
@click.argument("job_id", type=int)
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
@click.argument("batch_id", type=int)
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
@click.argument("batch_id", type=int)
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
