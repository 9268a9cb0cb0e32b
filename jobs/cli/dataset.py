"""Images in, and what is known of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from jobs import formats
from jobs.blobs import open_blobs, open_s3
from jobs.cli import _door
from jobs.errors import InvalidInput
from jobs.formats import IncomingItem
from jobs.gold import import_gold
from jobs.intake import archives, sources
from jobs.intake.datasets import Refusal, find_dataset, import_dataset
from jobs.intake.intakes import uploads_folder
from jobs.intake.scratch import scratch_folder
from jobs.planning.planning import find_schema
from jobs.reports.datasets import dataset_list
from jobs.reports.intakes import RefusedRow, intake_report, intakes_of, refusal_pages
from jobs.settings import Settings
from jobs.specs.label_schemas import load_schema


@click.group("dataset")
def group() -> None:
    """Datasets: import images and known answers, list what is there."""


@group.command("import")
@click.argument("source")
@click.option("--name", required=True, help="The dataset; made if there is none yet.")
@click.option("--format", "format_", default="", help="folder, manifest or coco; else by source.")
@click.option("--licence", default="", help="Of images whose row names none.")
@click.option("--source-note", default="", help="Where images come from whose row says nothing.")
@_door.json_option
@_door.settings_of
def import_images(
    settings: Settings,
    source: str,
    name: str,
    format_: str,
    licence: str,
    source_note: str,
    as_json: bool,
) -> None:
    """Import a folder, a zip archive, s3://bucket/folder/, a manifest (CSV, JSONL), or COCO."""
    with (
        _rows(settings, source) as rows,
        _door.writing(settings) as session,
        _door.progress_bar("Images", not as_json) as progress,
    ):
        report = import_dataset(
            session,
            open_blobs(settings),
            name=name,
            source=source,
            format=format_ or guessed_format(Path(source)),
            now=_door.now(),
            licence=licence,
            item_source=source_note,
            progress=progress,
            rows=rows,
        )
    counts = (
        f"{name}: {report.n_rows} rows = {report.n_accepted} accepted + {report.n_refused} refused"
    )
    _door.show(report, as_json, f"{counts}{_refusals(report.refusals)}")


@group.command("imports")
@click.argument("name")
@_door.json_option
@_door.settings_of
def list_imports(settings: Settings, name: str, as_json: bool) -> None:
    """The imports into a dataset, newest first, also those that pages and programs began."""
    with _door.reading(settings) as session:
        rows = intakes_of(session, find_dataset(session, name).id)
    shown = [(one.id, one.state, one.source, one.n_accepted, one.n_refused) for one in rows]
    columns = ("import", "state", "from", "accepted", "refused")
    _door.show(rows, as_json, _door.table(columns, shown))


@group.command("report")
@click.argument("import_id", type=int)
@click.option("--refused", "path", type=click.Path(path_type=Path), help="CSV of every refusal.")
@_door.json_option
@_door.settings_of
def report_import(settings: Settings, import_id: int, path: Path | None, as_json: bool) -> None:
    """What an import took in, how far it is, and what was refused and why."""
    with _door.reading(settings) as session:
        found = intake_report(session, import_id)
        if path is not None:
            _write_refusals(path, refusal_pages(session, import_id))
    lines = [
        f"{found.dataset_name}: {found.state}, {found.n_total or found.n_rows} rows, "
        f"{found.n_accepted} accepted, {found.n_refused} refused",
        *(f"  {count:>7,}  {text}" for _, text, count in found.faults),
        *([found.problem] if found.problem else []),
    ]
    _door.show(found, as_json, "\n".join(lines))


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


@contextmanager
def _rows(settings: Settings, source: str) -> Iterator[Iterable[IncomingItem] | None]:
    """The rows of S3 or of an archive, which is gone afterwards; None for all else."""
    if source.startswith("s3://"):
        yield sources.rows_of_s3(open_s3(settings), source)
    elif not Path(source).exists():
        raise InvalidInput(f"{source}: no such file or folder")
    elif archives.is_zip(source) and Path(source).is_file():
        with scratch_folder(uploads_folder(settings)) as folder:
            archives.unpack(Path(source), folder)
            yield sources.rows_of_folder(folder)
    else:
        yield None


def _write_refusals(path: Path, pages: Iterable[tuple[RefusedRow, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("row", "file", "kind", "reason"))
        for page in pages:
            writer.writerows((one.row, one.name, one.fault, one.reason) for one in page)


def _refusals(refusals: tuple[Refusal, ...]) -> str:
    lines = [f"\n  row {one.row} {one.name}: {one.reason}" for one in refusals[:20]]
    if len(refusals) > 20:
        lines.append(f"\n  ... and {len(refusals) - 20} more; --json lists all")
    return "".join(lines)
