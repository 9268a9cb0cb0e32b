"""How far the model's beliefs can be trusted, found without gold, by foretelling workers.

Each look in turn is left out. What the others drew gives the odds that the object is real,
and those odds foretell whether the one left out drew it too. Where workers share errors no
model knows of, such forecasts are too sure of themselves; so the log odds are divided by the
number that makes the forecasts most likely. Well-behaved crowds give about 1, a real crowd of
street images 1.3 to 1.4.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from quality.consensus.boxes import _existence, _scores
from quality.consensus.boxes._fit import Fitted, State
from quality.consensus.boxes._threads import over
from quality.consensus.shapes import Floats

_LEAST, _MOST = 0.7, 2.5
_TRIED = np.linspace(np.log(_LEAST), np.log(_MOST), 15)
# Before anything is seen: log normal around 1.15, and no forecast where all is clear.
_USUAL, _SD = np.log(1.15), 0.25
_CLEAR = 25.0


def temperature(fitted: Fitted) -> float:
    """What the log odds of existence are to be divided by: 0.7 to 2.5, 1.15 for no answers."""
    tried = over(fitted.states, lambda state: _forecasts(state, fitted))
    score = np.sum(tried, axis=0) - 0.5 * ((_TRIED - _USUAL) / _SD) ** 2
    best = int(np.clip(score.argmax(), 1, len(_TRIED) - 2))
    left, middle, right = score[best - 1 : best + 2]
    bend = left - 2 * middle + right
    # The top of the parabola through three points, so that the result moves smoothly.
    shift = 0.5 * (left - right) / bend if bend < 0 else float(np.sign(right - left))
    found = _TRIED[best] + np.clip(shift, -1.0, 1.0) * (_TRIED[1] - _TRIED[0])
    return float(np.exp(found))


def _forecasts(state: State, fitted: Fitted) -> Floats:
    """The log-likelihood (tried,) of what workers did, foretold from the others alone."""
    eyes, block = fitted.habits.eyes, state.block
    evidence = _scores.evidence(block, fitted.habits.scorers)
    odds, if_real, if_false, drew = _existence.foretold(block, eyes, evidence)
    # The chance of what the worker did, drawn or not, where the odds leave any doubt.
    doubtful = np.abs(odds) < _CLEAR
    odds = odds[doubtful]
    real = np.where(drew, if_real, 1 - if_real)[doubtful]
    false = np.where(drew, if_false, 1 - if_false)[doubtful]
    scores = np.empty(len(_TRIED))
    for k, log_t in enumerate(_TRIED):
        chance = false + (real - false) * expit(odds * np.exp(-log_t))
        scores[k] = np.log(np.maximum(chance, 1e-12)).sum()
    return scores
