"""Many-choice tags: one yes-or-no decision a tag, with each worker's skill shared by all tags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quality.consensus.shapes import Bools, Floats, Ints, TagAnswers, WorkerEstimates
from quality.consensus.tags._coin import coin
from quality.consensus.tags._votes import collect, settle, vote_share
from quality.consensus.tags.auto import VERSION, blend


@dataclass(frozen=True)
class ManyAnswers:
    """Answers that tick any number of tags, as rows.

    ``item`` and ``worker`` (n,) are indices from 0, ``chosen`` (n, n_tags) what was ticked: an
    empty row is an answer. ``gold`` (n_items, n_tags) holds 1, 0, or -1 for not known.
    """

    item: Ints
    worker: Ints
    chosen: Bools
    n_items: int
    n_workers: int
    gold: Ints | None = None


@dataclass(frozen=True)
class ManyConsensus:
    """One decision an item and tag; all but ``n_answers`` and ``workers`` (n_items, n_tags).

    ``probability`` that the tag applies, ``chosen`` where it does, ``confidence`` that the
    decision is right (0 and False where nobody answered), ``votes`` for the tag.
    """

    chosen: Bools
    probability: Floats
    confidence: Floats
    votes: Ints
    n_answers: Ints
    workers: WorkerEstimates
    method: str
    version: str


def combine_many(answers: ManyAnswers) -> ManyConsensus:
    """Each tag of each item decided as by ``auto``, with one skill a worker for all tags.

    Every tag has a frequency of its own; order and duplicates of rows do not matter. Where a
    worker answered an item twice, both count.
    """
    n_tags = answers.chosen.shape[1]
    shape = (answers.n_items, n_tags)
    votes = collect(_as_tags(answers))
    tag_of = np.tile(np.arange(n_tags, dtype=np.int64), answers.n_items)
    posterior, workers = vote_share(votes), None
    if len(votes):
        found = blend(votes, coin, group=tag_of)
        posterior, workers = found.posterior, found.workers
    if workers is None:
        accuracy = np.full(answers.n_workers, np.nan)
        workers = WorkerEstimates(accuracy, np.ones(answers.n_workers), votes.per_worker())
    result = settle(votes, posterior, workers, method="auto", version=VERSION)
    return ManyConsensus(
        chosen=(result.label == 1).reshape(shape),
        probability=result.posterior[:, 1].reshape(shape),
        confidence=result.confidence.reshape(shape),
        votes=votes.counts()[:, 1].astype(np.int64).reshape(shape),
        n_answers=result.n_answers.reshape(shape)[:, 0] if n_tags else _nothing(answers.n_items),
        workers=workers,
        method="auto",
        version=VERSION,
    )


def _as_tags(answers: ManyAnswers) -> TagAnswers:
    """The same answers as yes (1) or no (0) to the question (item, tag)."""
    n_tags = answers.chosen.shape[1]
    question = answers.item[:, None] * n_tags + np.arange(n_tags)
    return TagAnswers(
        item=question.ravel(),
        worker=np.repeat(answers.worker, n_tags),
        label=answers.chosen.astype(np.int64).ravel(),
        n_items=answers.n_items * n_tags,
        n_workers=answers.n_workers,
        n_labels=2,
        gold=None if answers.gold is None else answers.gold.astype(np.int64).ravel(),
    )


def _nothing(n: int) -> NDArray[np.int64]:
    return np.zeros(n, dtype=np.int64)
