"""The one shape every consensus method takes and returns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class TagAnswers:
    """Answers to one categorical question, as columns of equal length n.

    ``item``, ``worker`` and ``label`` are indices from 0; (item, worker) pairs may
    repeat, an exact duplicate row counts once. ``truth`` (n_labels,) says which labels
    can be the truth (None: all); an answer such as "cannot tell" may be no truth.
    ``gold`` (n_items,) holds a known label index or -1. ``ordered`` marks a scale.
    ``seconds`` (n,) is the time of each answer, ``features`` (n_items, d) an embedding.
    """

    item: Ints
    worker: Ints
    label: Ints
    n_items: int
    n_workers: int
    n_labels: int
    truth: Bools | None = None
    gold: Ints | None = None
    ordered: bool = False
    seconds: Floats | None = None
    features: Floats | None = None


@dataclass(frozen=True)
class WorkerEstimates:
    """What a method learned of each worker; all arrays have length n_workers.

    ``accuracy`` is in [0, 1], NaN for a worker without answers; ``weight`` is the
    influence the method gave the worker (any positive scale). ``details`` holds what
    only some methods know, by name, each with n_workers as first axis
    (``confusion`` (n_workers, n_truths, n_labels), ``detection_rate``, ``false_boxes``,
    ``bias`` (n_workers, 4), ``spread`` (n_workers, 4)).
    """

    accuracy: Floats
    weight: Floats
    n_answers: Ints
    details: dict[str, NDArray[np.generic]] = field(default_factory=dict)


@dataclass(frozen=True)
class TagConsensus:
    """One label an item. ``label`` is -1 and ``confidence`` 0 where nobody answered.

    ``posterior`` (n_items, n_labels) sums to 1 a row (all 0 where nobody answered);
    ``confidence`` is the calibrated probability that ``label`` is right;
    ``votes`` counts the answers equal to ``label`` and ``n_answers`` all of the item's.
    """

    label: Ints
    confidence: Floats
    posterior: Floats
    votes: Ints
    n_answers: Ints
    workers: WorkerEstimates
    iterations: int
    log_likelihood: float
    method: str
    version: str


@dataclass(frozen=True)
class BoxAnswers:
    """Answers of boxes, as columns.

    ``response_item``/``response_worker`` (r,) list who looked at what: a response
    without boxes is the answer "nothing here". The box columns have length n: ``item``,
    ``worker``, ``label`` (class index), ``xyxy`` (n, 4) pixels, left < right and
    top < bottom, and ``score`` (n,) in [0, 1] for a model's boxes (NaN for a person's).
    ``size`` (n_items, 2) is width, height of each image.
    """

    response_item: Ints
    response_worker: Ints
    item: Ints
    worker: Ints
    label: Ints
    xyxy: Floats
    size: Floats
    n_items: int
    n_workers: int
    n_labels: int
    score: Floats | None = None


@dataclass(frozen=True)
class BoxConsensus:
    """Objects found, as columns of length m, sorted by item, then confidence falling.

    ``confidence`` is the calibrated probability that the object exists and has this
    class; those with ``exists`` True are believed. ``sd`` (m, 4) is the standard deviation
    of each side in pixels (NaN where unknown). ``votes`` counts the workers who drew it.
    ``member`` (n,) gives for each input box the row of its object here, or -1.
    ``item_confidence`` (n_items,) is the probability that the item's set of objects is
    right as a whole (0 where nobody answered); ``n_answers`` (n_items,) counts responses.
    ``details`` holds what only some methods know: ``existence``, ``named`` and ``placed``
    (m,), the factors of ``confidence``, and ``missed`` (n_items,), the objects of an item
    expected that nobody drew.
    """

    item: Ints
    label: Ints
    xyxy: Floats
    confidence: Floats
    exists: Bools
    votes: Ints
    sd: Floats
    member: Ints
    item_confidence: Floats
    n_answers: Ints
    workers: WorkerEstimates
    iterations: int
    log_likelihood: float
    method: str
    version: str
    details: dict[str, Floats] = field(default_factory=dict)
