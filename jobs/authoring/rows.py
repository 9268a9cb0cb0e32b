"""The rows that fill a template: a CSV table, or one JSON object a line."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from jobs.errors import InvalidInput

Row = dict[str, Any]
MOST_ROWS = 100_000


def read_rows(text: str, where: str) -> tuple[Row, ...]:
    """The rows of ``text``; it is JSON lines when its first character opens an object.

    Raises:
        InvalidInput: for no row, a column without a name or twice, a row of another length.

    """
    plain = text.removeprefix("\ufeff")
    rows = _json_rows(plain, where) if plain.lstrip()[:1] == "{" else _csv_rows(plain, where)
    if not 1 <= len(rows) <= MOST_ROWS:
        raise InvalidInput(f"{where}: expected 1 to {MOST_ROWS:,} rows, got {len(rows):,}")
    return rows


def _csv_rows(text: str, where: str) -> tuple[Row, ...]:
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise InvalidInput(f"{where}: expected a CSV table: {error}") from error
    header, rows = (lines[0] if lines else []), [line for line in lines[1:] if line]
    if not header or len(set(header)) != len(header) or "" in header:
        raise InvalidInput(f"{where}: expected a name for every column, each once, got {header}")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise InvalidInput(
                f"{where}: row {number}: expected {len(header)} cells, got {len(row)}"
            )
    return tuple(dict(zip(header, row, strict=True)) for row in rows)


def _json_rows(text: str, where: str) -> tuple[Row, ...]:
    rows = []
    for number, line in enumerate(filter(str.strip, text.splitlines()), start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InvalidInput(f"{where}: row {number}: expected JSON: {error}") from error
        if not isinstance(row, dict):
            raise InvalidInput(f"{where}: row {number}: expected an object, got {row!r:.60}")
        rows.append(row)
    return tuple(rows)
