"""Measures ``consensus tags`` on more answers than one would hold: Parquet in, Parquet out.

    python -m scripts.bench.out_of_core --folder FOLDER [--items 12400000]

Three answers an item by 20,000 workers of different skill, four labels, rows in random order.
The answers are made up and written to FOLDER first (about 350 MB by default).
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from click.testing import CliRunner

from jobs.cli.consensus import group
from quality.consensus.shapes import Ints

PER_ITEM, N_WORKERS, N_LABELS = 3, 20_000, 4
ROWS = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--items", type=int, default=12_400_000)
    parser.add_argument("--shard-rows", type=int, default=4_000_000)
    options = parser.parse_args()
    answers, labels = (options.folder / f"{name}.parquet" for name in ("answers", "labels"))
    truth = make(answers, options.items)
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1) as pool:
        real, cpu, peak = pool.apply(measure, (answers, labels, options.shard_rows))
    print(f"{PER_ITEM * options.items:,} answers: {real:.0f} s, {cpu:.0f} s CPU, {peak:.0f} MiB")
    print(f"{right(labels, truth):.4f} of the labels are right")


def make(path: Path, n_items: int) -> Ints:
    """The truth; the answers are written to ``path``."""
    rng = np.random.default_rng(0)
    skill = rng.beta(5, 2, N_WORKERS)
    truth = rng.integers(N_LABELS, size=n_items)
    items = np.tile(np.arange(n_items, dtype=np.int32), PER_ITEM)
    rng.shuffle(items)
    schema = pa.schema([(name, pa.string()) for name in ("item", "worker", "label")])
    with pa.parquet.ParquetWriter(path, schema) as writer:
        for first in range(0, len(items), ROWS):
            item = items[first : first + ROWS]
            worker = rng.integers(N_WORKERS, size=len(item))
            knows = rng.random(len(item)) < skill[worker]
            label = np.where(knows, truth[item], rng.integers(N_LABELS, size=len(item)))
            columns = [pa.array(column).cast(pa.string()) for column in (item, worker, label)]
            writer.write_table(pa.table(columns, schema=schema))
    return truth


def measure(answers: Path, labels: Path, shard_rows: int) -> tuple[float, float, float]:
    """Real and processor seconds and the peak of memory in MiB."""
    real, cpu = time.perf_counter(), time.process_time()
    arguments = ["tags", str(answers), "--out", str(labels), "--shard-rows", str(shard_rows)]
    CliRunner().invoke(group, arguments, catch_exceptions=False)
    real, cpu = time.perf_counter() - real, time.process_time() - cpu
    return real, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def right(labels: Path, truth: Ints) -> float:
    table = pa.parquet.read_table(labels, columns=["item", "label"])
    item, label = (table[name].cast(pa.int64()).to_numpy() for name in ("item", "label"))
    return float(np.mean(truth[item] == label))


if __name__ == "__main__":
    main()
