"""Folders for the length of one command, which its death leaves to whoever comes next.

A living process holds a lock on its folder; the kernel lets go of it however the process ends.
A folder whose lock is free is therefore nobody's.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "command-"


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder of one's own below ``parent``, gone afterwards; those nobody owns go first."""
    parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(parent)
    folder, lock = _own_folder(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        os.close(lock)


def remove_abandoned(parent: Path) -> int:
    """Remove the folders below ``parent`` whose process is gone, and say how many."""
    return sum(_remove(folder) for folder in parent.glob(f"{PREFIX}*") if folder.is_dir())


def _own_folder(parent: Path) -> tuple[Path, int]:
    """A new folder and the lock on it; somebody may have swept it before it was locked."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = _locked(folder)
        if lock is None:
            continue
        if folder.exists():
            return folder, lock
        os.close(lock)


def _remove(folder: Path) -> bool:
    lock = _locked(folder)
    if lock is None:
        return False
    try:
        shutil.rmtree(folder, ignore_errors=True)  # what stays is tried again at the next sweep
    finally:
        os.close(lock)
    return not folder.exists()


def _locked(folder: Path) -> int | None:
    """The lock on the folder; None while a living process has it, or when the folder is gone."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
