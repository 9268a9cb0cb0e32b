"""Files from outside laid into a folder: names that cannot leave it, archives that cannot burst.

A zip is judged by its table of contents before a byte of it is written, and counted again
while it is unpacked: a table of contents may lie.
"""

from __future__ import annotations

import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from jobs.errors import InvalidInput

MOST_FILES = 200_000
MOST_BYTES = 64 * 1024**3
LEAST_FREE_BYTES = 512 * 1024**2
MOST_RATIO = 200
DEEPEST = 12
LONGEST_PART = 120
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst")
_RUBBISH = ("__macosx", "thumbs.db", "desktop.ini")
_FLAG_ENCRYPTED, _FLAG_UTF8 = 0x1, 0x800
_PIECE = 1 << 20
_UNREADABLE = (
    zipfile.BadZipFile,
    NotImplementedError,  # a way of packing that Python does not know
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    zlib.error,
)


@dataclass(frozen=True)
class Member:
    """One file of an archive: its entry, and where it will lie."""

    entry: zipfile.ZipInfo
    path: PurePosixPath


def safe_path(name: str) -> PurePosixPath:
    """A relative path that stays where it is put, on any system.

    Raises:
        InvalidInput: for an absolute path, one that climbs, or names a system would misread.

    """
    parts = name.replace("\\", "/").split("/")
    kept = [part for part in parts if part not in ("", ".")]
    climbs = name.startswith(("/", "\\")) or ".." in kept or re.match(r"[A-Za-z]:", name)
    if climbs or not kept or len(kept) > DEEPEST or any(_is_odd(part) for part in kept):
        raise InvalidInput(f"file {name!r:.120}: expected a plain relative path")
    return PurePosixPath(*kept)


def is_rubbish(path: PurePosixPath) -> bool:
    """Whether a system put the file there for itself: hidden, or a folder's own notes."""
    return any(part.startswith(".") or part.lower() in _RUBBISH for part in path.parts)


def is_zip(name: str) -> bool:
    """Whether a file of this name is to be unpacked."""
    return name.lower().endswith(".zip")


def refuse_other_archive(path: PurePosixPath) -> None:
    """Refuse what only looks like images to a person: an archive that is not unpacked."""
    if path.name.lower().endswith(_ARCHIVES) and not is_zip(path.name):
        raise InvalidInput(f"file {path.name!r:.120}: expected a zip archive, no other kind")


def members(file: IO[bytes], name: str) -> list[Member]:
    """The files of a zip archive that would be unpacked, each fit to be.

    Raises:
        InvalidInput: for no zip, too much or too many, an encrypted, linked, nested or doubled
            member, or one whose name leads elsewhere.

    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except _UNREADABLE as error:
        raise InvalidInput(_unreadable(name, error)) from error
    if len(entries) > MOST_FILES:
        raise InvalidInput(
            f"archive {name!r:.120}: expected at most {MOST_FILES:,} files, got {len(entries):,}"
        )
    found = [Member(entry, safe_path(_decoded(entry))) for entry in entries if not entry.is_dir()]
    kept = [member for member in found if not is_rubbish(member.path)]
    for member in kept:
        _check_member(name, member)
    _refuse_doubles(name, kept)
    total = sum(member.entry.file_size for member in kept)
    if total > MOST_BYTES:
        raise InvalidInput(
            f"archive {name!r:.120}: expected at most {MOST_BYTES // 1024**3} GiB unpacked"
        )
    if not kept:
        raise InvalidInput(f"archive {name!r:.120}: expected images, it holds none")
    return kept


def unpack(archive_path: Path, folder: Path, progress: Callable[[], None] | None = None) -> int:
    """Every file of the archive below ``folder``; the number of bytes written.

    ``progress`` is called between files. What an earlier, broken-off try left must be gone.

    Raises:
        InvalidInput: as ``members`` says, or when a member is longer than it claimed, or
            stands where another file of the import lies, or the disk would be full.

    """
    written = 0
    with archive_path.open("rb") as file:
        found = members(file, archive_path.name)
        refuse_full_disk(folder, sum(member.entry.file_size for member in found))
        try:
            with zipfile.ZipFile(file) as archive:
                for member in found:
                    with archive.open(member.entry) as stream:
                        written += lay(stream, folder / member.path, member.entry.file_size)
                    if progress:
                        progress()
        except _UNREADABLE as error:
            raise InvalidInput(_unreadable(archive_path.name, error)) from error
    return written


def lay(stream: IO[bytes], target: Path, most_bytes: int) -> int:
    """The stream as a new file; its number of bytes.

    Raises:
        InvalidInput: when it is longer than ``most_bytes``, or the place is taken.

    """
    n_bytes = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            while chunk := stream.read(_PIECE):
                n_bytes += len(chunk)
                if n_bytes > most_bytes:
                    raise InvalidInput(
                        f"file {target.name!r:.120}: expected at most {most_bytes:,} bytes"
                    )
                file.write(chunk)
    except FileExistsError as error:
        raise InvalidInput(f"file {target.name!r:.120}: sent twice under one name") from error
    except NotADirectoryError as error:
        raise InvalidInput(f"file {target.name!r:.120}: lies under another file") from error
    return n_bytes


def refuse_full_disk(folder: Path, n_bytes: int) -> None:
    """Refuse what the disk of ``folder`` cannot take with some room to spare."""
    free = shutil.disk_usage(folder).free
    if free - n_bytes < LEAST_FREE_BYTES:
        raise InvalidInput(
            f"upload: {n_bytes / 1e9:,.1f} GB do not fit on the server's disk "
            f"({free / 1e9:,.1f} GB are free)"
        )


def remove(folder: Path) -> None:
    """Everything below ``folder`` and itself; nothing where it is gone already."""
    if folder.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():  # a file laid meanwhile: once more, and say so if it stays
            shutil.rmtree(folder)


def join(source: Path, target: Path) -> None:
    """The file at ``source`` at ``target`` too, without copying where the disk can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError as error:
        raise InvalidInput(f"file {target.name!r:.120}: sent twice under one name") from error
    except OSError:
        shutil.copyfile(source, target)


def _is_odd(part: str) -> bool:
    return bool(
        len(part.encode("utf-8", "replace")) > LONGEST_PART
        or not part.isprintable()
        or part[-1] in ". "
        or _RESERVED.fullmatch(part)
        or any(character in part for character in '<>:"|?*')
    )


def _check_member(name: str, member: Member) -> None:
    entry, shown = member.entry, f"archive {name!r:.120}: {str(member.path)!r:.120}"
    kind = entry.external_attr >> 28
    if kind not in (0, 0o10):  # a regular file, or an archiver that does not say
        raise InvalidInput(f"{shown} is no plain file (a link or device)")
    if entry.flag_bits & _FLAG_ENCRYPTED:
        raise InvalidInput(f"{shown} is encrypted: expected an archive without a password")
    if member.path.name.lower().endswith(_ARCHIVES):
        raise InvalidInput(f"{shown} is an archive itself: unpack it first")
    if entry.file_size > max(entry.compress_size, 4096) * MOST_RATIO:
        raise InvalidInput(f"{shown} unpacks to suspiciously much")


def _refuse_doubles(name: str, found: list[Member]) -> None:
    seen: set[PurePosixPath] = set()
    for member in found:
        if member.path in seen:
            raise InvalidInput(f"archive {name!r:.120}: {str(member.path)!r:.120} is in it twice")
        seen.add(member.path)


def _decoded(entry: zipfile.ZipInfo) -> str:
    """The member's name; many archivers write UTF-8 and forget to say so."""
    if entry.flag_bits & _FLAG_UTF8:
        return entry.filename
    try:
        return entry.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _unreadable(name: str, error: Exception) -> str:
    return f"archive {name!r:.120}: expected a readable zip file ({error!s:.120})"
