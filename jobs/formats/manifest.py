"""A CSV or JSONL list of images: a path or an S3 address a row, and any other columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs.errors import InvalidInput
from jobs.formats import IncomingItem
from jobs.formats._paths import file_inside, refusal_of_name
from jobs.formats._rows import Row, read_csv_rows, read_jsonl_rows

LOCATIONS = ("path", "uri")
_MOST_ATTRIBUTE_BYTES = 64 * 1024
_NAMED = (*LOCATIONS, "name", "licence", "license", "source")


def read_items(path: Path) -> Iterator[IncomingItem]:
    """One item a row.

    ``path`` is a file inside the manifest's folder, ``uri`` an ``s3://bucket/key``; one of
    them is due. ``name``, ``licence`` (or ``license``) and ``source`` are optional, and all
    other columns are kept as the item's attributes.
    """
    rows = read_jsonl_rows if path.suffix.lower() in (".jsonl", ".ndjson") else read_csv_rows
    for row in rows(path):
        try:
            yield _item(row, path.parent)
        except InvalidInput as error:
            name = row.values.get("name") or row.values.get("path") or row.values.get("uri") or ""
            yield IncomingItem(row.line, f"{name!s:.200}", refusal=str(error))


def _item(row: Row, folder: Path) -> IncomingItem:
    if row.problem:
        raise InvalidInput(row.problem)
    texts = {key: _text(row.values, key) for key in _NAMED}
    location, uri = texts["path"], texts["uri"]
    if bool(location) == bool(uri):
        raise InvalidInput("expected either a path or a uri column")
    if "://" in location:
        location, uri = "", location
    name = texts["name"] or location or uri.split("/", 3)[-1]
    reason = refusal_of_name(name)
    if reason:
        raise InvalidInput(reason)
    if uri and not uri.startswith("s3://"):
        raise InvalidInput(f"uri: expected s3://bucket/key, got {uri!r:.200}")
    return IncomingItem(
        row=row.line,
        name=name,
        path=file_inside(folder, location) if location else None,
        uri=uri,
        licence=texts["licence"] or texts["license"],
        source=texts["source"],
        attributes=_attributes(row.values),
    )


def _attributes(values: dict[str, Any]) -> dict[str, Any]:
    """The free columns, if a database and a page can hold them."""
    kept = {key: value for key, value in values.items() if key not in _NAMED}
    try:
        text = json.dumps(kept, ensure_ascii=False)
        n_bytes = len(text.encode())
    except (UnicodeEncodeError, RecursionError) as error:
        raise InvalidInput("columns: expected text without half characters or depth") from error
    if n_bytes > _MOST_ATTRIBUTE_BYTES or "\\u0000" in text:
        raise InvalidInput(
            f"columns: expected at most {_MOST_ATTRIBUTE_BYTES:,} bytes a row, without NUL"
        )
    return kept


def _text(values: dict[str, Any], key: str) -> str:
    value = values.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"{key}: expected text, got {value!r:.60}")
    return value.strip()
