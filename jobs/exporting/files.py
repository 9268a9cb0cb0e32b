"""Files that appear whole or not at all, in the folder of exports or where somebody wants them."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from jobs.settings import Settings


def exports_folder(settings: Settings) -> Path:
    """The folder that exports are written to."""
    return settings.data_dir / "exports"


@contextmanager
def part_of(folder: Path, owner: str) -> Iterator[Path]:
    """A place beside the target to write to, gone at the end unless it was moved.

    What an earlier run of the same ``owner`` left behind when it was killed goes first; that
    run, should it live on, can no longer put its file in place.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f".{owner}-*.part"):
        left.unlink(missing_ok=True)
    path = folder / f".{owner}-{secrets.token_hex(8)}.part"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def keep(path: Path, target: Path) -> None:
    """Rename, and make the rename itself last through a power cut."""
    path.replace(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def settle(stream: BinaryIO) -> None:
    """Bring what was written onto the disk."""
    stream.flush()
    os.fsync(stream.fileno())


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def copy_whole(source: Path, folder: Path) -> Path:
    """A copy of the file in ``folder`` under its own name; ``source`` itself if it lies there."""
    target = folder / source.name
    if folder.resolve() == source.parent.resolve():
        return target
    with part_of(folder, f"copy-{source.name[:80]}") as beside:
        shutil.copyfile(source, beside)
        with beside.open("rb+") as stream:
            settle(stream)
        keep(beside, target)
    return target
