"""Rows of worker accuracy, made from what the combination learned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from jobs.combining.comparing import corners, same_tag
from jobs.combining.votes import Score, Vote
from jobs.tables import WorkerScore
from quality.boxes import box_f1
from quality.workers import accuracy


@dataclass
class Habits:
    """How long workers take and how alike their two answers to one question are; grows by item."""

    n_votes: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    seconds: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    alike: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, votes: Sequence[Vote], repeats: Sequence[Vote]) -> None:
        """Take in all answers to one item."""
        for vote in votes:
            self.n_votes[vote.worker_id] += 1
            self.seconds[vote.worker_id] += vote.seconds
        first = {(vote.unit, vote.worker_id): vote for vote in reversed(votes)}
        for repeat in repeats:
            original = first.get((repeat.unit, repeat.worker_id))
            if original is not None:
                self.alike[repeat.worker_id].append(_likeness(original, repeat))

    def mean_seconds(self, worker_id: int) -> float:
        """The mean time of an answer."""
        return self.seconds[worker_id] / max(1, self.n_votes[worker_id])

    def repeat_agreement(self, worker_id: int) -> float | None:
        """How alike the worker's two answers are, in [0, 1]; None without a repeat."""
        values = self.alike.get(worker_id)
        return float(np.mean(values)) if values else None


def score_rows(
    job_id: int, kind: str, scores: Mapping[int, Score], habits: Habits, now: datetime
) -> list[WorkerScore]:
    """One row a worker: accuracy against gold and against the others, steadiness, speed."""
    return [
        WorkerScore(
            job_id=job_id,
            worker_id=worker_id,
            kind=kind,
            n_answers=score.n_answers,
            n_gold=round(score.gold_all),
            **_interval("gold", score.gold_right, score.gold_all),
            **_interval("consensus", score.others_right, score.others_all),
            repeat_agreement=habits.repeat_agreement(worker_id),
            mean_seconds=habits.mean_seconds(worker_id),
            details=score.details,
            computed_at=now,
        )
        for worker_id, score in sorted(scores.items())
    ]


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
