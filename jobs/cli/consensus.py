"""Answers in files, labels out: no database, no server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from jobs import answer_files
from jobs.answer_files import BadRow, BoxFile, TagFile
from jobs.cli import _box_workers, _door, _large_tags, _replay
from jobs.errors import InvalidInput
from quality import workers as worker_scores
from quality.consensus import boxes as box_methods
from quality.consensus import tags as tag_methods
from quality.consensus.shapes import BoxAnswers, BoxConsensus, TagAnswers

_answers_argument = click.argument("answers", type=click.Path(exists=True, path_type=Path))
_out_option = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="LABELS."
)
_workers_option = click.option(
    "--workers",
    "workers_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the workers with their accuracy.",
)
_gold_option = click.option(
    "--gold",
    "gold_path",
    type=click.Path(exists=True, path_type=Path),
    help="Known answers.",
)
_strict_option = click.option("--strict", is_flag=True, help="Fail on the first bad row.")


@click.group("consensus")
def group() -> None:
    """Consensus from files: answers in, labels out."""


@group.command("tags")
@_answers_argument
@_out_option
@_workers_option
@_gold_option
@click.option("--method", default="auto", show_default=True, help="How answers are combined.")
@click.option("--ordered", is_flag=True, help="The labels are a scale, in order of their numbers.")
@click.option(
    "--shard-rows",
    type=_door.Whole(min=1),
    default=4_000_000,
    show_default=True,
    help="A longer Parquet file is combined in shards of so many rows, from and to disk "
    "(all methods but ebcc).",
)
@_strict_option
@_door.json_option
def tags(
    answers: Path,
    out: Path,
    workers_path: Path | None,
    gold_path: Path | None,
    method: str,
    ordered: bool,
    shard_rows: int,
    strict: bool,
    as_json: bool,
) -> None:
    """Combine ANSWERS (CSV or Parquet: item,worker,label[,seconds]) into one label an item."""
    asked = _large_tags.Asked(method, out, workers_path, gold_path, ordered, shard_rows, as_json)
    if _large_tags.is_large(answers, asked):
        told = _large_tags.combine(answers, asked, lambda bad: refuse_bad(bad, strict, answers))
        _tell(told.read.n_rows, told.read.bad, told.n_items, method, as_json, told.read.n_bad)
        return
    read = answer_files.read_tags(answers)
    refuse_bad(read.bad, strict, answers)
    combine = _method(tag_methods, method)
    columns = tag_columns(read, gold_path, ordered)
    result = combine(columns)
    names = np.array([*labels_of(read, ordered), *_only_in_gold(read, gold_path)], dtype=object)
    answer_files.write_table(
        out,
        {
            "item": read.items,
            "label": names[result.label],
            "confidence": np.round(result.confidence, 6),
            "votes": result.votes,
        },
    )
    if workers_path:
        scores = worker_scores.against_gold if gold_path else worker_scores.against_others
        judged = scores(columns)
        answer_files.write_table(
            workers_path,
            _large_tags.worker_columns(read.workers, judged, result.workers.n_answers),
        )
    _tell(read.n_rows, read.bad, len(read.items), result.method, as_json)


@group.command("boxes")
@_answers_argument
@_out_option
@_workers_option
@_gold_option
@click.option(
    "--method", default="probabilistic", show_default=True, help="How answers are combined."
)
@click.option("--all", "keeps_all", is_flag=True, help="Also boxes not believed to exist.")
@_strict_option
@_door.json_option
def boxes(
    answers: Path,
    out: Path,
    workers_path: Path | None,
    gold_path: Path | None,
    method: str,
    keeps_all: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Combine ANSWERS (JSONL or Parquet, one worker's boxes on one image a row)."""
    with _door.progress_bar("Reading", not as_json) as progress:
        read = answer_files.read_boxes(answers, progress)
    refuse_bad(read.bad, strict, answers)
    _method(box_methods, method)
    images, workers, classes, columns = box_columns(read)
    with _door.progress_bar("Combining", not as_json) as progress:
        result = box_methods.load_telling(method)(columns, progress)
    answer_files.write_lines(out, _label_lines(images, classes, result, keeps_all))
    if workers_path:
        gold = answer_files.read_gold_boxes(gold_path) if gold_path else None
        answer_files.write_table(
            workers_path, _box_workers.scored(read, workers, result, columns, gold)
        )
    if read.n_boxes_dropped:
        click.echo(f"{read.n_boxes_dropped} boxes without area are left out", err=True)
    _tell(read.n_rows, read.bad, len(images), result.method, as_json)


@group.command("replay")
@_answers_argument
@click.option(
    "--gold",
    "gold_path",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="What is true; it scores the labels and never votes.",
)
@click.option(
    "--kind",
    type=click.Choice(["tags", "boxes"]),
    default="tags",
    show_default=True,
    help="What ANSWERS holds.",
)
@click.option(
    "--stop-at",
    type=_door.Real(0, min_open=True),
    multiple=True,
    help="Tags: certainty to reach; boxes: objects expected wrong. Repeat for more points.",
)
@click.option(
    "--seeds", type=_door.Whole(1, 1000), default=5, show_default=True, help="Random orders."
)
@_strict_option
@_door.json_option
def replay(
    answers: Path,
    gold_path: Path,
    kind: str,
    stop_at: tuple[float, ...],
    seeds: int,
    strict: bool,
    as_json: bool,
) -> None:
    """Show the stopping curve: recorded ANSWERS bought one at a time, in random order."""
    with _door.progress_bar("Replaying", not as_json) as progress:
        if kind == "tags":
            tags_read = answer_files.read_tags(answers)
            refuse_bad(tags_read.bad, strict, answers)
            if any(certainty > 1 for certainty in stop_at):
                raise InvalidInput(f"--stop-at: expected certainties up to 1, got {max(stop_at)}")
            columns = tag_columns(tags_read, gold_path)
            found = _replay.replay_tags(columns, stop_at or (0.98, 0.99, 0.995), seeds, progress)
        else:
            boxes_read = answer_files.read_boxes(answers)
            refuse_bad(boxes_read.bad, strict, answers)
            known = answer_files.read_gold_boxes(gold_path)
            risks = stop_at or (0.4, 0.1, 0.05, 0.02, 0.01)
            found = _replay.replay_boxes(box_columns(boxes_read), known, risks, seeds, progress)
    _door.show(found, as_json, lambda: _replay.table(found))


def tag_columns(read: TagFile, gold_path: Path | None = None, ordered: bool = False) -> TagAnswers:
    """The file's answers as the engine takes them; labels known only to gold come last."""
    names = [*labels_of(read, ordered), *_only_in_gold(read, gold_path)]
    place = {name: index for index, name in enumerate(names)}
    moved = np.array([place[name] for name in read.labels], dtype=np.int64)
    gold = None
    if gold_path:
        known = answer_files.read_gold_tags(gold_path)
        gold = np.array([place.get(known.get(item, ""), -1) for item in read.items], np.int64)
    return TagAnswers(
        item=read.item,
        worker=read.worker,
        label=moved[read.label] if len(moved) else read.label,
        n_items=len(read.items),
        n_workers=len(read.workers),
        n_labels=max(1, len(names)),
        gold=gold,
        ordered=ordered,
        seconds=read.seconds,
    )


def labels_of(read: TagFile, ordered: bool) -> list[str]:
    """The file's labels: as text, or by number where they are a scale."""
    return _large_tags.labels_in_order(read.labels, ordered)


def box_columns(read: BoxFile) -> tuple[list[str], list[str], list[str], BoxAnswers]:
    """Images, workers and classes, sorted, and the answers as columns."""
    images = sorted({one.image for one in read.responses})
    workers = sorted({one.worker for one in read.responses})
    classes = sorted({box[0] for one in read.responses for box in one.boxes})
    place = [
        {name: index for index, name in enumerate(names)} for names in (images, workers, classes)
    ]
    rows = [
        (place[0][one.image], place[1][one.worker], place[2][box[0]], *box[1:])
        for one in read.responses
        for box in one.boxes
    ]
    table = np.array(rows, dtype=float).reshape(-1, 8)
    sizes = {one.image: (one.width, one.height) for one in read.responses}
    answers = BoxAnswers(
        response_item=np.array([place[0][one.image] for one in read.responses], np.int64),
        response_worker=np.array([place[1][one.worker] for one in read.responses], np.int64),
        item=table[:, 0].astype(np.int64),
        worker=table[:, 1].astype(np.int64),
        label=table[:, 2].astype(np.int64),
        xyxy=table[:, 3:7],
        size=np.array([sizes[image] for image in images], float).reshape(-1, 2),
        n_items=len(images),
        n_workers=len(workers),
        n_labels=max(1, len(classes)),
        score=table[:, 7],
    )
    return images, workers, classes, answers


def refuse_bad(bad: Sequence[BadRow], strict: bool, path: Path) -> None:
    """Say which rows are left out; with ``strict`` fail on the first that should not be there.

    Work a requester rejected is left out on purpose, and no reason to fail.
    """
    wrong = [row for row in bad if row.reason != answer_files.REJECTED]
    if strict and wrong:
        raise InvalidInput(f"{path}, line {wrong[0].line}: {wrong[0].reason}")
    for row in bad[:20]:
        click.echo(f"{path}, line {row.line}: {row.reason}", err=True)
    if len(bad) > 20:
        click.echo(f"... and {len(bad) - 20} more bad rows", err=True)


def _method(package: Any, name: str) -> Any:
    try:
        return package.load(name)
    except KeyError as error:
        raise InvalidInput(f"--method: {error.args[0]}") from error


def _only_in_gold(read: TagFile, gold_path: Path | None) -> list[str]:
    if gold_path is None:
        return []
    return sorted(set(answer_files.read_gold_tags(gold_path).values()) - set(read.labels))


def _label_lines(
    images: Sequence[str], classes: Sequence[str], result: BoxConsensus, keeps_all: bool
) -> list[dict[str, Any]]:
    found: list[list[dict[str, Any]]] = [[] for _ in images]
    for row in range(len(result.item)):
        if not (keeps_all or result.exists[row]):
            continue
        left, top, right, bottom = (float(side) for side in result.xyxy[row])
        found[result.item[row]].append(
            {
                "label": classes[result.label[row]],
                "left": round(left, 3),
                "top": round(top, 3),
                "width": round(right - left, 3),
                "height": round(bottom - top, 3),
                "confidence": round(float(result.confidence[row]), 6),
                "votes": int(result.votes[row]),
                "sd": [None if np.isnan(sd) else round(float(sd), 3) for sd in result.sd[row]],
            }
        )
    return [{"image": image, "boxes": boxes} for image, boxes in zip(images, found, strict=True)]


def _tell(
    n_rows: int,
    bad: Sequence[BadRow],
    n_items: int,
    method: str,
    as_json: bool,
    n_bad: int | None = None,
) -> None:
    """The counts; ``n_bad`` where ``bad`` holds only the first of them."""
    left_out = len(bad) if n_bad is None else n_bad
    told = {
        "n_rows": n_rows,
        "n_used": n_rows - left_out,
        "n_bad": left_out,
        "n_items": n_items,
        "method": method,
        "bad": list(bad),
    }
    text = f"{n_rows} rows = {n_rows - left_out} used + {left_out} bad; {n_items} items by {method}"
    _door.show(told, as_json, text)
