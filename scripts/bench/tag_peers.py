"""crowd-kit's tag methods on the same answers, when it is installed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from quality.consensus.shapes import Floats, Ints, TagAnswers

METHODS = ("MajorityVote", "DawidSkene", "OneCoinDawidSkene", "Wawa", "ZeroBasedSkill")
# Minutes each on the larger sets.
SLOW_METHODS = ("GLAD", "MACE")


@dataclass(frozen=True)
class PeerLabels:
    """``label`` and ``confidence`` (n_items,), ``posterior`` (n_items, n_labels).

    ``accuracy`` (n_workers,) is the peer's score of each worker, None where it has none.
    """

    label: Ints
    confidence: Floats
    posterior: Floats
    accuracy: Floats | None


def is_installed() -> bool:
    return find_spec("crowdkit") is not None


def fit(name: str, some: TagAnswers) -> PeerLabels:
    """The method as it is called by default; its label is its own, not the posterior's."""
    frames = import_module("pandas")
    peer = getattr(import_module("crowdkit.aggregation"), name)()
    columns = {"task": some.item, "worker": some.worker, "label": some.label}
    found = peer.fit_predict(frames.DataFrame(columns))
    label = np.full(some.n_items, -1)
    label[found.index.to_numpy()] = found.to_numpy()
    posterior = np.zeros((some.n_items, some.n_labels))
    chances = peer.probas_.fillna(0.0)
    posterior[np.ix_(chances.index.to_numpy(), chances.columns.to_numpy())] = chances.to_numpy()
    confidence = posterior[np.arange(some.n_items), np.maximum(label, 0)]
    return PeerLabels(label, confidence, posterior, _accuracy(name, peer, some.n_workers))


def _accuracy(name: str, peer, n_workers: int) -> Floats | None:
    """The peer's skill of each worker; a matrix of errors counts by its mean diagonal."""
    accuracy = np.full(n_workers, np.nan)
    if name == "DawidSkene":
        errors = peer.errors_
        own = errors.index.get_level_values(1)
        for label in errors.columns:
            part = errors[own == label][label]
            workers = part.index.get_level_values(0).to_numpy()
            accuracy[workers] = np.nan_to_num(accuracy[workers]) + part * peer.priors_[label]
        return accuracy
    skills = getattr(peer, "skills_", None)
    if skills is None:
        return None
    accuracy[skills.index.to_numpy()] = skills.to_numpy()
    return accuracy
