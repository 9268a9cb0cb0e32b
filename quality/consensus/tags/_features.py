"""A classifier that learns from the consensus and gives each item a second opinion.

Ridge regression of the posterior on the features, its leave-one-out predictions in closed
form (so no item is judged by what its own answers taught), and a soft-max whose
temperature makes them honest. In the spirit of Goh, Tkachenko, Mueller, *CROWDLAB*, 2022.
"""

from __future__ import annotations

import numpy as np

from quality.consensus.shapes import Bools, Floats
from quality.consensus.tags._confusion import soft_max

RIDGES = tuple(float(x) for x in np.logspace(-3, 3, 7))
TEMPERATURES = tuple(float(x) for x in np.logspace(-2, 0.5, 16))
# Mixed in so that a classifier never rules a truth out.
DOUBT = 0.02


def second_opinion(features: Floats, posterior: Floats, learned: Bools) -> Floats:
    """The classifier's p(truth) (n_items, K), each row from the other items only.

    ``features`` (n_items, d) of any scale, ``posterior`` (n_items, K) the consensus to learn
    from, ``learned`` (n_items,) flags of the items with answers. Ridge and temperature are
    those under which the left-out consensus is most likely.
    """
    rows = features[learned]
    spread = rows.std(axis=0)
    spread[spread == 0] = 1.0
    scaled = (features - rows.mean(axis=0)) / spread
    base = posterior[learned].mean(axis=0)
    target = posterior[learned] - base
    values, vectors = np.linalg.eigh(scaled[learned].T @ scaled[learned] / len(rows))
    turned = scaled @ vectors
    towards = turned[learned].T @ target / len(rows)
    best, best_likelihood = np.tile(base, (len(features), 1)), -np.inf
    for ridge in RIDGES:
        inverse = 1.0 / (np.maximum(values, 0.0) + ridge)
        score = turned @ (inverse[:, None] * towards)
        lever = np.minimum((turned[learned] ** 2) @ inverse / len(rows), 0.999)[:, None]
        score[learned] = (score[learned] - lever * target) / (1.0 - lever)
        for temperature in TEMPERATURES:
            chance, _ = soft_max(score / temperature + np.log(np.maximum(base, 1e-9)))
            chance = (1 - DOUBT) * chance + DOUBT * base
            likelihood = float((posterior[learned] * np.log(chance[learned] + 1e-12)).sum())
            if likelihood > best_likelihood + 1e-9:
                best, best_likelihood = chance, likelihood
    return best
