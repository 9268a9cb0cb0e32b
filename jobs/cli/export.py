"""Labels out."""

from __future__ import annotations

from pathlib import Path

import click

from jobs import formats
from jobs.blobs import open_blobs
from jobs.cli import _door
from jobs.exports import exports_folder, write_export
from jobs.reports.datasets import export_list
from jobs.reports.heads import job_head
from jobs.settings import Settings


@click.group("export")
def group() -> None:
    """Exports: the newest labels of a job as files."""


@group.command("write")
@click.argument("job_id", type=_door.ROW_ID)
@click.option(
    "--format",
    "format_",
    required=True,
    type=click.Choice(formats.names_with("write")),
    help="How the labels are written.",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="A folder.")
@click.option("--with-images", is_flag=True, help="Put the images into the archive, too.")
@_door.json_option
@_door.settings_of
def write(
    settings: Settings,
    job_id: int,
    format_: str,
    out: Path | None,
    with_images: bool,
    as_json: bool,
) -> None:
    """Write the labels; the same labels give the same bytes."""
    folder = out or exports_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    with _door.writing(settings) as session:
        row = write_export(
            session,
            open_blobs(settings),
            job_id,
            format_,
            folder,
            actor=_door.actor(),
            now=_door.now(),
            with_images=with_images,
        )
        made = {
            "path": folder / row.file_name,
            "format": format_,
            "n_labels": row.n_labels,
            "sha256": row.sha256,
        }
    _door.show(made, as_json, f"{made['path']}  {made['n_labels']} labels  {made['sha256']}")


@group.command("list")
@click.argument("job_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def list_exports(settings: Settings, job_id: int, as_json: bool) -> None:
    """The exports of a job, newest first."""
    with _door.reading(settings) as session:
        job_head(session, job_id)  # NotFound for an unknown job
        rows = export_list(session, job_id)
    shown = [(row.file_name, row.format, row.n_labels, row.sha256[:16]) for row in rows]
    _door.show(rows, as_json, _door.table(("file", "format", "labels", "sha256"), shown))
