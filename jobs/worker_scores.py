"""Rows of worker accuracy, made from what the combination learned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from jobs.gold_results import corners, same_tag
from jobs.tables import WorkerScore
from jobs.votes import Score, Vote
from quality.boxes import box_f1
from quality.workers import accuracy


def score_rows(
    job_id: int,
    kind: str,
    scores: Mapping[int, Score],
    votes: Sequence[Vote],
    repeats: Sequence[Vote],
    now: datetime,
) -> list[WorkerScore]:
    """One row a worker: accuracy against gold and against the others, steadiness, speed."""
    seconds: dict[int, list[float]] = defaultdict(list)
    for vote in votes:
        seconds[vote.worker_id].append(vote.seconds)
    steady = repeat_agreement(votes, repeats)
    return [
        WorkerScore(
            job_id=job_id,
            worker_id=worker_id,
            kind=kind,
            n_answers=score.n_answers,
            n_gold=round(score.gold_all),
            **_interval("gold", score.gold_right, score.gold_all),
            **_interval("consensus", score.others_right, score.others_all),
            repeat_agreement=steady.get(worker_id),
            mean_seconds=float(np.mean(seconds[worker_id])),
            details=score.details,
            computed_at=now,
        )
        for worker_id, score in sorted(scores.items())
    ]


def repeat_agreement(votes: Sequence[Vote], repeats: Sequence[Vote]) -> dict[int, float]:
    """How alike a worker's two answers to the same question are, in [0, 1], by worker id."""
    first = {(vote.unit, vote.worker_id): vote for vote in reversed(votes)}
    alike: dict[int, list[float]] = defaultdict(list)
    for repeat in repeats:
        original = first.get((repeat.unit, repeat.worker_id))
        if original is not None:
            alike[repeat.worker_id].append(_likeness(original, repeat))
    return {worker_id: float(np.mean(values)) for worker_id, values in alike.items()}


def _likeness(one: Vote, other: Vote) -> float:
    if "boxes" in one.value:
        (a, a_labels), (b, b_labels) = corners(one.value), corners(other.value)
        return box_f1(a, b, a_labels, b_labels)
    names = one.value["tags"].keys() & other.value["tags"].keys()
    same = [same_tag(one.value["tags"][name], other.value["tags"][name]) for name in names]
    return float(np.mean(same)) if same else 0.0


def _interval(name: str, right: float, judged: float) -> dict[str, float | None]:
    if not judged:
        return {f"{name}_accuracy": None, f"{name}_low": None, f"{name}_high": None}
    found = accuracy(right, judged)
    return {
        f"{name}_accuracy": float(found.mean),
        f"{name}_low": float(found.low),
        f"{name}_high": float(found.high),
    }
