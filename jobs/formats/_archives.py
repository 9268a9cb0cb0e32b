"""Zip archives without a clock: members in the order written, dates and modes fixed."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

from jobs import strict_json
from jobs.errors import InvalidInput
from jobs.formats import CONFIDENCE, LICENCE, PROVENANCE, ExportInfo, LabelRecord
from jobs.formats._paths import MemberNames
from jobs.formats._readme import licences_text, readme_text
from jobs.formats._rows import share_of

ITEMS, EVIDENCE = "items.csv", "provenance.jsonl"
README, FACTS, LICENCES = "README.txt", "export.json", "LICENCES.txt"
Facts = dict[str, Any]
"""What an archive says of a file beside its labels: fields of a ``LabelRecord``."""

_ALWAYS = ("file", "item", "sha256", "width", "height")
_RIGHTS, _SURE = ("licence", "source"), ("confidence", "agreement", "origin")
_MOST_MEMBERS = 4_000_000
_LARGEST_TEXT = 64 * 1024 * 1024


class ArchiveWriter:
    """Members; at the end, which item each file name stands for and what is known of it."""

    def __init__(self, archive: zipfile.ZipFile, info: ExportInfo, table: IO[str]) -> None:
        self._archive = archive
        self._info = info
        self._names = MemberNames()
        self._columns: tuple[str, ...] = _ALWAYS
        self._columns += _RIGHTS if LICENCE in info.included else ()
        self._columns += _SURE if CONFIDENCE in info.included else ()
        self._table = csv.DictWriter(
            table, self._columns, extrasaction="ignore", lineterminator="\n"
        )
        self._table.writeheader()
        self._evidence: BinaryIO | None = None

    def add(self, name: str, data: bytes) -> None:
        """A member, stored as it is: compressed bytes would differ between zlib versions."""
        self._archive.writestr(_member(name), data)

    def copy(self, name: str, source: BinaryIO) -> None:
        """A member with the bytes of a temporary file, however many they are."""
        member = _member(name)
        member.file_size = source.tell()
        source.seek(0)
        with self._archive.open(member, "w") as stream:
            shutil.copyfileobj(source, stream)

    def note_evidence_in(self, place: BinaryIO) -> None:
        """Keep a line about each record in ``place``."""
        self._evidence = place

    def stem_of(self, record: LabelRecord) -> str:
        """The safe stem of the record's files, noted in the table."""
        stem = self._names.stem_of(record)
        file = f"{stem}.{record.suffix}"
        agreement = "" if record.agreement is None else round(record.agreement, 6)
        rounded = {"confidence": round(record.confidence, 6), "agreement": agreement}
        self._table.writerow({**vars(record), **rounded, "file": file})
        if self._evidence and record.provenance:
            line = {"file": file, "item": record.item, "provenance": record.provenance}
            self._evidence.write(_json(line, None) + b"\n")
        return stem

    def add_facts(self) -> None:
        """What the whole archive is, for people and for programs, and what its pictures allow."""
        if self._info.facts is None:
            return
        facts = self._info.facts()
        if LICENCE in self._info.included:
            self.add(LICENCES, licences_text(facts).encode())
        self.add(FACTS, _json(facts, 2) + b"\n")
        self.add(README, readme_text(facts, self._archive.namelist()).encode())


@contextmanager
def writing(out: BinaryIO, info: ExportInfo) -> Iterator[ArchiveWriter]:
    """An open archive on ``out``; the tables about its items are its last members."""
    with ExitStack() as stack:
        archive = stack.enter_context(
            zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, strict_timestamps=True)
        )
        table = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline=""))
        evidence = stack.enter_context(tempfile.TemporaryFile())
        writer = ArchiveWriter(archive, info, table)
        if PROVENANCE in info.included:
            writer.note_evidence_in(evidence)
        yield writer
        table.seek(0)
        writer.add(ITEMS, table.read().encode())
        if evidence.tell():
            writer.copy(EVIDENCE, evidence)
        writer.add_facts()


class ArchiveReader:
    """Members read one by one, by name; nothing is ever extracted to a disk."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.names = archive.namelist()

    def text(self, name: str) -> str:
        """A member's text; InvalidInput when it is missing, too large, or not UTF-8."""
        try:
            member = self._archive.getinfo(name)
            if member.file_size > _LARGEST_TEXT:
                raise InvalidInput(f"{name}: expected at most {_LARGEST_TEXT:,} bytes")
            with self._archive.open(member) as stream:
                data = stream.read(_LARGEST_TEXT + 1)
            return data.decode("utf-8-sig")
        except KeyError as error:
            raise InvalidInput(f"the archive has no {name}") from error
        except (zipfile.BadZipFile, UnicodeDecodeError, RuntimeError) as error:
            raise InvalidInput(f"{name}: cannot be read ({type(error).__name__})") from error

    def facts(self, *, is_needed: bool = False) -> dict[str, Facts]:
        """What is known of each file, by its name; nothing in an archive that is not ours.

        Raises:
            InvalidInput: when the table of items is none, or ``is_needed`` and not there.

        """
        if ITEMS not in self.names and not is_needed:
            return {}
        evidence = self._evidence()
        rows = csv.DictReader(io.StringIO(self.text(ITEMS), newline=""))
        return {row["file"]: _facts(row, evidence) for row in map(_checked, rows)}

    def _evidence(self) -> dict[str, dict[str, Any]]:
        """How each file's label came about, by its name."""
        found = {}
        for line in self.text(EVIDENCE).splitlines() if EVIDENCE in self.names else ():
            try:
                said = strict_json.loads(line)
            except ValueError as error:
                raise InvalidInput(f"{EVIDENCE}: expected JSON lines: {error!s:.120}") from error
            if isinstance(said, dict) and isinstance(said.get("provenance"), dict):
                found[str(said.get("file"))] = said["provenance"]
        return found


@contextmanager
def reading(path: Path) -> Iterator[ArchiveReader]:
    """The archive at ``path``; InvalidInput when it is none or has too many members."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise InvalidInput(f"{path}: expected a zip archive") from error
    with archive:
        if len(archive.filelist) > _MOST_MEMBERS:
            raise InvalidInput(f"{path}: expected at most {_MOST_MEMBERS:,} members")
        yield ArchiveReader(archive)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.create_system = 3
    member.external_attr = 0o644 << 16
    return member


def _checked(row: dict[Any, Any]) -> dict[str, str]:
    known = {*_ALWAYS, *_RIGHTS, *_SURE}
    if not set(_ALWAYS) <= set(row) <= known or not all(
        isinstance(cell, str) for cell in row.values()
    ):
        raise InvalidInput(f"{ITEMS}: expected the columns {', '.join((*_ALWAYS, *_RIGHTS))}")
    if not (row["width"].isdigit() and row["height"].isdigit()):
        raise InvalidInput(f"{ITEMS}: expected whole numbers as width and height")
    return row


def _facts(row: dict[str, str], evidence: dict[str, dict[str, Any]]) -> Facts:
    sure = share_of(row.get("confidence"))
    return {
        "item": row["item"],
        "sha256": row["sha256"],
        "width": int(row["width"]),
        "height": int(row["height"]),
        "licence": row.get("licence", ""),
        "source": row.get("source", ""),
        "confidence": 1.0 if sure is None else sure,
        "agreement": share_of(row.get("agreement")),
        "origin": row.get("origin", ""),
        "provenance": evidence.get(row["file"], {}),
    }


def _json(value: Any, indent: int | None) -> bytes:
    separators = (",", ":") if indent is None else None
    return json.dumps(
        value,
        ensure_ascii=False,
        allow_nan=False,
        indent=indent,
        separators=separators,
        sort_keys=True,
    ).encode()
