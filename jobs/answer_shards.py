"""Tag answers too many to hold: a Parquet file cut into shards of items on disk. No database.

Each shard holds all answers of a range of items, so that shards in order are items in order.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet
from numpy.typing import NDArray

from jobs.answer_files import TAG_COLUMNS, BadRow, Floats, Ints, Progress, clean_rows
from jobs.errors import InvalidInput

BATCH = 1 << 19
# Item names a shard that are looked at to decide where to cut.
SAMPLE = 256
# Bad rows told one by one; the rest are only counted.
MOST_TOLD = 1000
_ROWS = pa.schema([("item", pa.string()), ("worker", pa.int32()), ("label", pa.int32())])
_OTHERS = ("seconds", "AssignmentStatus")


@dataclass(frozen=True)
class Shard:
    """Answers to the items of one shard: columns in canonical order, without duplicates."""

    items: pa.Array
    item: Ints
    worker: Ints
    label: Ints


@dataclass(frozen=True)
class ShardedFile:
    """A file's answers in ``count`` shards; names sorted, as when read in one piece.

    ``bad`` holds the first bad rows only, ``n_bad`` counts all.
    """

    folder: Path
    count: int
    workers: tuple[str, ...]
    labels: tuple[str, ...]
    n_rows: int
    n_bad: int
    bad: tuple[BadRow, ...]

    def load(self, index: int) -> Shard:
        """One shard, from disk."""
        columns = np.load(self.folder / f"{index}.npy")
        items = pa.ipc.open_file(self.folder / f"{index}.items").read_all()["item"]
        return Shard(items.combine_chunks(), *columns)


@dataclass
class _Names:
    """Texts numbered as they come; ``order`` gives their places once sorted."""

    place: dict[str, int] = field(default_factory=dict)

    def codes(self, column: pa.Array) -> NDArray[np.int32]:
        names = pc.unique(column)
        known = [self.place.setdefault(name, len(self.place)) for name in names.to_pylist()]
        index = pc.index_in(column, value_set=names).to_numpy(zero_copy_only=False)
        codes: NDArray[np.int32] = np.array(known, np.int32)[index] if len(index) else index
        return codes.astype(np.int32)

    def sorted(self) -> tuple[str, ...]:
        """By code point, as names of a file read in one piece are."""
        return tuple(sorted(self.place, key=lambda name: name.encode()))

    def order(self) -> NDArray[np.int32]:
        final = {name: place for place, name in enumerate(self.sorted())}
        return np.array([final[name] for name in self.place], np.int32)


class Scratch(MutableMapping[int, Floats]):
    """One array a shard, in files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, index: int) -> Floats:
        array: Floats = np.load(self._path(index))
        return array

    def __setitem__(self, index: int, array: Floats) -> None:
        np.save(self._path(index), array)

    def __delitem__(self, index: int) -> None:
        self._path(index).unlink()

    def __iter__(self) -> Iterator[int]:
        return (int(path.stem.split("-")[1]) for path in self._folder.glob("scratch-*.npy"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _path(self, index: int) -> Path:
        return self._folder / f"scratch-{index}.npy"


def n_rows(path: Path) -> int:
    """How many rows a Parquet file says it has."""
    try:
        return int(pa.parquet.ParquetFile(path).metadata.num_rows)
    except (OSError, pa.ArrowInvalid) as error:
        raise InvalidInput(f"{path}: expected Parquet: {error!s:.300}") from error


@contextmanager
def cut(path: Path, beside: Path, rows_a_shard: int, progress: Progress) -> Iterator[ShardedFile]:
    """The answers of a Parquet file as shards of about ``rows_a_shard``, in a temporary folder.

    The folder lies next to ``beside`` and is gone afterwards. ``progress`` is told rows read.

    Raises:
        InvalidInput: for a file that cannot be read or lacks a column.

    """
    total = n_rows(path)
    names = pa.parquet.read_schema(path).names
    for name in TAG_COLUMNS:
        if name not in names:
            raise InvalidInput(f"{path}: expected a column {name!r}, got {', '.join(names)}")
    with tempfile.TemporaryDirectory(dir=beside.parent, prefix=f".{beside.name}.") as folder:
        file = pa.parquet.ParquetFile(path)
        edges = _edges(file, -(-total // rows_a_shard), max(1, rows_a_shard // SAMPLE))
        yield _cut(file, Path(folder), edges, progress)


def write_parts(path: Path, parts: Iterable[Mapping[str, Any]]) -> None:
    """Tables of the same columns as one Parquet file; complete or not there at all."""
    temporary = path.with_name(f".{path.name}.partial")
    with ExitStack() as stack:
        writer = None
        for part in parts:
            table = pa.table(dict(part))
            if writer is None:
                writer = stack.enter_context(pa.parquet.ParquetWriter(temporary, table.schema))
            writer.write_table(table)
    temporary.replace(path)


def _edges(file: pa.parquet.ParquetFile, count: int, step: int) -> list[str]:
    """The first item of every shard but the first, from every ``step``-th row."""
    seen: list[str] = []
    for batch in file.iter_batches(BATCH, columns=["item"]):
        some = batch.column(0).take(pa.array(np.arange(0, len(batch), step)))
        seen += pc.utf8_trim_whitespace(pc.fill_null(pc.cast(some, pa.string()), "")).to_pylist()
    seen.sort(key=lambda name: name.encode())
    return sorted({seen[len(seen) * part // count] for part in range(1, count)})


def _cut(
    file: pa.parquet.ParquetFile, folder: Path, edges: Sequence[str], progress: Progress
) -> ShardedFile:
    workers, labels = _Names(), _Names()
    bad: list[BadRow] = []
    n_bad = done = 0
    columns = [name for name in (*TAG_COLUMNS, *_OTHERS) if name in file.schema_arrow.names]
    with ExitStack() as stack:
        writers = [
            stack.enter_context(pa.ipc.new_file(folder / f"{index}.rows", _ROWS))
            for index in range(len(edges) + 1)
        ]
        for batch in file.iter_batches(BATCH, columns=columns):
            rows = clean_rows(pa.Table.from_batches([batch]))
            bad += [BadRow(done + row + 2, why) for row, why in rows.bad[: MOST_TOLD - len(bad)]]
            n_bad += len(rows.bad)
            done += len(batch)
            texts = rows.texts
            coded = [texts["item"], workers.codes(texts["worker"]), labels.codes(texts["label"])]
            _spread(pa.record_batch(coded, schema=_ROWS), edges, writers)
            progress(done, file.metadata.num_rows)
    for index in range(len(edges) + 1):
        _finish(folder, index, workers.order(), labels.order())
    return ShardedFile(
        folder, len(edges) + 1, workers.sorted(), labels.sorted(), done, n_bad, tuple(bad)
    )


def _spread(rows: pa.RecordBatch, edges: Sequence[str], writers: Sequence[Any]) -> None:
    """Each row to the shard whose range its item is in."""
    shard = np.zeros(len(rows), np.int64)
    for edge in edges:
        shard += pc.greater_equal(rows["item"], edge).to_numpy(zero_copy_only=False)
    order = np.argsort(shard, kind="stable")
    stops = np.cumsum(np.bincount(shard, minlength=len(writers)))
    for index, stop in enumerate(stops):
        start = stops[index - 1] if index else 0
        if stop > start:
            writers[index].write_batch(rows.take(pa.array(order[start:stop])))


def _finish(folder: Path, index: int, worker: NDArray[Any], label: NDArray[Any]) -> None:
    """One shard's rows coded, sorted and made single; the texts become a sorted list."""
    raw = folder / f"{index}.rows"
    table = pa.ipc.open_file(raw).read_all()
    column = table["item"].combine_chunks()
    items = pc.unique(column)
    items = items.take(pc.array_sort_indices(items))
    codes = [
        pc.index_in(column, value_set=items).to_numpy(zero_copy_only=False).astype(np.int64),
        worker[table["worker"].to_numpy()] if len(worker) else np.zeros(0, np.int64),
        label[table["label"].to_numpy()] if len(label) else np.zeros(0, np.int64),
    ]
    n_workers, n_labels = max(len(worker), 1), max(len(label), 1)
    key = np.unique((codes[0] * n_workers + codes[1]) * n_labels + codes[2])
    pair = key // n_labels
    columns = [pair // n_workers, pair % n_workers, key % n_labels]
    np.save(folder / f"{index}.npy", np.array(columns, np.int32))
    with pa.ipc.new_file(folder / f"{index}.items", pa.schema([("item", pa.string())])) as out:
        out.write_batch(pa.record_batch([items], names=["item"]))
    raw.unlink()
