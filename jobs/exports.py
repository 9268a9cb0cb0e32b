"""Final labels out, as files: the newest versions, streamed, byte-identical when repeated."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from jobs import formats
from jobs.blobs import Blobs
from jobs.current_labels import is_current
from jobs.errors import InvalidInput, NotFound
from jobs.formats import ExportInfo, LabelRecord
from jobs.formats._paths import safe_stem
from jobs.label_schemas import load_schema
from jobs.records import LabelSchema, QuestionKind
from jobs.settings import Settings
from jobs.tables import Export, Item, Job, Label, SchemaVersion, Worker

_PAGE = 500


@dataclass(frozen=True)
class ExportFile:
    """A written file. Its name holds the start of its sha256: the same labels, the same file."""

    file_name: str
    sha256: str
    n_labels: int


def exports_folder(settings: Settings) -> Path:
    """The folder that exports are written to."""
    return settings.data_dir / "exports"


def write_export(
    session: Session,
    blobs: Blobs,
    job_id: int,
    format: str,  # noqa: A002 - the word that the command and the form use
    folder: Path,
    *,
    actor: str,
    now: datetime,
    with_images: bool = False,
) -> Export:
    """The row of a finished export whose file lies in ``folder``; see ``write_file``.

    Repeating it gives another row about the same file. For a long export call
    ``write_file`` in a reading session and ``record_export`` in a short writing one.
    """
    file = write_file(session, blobs, job_id, format, folder, with_images=with_images)
    return record_export(session, job_id, format, file, actor=actor, now=now)


def write_file(
    session: Session,
    blobs: Blobs,
    job_id: int,
    format: str,  # noqa: A002
    folder: Path,
    *,
    with_images: bool = False,
) -> ExportFile:
    """The job's newest labels as one file, in the order in which items were imported.

    Only queries the database. The file appears whole or not at all, has no date in it,
    and names workers by a pseudonym that holds within the job.

    Raises:
        NotFound: when there is no such job.
        InvalidInput: for an unknown format, a job without labels that the format can
            hold, or images asked of a format that is no archive.

    """
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"job {job_id}: no such job")
    write, suffix, kinds = formats.label_writer(format)
    if with_images and suffix != ".zip":
        raise InvalidInput(f"format {format}: images fit into archives only (voc, yolo)")
    info = _info(job, load_schema(session.get_one(SchemaVersion, job.schema_id)))
    if with_images:
        info = ExportInfo(info.name, info.classes, info.attributes, _image_reader(blobs))
    counted = _Counted(_records(session, job, kinds))
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{format}-{secrets.token_hex(8)}.part"
    try:
        with beside.open("xb") as stream:
            write(counted, stream, info)
            stream.flush()
            os.fsync(stream.fileno())
        if not counted.n_records:
            held = " or ".join(kinds)
            raise InvalidInput(
                f"job {job.name!r}: has no labels of {held} yet to write as {format}"
            )
        digest = _sha256(beside)
        stem = safe_stem(f"{job.name}{suffix}")
        name = f"{stem}-{format}-{digest[:12]}{suffix}"
        _move(beside, folder / name)
    finally:
        beside.unlink(missing_ok=True)
    return ExportFile(name, digest, counted.n_records)


def record_export(
    session: Session,
    job_id: int,
    format: str,  # noqa: A002
    file: ExportFile,
    *,
    actor: str,
    now: datetime,
) -> Export:
    """The row that remembers who exported which file."""
    row = Export(
        job_id=job_id,
        format=format,
        state="done",
        file_name=file.file_name,
        sha256=file.sha256,
        n_labels=file.n_labels,
        actor=actor,
        created_at=now,
        finished_at=now,
    )
    session.add(row)
    session.flush()
    return row


class _Counted:
    """Records on their way, counted."""

    def __init__(self, records: Iterator[LabelRecord]) -> None:
        self._records = records
        self.n_records = 0

    def __iter__(self) -> Iterator[LabelRecord]:
        for record in self._records:
            self.n_records += 1
            yield record


def _info(job: Job, schema: LabelSchema) -> ExportInfo:
    return ExportInfo(job.name, schema.classes, schema.attributes)


def _image_reader(blobs: Blobs) -> Any:
    return lambda record: blobs.read(record.blob_key)


def _records(session: Session, job: Job, kinds: tuple[QuestionKind, ...]) -> Iterator[LabelRecord]:
    """Newest labels of settled questions, a page at a time, each found by the last one's end."""
    place = tuple_(Label.item_id, Label.kind)
    query = (
        select(
            Label.item_id,
            Label.kind,
            Label.value,
            Label.confidence,
            Label.origin,
            Label.provenance,
            Item.name,
            Item.sha256,
            Item.width,
            Item.height,
            Item.licence,
            Item.source,
            Item.blob_key,
        )
        .join(Item, Item.id == Label.item_id)
        .where(Label.job_id == job.id, Label.kind.in_(kinds), is_current())
        .order_by(Label.item_id, Label.kind)
        .limit(_PAGE)
    )
    last = (0, "")
    while rows := session.execute(query.where(place > last)).all():
        pseudonyms = _pseudonyms(session, job, [row.provenance for row in rows])
        for row in rows:
            yield _record(row, pseudonyms)
        last = (rows[-1].item_id, rows[-1].kind)


def _record(row: Any, pseudonyms: Mapping[int, str]) -> LabelRecord:
    return LabelRecord(
        item=row.name,
        sha256=row.sha256,
        width=row.width,
        height=row.height,
        licence=row.licence,
        source=row.source,
        kind=row.kind,
        value=row.value,
        confidence=row.confidence,
        origin=row.origin,
        provenance=public_provenance(row.provenance, pseudonyms),
        suffix=row.blob_key.rpartition(".")[2],
        blob_key=row.blob_key,
    )


def public_provenance(
    provenance: Mapping[str, Any], pseudonyms: Mapping[int, str]
) -> dict[str, Any]:
    """How the label came about, without ids of our database or of the venue.

    Voters stand in the order of their pseudonyms; where an object lists the answers that
    drew it, the export lists their workers.
    """
    voters = provenance.get("voters", [])
    worker_of = {voter["answer"]: pseudonyms[voter["worker"]] for voter in voters}
    public = {key: value for key, value in provenance.items() if key != "voters"}
    if voters:
        named = [
            {"worker": worker_of[voter["answer"]]}
            | {key: voter[key] for key in voter.keys() - {"answer", "worker"}}
            for voter in voters
        ]
        public["voters"] = sorted(named, key=lambda voter: (voter["worker"], str(voter)))
    if "boxes" in provenance:
        public["boxes"] = [_with_workers(found, worker_of) for found in provenance["boxes"]]
    return public


def _with_workers(found: Mapping[str, Any], worker_of: Mapping[int, str]) -> dict[str, Any]:
    public = {key: value for key, value in found.items() if key != "answers"}
    return {**public, "workers": sorted(worker_of[answer] for answer in found.get("answers", ()))}


def _pseudonyms(session: Session, job: Job, provenances: list[Mapping[str, Any]]) -> dict[int, str]:
    """A name for each voter: the same throughout a job, unlike that of any other job."""
    ids = {voter["worker"] for provenance in provenances for voter in provenance.get("voters", ())}
    key = f"{job.id}/{job.seed}/{job.created_at.isoformat()}".encode()
    rows = session.execute(
        select(Worker.id, Worker.provider, Worker.provider_worker_id).where(Worker.id.in_(ids))
    )
    return {
        worker_id: "w-"
        + hmac.new(key, f"{provider}/{name}".encode(), hashlib.sha256).hexdigest()[:16]
        for worker_id, provider, name in rows
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _move(path: Path, target: Path) -> None:
    """Rename, and make the rename itself last through a power cut."""
    path.replace(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
