"""JSON lines with everything: value, confidence, origin, votes, weights and provenance."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from jobs.formats import CONFIDENCE, LICENCE, PROVENANCE, ExportInfo, LabelFile, LabelRecord
from jobs.formats._rows import Row, read_jsonl_rows
from jobs.records import BOXES, TAGS

SUFFIX = ".jsonl"
KINDS = (BOXES, TAGS)
HOLDS = (CONFIDENCE, PROVENANCE, LICENCE)

_TEXTS = ("sha256", "licence", "source", "origin", "suffix")


def read(path: Path) -> LabelFile:
    """One record a line, as ``write`` makes them.

    Lines that people write may be shorter: ``{"item": ..., "boxes": [...]}`` or
    ``{"item": ..., "tags": {...}}``; a box has left and top with right and bottom, or
    with width and height.
    """
    records = tuple(_record(row) for row in read_jsonl_rows(path))
    return LabelFile(ExportInfo("", (), ()), records)


def write(records: Iterable[LabelRecord], out: BinaryIO, info: ExportInfo) -> None:
    """One line a record, keys sorted."""
    for record in records:
        text = json.dumps(
            _body(record, info.included),
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
            sort_keys=True,
        )
        out.write(text.encode() + b"\n")


def _body(record: LabelRecord, included: tuple[str, ...]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "item": record.item,
        "sha256": record.sha256,
        "suffix": record.suffix,
        "width": record.width,
        "height": record.height,
        "kind": record.kind,
        "value": record.value,
        "origin": record.origin,
    }
    if CONFIDENCE in included:
        body["confidence"] = record.confidence
        if record.agreement is not None:
            body["agreement"] = record.agreement
    if PROVENANCE in included:
        body["provenance"] = record.provenance
    if LICENCE in included:
        body |= {"licence": record.licence, "source": record.source}
    return body


def _record(row: Row) -> LabelRecord:
    body = row.values
    value = body.get("value", body)
    kind = TAGS if isinstance(value, dict) and "tags" in value else BOXES
    texts = {key: body[key] for key in _TEXTS if isinstance(body.get(key), str)}
    sides = {key: body[key] for key in ("width", "height") if isinstance(body.get(key), int)}
    problem = row.problem or _problem(body, value, kind)
    confidence, agreement = body.get("confidence", 1.0), body.get("agreement")
    return LabelRecord(
        item=str(body.get("item") or body.get("image") or ""),
        sha256=texts.get("sha256", ""),
        width=sides.get("width", 0),
        height=sides.get("height", 0),
        licence=texts.get("licence", ""),
        source=texts.get("source", ""),
        kind=kind,
        value={} if problem else _value(value, kind),
        confidence=confidence if isinstance(confidence, int | float) else 1.0,
        agreement=agreement if isinstance(agreement, int | float) else None,
        origin=texts.get("origin", ""),
        provenance=body["provenance"] if isinstance(body.get("provenance"), dict) else {},
        suffix=texts.get("suffix", "jpg"),
        problem=problem and f"line {row.line}: {problem}",
    )


def _problem(body: Mapping[str, Any], value: Any, kind: str) -> str:
    if not body.get("item") and not body.get("image"):
        return "expected an item"
    held = value.get(kind) if isinstance(value, dict) else None
    if kind == TAGS:
        return "" if isinstance(held, dict) else "expected tags by attribute"
    if not isinstance(held, list) or not all(isinstance(box, dict) for box in held):
        return "expected a list of boxes, or tags"
    return ""


def _value(value: Mapping[str, Any], kind: str) -> dict[str, Any]:
    if kind == TAGS:
        return {"tags": value[TAGS]}
    return {"boxes": [_corners(box) for box in value[BOXES]]}


def _corners(box: Mapping[str, Any]) -> dict[str, Any]:
    """The box with right and bottom; what is no number is left for the schema's check."""
    if "right" in box or not {"left", "top", "width", "height"} <= box.keys():
        return dict(box)
    left, top, width, height = (box[key] for key in ("left", "top", "width", "height"))
    if not all(type(side) in (int, float) for side in (left, top, width, height)):
        return dict(box)
    rest = {key: each for key, each in box.items() if key not in ("width", "height")}
    return {**rest, "right": left + width, "bottom": top + height}
