"""Where the rows of an import come from: sent files, a place on the server, or S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from jobs import formats
from jobs.blobs import S3Access, parse_s3_prefix
from jobs.errors import InvalidInput
from jobs.formats import IncomingItem
from jobs.intake import archives

_LISTS = {".csv": "manifest", ".jsonl": "manifest", ".ndjson": "manifest", ".json": "coco"}
_IMAGES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif")


def lay_out(received: Path, laid: Path, between: Callable[[], None]) -> Path:
    """A folder with what was sent, archives unpacked; ``between`` is called between files.

    Repeating it begins anew, so that a broken-off try leaves nothing half.

    Raises:
        InvalidInput: for an archive that is none, is hostile, or holds other archives.

    """
    sent = sorted(path for path in received.rglob("*") if path.is_file())
    if not any(archives.is_zip(path.name) for path in sent):
        return received
    archives.remove(laid)
    laid.mkdir(parents=True)
    for path in sent:
        if archives.is_zip(path.name):
            archives.unpack(path, laid, between)
        else:
            archives.join(path, laid / path.relative_to(received))
    return laid


def rows_of_folder(folder: Path) -> Iterator[IncomingItem]:
    """The rows of the one list in the folder, or else every file in it.

    A single folder around everything is passed through. Raises InvalidInput for nothing.
    """
    inner = folder
    while len(found := list(inner.iterdir())) == 1 and found[0].is_dir():
        inner = found[0]
    if not found:
        raise InvalidInput("upload: expected images, found none")
    lists = [path for path in found if path.suffix.lower() in _LISTS]
    return rows_of_path(lists[0] if len(lists) == 1 else inner)


def rows_of_path(path: Path) -> Iterator[IncomingItem]:
    """The rows of a folder, or of a manifest or COCO file."""
    form = "folder" if path.is_dir() else _LISTS.get(path.suffix.lower(), "manifest")
    return formats.item_reader(form)(path)


def rows_of_s3(s3: S3Access, uri: str) -> Iterator[IncomingItem]:
    """The images below ``s3://bucket/prefix``, by name; other objects are left out."""
    _, prefix = parse_s3_prefix(uri)
    n_left_out = len(prefix.rpartition("/")[0])
    row = 0
    for found in s3.listing(uri):
        key = found.split("/", 3)[3]
        if PurePosixPath(key).suffix.lower() in _IMAGES:
            row += 1
            yield IncomingItem(row, key[n_left_out:].lstrip("/"), uri=found)
