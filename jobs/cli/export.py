"""Labels out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from jobs import calls, formats, owners
from jobs.background import kept
from jobs.cli import _door
from jobs.db import reading, transaction
from jobs.errors import Conflict, InvalidInput
from jobs.exporting import exports
from jobs.exporting.choices import Filters
from jobs.exporting.files import copy_whole, exports_folder
from jobs.formats import EXTRAS
from jobs.reports.exports import ExportRow, export_list, export_row
from jobs.reports.heads import job_head
from jobs.resources import Resources
from jobs.settings import Settings
from jobs.tables import Work
from jobs.work import Lease

_LOOK_SECONDS = 0.2  # between two looks at a file that another process writes

_format_option = click.option(
    "--format",
    "format_",
    required=True,
    type=click.Choice(formats.names_with("write")),
    help="How the labels are written.",
)
_out_option = click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="A folder for a copy."
)


def _filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """What narrows the labels, and what goes with them."""
    for option in reversed(
        (
            click.option("--kind", default="", help="Only boxes, or only tags."),
            click.option(
                "--class",
                "classes",
                multiple=True,
                help="Only pictures with a box of this class, and only such boxes; repeatable.",
            ),
            click.option(
                "--tag",
                "tags",
                multiple=True,
                help="Only pictures tagged so, as attribute=value; repeatable.",
            ),
            click.option(
                "--min-confidence",
                type=_door.Real(0, 1),
                default=0.0,
                help="Only labels at least this sure, from 0 to 1.",
            ),
            click.option("--only-decided", is_flag=True, help="Only labels a person decided."),
            click.option(
                "--with-images", is_flag=True, help="Put the images into the archive, too."
            ),
            click.option(
                "--without",
                multiple=True,
                type=click.Choice(EXTRAS[:3]),
                help="Leave this out where the format would hold it; repeatable.",
            ),
        )
    ):
        command = option(command)
    return command


@click.group("export")
def group() -> None:
    """Exports: final labels of a job as files, each a named snapshot."""


@group.command("write")
@click.argument("job_id", type=_door.ROW_ID)
@_format_option
@click.option("--snapshot", "name", default="", help="Its name; format and day if not said.")
@_out_option
@_filter_options
@_door.json_option
@_door.settings_of
def write(
    settings: Settings,
    /,
    job_id: int,
    format_: str,
    name: str,
    out: Path | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Pin the labels as they are now, and write them to a file."""
    filters, wanted = _choices(**chosen)
    if out:
        out.mkdir(parents=True, exist_ok=True)
    with _door.resources(settings) as place:
        with transaction(place.sessions) as session:
            row = exports.plan_export(
                session, job_id, format_, filters, wanted,
                name=name, actor=_door.actor(), now=_door.now(),
            )  # fmt: skip
            export_id = row.id
        _finish(place, job_id, export_id, out, as_json)


@group.command("again")
@click.argument("job_id", type=_door.ROW_ID)
@click.option("--snapshot", "name", required=True, help="The name of an export of the job.")
@_out_option
@_door.json_option
@_door.settings_of
def again(settings: Settings, job_id: int, name: str, out: Path | None, as_json: bool) -> None:
    """Make the file of a snapshot once more, and check that its bytes are the same."""
    with _door.resources(settings) as place:
        with transaction(place.sessions) as session:
            job_head(session, job_id)  # NotFound for an unknown job
            export_id = exports.export_named(session, job_id, name).id
            exports.make_again(session, job_id, export_id, _door.now())
        if out:
            out.mkdir(parents=True, exist_ok=True)
        _finish(place, job_id, export_id, out, as_json)


@group.command("count")
@click.argument("job_id", type=_door.ROW_ID)
@_format_option
@_filter_options
@_door.json_option
@_door.settings_of
def count(settings: Settings, /, job_id: int, format_: str, as_json: bool, **chosen: Any) -> None:
    """How many labels an export would hold, without making it."""
    filters, wanted = _choices(**chosen)
    with _door.reading(settings) as session:
        found = exports.count_export(session, job_id, format_, filters, wanted)
    text = f"{found.n_labels:,} of {found.n_final:,} labels would be exported"
    _door.show(found, as_json, text)


@group.command("list")
@click.argument("job_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def list_exports(settings: Settings, job_id: int, as_json: bool) -> None:
    """The exports of a job, newest first."""
    with _door.reading(settings) as session:
        job_head(session, job_id)  # NotFound for an unknown job
        rows = export_list(session, job_id)
    shown = [
        (row.name, row.state, row.n_labels, row.n_bytes, row.actor, row.file_name, row.sha256[:16])
        for row in rows
    ]
    columns = ("snapshot", "state", "labels", "bytes", "by", "file", "sha256")
    _door.show(rows, as_json, _door.table(columns, shown))


def _choices(
    kind: str,
    classes: tuple[str, ...],
    tags: tuple[str, ...],
    min_confidence: float,
    only_decided: bool,
    with_images: bool,
    without: tuple[str, ...],
) -> tuple[Filters, dict[str, bool | None]]:
    wanted: dict[str, bool | None] = dict.fromkeys(without, False)
    if with_images:
        wanted["images"] = True
    return Filters(kind, classes, tags, min_confidence, only_decided), wanted


def _finish(place: Resources, job_id: int, export_id: int, out: Path | None, as_json: bool) -> None:
    """Write the planned file here, or wait for the process that does, and say where it is."""
    row = _written(place, job_id, export_id, is_quiet=as_json)
    path = exports_folder(place.settings) / row.file_name
    made = {
        "path": copy_whole(path, out) if out else path,
        "id": row.id,
        "snapshot": row.name,
        "format": row.format,
        "n_labels": row.n_labels,
        "n_bytes": row.n_bytes,
        "sha256": row.sha256,
    }
    _door.show(made, as_json, f"{made['path']}  {row.n_labels} labels  {row.sha256}")


def _written(place: Resources, job_id: int, export_id: int, *, is_quiet: bool) -> ExportRow:
    with reading(place.sessions) as session:
        key = f"{exports.TASK}:{export_id}"
        work_id = session.scalars(select(Work.id).where(Work.key == key)).one()
    with _door.progress_bar("Writing", not is_quiet) as watch:

        @contextmanager
        def keep(lease: Lease) -> Iterator[None]:
            lease.watch = watch
            with kept(lease):
                yield

        while True:
            calls.run(place, work_id, owners.this_process(), keep)
            with reading(place.sessions) as session:
                row = export_row(session, job_id, export_id)
            if row.state == "done":
                return row
            if row.state == "failed":
                raise InvalidInput(f"export {row.name!r}: {row.problem}")
            if row.state == "waiting" and row.problem:
                raise Conflict(f"export {row.name!r}: {row.problem}; the background tries it again")
            time.sleep(_LOOK_SECONDS)
