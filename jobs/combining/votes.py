"""The answers that count, as values: what consensus is made from. No database."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from quality.consensus.shapes import Ints


@dataclass(frozen=True, slots=True)
class Vote:
    """One parsed answer. ``unit`` is the task asked: an item, or one ``tile`` of it."""

    answer_id: int
    unit: int
    item_id: int
    worker_id: int
    provider: str
    value: dict[str, Any]
    seconds: float
    tile: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Combined:
    """The combined answer to one question about one item.

    ``agreement`` is None with fewer than two answers. ``complete`` says whether every
    part of the question (each attribute) has an answer.
    """

    item_id: int
    value: dict[str, Any]
    confidence: float
    agreement: float | None
    n_answers: int
    complete: bool
    method: str
    provenance: dict[str, Any]


@dataclass
class Score:
    """A worker's right and judged answers; both may be fractional."""

    n_answers: int = 0
    gold_right: float = 0.0
    gold_all: float = 0.0
    others_right: float = 0.0
    others_all: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)


def first_of_each_worker(votes: Sequence[Vote]) -> list[Vote]:
    """Votes by (unit, worker, answer id), a worker's first answer to a unit only."""
    ordered = sorted(votes, key=lambda vote: (vote.unit, vote.worker_id, vote.answer_id))
    kept: dict[tuple[int, int], Vote] = {}
    for vote in ordered:
        kept.setdefault((vote.unit, vote.worker_id), vote)
    return list(kept.values())


def index_of(ids: Sequence[int] | Ints) -> tuple[list[int], Ints]:
    """The sorted distinct ``ids`` and, for each of ``ids``, its place among them."""
    distinct, places = np.unique(np.asarray(ids, dtype=np.int64), return_inverse=True)
    return [int(value) for value in distinct], places.astype(np.int64)


def by_item(votes: Sequence[Vote]) -> dict[int, list[Vote]]:
    """Votes grouped by item, order kept."""
    groups: dict[int, list[Vote]] = defaultdict(list)
    for vote in votes:
        groups[vote.item_id].append(vote)
    return groups


def voters(votes: Sequence[Vote], weight: Mapping[int, float]) -> list[dict[str, Any]]:
    """Who voted, in the order of answers, with the influence the method gave each."""
    return [
        {
            "answer": vote.answer_id,
            "worker": vote.worker_id,
            "provider": vote.provider,
            "weight": round(weight.get(vote.worker_id, 0.0), 6),
        }
        for vote in sorted(votes, key=lambda vote: vote.answer_id)
    ]


def fingerprint(votes: Sequence[Vote]) -> str:
    """SHA-256 of the answers, whatever their order: names what a consensus was made from."""
    rows = sorted((vote.answer_id, vote.worker_id, vote.value) for vote in votes)
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
