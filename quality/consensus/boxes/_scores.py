"""What a model's own scores tell: log odds of real against false, learned for each model.

The logit of a score is taken as normal among a model's real boxes and normal, with the same
spread, among its false ones. People have no score and give no evidence here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quality.consensus.boxes._blocks import Block
from quality.consensus.boxes._result import weighted
from quality.consensus.shapes import Bools, Floats, Ints

_PRIOR = 8.0
_APART = 0.5  # before anything is learned, real boxes score half a spread higher than usual
_MOST = 6.0


@dataclass(frozen=True)
class Scorers:
    """Per worker (w,): the mean logit of real and of false boxes, and the common spread."""

    real: Floats
    false: Floats
    spread: Floats


def first_scorers(worker: Ints, score: Floats, n_workers: int) -> Scorers:
    """Before learning: each model's own mean score, a little apart."""
    z, known = _logits(score)
    count = np.bincount(worker[known], minlength=n_workers)
    mean = np.bincount(worker[known], weights=z[known], minlength=n_workers) / np.maximum(count, 1)
    spread = np.ones(n_workers)
    return Scorers(mean + _APART * spread, mean - _APART * spread, spread)


def evidence(block: Block, scorers: Scorers) -> Floats:
    """Logits (m,) that the scores of an object's boxes add."""
    z, known = _logits(block.score)
    if not known.any():
        return np.zeros(len(block.item))
    who, z = block.worker[known], z[known]
    middle = 0.5 * (scorers.real + scorers.false)[who]
    slope = ((scorers.real - scorers.false) / scorers.spread**2)[who]
    odds = np.clip(slope * (z - middle), -_MOST, _MOST) * block.part[known]
    return weighted(block.cluster[known], odds, len(block.item))


def gather(block: Block, belief: Floats, n_workers: int) -> list[Floats]:
    """Moments (3, w) of the logits of real boxes and (3, w) of false ones."""
    z, known = _logits(block.score)
    who, z, real = block.worker[known], z[known], belief[block.cluster][known]
    return [
        np.stack([weighted(who, part * z**k, n_workers) for k in range(3)])
        for part in (real, 1 - real)
    ]


def learn(totals: list[Floats], before: Scorers) -> Scorers:
    """Means and spread, shrunk towards where they were, real never under false."""
    (n1, s1, q1), (n0, s0, q0) = totals
    real = (s1 + _PRIOR * before.real) / (n1 + _PRIOR)
    false = np.minimum((s0 + _PRIOR * before.false) / (n0 + _PRIOR), real)
    squares = q1 - 2 * real * s1 + n1 * real**2 + q0 - 2 * false * s0 + n0 * false**2
    spread = np.sqrt((squares + _PRIOR * before.spread**2) / (n1 + n0 + _PRIOR))
    return Scorers(real, false, np.maximum(spread, 0.2))


def _logits(score: Floats) -> tuple[Floats, Bools]:
    known = ~np.isnan(score)
    clipped = np.clip(np.where(known, score, 0.5), 0.001, 0.999)
    return np.log(clipped / (1 - clipped)), known
