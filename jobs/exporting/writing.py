"""Background work: the file of a snapshot, written whole, the same bytes every time.

Killed at any point it is done again: the labels are pinned, the file appears by one rename,
and the row says ``done`` only after it. Two runs at once write the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jobs import events, formats
from jobs.blobs import Blobs
from jobs.db import reading, transaction
from jobs.errors import HitworksError, InvalidInput, NotFound
from jobs.exporting.facts import Summary
from jobs.exporting.files import exports_folder, keep, part_of, settle, sha256_of
from jobs.exporting.records import Progress, Snapshot, open_snapshot, pinned_records
from jobs.formats import IMAGES, ExportInfo
from jobs.formats._paths import safe_stem
from jobs.resources import Resources
from jobs.tables import Export


@dataclass(frozen=True)
class Written:
    """A file of the exports folder. Its name holds the start of its hash."""

    file_name: str
    sha256: str
    n_bytes: int


def write_planned(resources: Resources, export_id: int, progress: Progress) -> None:
    """Write a planned export's file and note it; one that is not planned stays as it is.

    What a repeat would meet again (an image is gone, the bytes are not those of the first
    time) ends the export as failed with the reason; anything else is raised and tried again.
    """
    with reading(resources.sessions) as session:
        if session.get_one(Export, export_id).state != "planned":
            return
        snapshot = open_snapshot(session, export_id)
    folder = exports_folder(resources.settings)
    try:
        written = _write(resources, snapshot, folder, progress)
    except (InvalidInput, NotFound) as error:
        _note_failure(resources, export_id, str(error))
    except OSError as error:
        raise HitworksError(f"the file cannot be written: {error.strerror or error}") from error
    else:
        _note_done(resources, export_id, written)


def _write(resources: Resources, snapshot: Snapshot, folder: Path, progress: Progress) -> Written:
    write, suffix, _ = formats.label_writer(snapshot.choices.format)
    summary = Summary(snapshot)
    records = pinned_records(resources.sessions, snapshot, progress)
    with part_of(folder, f"export-{snapshot.export_id}") as beside:
        with beside.open("xb") as stream:
            write(summary.counted(records), stream, _info(snapshot, summary, resources.blobs))
            settle(stream)
        digest = sha256_of(beside)
        if snapshot.sha256 not in ("", digest):
            raise InvalidInput(
                f"made again it is another file: expected SHA-256 {snapshot.sha256}, got {digest}"
            )
        progress(snapshot.n_labels, snapshot.n_labels)  # a run that lost its lease ends here
        stem = safe_stem(f"{snapshot.job_name}{suffix}")
        name = f"{stem}-{snapshot.choices.format}-{digest[:12]}{suffix}"
        n_bytes = beside.stat().st_size
        keep(beside, folder / name)
    return Written(name, digest, n_bytes)


def _info(snapshot: Snapshot, summary: Summary, blobs: Blobs) -> ExportInfo:
    choices, schema = snapshot.choices, snapshot.schema
    return ExportInfo(
        name=snapshot.job_name,
        classes=choices.filters.classes or schema.classes,
        attributes=schema.attributes,
        image_of=(lambda record: blobs.read(record.blob_key))
        if IMAGES in choices.included
        else None,
        included=choices.included,
        facts=summary.facts,
    )


def _note_failure(resources: Resources, export_id: int, problem: str) -> None:
    with transaction(resources.sessions) as session:
        row = session.get_one(Export, export_id, with_for_update=True)
        if row.state == "planned":
            row.state, row.problem, row.finished_at = "failed", problem, resources.clock()


def _note_done(resources: Resources, export_id: int, written: Written) -> None:
    now = resources.clock()
    with transaction(resources.sessions) as session:
        row = session.get_one(Export, export_id, with_for_update=True)
        if row.state != "planned":
            return
        row.state, row.problem = "done", ""
        if row.sha256:
            row.checked_at = now
        else:
            row.finished_at = now
        row.file_name, row.sha256 = written.file_name, written.sha256
        row.n_bytes = written.n_bytes
        events.tell(
            session,
            "export.finished",
            str(export_id),
            now,
            job_id=row.job_id,
            export_id=export_id,
            name=row.name,
            format=row.format,
            n_labels=row.n_labels,
            sha256=row.sha256,
        )
