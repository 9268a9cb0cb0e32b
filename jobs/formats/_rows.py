"""Rows of CSV and JSONL files that people or strangers wrote."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs import strict_json
from jobs.errors import InvalidInput

LARGEST_FILE_BYTES = 2 * 1024**3
LONGEST_LINE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Row:
    """One row: its line, its values by column, or why it cannot be read."""

    line: int
    values: dict[str, Any]
    problem: str = ""


def read_csv_rows(path: Path) -> Iterator[Row]:
    """Rows of a comma-separated UTF-8 file with a header; values are text.

    Raises:
        InvalidInput: for another encoding or delimiter, an absent or repeated header, or
            text that is not CSV; such a file has no rows that could be trusted.

    """
    check_file(path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            header = next(reader, [])
            _check_header(header, path)
            for cells in reader:
                if cells:
                    yield _csv_row(reader.line_num, header, cells)
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{path.name}: expected UTF-8 text") from error
        except csv.Error as error:
            raise InvalidInput(f"{path.name}, line {reader.line_num}: {error}") from error


def read_jsonl_rows(path: Path) -> Iterator[Row]:
    """Rows of a file with one JSON object a line; a bad line is a row with a problem."""
    check_file(path)
    with path.open("rb") as stream:
        line = 0
        while text := stream.readline(LONGEST_LINE + 1):
            line += 1
            if len(text) > LONGEST_LINE:
                raise InvalidInput(f"{path.name}, line {line}: longer than {LONGEST_LINE:,} bytes")
            if text.strip():
                yield _jsonl_row(line, text)


def share_of(cell: str | None) -> float | None:
    """The share in [0, 1] that a cell says; None where it says no number."""
    try:
        return min(max(float(cell or ""), 0.0), 1.0)
    except ValueError:
        return None


def check_file(path: Path, largest_bytes: int = LARGEST_FILE_BYTES) -> None:
    """InvalidInput unless ``path`` is a regular file of at most ``largest_bytes``."""
    if not path.is_file():
        came = "a folder" if path.is_dir() else "nothing there"
        raise InvalidInput(f"{path}: expected a file, found {came}")
    if path.stat().st_size > largest_bytes:
        raise InvalidInput(f"{path}: expected at most {largest_bytes:,} bytes")


def _check_header(header: list[str], path: Path) -> None:
    if not header or header == [""]:
        raise InvalidInput(f"{path.name}: expected a header line with the names of the columns")
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        raise InvalidInput(f"{path.name}: expected commas between columns")
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise InvalidInput(f"{path.name}: column {min(twice)!r:.80} appears twice")


def _csv_row(line: int, header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        problem = f"expected {len(header)} columns, got {len(cells)}"
        return Row(line, dict(zip(header, cells, strict=False)), problem)
    if any("\0" in cell for cell in cells):
        return Row(line, {}, "expected text without NUL characters")
    return Row(line, dict(zip(header, cells, strict=True)))


def _jsonl_row(line: int, text: bytes) -> Row:
    try:
        value = strict_json.loads(text.decode("utf-8-sig" if line == 1 else "utf-8"))
    except ValueError as error:
        return Row(line, {}, f"expected a JSON object: {error!s:.120}")
    if not isinstance(value, dict):
        return Row(line, {}, f"expected a JSON object, got {type(value).__name__}")
    return Row(line, value)
