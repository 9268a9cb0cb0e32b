"""Crowd answers in files: CSV, Parquet, JSONL and MTurk's results, as columns. No database.

Every row is counted: rows in = rows used + bad rows, each bad one with its line and reason.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from jobs.errors import InvalidInput

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
Box = tuple[str, float, float, float, float, float]  # label, xyxy, score or NaN

MTURK_ANSWER = "Answer."
MTURK_CROWD = "Answer.taskAnswers"
REJECTED = "rejected work does not vote"
TAG_COLUMNS = ("item", "worker", "label")


@dataclass(frozen=True)
class BadRow:
    """A row that is not an answer. ``line`` counts from 1, the header included."""

    line: int
    reason: str


@dataclass(frozen=True)
class TagFile:
    """Answers to one question: index columns and the texts they stand for, in order of use."""

    items: tuple[str, ...]
    workers: tuple[str, ...]
    labels: tuple[str, ...]
    item: Ints
    worker: Ints
    label: Ints
    seconds: Floats | None
    n_rows: int
    bad: tuple[BadRow, ...]


@dataclass(frozen=True)
class CleanRows:
    """The texts, by column, and seconds of the good rows; place (from 0) and reason of the bad."""

    texts: dict[str, pa.Array]
    seconds: Floats | None
    bad: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class BoxResponse:
    """One worker's boxes on one image."""

    image: str
    worker: str
    width: float
    height: float
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class BoxFile:
    """Every response of a file in its order, and the rows that were none.

    ``n_boxes_dropped`` boxes had no area inside their image (a stray click) and are left out.
    """

    responses: tuple[BoxResponse, ...]
    n_rows: int
    bad: tuple[BadRow, ...]
    n_boxes_dropped: int


def read_tags(path: Path) -> TagFile:
    """Answers of a CSV or Parquet file with the columns item, worker, label[, seconds].

    An MTurk results CSV is read, too, when it holds one question (see ``read_mturk_tags``).

    Raises:
        InvalidInput: for a file that cannot be read or lacks a column.

    """
    table = _read_table(path)
    if "item" not in table.column_names and "WorkerId" in table.column_names:
        return _tag_file(_mturk_table(table, path))
    _need(table, TAG_COLUMNS, path)
    return _tag_file(table)


def read_gold_tags(path: Path) -> dict[str, str]:
    """Known labels by item, of a CSV or Parquet file with the columns item, label."""
    table = _read_table(path)
    _need(table, ("item", "label"), path)
    texts = [_texts(table[name]).to_pylist() for name in ("item", "label")]
    return {item: label for item, label in zip(*texts, strict=True) if item and label}


def read_boxes(path: Path, progress: Progress | None = None) -> BoxFile:
    """Responses of a JSONL or Parquet file, or of an MTurk results CSV.

    A row is ``{"image", "annotator", "width", "height", "boxes": [{"label", "left", "top",
    "width", "height"[, "score"]}]}``; an empty list is an answer.

    Raises:
        InvalidInput: for a file that cannot be read at all.

    """
    responses: list[BoxResponse] = []
    bad: list[BadRow] = []
    n_rows = n_dropped = 0
    for line, row in _box_rows(path):
        n_rows += 1
        try:
            response = _response(row)
        except InvalidInput as error:
            bad.append(BadRow(line, str(error)))
            continue
        n_dropped += len(row["boxes"]) - len(response.boxes)
        responses.append(response)
        if progress and n_rows % 10_000 == 0:
            progress(n_rows, 0)
    return BoxFile(tuple(responses), n_rows, tuple(bad), n_dropped)


def read_gold_boxes(path: Path) -> dict[str, BoxResponse]:
    """Known boxes by image, of rows as ``read_boxes`` takes them; an annotator is not needed.

    Raises:
        InvalidInput: for the first row that does not say what it should.

    """
    known: dict[str, BoxResponse] = {}
    for line, row in _box_rows(path):
        if row == REJECTED:
            continue
        named = {"annotator": "gold", **row} if isinstance(row, Mapping) else row
        try:
            response = _response(named)
        except InvalidInput as error:
            raise InvalidInput(f"{path}, line {line}: {error}") from error
        known[response.image] = response
    return known


def write_table(path: Path, columns: Mapping[str, Any]) -> None:
    """Columns as CSV, or Parquet where the name says so; complete or not there at all."""
    table = pa.table(dict(columns))
    temporary = path.with_name(f".{path.name}.partial")
    if path.suffix == ".parquet":
        pa.parquet.write_table(table, temporary)
    else:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(table.column_names)
            writer.writerows(zip(*(_cells(column) for column in table.columns), strict=True))
    temporary.replace(path)


def _cells(column: pa.ChunkedArray) -> list[Any]:
    """Python values; what is not a number is an empty cell."""
    return ["" if value is None or value != value else value for value in column.to_pylist()]


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows as JSONL; complete or not there at all."""
    temporary = path.with_name(f".{path.name}.partial")
    with temporary.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    temporary.replace(path)


def _read_table(path: Path) -> pa.Table:
    try:
        if path.suffix == ".parquet":
            return pa.parquet.read_table(path)
        with path.open(encoding="utf-8-sig") as file:
            names = next(csv.reader([file.readline()]), [])
        if len(set(names)) != len(names):
            raise InvalidInput(f"{path}: expected columns with different names, got {names}")
        convert = pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        )
        parse = pa.csv.ParseOptions(newlines_in_values=True)
        return pa.csv.read_csv(path, convert_options=convert, parse_options=parse)
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: expected CSV or Parquet: {error!s:.300}") from error


def _need(table: pa.Table, names: Iterable[str], path: Path) -> None:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise InvalidInput(
            f"{path}: expected a column {missing[0]!r}, got {', '.join(table.column_names)}"
        )


def _texts(column: pa.ChunkedArray) -> pa.Array:
    text = pc.fill_null(pc.cast(column, pa.string()), "")
    return pc.utf8_trim_whitespace(text.combine_chunks() if text.num_chunks != 1 else text.chunk(0))


def _tag_file(table: pa.Table) -> TagFile:
    rows = clean_rows(table)
    coded = {name: _coded(column) for name, column in rows.texts.items()}
    return TagFile(
        items=coded["item"][1],
        workers=coded["worker"][1],
        labels=coded["label"][1],
        item=coded["item"][0],
        worker=coded["worker"][0],
        label=coded["label"][0],
        seconds=rows.seconds,
        n_rows=table.num_rows,
        bad=tuple(BadRow(row + 2, reason) for row, reason in rows.bad),
    )


def clean_rows(table: pa.Table) -> CleanRows:
    """The rows of a table with the columns item, worker, label[, seconds] that are answers."""
    texts = {name: _texts(table[name]) for name in TAG_COLUMNS}
    bad = {int(row): REJECTED for row in np.flatnonzero(_rejected(table))}
    for name, column in texts.items():
        for row in np.flatnonzero(pc.equal(column, "").to_numpy(zero_copy_only=False)):
            bad.setdefault(int(row), f"{name}: expected a text, got nothing")
    seconds = _seconds(table, bad) if "seconds" in table.column_names else None
    is_good = np.ones(table.num_rows, dtype=bool)
    is_good[list(bad)] = False
    return CleanRows(
        {name: column.filter(pa.array(is_good)) for name, column in texts.items()},
        None if seconds is None else seconds[is_good],
        tuple(sorted(bad.items())),
    )


def _coded(column: pa.Array) -> tuple[Ints, tuple[str, ...]]:
    """Indices into the sorted texts: the order of rows must not change a result."""
    names = pc.unique(column)
    names = names.take(pc.array_sort_indices(names))
    codes = pc.index_in(column, value_set=names).to_numpy(zero_copy_only=False)
    return codes.astype(np.int64), tuple(names.to_pylist())


def _seconds(table: pa.Table, bad: dict[int, str]) -> Floats:
    texts = _texts(table["seconds"]).to_pylist()
    values = np.full(len(texts), np.nan)
    for row, text in enumerate(texts):
        try:
            values[row] = float(text) if text else np.nan
        except ValueError:
            bad.setdefault(row, f"seconds: expected a number, got {text!r:.40}")
        if math.isinf(values[row]) or values[row] < 0:
            bad.setdefault(row, f"seconds: expected 0 or more, got {text!r:.40}")
    return values


def _mturk_table(table: pa.Table, path: Path) -> pa.Table:
    """An MTurk results CSV with one answer column; what became of the work stays beside it."""
    answers = [name for name in table.column_names if name.startswith(MTURK_ANSWER)]
    if len(answers) != 1:
        found = ", ".join(answers) or "none"
        raise InvalidInput(f"{path}: expected one Answer column, got {found}")
    columns = {
        "item": table[_item_column(table)],
        "worker": table["WorkerId"],
        "label": table[answers[0]],
    }
    if "WorkTimeInSeconds" in table.column_names:
        columns["seconds"] = table["WorkTimeInSeconds"]
    if "AssignmentStatus" in table.column_names:
        columns["AssignmentStatus"] = table["AssignmentStatus"]
    return pa.table(columns)


def _rejected(table: pa.Table) -> NDArray[np.bool_]:
    """Which rows are work that a requester rejected."""
    if "AssignmentStatus" not in table.column_names:
        return np.zeros(table.num_rows, dtype=bool)
    found: NDArray[np.bool_] = pc.equal(_texts(table["AssignmentStatus"]), "Rejected").to_numpy(
        zero_copy_only=False
    )
    return found


def _item_column(table: pa.Table) -> str:
    """The first input column names the item; without one the HIT does."""
    inputs = [name for name in table.column_names if name.startswith("Input.")]
    return inputs[0] if inputs else "HITId"


def _box_rows(path: Path) -> Iterator[tuple[int, Any]]:
    if path.suffix == ".parquet":
        for line, row in enumerate(_read_table(path).to_pylist(), start=1):
            yield line, row
    elif path.suffix == ".csv":
        table = _read_table(path)
        _need(table, ("WorkerId", MTURK_CROWD), path)
        item = _item_column(table)
        out = _rejected(table)
        for line, row in enumerate(table.to_pylist(), start=2):
            yield line, REJECTED if out[line - 2] else _mturk_row(row, item)
    else:
        try:
            with path.open(encoding="utf-8") as file:
                for line, text in enumerate(file, start=1):
                    if text.strip():
                        yield line, _json_row(text)
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{path}: expected JSONL: {error}") from error


def _json_row(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _mturk_row(row: Mapping[str, Any], item: str) -> Any:
    """A result of crowd-bounding-box as a row of our own."""
    parsed = _json_row(row.get(MTURK_CROWD) or "")
    answer = parsed[0] if isinstance(parsed, list) and parsed else None
    found = [
        value
        for value in (answer.values() if isinstance(answer, dict) else ())
        if isinstance(value, dict) and "boundingBoxes" in value
    ]
    if not found:
        return None
    size = found[0].get("inputImageProperties") or {}
    return {
        "image": row.get(item),
        "annotator": row.get("WorkerId"),
        "width": size.get("width"),
        "height": size.get("height"),
        "boxes": found[0]["boundingBoxes"],
    }


def _response(row: Any) -> BoxResponse:
    if row == REJECTED:
        raise InvalidInput(REJECTED)
    if not isinstance(row, Mapping):
        raise InvalidInput("expected an object with image, annotator, width, height, boxes")
    texts = [row.get(name) for name in ("image", "annotator")]
    if not all(isinstance(text, (str, int)) and str(text).strip() for text in texts):
        raise InvalidInput("expected an image and an annotator")
    width, height = (_number(row.get(name), name) for name in ("width", "height"))
    if width <= 0 or height <= 0:
        raise InvalidInput(f"expected a size above 0, got {width:g} x {height:g}")
    boxes = row.get("boxes")
    if not isinstance(boxes, (list, tuple)):
        raise InvalidInput("boxes: expected a list; an empty one is an answer")
    return BoxResponse(
        str(texts[0]),
        str(texts[1]),
        width,
        height,
        tuple(read for box in boxes if (read := _box(box, width, height)) is not None),
    )


def _box(box: Any, width: float, height: float) -> Box | None:
    """A box clipped to its image; None for one without area inside it."""
    if not isinstance(box, Mapping) or not isinstance(box.get("label"), str):
        raise InvalidInput("box: expected label, left, top, width, height")
    left, top, wide, high = (_number(box.get(n), n) for n in ("left", "top", "width", "height"))
    sides = (max(0.0, left), max(0.0, top), min(width, left + wide), min(height, top + high))
    if sides[2] <= sides[0] or sides[3] <= sides[1]:
        return None
    score = box.get("score")
    return (box["label"], *sides, math.nan if score is None else _number(score, "score"))


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidInput(f"{name}: expected a number, got {value!r:.40}")
    return float(value)
