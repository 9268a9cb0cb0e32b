"""Images in, and what is known of them."""

from __future__ import annotations

from pathlib import Path

import click

from jobs import formats
from jobs.blobs import open_blobs
from jobs.cli import _door
from jobs.datasets import Refusal, import_dataset
from jobs.gold import import_gold
from jobs.label_schemas import load_schema
from jobs.planning import find_schema
from jobs.reports.datasets import dataset_list
from jobs.settings import Settings


@click.group("dataset")
def group() -> None:
    """Datasets: import images and known answers, list what is there."""


@group.command("import")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--name", required=True, help="The dataset; made if there is none yet.")
@click.option("--format", "format_", default="", help="folder, manifest or coco; else by source.")
@click.option("--licence", default="", help="Of images whose row names none.")
@click.option("--source-note", default="", help="Where images come from whose row says nothing.")
@_door.json_option
@_door.settings_of
def import_images(
    settings: Settings,
    source: Path,
    name: str,
    format_: str,
    licence: str,
    source_note: str,
    as_json: bool,
) -> None:
    """Import a folder of images, a manifest (CSV or JSONL), or a COCO file with images."""
    with _door.writing(settings) as session, _door.progress_bar("Images", not as_json) as progress:
        report = import_dataset(
            session,
            open_blobs(settings),
            name=name,
            source=source,
            format=format_ or guessed_format(source),
            now=_door.now(),
            licence=licence,
            item_source=source_note,
            progress=progress,
        )
    counts = (
        f"{name}: {report.n_rows} rows = {report.n_accepted} accepted + {report.n_refused} refused"
    )
    _door.show(report, as_json, f"{counts}{_refusals(report.refusals)}")


@group.command("gold")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--name", required=True, help="The dataset whose items the answers are about.")
@click.option("--schema", "schema_name", required=True, help="NAME, or NAME@VERSION.")
@click.option("--format", "format_", required=True, help="coco, voc, yolo, csv_tags or jsonl.")
@_door.json_option
@_door.settings_of
def gold(
    settings: Settings, path: Path, name: str, schema_name: str, format_: str, as_json: bool
) -> None:
    """Import known answers: they score workers and are shown to none."""
    with _door.writing(settings) as session:
        schema = load_schema(find_schema(session, schema_name))
        report = import_gold(
            session,
            dataset_name=name,
            path=path,
            schema=schema,
            format=format_,
            now=_door.now(),
        )
    counts = (
        f"{name}: {report.n_rows} answers = {report.n_accepted} accepted "
        f"+ {report.n_refused} refused"
    )
    _door.show(report, as_json, f"{counts}{_refusals(report.refusals)}")


@group.command("list")
@_door.json_option
@_door.settings_of
def list_datasets(settings: Settings, as_json: bool) -> None:
    """Every dataset, newest first."""
    with _door.reading(settings) as session:
        rows = dataset_list(session)
    shown = [(row.name, row.n_items, row.n_refused, row.n_gold) for row in rows]
    _door.show(rows, as_json, _door.table(("dataset", "items", "refused", "gold"), shown))


@group.command("formats")
@_door.json_option
def list_formats(as_json: bool) -> None:
    """The formats, and what each of them can do."""
    abilities = {"read_items": "images in", "read": "labels in", "write": "labels out"}
    found = {
        name: [text for ability, text in abilities.items() if name in formats.names_with(ability)]
        for name in formats.names()
    }
    shown = [(name, ", ".join(texts)) for name, texts in found.items()]
    _door.show(found, as_json, _door.table(("format", "does"), shown))


def guessed_format(source: Path) -> str:
    """The import format of a folder or file."""
    if source.is_dir():
        return "folder"
    return "coco" if source.suffix.lower() == ".json" else "manifest"


def _refusals(refusals: tuple[Refusal, ...]) -> str:
    lines = [f"\n  row {one.row} {one.name}: {one.reason}" for one in refusals[:20]]
    if len(refusals) > 20:
        lines.append(f"\n  ... and {len(refusals) - 20} more; --json lists all")
    return "".join(lines)
