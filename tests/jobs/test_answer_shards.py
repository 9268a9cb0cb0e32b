"""A Parquet file in shards gives what it gives in one piece, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from jobs import answer_shards
from jobs.errors import InvalidInput
from quality import tag_shards_plain
from webapp.cli import hitworks


def generate(path: Path, n_items: int = 400, **more: object) -> pa.Table:
    rng = np.random.default_rng(2)
    truth = rng.integers(3, size=n_items)
    item = np.repeat(rng.permutation(n_items), 3)
    worker = rng.integers(30, size=len(item))
    knows = rng.random(len(item)) < 0.7
    label = np.where(knows, truth[item], rng.integers(3, size=len(item)))
    order = rng.permutation(len(item))
    columns = {
        "item": [f"i{number}é" for number in item[order]],
        "worker": [f"w{number}" for number in worker[order]],
        "label": [str(number) for number in label[order]],
        **more,
    }
    table = pa.table(columns)
    pa.parquet.write_table(table, path, row_group_size=100)
    return table


def run(*arguments: object) -> Result:
    return CliRunner().invoke(hitworks, ["consensus", "tags", *map(str, arguments)])


@pytest.mark.parametrize(
    "extra",
    [
        [],
        ["--ordered"],
        ["--gold"],
        *(["--method", method] for method in sorted(tag_shards_plain.VERSIONS)),
    ],
)
def test_shards_write_the_labels_and_workers_of_one_piece(tmp_path: Path, extra: list[str]) -> None:
    generate(tmp_path / "a.parquet")
    if extra == ["--gold"]:
        (tmp_path / "g.csv").write_text("item,label\ni3é,1\ni7é,2\ni9é,never\nelsewhere,0\n")
        extra = ["--gold", str(tmp_path / "g.csv")]
    for name, rows in (("whole", 10_000), ("parts", 150)):
        out, workers = tmp_path / f"{name}.parquet", tmp_path / f"{name}.csv"
        arguments = ("--out", out, "--workers", workers, "--shard-rows", rows, "--json", *extra)
        result = run(tmp_path / "a.parquet", *arguments)
        assert result.exit_code == 0, result.output
        assert '"n_items": 400' in result.output
    whole, parts = (pa.parquet.read_table(tmp_path / f"{n}.parquet") for n in ("whole", "parts"))
    assert parts.equals(whole)
    assert (tmp_path / "parts.csv").read_text() == (tmp_path / "whole.csv").read_text()
    assert not list(tmp_path.glob(".*"))


def test_a_method_that_must_hold_all_answers_refuses_more_than_a_shard(tmp_path: Path) -> None:
    generate(tmp_path / "a.parquet")
    arguments = ("--out", tmp_path / "l.parquet", "--method", "ebcc", "--shard-rows")
    error = run(tmp_path / "a.parquet", *arguments, 150).exception
    assert isinstance(error, InvalidInput)
    assert "ebcc holds all answers at once: expected at most 150 rows" in str(error)
    assert run(tmp_path / "a.parquet", *arguments, 10_000).exit_code == 0


def test_bad_rows_are_counted_alike_and_strict_fails_alike(tmp_path: Path) -> None:
    seconds = ["1"] * 1200
    seconds[700] = "soon"
    generate(tmp_path / "a.parquet", seconds=seconds)
    told = [
        run(tmp_path / "a.parquet", "--out", tmp_path / "l.parquet", "--shard-rows", rows).output
        for rows in (10_000, 300)
    ]
    assert "line 702: seconds: expected a number" in told[0]
    assert "1200 rows = 1199 used + 1 bad" in told[0]
    assert told[0] == told[1]
    arguments = ("--out", tmp_path / "s.parquet", "--shard-rows", 300, "--strict")
    assert isinstance(run(tmp_path / "a.parquet", *arguments).exception, InvalidInput)
    assert not (tmp_path / "s.parquet").exists()


def test_every_answer_is_in_exactly_one_shard_and_items_are_in_order(tmp_path: Path) -> None:
    table = generate(tmp_path / "a.parquet")
    with answer_shards.cut(tmp_path / "a.parquet", tmp_path / "l", 100, lambda *_: None) as read:
        assert read.count > 3
        items = [name for i in range(read.count) for name in read.load(i).items.to_pylist()]
        distinct = len(set(zip(*(table[name].to_pylist() for name in table.column_names))))  # noqa: B905
        assert sum(len(read.load(i).item) for i in range(read.count)) == distinct
    assert items == sorted(set(table["item"].to_pylist()))
    assert not read.folder.exists()


def test_a_file_that_is_not_parquet_or_lacks_a_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(InvalidInput, match="Parquet"):
        answer_shards.n_rows(tmp_path / "a.parquet")
    pa.parquet.write_table(pa.table({"item": ["a"] * 9}), tmp_path / "b.parquet")
    with (
        pytest.raises(InvalidInput, match="'worker'"),
        answer_shards.cut(tmp_path / "b.parquet", tmp_path / "l", 2, lambda *_: None),
    ):
        pass


def test_the_scratch_is_a_mapping_onto_files(tmp_path: Path) -> None:
    scratch = answer_shards.Scratch(tmp_path)
    scratch[2] = np.ones((2, 3))
    scratch[2] = np.zeros((2, 3))
    assert (list(scratch), len(scratch)) == ([2], 1)
    np.testing.assert_array_equal(scratch[2], np.zeros((2, 3)))
    del scratch[2]
    assert not list(tmp_path.iterdir())
