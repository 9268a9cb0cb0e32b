"""Is this worker good enough? Wald's sequential test, instead of counting strikes."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import ArrayLike

from quality.consensus.shapes import Bools, Floats


@dataclass(frozen=True)
class Standard:
    """What is asked of a worker, and how often the test may be wrong.

    A worker right at rate ``good`` or better is called not good enough at most ``false_alarm``
    of the time; one right at ``bad`` or worse is called good enough at most ``false_pass``.
    Between the two either verdict is acceptable.
    """

    good: float = 0.85
    bad: float = 0.65
    false_alarm: float = 0.05
    false_pass: float = 0.05

    def __post_init__(self) -> None:
        """Refuse a standard that no test could keep."""
        if not 0 < self.bad < self.good < 1:
            raise ValueError(f"expected 0 < bad < good < 1, got {self.bad} and {self.good}")
        for name in ("false_alarm", "false_pass"):
            rate = getattr(self, name)
            if not 0 < rate < 0.5:
                raise ValueError(f"{name}: expected between 0 and 0.5, got {rate}")


@dataclass(frozen=True)
class Verdicts:
    """One verdict a worker; where neither is set, the test goes on.

    ``evidence`` is the log-likelihood ratio of good over bad; ``passes_at`` and ``fails_at``
    are the bounds it must cross.
    """

    good_enough: Bools
    not_good_enough: Bools
    evidence: Floats
    passes_at: float
    fails_at: float


def judge(n_right: ArrayLike, n_all: ArrayLike, standard: Standard | None = None) -> Verdicts:
    """Verdicts after ``n_right`` right answers of ``n_all`` (arrays of one shape).

    May be asked again after every answer without spoiling the error rates. Counts may be
    fractional (the chance of each answer being right). Wald, *Sequential tests of statistical
    hypotheses*, 1945.
    """
    asked = standard or Standard()
    right = np.asarray(n_right, dtype=float)
    wrong = np.asarray(n_all, dtype=float) - right
    if np.any(right < 0) or np.any(wrong < -1e-9):
        raise ValueError("n_right: expected 0 to n_all in every entry")
    evidence = right * log(asked.good / asked.bad)
    evidence = evidence + wrong * log((1 - asked.good) / (1 - asked.bad))
    passes_at = log((1 - asked.false_alarm) / asked.false_pass)
    fails_at = log(asked.false_alarm / (1 - asked.false_pass))
    return Verdicts(evidence >= passes_at, evidence <= fails_at, evidence, passes_at, fails_at)
