"""How far the answers in a file agree: no database, no server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from jobs import answer_files
from jobs.cli import _door
from jobs.cli.consensus import box_columns, refuse_bad, tag_columns
from quality import agreement, box_agreement, box_alpha
from quality.consensus.shapes import TagAnswers

_answers_argument = click.argument("answers", type=click.Path(exists=True, path_type=Path))
_strict_option = click.option("--strict", is_flag=True, help="Fail on the first bad row.")
_seed_option = click.option(
    "--seed", type=_door.Whole(0), default=0, show_default=True, help="Of resampling."
)


@click.group("agreement")
def group() -> None:
    """Agreement between workers, from files, with 95 % intervals."""


@group.command("tags")
@_answers_argument
@click.option(
    "--level",
    type=click.Choice(["nominal", "ordinal", "interval", "percent"]),
    default="nominal",
    show_default=True,
    help="Krippendorff's alpha at this level, or the share of like pairs.",
)
@click.option(
    "--pairs",
    "pairs_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write each pair of workers: how many items both answered, and how many alike.",
)
@_seed_option
@_strict_option
@_door.json_option
def tags(
    answers: Path, level: str, pairs_path: Path | None, seed: int, strict: bool, as_json: bool
) -> None:
    """Agreement of tags: CSV or Parquet with item,worker,label."""
    read = answer_files.read_tags(answers)
    refuse_bad(read.bad, strict, answers)
    columns = tag_columns(read, ordered=level in ("ordinal", "interval"))
    found = agreement.tag_agreement(columns, np.random.default_rng(seed), level)  # type: ignore[arg-type]
    if pairs_path:
        answer_files.write_table(pairs_path, _pair_columns(read, columns))
    judged = "" if found.enough else "; too few to judge"
    _door.show(
        {**_door.plain(found), "level": level, "n_rows": read.n_rows, "n_bad": len(read.bad)},
        as_json,
        f"{level} {found.value:.4f} [{found.low:.4f}, {found.high:.4f}] "
        f"over {found.n_items} items, {found.n_pairs} pairs{judged}",
    )


def _pair_columns(read: answer_files.TagFile, columns: TagAnswers) -> dict[str, Any]:
    """A row a pair of workers with an item in common; kappa is Cohen's, nominal."""
    pairs = agreement.worker_pairs(columns)
    names = np.array(read.workers, dtype=object)
    return {
        "worker": names[pairs.a],
        "other": names[pairs.b],
        "n_common": pairs.n_common,
        "n_same": pairs.n_same,
        "kappa": np.round(agreement.pair_kappas(columns, pairs), 6),
    }


@group.command("boxes")
@_answers_argument
@click.option("--iou", type=_door.Real(0, 1), default=0.5, show_default=True, help="Of a match.")
@_seed_option
@_strict_option
@_door.json_option
def boxes(answers: Path, iou: float, seed: int, strict: bool, as_json: bool) -> None:
    """Agreement of boxes: JSONL or Parquet, one worker's boxes on one image a row."""
    read = answer_files.read_boxes(answers)
    refuse_bad(read.bad, strict, answers)
    _images, workers, _classes, columns = box_columns(read)
    found = box_agreement.box_agreement(columns, np.random.default_rng(seed), iou)
    alpha = box_alpha.box_alpha(columns, np.random.default_rng(seed), iou)
    told = {
        "f1": found.f1,
        "low": found.low,
        "high": found.high,
        "iou": found.iou,
        "alpha": alpha.value,
        "alpha_low": alpha.low,
        "alpha_high": alpha.high,
        "n_items": found.n_items,
        "too_few": found.too_few,
        "workers": workers,
        "pair_f1": found.pair_f1.tolist(),
        "n_rows": read.n_rows,
        "n_bad": len(read.bad),
    }
    judged = "; too few to judge" if found.too_few else ""
    text = (
        f"F1 {found.f1:.4f} [{found.low:.4f}, {found.high:.4f}] at IoU {iou:g}, "
        f"mean IoU {found.iou:.4f}, alpha {alpha.value:.4f} "
        f"[{alpha.low:.4f}, {alpha.high:.4f}] over {found.n_items} images{judged}"
    )
    _door.show(told, as_json, text)
