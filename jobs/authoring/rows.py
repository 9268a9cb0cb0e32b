"""The rows that fill a template: a CSV table, JSON objects in a list, or one a line."""

from __future__ import annotations

import csv
import io
from typing import Any

from jobs import strict_json
from jobs.errors import InvalidInput

Row = dict[str, Any]
MOST_ROWS = 100_000


def read_rows(text: str, where: str) -> tuple[Row, ...]:
    """The rows of ``text``; it is JSON when its first character opens an object or a list.

    Raises:
        InvalidInput: for no row, a column without a name or twice, a row of another length.

    """
    plain = text.removeprefix("\ufeff")
    rows = _READERS.get(plain.lstrip()[:1], _csv_rows)(plain, where)
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


def _json_lines(text: str, where: str) -> tuple[Row, ...]:
    lines = enumerate(filter(str.strip, text.splitlines()), start=1)
    return tuple(
        _object(_value(line, f"{where}: row {n}"), f"{where}: row {n}") for n, line in lines
    )


def _json_list(text: str, where: str) -> tuple[Row, ...]:
    values = _value(text, where)
    return tuple(_object(value, f"{where}: row {n}") for n, value in enumerate(values, start=1))


def _value(text: str, where: str) -> Any:
    try:
        return strict_json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"{where}: expected JSON: {error}") from error


def _object(value: Any, where: str) -> Row:
    if not isinstance(value, dict):
        raise InvalidInput(f"{where}: expected an object, got {value!r:.60}")
    return value


_READERS = {"{": _json_lines, "[": _json_list}
