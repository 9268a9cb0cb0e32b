"""Does an image want one more person's boxes? Objects and their sides are asked apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quality.consensus.shapes import Bools, BoxConsensus, Floats, Ints
from quality.stopping import Rule


@dataclass(frozen=True)
class BoxDoubt:
    """Why an item's boxes may want another look; all arrays (n_items,) in [0, 1].

    ``existence``: chance that some object is missing or wrong (1 where nobody answered);
    ``localisation``: largest standard deviation of a believed box's side over the box's extent.
    """

    existence: Floats
    localisation: Floats
    n_answers: Ints


def box_doubt(consensus: BoxConsensus) -> BoxDoubt:
    """How unsure the objects of each item are, and how unsure their sides."""
    held = consensus.exists & np.isfinite(consensus.sd).all(axis=1)
    box, sd = consensus.xyxy[held], consensus.sd[held]
    extent = np.maximum(np.stack([box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]], axis=1), 1e-9)
    relative = np.minimum((sd / np.tile(extent, 2)).max(axis=1, initial=0.0), 1.0)
    localisation = np.zeros(len(consensus.n_answers))
    np.maximum.at(localisation, consensus.item[held], relative)
    existence = np.where(consensus.n_answers > 0, 1.0 - consensus.item_confidence, 1.0)
    return BoxDoubt(existence, localisation, consensus.n_answers)


def boxes_wanted(doubt: BoxDoubt, rule: Rule, side_spread: float = 0.1) -> Bools:
    """Which items want one more person's boxes: objects unsure, or sides too loose."""
    unsure = (doubt.existence > 1.0 - rule.certainty) | (doubt.localisation > side_spread)
    return (doubt.n_answers < rule.least) | (unsure & (doubt.n_answers < rule.most))
