"""How right each worker's boxes are: against gold, and against what the others drew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quality.consensus.shapes import BoxAnswers, BoxConsensus, Floats


@dataclass(frozen=True)
class BoxCounts:
    """Per worker, arrays (n_workers,): boxes found right, drawn without cause, and missed.

    ``n_right / (n_right + (n_false + n_missed) / 2)`` is the worker's F1.
    """

    n_right: Floats
    n_false: Floats
    n_missed: Floats

    @property
    def n_judged(self) -> Floats:
        """Pseudo-trials (n_workers,) whose share right is the F1."""
        return self.n_right + (self.n_false + self.n_missed) / 2


def against_others(answers: BoxAnswers, consensus: BoxConsensus) -> BoxCounts:
    """Each worker's boxes against what at least half of the others drew on the same item.

    The worker's own vote never counts: an object is judged by the votes that are left when
    the worker's is taken away. Items that nobody else answered are not judged. Source: the
    leave-one-out rule for tags, applied to the clusters of ``consensus``.
    """
    n_objects = len(consensus.item)
    responses = np.unique(np.stack([answers.response_item, answers.response_worker], 1), axis=0)
    n_others = np.bincount(responses[:, 0], minlength=answers.n_items) - 1
    judged = n_others[responses[:, 0]] > 0
    drawn = consensus.member >= 0
    pairs = np.unique(np.stack([consensus.member[drawn], answers.worker[drawn]], 1), axis=0)
    n_votes = np.bincount(pairs[:, 0], minlength=n_objects)

    # Right or false: every box of a worker, by the votes of the others for its object.
    own_object, own_worker = pairs[:, 0], pairs[:, 1]
    own_item = consensus.item[own_object]
    counted = n_others[own_item] > 0
    others = n_votes[own_object] - 1
    backed = counted & (2 * others >= n_others[own_item])
    right = _per_worker(answers, own_worker[backed])
    loose = ~drawn & (n_others[answers.item] > 0)
    false = _per_worker(answers, own_worker[counted & ~backed]) + _per_worker(
        answers, answers.worker[loose]
    )
    # Missed: objects half of the others drew, on items the worker answered, not drawn by them.
    object_of, worker_of = _pairs_on_item(consensus.item, responses[judged])
    others = n_votes[object_of] - _contains(pairs, object_of, worker_of, answers.n_workers)
    wanted = 2 * others >= n_others[consensus.item[object_of]]
    missed = (
        _per_worker(answers, worker_of[wanted]) - right
    )  # of the wanted objects, those not drawn
    return BoxCounts(right, false, missed)


def _per_worker(answers: BoxAnswers, workers: np.ndarray) -> Floats:
    return np.bincount(workers, minlength=answers.n_workers).astype(float)


def _pairs_on_item(object_item: np.ndarray, responses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every (object, worker) where the worker answered the object's item."""
    order = np.argsort(object_item, kind="stable")
    start = np.searchsorted(object_item[order], responses[:, 0], side="left")
    stop = np.searchsorted(object_item[order], responses[:, 0], side="right")
    counts = stop - start
    rows = np.repeat(start - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    return order[rows], np.repeat(responses[:, 1], counts)


def _contains(
    pairs: np.ndarray, objects: np.ndarray, workers: np.ndarray, n_workers: int
) -> np.ndarray:
    known = np.sort(pairs[:, 0] * n_workers + pairs[:, 1])
    asked = objects * n_workers + workers
    places = np.searchsorted(known, asked)
    places[places == len(known)] = 0
    return (known[places] == asked if len(known) else np.zeros(len(asked), bool)).astype(np.int64)
