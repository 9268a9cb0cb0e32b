"""Files that browsers and programs send, laid into the folder of their import.

Sent whole, several at a time, or a large one in pieces; a piece that is sent again lands
where it lay, so that a broken connection costs one piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

from werkzeug.datastructures import FileStorage

from jobs.db import reading, transaction
from jobs.errors import Conflict, InvalidInput
from jobs.intake import archives, intakes
from jobs.intake.archives import is_rubbish, is_zip, safe_path
from jobs.resources import Resources

LARGEST_PIECE = 16 * 1024 * 1024
_CHUNK = 1 << 20


def receive_files(place: Resources, intake_id: int, files: Sequence[FileStorage]) -> int:
    """Whole files of a form; how many are kept. What a system left lying about is not.

    Raises:
        Conflict: when the import takes no more files.
        InvalidInput: for a name that leads elsewhere or came already, or for too much.

    """
    wanted = [(safe_path(file.filename or ""), file) for file in files if file.filename]
    kept = [(path, file) for path, file in wanted if not is_rubbish(path)]
    for path, _ in kept:
        archives.refuse_other_archive(path)
    sizes = [_size(file.stream) for _, file in kept]
    folder = _room(place, intake_id, len(kept), sum(sizes))
    for (path, file), size in zip(kept, sizes, strict=True):
        archives.lay(file.stream, folder / path, size)
    return len(kept)


def receive_piece(
    place: Resources, intake_id: int, name: str, offset: int, length: int, stream: IO[bytes]
) -> int:
    """``length`` bytes of the file ``name`` from ``offset`` on; the file's size so far.

    Raises:
        Conflict: when a piece before this one is missing, or the import takes no more.
        InvalidInput: for a bad name, or a piece longer than said or allowed.

    """
    path = safe_path(name)
    archives.refuse_other_archive(path)
    if not 0 <= length <= LARGEST_PIECE:
        raise InvalidInput(f"piece: expected at most {LARGEST_PIECE:,} bytes, got {length:,}")
    folder = _room(place, intake_id, int(offset == 0), length)
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if offset == 0:
        target.touch()
    size = target.stat().st_size if target.is_file() else 0
    if offset > size or not target.is_file():
        raise Conflict(f"file {path.name!r:.120}: expected the piece from byte {size:,} on")
    with target.open("r+b") as file:
        file.seek(offset)
        while length and (chunk := stream.read(min(_CHUNK, length))):
            file.write(chunk)
            length -= len(chunk)
        size = max(size, file.tell())
    if length:
        raise InvalidInput(f"file {path.name!r:.120}: the connection broke off; send it again")
    return size


def finish(place: Resources, intake_id: int, now: datetime) -> None:
    """Hand the import to the background, once every archive in it is fit to be unpacked.

    Raises:
        Conflict: when it was cancelled meanwhile.
        InvalidInput: for no file, or an archive that is none or hostile: the import is given up.

    """
    with reading(place.sessions) as session:
        staged = intakes.awaited(session, intake_id)
    try:
        if staged:
            _check_archives(intakes.received_folder(place.settings, staged))
        with transaction(place.sessions) as session:
            intakes.start(session, intake_id, now)
    except InvalidInput:
        with transaction(place.sessions) as session:
            intakes.cancel(session, intake_id, now)
        raise


def _check_archives(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and is_zip(path.name):
            with path.open("rb") as file:
                archives.members(file, path.name)


def _room(place: Resources, intake_id: int, n_files: int, n_bytes: int) -> Path:
    """Where the import's files lie, once there is room for that much more."""
    root = intakes.uploads_folder(place.settings)
    root.mkdir(parents=True, exist_ok=True)
    archives.refuse_full_disk(root, n_bytes)
    with transaction(place.sessions) as session:
        staged = intakes.reserve(session, intake_id, n_files, n_bytes, place.clock())
    folder = intakes.received_folder(place.settings, staged)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _size(stream: IO[bytes]) -> int:
    size = stream.seek(0, 2)
    stream.seek(0)
    return size
