"""``consensus tags`` on a Parquet file too large to hold: the same labels, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs import answer_files, answer_shards
from jobs.answer_files import BadRow
from jobs.answer_shards import ShardedFile
from jobs.cli import _door
from jobs.errors import InvalidInput
from quality import tag_shards, tag_shards_plain
from quality import workers as worker_scores
from quality.consensus import tags
from quality.consensus.shapes import TagAnswers, TagConsensus

DEFAULT = "auto"


@dataclass(frozen=True)
class Asked:
    """What ``consensus tags`` was asked: method, labels, workers and gold files, is it a scale."""

    method: str
    out: Path
    workers: Path | None
    gold: Path | None
    ordered: bool
    rows_a_shard: int
    as_json: bool


@dataclass(frozen=True)
class Told:
    """The counts, and the bad rows' first lines."""

    read: ShardedFile
    n_items: int


def is_large(answers: Path, asked: Asked) -> bool:
    """Whether this is a file for shards: Parquet to Parquet, over a shard's rows.

    Raises:
        InvalidInput: for such a file and a method that must hold all answers at once.

    """
    if asked.method not in tags.names():
        return False
    large = (
        answers.suffix == asked.out.suffix == ".parquet"
        and answer_shards.n_rows(answers) > asked.rows_a_shard
    )
    known = (DEFAULT, *tag_shards_plain.VERSIONS)
    if large and asked.method not in known:
        raise InvalidInput(
            f"--method {asked.method} holds all answers at once: expected at most "
            f"{asked.rows_a_shard} rows (--shard-rows) or one of {', '.join(known)}"
        )
    return large


def combine(answers: Path, asked: Asked, refuse: Callable[[Sequence[BadRow]], None]) -> Told:
    """Labels (and workers) written; ``refuse`` is called with the bad rows before any work."""
    shown = not asked.as_json
    with (
        _door.progress_bar("Reading", shown) as progress,
        answer_shards.cut(answers, asked.out, asked.rows_a_shard, progress) as read,
    ):
        refuse(read.bad)
        known = answer_files.read_gold_tags(asked.gold) if asked.gold else {}
        names = _labels(read, known, asked.ordered)
        columns = _Columns(read, names, known, asked)
        shards = tag_shards.Shards(read.count, columns.load, answer_shards.Scratch(read.folder))
        with _door.progress_bar("Rounds", shown) as rounds:
            found = _fitted(shards, asked.method, rounds)
        if found is None:
            empty: list[str] = []
            answer_files.write_table(
                asked.out, dict.fromkeys(("item", "label", "confidence", "votes"), empty)
            )
            return Told(read, 0)
        answer_shards.write_parts(asked.out, _parts(read, found[1], names))
        if asked.workers:
            _write_workers(asked.workers, columns)
        return Told(read, found[0])


def _fitted(
    shards: tag_shards.Shards, method: str, progress: answer_files.Progress
) -> tuple[int, Iterator[TagConsensus]] | None:
    """How many items there are, and each shard's labels; None without an answer."""
    if method == DEFAULT:
        found = tag_shards.fit(shards, progress)
        return None if found is None else (found.n_items, tag_shards.labels(shards, found))
    plain = tag_shards_plain.fit(shards, method, progress)
    return None if plain is None else (plain.n_items, tag_shards_plain.labels(shards, plain))


@dataclass(frozen=True)
class _Columns:
    """A shard as the engine takes it: labels by their final place, gold beside them."""

    read: ShardedFile
    names: list[str]
    known: Mapping[str, str]
    asked: Asked

    def load(self, index: int) -> TagAnswers:
        shard = self.read.load(index)
        place = {name: position for position, name in enumerate(self.names)}
        moved = np.array([place[name] for name in self.read.labels], dtype=np.int64)
        gold = None
        if self.asked.gold:
            said = (self.known.get(item, "") for item in shard.items.to_pylist())
            gold = np.array([place.get(name, -1) for name in said], np.int64)
        return TagAnswers(
            item=shard.item,
            worker=shard.worker,
            label=moved[shard.label] if len(moved) else shard.label,
            n_items=len(shard.items),
            n_workers=len(self.read.workers),
            n_labels=max(1, len(self.names)),
            gold=gold,
            ordered=self.asked.ordered,
        )


def labels_in_order(labels: Sequence[str], ordered: bool) -> list[str]:
    """Labels as text, or by number where they are a scale."""
    if not ordered:
        return list(labels)
    try:
        return sorted(labels, key=float)
    except ValueError as error:
        raise InvalidInput(f"--ordered: expected numbers as labels: {error}") from error


def worker_columns(
    workers: Sequence[str], judged: worker_scores.WorkerScores, n_answers: NDArray[np.int64]
) -> dict[str, Any]:
    """WORKERS as columns."""
    return {
        "worker": workers,
        "accuracy": np.round(judged.accuracy.mean, 6),
        "low": np.round(judged.accuracy.low, 6),
        "high": np.round(judged.accuracy.high, 6),
        "n_answers": n_answers,
    }


def _labels(read: ShardedFile, known: Mapping[str, str], ordered: bool) -> list[str]:
    own = labels_in_order(read.labels, ordered)
    return [*own, *sorted(set(known.values()) - set(own))]


def _parts(
    read: ShardedFile, results: Iterable[TagConsensus], names: list[str]
) -> Iterator[dict[str, Any]]:
    texts = np.array(names, dtype=object)
    for index, result in enumerate(results):
        yield {
            "item": read.load(index).items,
            "label": texts[result.label],
            "confidence": np.round(result.confidence, 6),
            "votes": result.votes,
        }


def _write_workers(path: Path, columns: _Columns) -> None:
    scores = worker_scores.against_gold if columns.asked.gold else worker_scores.against_others
    n_answers = np.zeros(len(columns.read.workers), np.int64)
    judged = []
    for index in range(columns.read.count):
        part = columns.load(index)
        n_answers += np.bincount(part.worker, minlength=len(n_answers))
        judged.append(scores(part))
    pooled = worker_scores.pooled(judged)
    answer_files.write_table(path, worker_columns(columns.read.workers, pooled, n_answers))
