"""Known answers in: they score workers and are shown to none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import formats
from jobs.answers import MOST_BOXES, box_value, check_box, check_tag
from jobs.combining import gold_results
from jobs.errors import InvalidInput
from jobs.formats import LabelRecord
from jobs.intake.datasets import Refusal, find_dataset, printable, told
from jobs.records import BOXES, LabelSchema
from jobs.tables import GoldAnswer, Item


@dataclass(frozen=True)
class GoldReport:
    """What an import of golds did: ``n_rows = n_accepted + n_refused``."""

    n_rows: int
    n_accepted: int
    n_refused: int
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True)
class _ItemSize:
    item_id: int
    width: int
    height: int


def import_gold(
    session: Session,
    *,
    dataset_name: str,
    path: Path | str,
    schema: LabelSchema,
    format: str,  # noqa: A002 - the word that the command and the form use
    now: datetime,
) -> GoldReport:
    """Keep the known answers of a label file for the dataset's items.

    A record finds its item by name, else by file name where only one item has it. It is
    checked against ``schema`` as a worker's answer is. A later record of the same item
    and kind takes the place of an earlier one, so importing twice changes nothing.

    Raises:
        NotFound: when there is no such dataset.
        InvalidInput: for an unknown format, or a file that cannot be read at all or has no
            answer that could be used.

    """
    dataset = find_dataset(session, dataset_name)
    records = formats.label_reader(format)(Path(path)).records
    by_name, by_file = _items(session, dataset.id)
    known = _known(session, dataset.id)
    refusals: list[Refusal] = []
    for row, record in enumerate(records, start=1):
        try:
            item = _find(record.item, by_name, by_file)
            value = gold_value(record, schema, item.width, item.height)
        except InvalidInput as error:
            refusals.append(Refusal(row, printable(record.item), str(error)))
            continue
        _keep(session, known, item.item_id, record.kind, value, now)
    if len(refusals) == len(records):
        raise InvalidInput(f"{path}: expected known answers, could use none of {told(refusals)}")
    session.flush()
    gold_results.refresh_dataset(session, dataset.id)
    n_accepted = len(records) - len(refusals)
    return GoldReport(len(records), n_accepted, len(refusals), tuple(refusals))


def gold_value(record: LabelRecord, schema: LabelSchema, width: int, height: int) -> dict[str, Any]:
    """The record's value, checked and clipped as a worker's answer is; raises InvalidInput."""
    if record.problem:
        raise InvalidInput(record.problem)
    if (record.width, record.height) not in ((0, 0), (width, height)):
        raise InvalidInput(
            f"size: expected {width} x {height} pixels, got {record.width} x {record.height}"
        )
    if record.kind == BOXES:
        return _boxes_value(record.value.get("boxes"), schema, width, height)
    return _tags_value(record.value.get("tags"), schema)


def _boxes_value(boxes: Any, schema: LabelSchema, width: int, height: int) -> dict[str, Any]:
    if not isinstance(boxes, list) or len(boxes) > MOST_BOXES:
        raise InvalidInput(f"boxes: expected a list of at most {MOST_BOXES:,}")
    if not schema.classes:
        raise InvalidInput(f"boxes: the schema {schema.name!r} has no classes")
    return box_value(
        [
            check_box(_with_size(box), schema.classes, width, height, f"boxes[{index}]")
            for index, box in enumerate(boxes)
        ]
    )


def _with_size(box: dict[str, Any]) -> dict[str, Any]:
    """Corners as left, top, width and height; what is no number is left for the check."""
    left, top, right, bottom = (box.get(side) for side in ("left", "top", "right", "bottom"))
    return {
        "label": box.get("label"),
        "left": left,
        "top": top,
        "width": _difference(right, left),
        "height": _difference(bottom, top),
    }


def _difference(high: Any, low: Any) -> Any:
    numbers = type(high) in (int, float) and type(low) in (int, float)
    return high - low if numbers else None


def _tags_value(tags: Any, schema: LabelSchema) -> dict[str, Any]:
    attributes = {attribute.name: attribute for attribute in schema.attributes}
    if not isinstance(tags, dict) or not tags:
        raise InvalidInput("tags: expected an answer to at least one attribute")
    unknown = [name for name in tags if name not in attributes]
    if unknown:
        raise InvalidInput(f"tags: the schema {schema.name!r} has no attribute {unknown[0]!r:.60}")
    checked = {name: check_tag(value, attributes[name], name) for name, value in tags.items()}
    for name, value in checked.items():
        unsure = attributes[name].unsure
        if unsure and (value == unsure or value == [unsure]):
            raise InvalidInput(f"{name}: {unsure!r} is never a truth")
    return {"tags": checked}


def _items(
    session: Session, dataset_id: int
) -> tuple[dict[str, list[_ItemSize]], dict[str, list[_ItemSize]]]:
    by_name: dict[str, list[_ItemSize]] = defaultdict(list)
    by_file: dict[str, list[_ItemSize]] = defaultdict(list)
    rows = session.execute(
        select(Item.id, Item.name, Item.width, Item.height).where(Item.dataset_id == dataset_id)
    )
    for item_id, name, width, height in rows:
        size = _ItemSize(item_id, width, height)
        by_name[name].append(size)
        by_file[PurePosixPath(name).name].append(size)
    return by_name, by_file


def _find(
    name: str, by_name: dict[str, list[_ItemSize]], by_file: dict[str, list[_ItemSize]]
) -> _ItemSize:
    found: Sequence[_ItemSize] = by_name.get(name) or by_file.get(PurePosixPath(name).name) or ()
    if not found:
        raise InvalidInput(f"item: the dataset has none called {name!r:.200}")
    if len(found) > 1:
        raise InvalidInput(f"item: the dataset has {len(found)} called {name!r:.200}")
    return found[0]


def _known(session: Session, dataset_id: int) -> dict[tuple[int, str], GoldAnswer]:
    rows = session.scalars(
        select(GoldAnswer)
        .join(Item, Item.id == GoldAnswer.item_id)
        .where(Item.dataset_id == dataset_id)
    )
    return {(row.item_id, row.kind): row for row in rows}


def _keep(
    session: Session,
    known: dict[tuple[int, str], GoldAnswer],
    item_id: int,
    kind: str,
    value: dict[str, Any],
    now: datetime,
) -> None:
    row = known.get((item_id, kind))
    if row is None:
        row = GoldAnswer(item_id=item_id, kind=kind, value=value, created_at=now)
        known[item_id, kind] = row
        session.add(row)
    elif row.value != value:
        row.value = value
        row.created_at = now
