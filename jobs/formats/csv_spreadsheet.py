"""CSV of tags that a spreadsheet can open: no cell is a formula, whatever a worker wrote."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from jobs.formats import ExportInfo, LabelFile, LabelRecord, csv_tags

SUFFIX = ".csv"
KINDS = csv_tags.KINDS
HOLDS = csv_tags.HOLDS

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # without it Excel takes UTF-8 for a local encoding
# First characters that start a formula, in full width too, or hide one; and our own guard.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠", "'")


def read(path: Path) -> LabelFile:
    """As ``csv_tags.read``, guards taken off."""
    return csv_tags.read_cells(path, lambda cell: cell.removeprefix("'"))


def write(records: Iterable[LabelRecord], out: BinaryIO, info: ExportInfo) -> None:
    """As ``csv_tags.write``, with ``'`` before text that a spreadsheet could take for a formula."""
    out.write(_BYTE_ORDER_MARK)
    csv_tags.write_cells(records, out, info, _guarded)


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" ").startswith(_DANGEROUS) else cell
