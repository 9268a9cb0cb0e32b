"""Pascal VOC: a zip of one XML file an image, with a table of the items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

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
from jobs.formats._archives import Facts, reading, writing
from jobs.records import BOXES

SUFFIX = ".zip"
KINDS = (BOXES,)
HOLDS = (CONFIDENCE, PROVENANCE, LICENCE, IMAGES)

_FOLDER = "Annotations/"
_LONGEST_XML = 1024 * 1024
_SIDES = (("left", "xmin"), ("top", "ymin"), ("right", "xmax"), ("bottom", "ymax"))


def read(path: Path) -> LabelFile:
    """Records of an archive with an ``Annotations`` folder.

    Where the archive has our table of items, they keep their own names and facts;
    otherwise an item is named as the XML's ``filename`` says.
    """
    with reading(path) as archive:
        members = [name for name in archive.names if name.endswith(".xml") and _FOLDER in name]
        if not members:
            raise InvalidInput(f"{path.name}: expected XML files in {_FOLDER}")
        about = archive.facts()
        records = tuple(_record(archive.text(name), name, about) for name in members)
    classes = {box["label"] for record in records for box in record.value.get("boxes", ())}
    return LabelFile(ExportInfo("", tuple(sorted(classes)), ()), records)


def write(records: Iterable[LabelRecord], out: BinaryIO, info: ExportInfo) -> None:
    """Boxes as corners in pixels from 0, with two decimals."""
    with writing(out, info) as archive:
        for record in records:
            stem = archive.stem_of(record)
            archive.add(f"{_FOLDER}{stem}.xml", _document(record, stem, info).encode())
            if info.image_of:
                archive.add(f"JPEGImages/{stem}.{record.suffix}", info.image_of(record))


def _document(record: LabelRecord, stem: str, info: ExportInfo) -> str:
    objects = "".join(_object(box) for box in record.value["boxes"])
    return (
        "<annotation>\n"
        "\t<folder>JPEGImages</folder>\n"
        f"\t<filename>{escape(stem)}.{record.suffix}</filename>\n"
        f"\t<source><database>{escape(info.name)}</database></source>\n"
        f"\t<size><width>{record.width}</width><height>{record.height}</height>"
        "<depth>3</depth></size>\n"
        f"\t<segmented>0</segmented>\n{objects}</annotation>\n"
    )


def _object(box: Mapping[str, Any]) -> str:
    sides = "".join(f"<{tag}>{box[side]:.2f}</{tag}>" for side, tag in _SIDES)
    return (
        f"\t<object><name>{escape(box['label'])}</name><pose>Unspecified</pose>"
        f"<truncated>0</truncated><difficult>0</difficult><bndbox>{sides}</bndbox></object>\n"
    )


def _record(text: str, member: str, about: Mapping[str, Facts]) -> LabelRecord:
    root = _parsed(text, member)
    file = (root.findtext("filename") or "").strip()
    facts = about.get(file, {})
    boxes, problem = _boxes(root)
    found = LabelRecord(
        item=file,
        sha256="",
        width=_whole(root.findtext("size/width")),
        height=_whole(root.findtext("size/height")),
        licence="",
        source="",
        kind=BOXES,
        value={"boxes": boxes},
        suffix=file.rpartition(".")[2] or "jpg",
        problem=problem and f"{member}: {problem}",
    )
    return replace(found, **facts)


def _parsed(text: str, member: str) -> Any:
    if len(text) > _LONGEST_XML:
        raise InvalidInput(f"{member}: expected at most {_LONGEST_XML:,} characters")
    try:
        return fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise InvalidInput(f"{member}: expected XML without a DTD: {error!s:.120}") from error


def _boxes(root: Any) -> tuple[list[dict[str, Any]], str]:
    boxes: list[dict[str, Any]] = []
    for found in root.iterfind("object"):
        name = (found.findtext("name") or "").strip()
        corners = found.findall("bndbox")
        if not name or len(corners) != 1:
            return [], "expected each object with a name and one bndbox"
        sides = {side: _decimal(corners[0].findtext(tag)) for side, tag in _SIDES}
        if None in sides.values():
            return [], f"object {name!r:.60}: expected four numbers in bndbox"
        boxes.append({"label": name, **sides})
    return boxes, ""


def _decimal(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if abs(number) < 1e7 else None


def _whole(text: str | None) -> int:
    number = _decimal(text)
    return int(number) if number and number > 0 else 0
