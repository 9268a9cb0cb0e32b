"""Final values: look at them, decide them, undo a decision."""

from __future__ import annotations

import json
from pathlib import Path

import click

from jobs import labels, reports
from jobs.cli import _door
from jobs.errors import InvalidInput
from jobs.reports.conflicts import conflicts
from jobs.reports.heads import job_head
from jobs.settings import Settings

_kind_option = click.option(
    "--kind", type=click.Choice(["boxes", "tags"]), required=True, help="Which question."
)


@click.group("label")
def group() -> None:
    """Labels: look, adjudicate, revert."""


@group.command("show")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("item_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def show(settings: Settings, job_id: int, item_id: int, as_json: bool) -> None:
    """An item's answers, consensus and label versions."""
    with _door.reading(settings) as session:
        view = reports.item_view(session, job_id, item_id)
    rows = [
        (one.kind, one.version, one.origin, _door.share(one.confidence), one.actor, one.value)
        for one in view.labels
    ]
    columns = ("question", "version", "origin", "confidence", "by", "value")
    _door.show(view, as_json, _door.table(columns, rows))


@group.command("conflicts")
@click.argument("job_id", type=_door.ROW_ID)
@click.option(
    "--limit", type=_door.Whole(1, 1000), default=60, show_default=True, help="Most rows."
)
@_door.json_option
@_door.settings_of
def list_conflicts(settings: Settings, job_id: int, limit: int, as_json: bool) -> None:
    """The least sure questions that want a person, worst first."""
    with _door.reading(settings) as session:
        job_head(session, job_id)  # NotFound for an unknown job
        rows = conflicts(session, job_id=job_id, limit=limit)
    shown = [
        (row.item_id, row.item, row.kind, _door.share(row.confidence), row.n_answers)
        for row in rows
    ]
    _door.show(
        rows, as_json, _door.table(("id", "item", "question", "confidence", "answers"), shown)
    )


@group.command("adjudicate")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("item_id", type=_door.ROW_ID)
@_kind_option
@click.option("--value", "path", type=click.Path(path_type=Path), required=True, help="JSON file.")
@click.option("--reason", required=True, help="Kept with the label.")
@click.option(
    "--version",
    "expected",
    type=_door.Whole(0, 10**9),
    required=True,
    help="The version you looked at.",
)
@_door.json_option
@_door.settings_of
def adjudicate(
    settings: Settings,
    job_id: int,
    item_id: int,
    kind: str,
    path: Path,
    reason: str,
    expected: int,
    as_json: bool,
) -> None:
    """Decide a label yourself; refused when somebody else decided since."""
    try:
        value = json.loads(_door.read_text(path))
    except ValueError as error:
        raise InvalidInput(f"{path}: expected JSON: {error}") from error
    with _door.writing(settings) as session:
        label = labels.adjudicate(
            session,
            job_id=job_id,
            item_id=item_id,
            kind=kind,
            value=value,
            reason=reason,
            actor=_door.actor(),
            expected_version=expected,
            now=_door.now(),
        )
        made = {"item_id": item_id, "kind": kind, "version": label.version}
    _door.show(made, as_json, f"item {item_id} {kind}: version {made['version']}")


@group.command("revert")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("item_id", type=_door.ROW_ID)
@_kind_option
@click.option(
    "--version", type=_door.Whole(1, 10**9), required=True, help="The version whose value returns."
)
@_door.json_option
@_door.settings_of
def revert(
    settings: Settings, job_id: int, item_id: int, kind: str, version: int, as_json: bool
) -> None:
    """Make the value of an older version the newest again."""
    with _door.writing(settings) as session:
        label = labels.revert(
            session,
            job_id=job_id,
            item_id=item_id,
            kind=kind,
            version=version,
            actor=_door.actor(),
            now=_door.now(),
        )
        made = {"item_id": item_id, "kind": kind, "version": label.version}
    _door.show(made, as_json, f"item {item_id} {kind}: version {made['version']}")
