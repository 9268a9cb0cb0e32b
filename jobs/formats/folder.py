"""A folder of images, with its subfolders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from jobs.errors import InvalidInput
from jobs.formats import IncomingItem
from jobs.formats._paths import file_inside


def read_items(path: Path) -> Iterator[IncomingItem]:
    """Every file below the folder in order of its path, hidden ones left out.

    Links to folders are not followed; a link to a file must stay inside.
    """
    if not path.is_dir():
        raise InvalidInput(f"{path}: expected a folder of images")
    for row, name in enumerate(sorted(_names(path)), start=1):
        try:
            yield IncomingItem(row, name, file_inside(path, name))
        except InvalidInput as error:
            yield IncomingItem(row, name, refusal=str(error))


def _names(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(folder).relative_to(root)
        yield from ((below / name).as_posix() for name in files if not name.startswith("."))
