"""COCO object detection JSON: images in; boxes in and out."""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from jobs import strict_json
from jobs.errors import InvalidInput
from jobs.formats import (
    CONFIDENCE,
    LICENCE,
    PROVENANCE,
    ExportInfo,
    IncomingItem,
    LabelFile,
    LabelRecord,
)
from jobs.formats._paths import file_inside, refusal_of_name
from jobs.formats._rows import check_file
from jobs.records import BOXES, TAGS

SUFFIX = ".json"
KINDS = (BOXES, TAGS)
HOLDS = (CONFIDENCE, PROVENANCE, LICENCE)

T = TypeVar("T")
_LARGEST_BYTES = 512 * 1024 * 1024
_OURS = "hitworks"  # the one key, of an image and of the info, that COCO does not know


def read_items(path: Path) -> Iterator[IncomingItem]:
    """One item an entry of ``images``; files lie beside the JSON or in its ``images`` folder."""
    document = _read(path)
    licences = {each.get("id"): each for each in _objects(document, "licenses", path)}
    for row, image in enumerate(_objects(document, "images", path), start=1):
        name = image.get("file_name")
        try:
            yield _item(row, image, licences, path.parent)
        except InvalidInput as error:
            yield IncomingItem(row, f"{name!s:.200}", refusal=str(error))


def read(path: Path) -> LabelFile:
    """Labels of every image; an image without annotations is labeled "nothing here".

    A record has a ``problem`` where an annotation is not a box of a known category, or
    marks a crowd: then the image's boxes are not all known.
    """
    document = _read(path)
    classes = _categories(document, path)
    boxes, problems = _boxes_by_image(document, classes, path)
    licences = {each.get("id"): each for each in _objects(document, "licenses", path)}
    images = _objects(document, "images", path)
    if len({str(image.get("id")) for image in images}) != len(images):
        raise InvalidInput(f"{path.name}: expected images with an id each, all different")
    records: list[LabelRecord] = []
    for image in images:
        key = image.get("id")
        records += _records_of(image, boxes[key], problems.get(key, ""), licences)
    info = document.get("info")
    name = info.get("description") if isinstance(info, dict) else ""
    return LabelFile(ExportInfo(str(name or ""), tuple(classes.values()), ()), tuple(records))


def write(records: Iterable[LabelRecord], out: BinaryIO, info: ExportInfo) -> None:
    """Stream the records, in their order; annotations wait in a temporary file meanwhile."""
    categories = {name: number for number, name in enumerate(info.classes, start=1)}
    licences: dict[str, int] = {}
    n_annotations = 0
    with tempfile.TemporaryFile() as waiting:
        out.write(b'{"images":[')
        by_item = itertools.groupby(records, key=lambda record: (record.sha256, record.item))
        for number, (_, group) in enumerate(by_item, start=1):
            image, annotations = _image_entry(number, list(group), licences, categories, info)
            out.write((b",\n" if number > 1 else b"\n") + _dump(image))
            for annotation in annotations:
                n_annotations += 1
                waiting.write(b",\n" if n_annotations > 1 else b"\n")
                waiting.write(_dump({"id": n_annotations, **annotation}))
        out.write(b'\n],"annotations":[')
        waiting.seek(0)
        shutil.copyfileobj(waiting, out)
    out.write(b'\n],"categories":')
    out.write(_dump([{"id": number, "name": name} for name, number in categories.items()]))
    out.write(b',"licenses":')
    out.write(_dump([{"id": number, "name": name} for name, number in licences.items()]))
    about = {_OURS: info.facts()} if info.facts else {}
    out.write(b',"info":' + _dump({"description": info.name, **about}) + b"}\n")


def _read(path: Path) -> dict[str, Any]:
    check_file(path, _LARGEST_BYTES)
    try:
        document = strict_json.loads(path.read_bytes())
    except ValueError as error:
        raise InvalidInput(f"{path.name}: expected JSON: {error!s:.200}") from error
    if not isinstance(document, dict) or "images" not in document:
        raise InvalidInput(f"{path.name}: expected a COCO object with images")
    return document


def _objects(document: dict[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    value = document.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise InvalidInput(f"{path.name}: expected {key} as a list of objects")
    for each in value:
        if not isinstance(each.get("id"), int | str | None):
            raise InvalidInput(f"{path.name}: {key}: expected a number as id")
    return value


def _item(
    row: int, image: Mapping[str, Any], licences: Mapping[Any, Mapping[str, Any]], folder: Path
) -> IncomingItem:
    name = image.get("file_name")
    if not isinstance(name, str):
        raise InvalidInput(f"file_name: expected text, got {name!r:.60}")
    beside = folder / name if not refusal_of_name(name) else folder
    root = folder if beside.exists() or not (folder / "images").is_dir() else folder / "images"
    return IncomingItem(
        row=row,
        name=name,
        path=file_inside(root, name),
        licence=_licence(image, licences),
        source=str(image.get("coco_url") or image.get("flickr_url") or ""),
    )


def _licence(image: Mapping[str, Any], licences: Mapping[Any, Mapping[str, Any]]) -> str:
    key = image.get("license")
    licence = licences.get(key, {}) if isinstance(key, int | str) else {}
    return str(licence.get("name") or licence.get("url") or "")


def _categories(document: dict[str, Any], path: Path) -> dict[Any, str]:
    categories = {
        each.get("id"): each.get("name") for each in _objects(document, "categories", path)
    }
    names = list(categories.values())
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise InvalidInput(f"{path.name}: categories: expected different names, each with an id")
    return {key: str(name) for key, name in categories.items()}


def _boxes_by_image(
    document: dict[str, Any], classes: Mapping[Any, str], path: Path
) -> tuple[dict[Any, list[dict[str, Any]]], dict[Any, str]]:
    boxes: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    problems: dict[Any, str] = {}
    for annotation in _objects(document, "annotations", path):
        key = annotation.get("image_id")
        if not isinstance(key, int | str):
            raise InvalidInput(f"{path.name}: annotations: expected an image_id, got {key!r:.40}")
        box, problem = _box(annotation, classes)
        if box is None:
            problems[key] = f"annotation {annotation.get('id')!r:.20}: {problem}"
        else:
            boxes[key].append(box)
    return boxes, problems


def _box(
    annotation: Mapping[str, Any], classes: Mapping[Any, str]
) -> tuple[dict[str, Any] | None, str]:
    sides, category = annotation.get("bbox"), annotation.get("category_id")
    if annotation.get("iscrowd"):
        return None, "marks a crowd, whose boxes are not known"
    if not isinstance(category, int | str) or category not in classes:
        return None, f"unknown category_id {category!r:.40}"
    if not isinstance(sides, list) or len(sides) != 4 or not all(map(_is_number, sides)):
        return None, f"expected a bbox of four numbers, got {sides!r:.60}"
    left, top, width, height = sides
    if width <= 0 or height <= 0:
        return None, f"expected a bbox with an area, got {sides!r:.60}"
    box: dict[str, Any] = {
        "label": classes[category],
        "left": float(left),
        "top": float(top),
        "right": round(float(left + width), 6),
        "bottom": round(float(top + height), 6),
    }
    score = annotation.get("score")
    return (box if score is None else {**box, "score": score}), ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e7


def _records_of(
    image: Mapping[str, Any],
    boxes: list[dict[str, Any]],
    problem: str,
    licences: Mapping[Any, Mapping[str, Any]],
) -> Iterator[LabelRecord]:
    ours = image.get(_OURS, {BOXES: {}})
    for kind in KINDS:
        about = ours.get(kind) if isinstance(ours, dict) else None
        if isinstance(about, dict):
            value = {"boxes": boxes} if kind == BOXES else {"tags": about.get("tags", {})}
            yield LabelRecord(
                item=str(image.get("file_name") or ""),
                sha256=str(ours.get("sha256", "")),
                width=_size(image, "width"),
                height=_size(image, "height"),
                licence=_licence(image, licences),
                source=str(image.get("coco_url") or ""),
                kind=kind,
                value=value,
                confidence=_share(about.get("confidence"), 1.0),
                agreement=_share(about.get("agreement"), None),
                origin=str(about.get("origin", "")),
                provenance=_object(about.get("provenance")),
                problem=problem if kind == BOXES else "",
            )


def _share(value: Any, otherwise: T) -> float | T:
    return float(value) if _is_number(value) else otherwise


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _size(image: Mapping[str, Any], side: str) -> int:
    value = image.get(side, 0)
    return value if isinstance(value, int) else 0


def _image_entry(
    number: int,
    records: list[LabelRecord],
    licences: dict[str, int],
    categories: Mapping[str, int],
    info: ExportInfo,
) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    first = records[0]
    ours = {"sha256": first.sha256} | {
        record.kind: _about(record, info.included) for record in records
    }
    entry: dict[str, Any] = {
        "id": number,
        "file_name": first.item,
        "width": first.width,
        "height": first.height,
    }
    if first.licence and LICENCE in info.included:
        entry["license"] = licences.setdefault(first.licence, len(licences) + 1)
    if first.source and LICENCE in info.included:
        entry["coco_url"] = first.source
    boxes = (box for record in records if record.kind == BOXES for box in record.value["boxes"])
    with_score = CONFIDENCE in info.included
    return {**entry, _OURS: ours}, (
        _annotation(number, box if with_score else {**box, "score": None}, categories)
        for box in boxes
    )


def _about(record: LabelRecord, included: tuple[str, ...]) -> dict[str, Any]:
    """What COCO has no place for, of one label of the image."""
    about: dict[str, Any] = {"origin": record.origin}
    if CONFIDENCE in included:
        about["confidence"] = round(record.confidence, 6)
        if record.agreement is not None:
            about["agreement"] = round(record.agreement, 6)
    if PROVENANCE in included and record.provenance:
        about["provenance"] = record.provenance
    return about | ({"tags": record.value["tags"]} if record.kind == TAGS else {})


def _annotation(
    image_number: int, box: Mapping[str, Any], categories: Mapping[str, int]
) -> dict[str, Any]:
    left, top = round(float(box["left"]), 2), round(float(box["top"]), 2)
    width, height = round(box["right"] - left, 2), round(box["bottom"] - top, 2)
    annotation: dict[str, Any] = {
        "image_id": image_number,
        "category_id": categories[box["label"]],
        "bbox": [left, top, width, height],
        "area": round(width * height, 2),
        "iscrowd": 0,
        "segmentation": [],
    }
    score = box.get("score")
    return annotation if score is None else {**annotation, "score": round(score, 6)}


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
