"""What an empty answer hides: some say "nothing here" where others find something.

That happens oftener than missing each object by itself would tell: people hand in a picture
they hardly looked at, or look for larger things. So the rate is learned as it shows: how often
a worker's answer is empty on images where others drew objects that are believed. Where all
answers are empty, the image holds something with odds

    p / (1 - p) * product of  blank[w] / (chance of w to draw nothing on an empty image),

p being the share of images that hold something.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from quality.consensus.boxes._result import weighted
from quality.consensus.boxes._tidy import TidyBoxes
from quality.consensus.shapes import Bools, Floats, Ints

_BLANK, _PRIOR_IMAGES = 0.05, 5.0  # real crowds: up to 5 % of answers are wrongly empty
_BELIEVED = 0.5
_ROUNDS = 5
_EVEN_IMAGES = 2.0


def hidden(
    tidy: TidyBoxes, cluster: Ints, voice: Floats, belief: Floats, false_boxes: Floats
) -> tuple[Ints, Floats]:
    """Images (k,) with nothing but empty answers, and the objects (k,) each is expected to hold.

    ``voice`` (r,) is how much each response counts, ``belief`` (m,) the chance of each object,
    ``false_boxes`` (w,) each worker's mean number an image.
    """
    drew = np.zeros(len(tidy.response_item), dtype=bool)
    drew[tidy.response] = True
    n_drawn = np.bincount(tidy.item, minlength=tidy.n_items)
    blank = np.flatnonzero((n_drawn == 0) & (tidy.n_answers > 0))
    rate = _rates(tidy, cluster, drew, belief)
    log_odds = np.log(rate) + false_boxes  # exp(-false_boxes) is the chance to draw none
    heard = weighted(tidy.response_item, voice * log_odds[tidy.response_worker], tidy.n_items)
    there = np.zeros(tidy.n_items)
    item = np.zeros(len(belief), dtype=np.int64)
    item[cluster] = tidy.item
    np.maximum.at(there, item, belief)
    sure, n_images = there.sum(), (tidy.n_answers > 0).sum()
    share, holds = 0.5, np.zeros(len(blank))
    for _ in range(_ROUNDS):
        share = (sure + holds.sum() + 0.5 * _EVEN_IMAGES) / (n_images + _EVEN_IMAGES)
        holds = expit(logit(share) + heard[blank])
    usual = (belief.sum() + 1.0) / (sure + 1.0)
    return blank, holds * usual


def _rates(tidy: TidyBoxes, cluster: Ints, drew: Bools, belief: Floats) -> Floats:
    """How often each worker (w,) draws nothing where others drew something believed, shrunk."""
    votes = np.bincount(cluster, minlength=len(belief))
    counts = belief >= _BELIEVED
    item = np.zeros(len(belief), dtype=np.int64)
    item[cluster] = tidy.item
    believed = np.bincount(item[counts], minlength=tidy.n_items)
    alone = counts[cluster] & (votes[cluster] == 1)
    own = np.bincount(tidy.response[alone], minlength=len(drew))
    told = believed[tidy.response_item] > own
    n = tidy.n_workers
    asked = np.bincount(tidy.response_worker[told], minlength=n)
    empty = np.bincount(tidy.response_worker[told & ~drew], minlength=n)
    usual = (empty.sum() + _BLANK * _PRIOR_IMAGES) / (asked.sum() + _PRIOR_IMAGES)
    rate: Floats = (empty + usual * _PRIOR_IMAGES) / (asked + _PRIOR_IMAGES)
    return rate
