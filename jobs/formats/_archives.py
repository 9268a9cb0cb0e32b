"""Zip archives without a clock: members in the order written, dates and modes fixed."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from jobs.errors import InvalidInput
from jobs.formats import LabelRecord
from jobs.formats._paths import MemberNames

ITEMS = "items.csv"
_COLUMNS = ("file", "item", "sha256", "width", "height", "licence", "source")
_MOST_MEMBERS = 4_000_000
_LARGEST_TEXT = 64 * 1024 * 1024


class ArchiveWriter:
    """Members, and at the end a table of which item each file name stands for."""

    def __init__(self, archive: zipfile.ZipFile, table: IO[str]) -> None:
        self._archive = archive
        self._names = MemberNames()
        self._table = csv.writer(table, lineterminator="\n")
        self._table.writerow(_COLUMNS)

    def add(self, name: str, data: bytes) -> None:
        """A member, stored as it is: compressed bytes would differ between zlib versions."""
        member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        member.create_system = 3
        member.external_attr = 0o644 << 16
        self._archive.writestr(member, data)

    def stem_of(self, record: LabelRecord) -> str:
        """The safe stem of the record's files, noted in the table."""
        stem = self._names.stem_of(record)
        self._table.writerow(
            [
                f"{stem}.{record.suffix}",
                record.item,
                record.sha256,
                record.width,
                record.height,
                record.licence,
                record.source,
            ]
        )
        return stem


@contextmanager
def writing(out: BinaryIO) -> Iterator[ArchiveWriter]:
    """An open archive on ``out``; the table of items is its last member."""
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, strict_timestamps=True) as archive,
        tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as table,
    ):
        writer = ArchiveWriter(archive, table)
        yield writer
        table.seek(0)
        writer.add(ITEMS, table.read().encode())


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

    def items(self) -> list[dict[str, str]]:
        """Rows of the table of items; InvalidInput when the archive has none."""
        rows = list(csv.DictReader(io.StringIO(self.text(ITEMS), newline="")))
        for row in rows:
            if set(row) != set(_COLUMNS) or not all(isinstance(cell, str) for cell in row.values()):
                raise InvalidInput(f"{ITEMS}: expected the columns {', '.join(_COLUMNS)}")
            if not (row["width"].isdigit() and row["height"].isdigit()):
                raise InvalidInput(f"{ITEMS}: expected whole numbers as width and height")
        return rows


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
