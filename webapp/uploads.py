"""Files a browser sends, laid into a folder under names that cannot leave it."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from werkzeug.datastructures import FileStorage

from jobs.errors import InvalidInput

MOST_FILES = 20_000
MOST_BYTES = 4 * 1024**3
MOST_RATIO = 200
DEEPEST = 12
LONGEST_PART = 120
_MANIFESTS = {".csv": "manifest", ".jsonl": "manifest", ".json": "coco"}
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Upload:
    """What was sent: where it lies, and the import format that reads it."""

    source: Path
    format: str


@contextmanager
def received(files: Sequence[FileStorage], data_dir: Path) -> Iterator[Upload]:
    """The sent files in a folder of their own, which is gone at the end of the block.

    One archive, or any number of images with at most one list of them (CSV, JSONL, COCO).

    Raises:
        InvalidInput: for no file, or an archive that is none or would grow too large.

    """
    sent = [file for file in files if file.filename]
    if not sent:
        raise InvalidInput("files: expected a zip archive, images, or a manifest; got none")
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="upload-", dir=data_dir) as name:
        folder = Path(name)
        budget = _Budget()
        for file in sent:
            if (file.filename or "").lower().endswith(".zip"):
                _unpack(file.stream, folder, budget)
            else:
                _keep(file.stream, folder / safe_path(file.filename or ""), budget)
        yield _understood(folder)


def safe_path(name: str) -> PurePosixPath:
    """A relative path that stays where it is put, on any system.

    Raises:
        InvalidInput: for an absolute path, one that climbs, or names a system would misread.

    """
    parts = name.replace("\\", "/").split("/")
    kept = [part for part in parts if part not in ("", ".")]
    climbs = name.startswith(("/", "\\")) or ".." in kept or re.match(r"[A-Za-z]:", name)
    odd = any(
        len(part.encode("utf-8", "replace")) > LONGEST_PART
        or not part.isprintable()
        or part[-1] in ". "
        or _RESERVED.fullmatch(part)
        or any(character in part for character in '<>:"|?*')
        for part in kept
    )
    if climbs or odd or not kept or len(kept) > DEEPEST:
        raise InvalidInput(f"file {name!r:.120}: expected a plain relative path")
    return PurePosixPath(*kept)


class _Budget:
    """What may still be written."""

    def __init__(self) -> None:
        self.n_files = MOST_FILES
        self.n_bytes = MOST_BYTES

    def take_file(self) -> None:
        self.n_files -= 1
        if self.n_files < 0:
            raise InvalidInput(f"upload: expected at most {MOST_FILES:,} files")

    def take_bytes(self, n: int) -> None:
        self.n_bytes -= n
        if self.n_bytes < 0:
            raise InvalidInput(f"upload: expected at most {MOST_BYTES // 1024**3} GiB unpacked")


def _unpack(stream: IO[bytes], folder: Path, budget: _Budget) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            for member in archive.infolist():
                if not member.is_dir():
                    _unpack_one(archive, member, folder, budget)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise InvalidInput(f"archive: expected a readable zip file ({error!s:.120})") from error


def _unpack_one(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, budget: _Budget
) -> None:
    path = safe_path(member.filename)
    if path.parts[0] == "__MACOSX" or path.name.startswith("."):
        return
    kind = member.external_attr >> 28
    if kind not in (0, 0o10):  # a regular file, or an archiver that does not say
        raise InvalidInput(f"archive: {member.filename!r:.120} is no plain file")
    if member.file_size > max(member.compress_size, 4096) * MOST_RATIO:
        raise InvalidInput(f"archive: {member.filename!r:.120} unpacks to suspiciously much")
    with archive.open(member) as stream:
        _keep(stream, folder / path, budget)


def _keep(stream: IO[bytes], target: Path, budget: _Budget) -> None:
    budget.take_file()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            while chunk := stream.read(1 << 20):
                budget.take_bytes(len(chunk))
                file.write(chunk)
    except FileExistsError as error:
        raise InvalidInput(f"file {target.name!r:.120}: sent twice under one name") from error
    except NotADirectoryError as error:
        raise InvalidInput(f"file {target.name!r:.120}: lies under another file") from error


def _understood(folder: Path) -> Upload:
    """The folder without its single outer folder, and how to read it."""
    inner = folder
    while len(found := list(inner.iterdir())) == 1 and found[0].is_dir():
        inner = found[0]
    lists = [path for path in inner.iterdir() if path.suffix.lower() in _MANIFESTS]
    if not any(inner.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)
        raise InvalidInput("upload: expected images, found none")
    if len(lists) == 1:
        return Upload(lists[0], _MANIFESTS[lists[0].suffix.lower()])
    return Upload(inner, "folder")
