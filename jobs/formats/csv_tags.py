"""CSV of tags, one row an item: cells hold exactly what was answered."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO

from jobs.formats import CONFIDENCE, LICENCE, ExportInfo, LabelFile, LabelRecord
from jobs.formats._rows import Row, read_csv_rows, share_of
from jobs.records import TAGS, Attribute

SUFFIX = ".csv"
KINDS = (TAGS,)
HOLDS = (CONFIDENCE, LICENCE)

_ITEM, _RIGHTS = ("item", "sha256", "width", "height"), ("licence", "source")
_SURE = ("confidence", "agreement")
_OURS = (*_ITEM, *_RIGHTS, *_SURE, "origin")
# A column of one choice, and of many choices separated by "|" ("|" alone: none of them).
_ONE, _MANY = "tag:", "tags:"


def read(path: Path) -> LabelFile:
    """One record a row. Columns that are not about the item are attributes, prefixed or not."""
    return read_cells(path, str)


def write(records: Iterable[LabelRecord], out: BinaryIO, info: ExportInfo) -> None:
    """One row a record; an attribute nobody was asked stays empty."""
    write_cells(records, out, info, str)


def read_cells(path: Path, clean: Callable[[str], str]) -> LabelFile:
    """As ``read``, with each cell passed through ``clean`` first."""
    rows = [
        Row(row.line, {key: clean(cell) for key, cell in row.values.items()}, row.problem)
        for row in read_csv_rows(path)
    ]
    columns = [column for column in (rows[0].values if rows else ()) if _is_tag(column)]
    attributes = tuple(_attribute(column) for column in columns)
    return LabelFile(ExportInfo("", (), attributes), tuple(_record(row) for row in rows))


def write_cells(
    records: Iterable[LabelRecord], out: BinaryIO, info: ExportInfo, guard: Callable[[str], str]
) -> None:
    """As ``write``, with each text cell passed through ``guard`` first."""
    about = _ITEM + (_RIGHTS if LICENCE in info.included else ())
    sure = _SURE if CONFIDENCE in info.included else ()
    columns = [_column(attribute) for attribute in info.attributes]
    text = io.TextIOWrapper(out, "utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([guard(cell) for cell in (*about, *columns, *sure, "origin")])
    for record in records:
        tags = record.value["tags"]
        cells = [getattr(record, name) for name in about]
        cells += [_cell(tags.get(attribute.name)) for attribute in info.attributes]
        cells += [_rounded(getattr(record, name)) for name in sure]
        cells.append(record.origin)
        writer.writerow([guard(cell) if isinstance(cell, str) else cell for cell in cells])
    text.detach()


def _column(attribute: Attribute) -> str:
    return (_MANY if attribute.kind == "many" else _ONE) + attribute.name


def _is_tag(column: str) -> bool:
    return column not in _OURS


def _attribute(column: str) -> Attribute:
    name = column.removeprefix(_MANY).removeprefix(_ONE)
    return Attribute(name, "many" if column.startswith(_MANY) else "one", name, ())


def _rounded(share: float | None) -> float | str:
    return "" if share is None else round(share, 6)


def _cell(answer: str | list[str] | None) -> str:
    if answer is None:
        return ""
    if isinstance(answer, str):
        return answer
    return "|".join(answer) or "|"


def _record(row: Row) -> LabelRecord:
    cells = row.values
    tags = {
        _attribute(column).name: _answer(column, cell)
        for column, cell in cells.items()
        if _is_tag(column) and cell
    }
    problem = row.problem or ("" if cells.get("item") else "expected an item column")
    return LabelRecord(
        item=cells.get("item", ""),
        sha256=cells.get("sha256", ""),
        width=_whole(cells.get("width", "")),
        height=_whole(cells.get("height", "")),
        licence=cells.get("licence", ""),
        source=cells.get("source", ""),
        kind=TAGS,
        value={"tags": tags},
        confidence=1.0 if (sure := share_of(cells.get("confidence"))) is None else sure,
        agreement=share_of(cells.get("agreement")),
        origin=cells.get("origin", ""),
        problem=problem and f"line {row.line}: {problem}",
    )


def _answer(column: str, cell: str) -> Any:
    if cell == "|":
        return []
    return cell.split("|") if column.startswith(_MANY) else cell


def _whole(cell: str) -> int:
    return int(cell) if cell.isascii() and cell.isdigit() and len(cell) < 10 else 0
