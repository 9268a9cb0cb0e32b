"""YOLO: a zip of one text file an image, with ``data.yaml`` and a table of the items."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from jobs.errors import InvalidInput
from jobs.formats import (
    CONFIDENCE,
    IMAGES,
    LICENCE,
    PROVENANCE,
    ExportInfo,
    LabelFile,
    LabelRecord,
)
from jobs.formats._archives import ArchiveWriter, Facts, reading, writing
from jobs.records import BOXES
from jobs.strict_yaml import read_mapping

SUFFIX = ".zip"
KINDS = (BOXES,)
HOLDS = (CONFIDENCE, PROVENANCE, LICENCE, IMAGES)

_DECIMALS = 6


def read(path: Path) -> LabelFile:
    """Records of an archive that ``write`` made; sizes come from its table of items."""
    with reading(path) as archive:
        names = read_mapping(archive.text("data.yaml"), "data.yaml").get("names")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InvalidInput("data.yaml: expected names as a list of text")
        records = []
        for file, facts in archive.facts(is_needed=True).items():
            text = archive.text(f"labels/{file.rpartition('.')[0]}.txt")
            records.append(_record(file, facts, text, names))
    return LabelFile(ExportInfo("", tuple(names), ()), tuple(records))


def write(records: Iterable[LabelRecord], out: BinaryIO, info: ExportInfo) -> None:
    """Boxes as class index, centre and size, in shares of the image."""
    numbers = {name: number for number, name in enumerate(info.classes)}
    with writing(out, info) as archive:
        archive.add("data.yaml", _data_yaml(info).encode())
        for record in records:
            _write_record(archive, record, numbers, info)


def _data_yaml(info: ExportInfo) -> str:
    names = "".join(f"- {json.dumps(name, ensure_ascii=False)}\n" for name in info.classes)
    return f"path: .\ntrain: images\nval: images\nnc: {len(info.classes)}\nnames:\n{names}"


def _write_record(
    archive: ArchiveWriter, record: LabelRecord, numbers: Mapping[str, int], info: ExportInfo
) -> None:
    stem = archive.stem_of(record)
    lines = [_line(box, record, numbers) for box in record.value["boxes"]]
    archive.add(f"labels/{stem}.txt", "".join(lines).encode())
    if info.image_of:
        archive.add(f"images/{stem}.{record.suffix}", info.image_of(record))


def _line(box: Mapping[str, Any], record: LabelRecord, numbers: Mapping[str, int]) -> str:
    shares = (
        (box["left"] + box["right"]) / 2 / record.width,
        (box["top"] + box["bottom"]) / 2 / record.height,
        (box["right"] - box["left"]) / record.width,
        (box["bottom"] - box["top"]) / record.height,
    )
    return f"{numbers[box['label']]} {' '.join(f'{share:.{_DECIMALS}f}' for share in shares)}\n"


def _record(file: str, facts: Facts, text: str, names: list[str]) -> LabelRecord:
    width, height = facts["width"], facts["height"]
    boxes: list[dict[str, Any]] = []
    problem = ""
    for number, line in enumerate(text.splitlines(), start=1):
        box = _box(line, names, width, height)
        if box is None:
            problem = f"line {number}: expected a class index and four shares, got {line!r:.60}"
        else:
            boxes.append(box)
    return LabelRecord(
        **facts,
        kind=BOXES,
        value={"boxes": boxes},
        suffix=file.rpartition(".")[2],
        problem=problem,
    )


def _box(line: str, names: list[str], width: int, height: int) -> dict[str, Any] | None:
    parts = line.split()
    try:
        number = int(parts[0])
        x, y, wide, high = (float(part) for part in parts[1:])
    except (ValueError, IndexError):
        return None
    known = 0 <= number < len(names)
    if not known or not all(map(math.isfinite, (x, y, wide, high))) or wide <= 0 or high <= 0:
        return None
    return {
        "label": names[number],
        "left": (x - wide / 2) * width,
        "top": (y - high / 2) * height,
        "right": (x + wide / 2) * width,
        "bottom": (y + high / 2) * height,
    }
