"""Workers whose boxes are another's, with the evidence, for a person to look at."""

from __future__ import annotations

import numpy as np

from quality.consensus.boxes import _copies
from quality.consensus.boxes._clusters import by_iou, clusters
from quality.consensus.boxes._tidy import tidy
from quality.consensus.shapes import BoxAnswers
from quality.worker_flags import Flag

_IOU, _OTHER_LABEL = 0.25, 0.9


def copied_boxes(answers: BoxAnswers) -> tuple[Flag, ...]:
    """Pairs whose boxes are nearer to each other than two hands can be: a flag for either.

    ``kind`` is "copied boxes", ``n`` the boxes both have on one object, ``share`` the part of
    them that are copies; ``expected`` is 0, as two hands never meet. ``p_value`` is at most
    the chance in 100 crowds that allows for all pairs looked at. Sorted by worker; none in
    empty input. See ``quality.consensus.boxes._copies`` for the model.
    """
    columns = tidy(answers)
    found = _copies.find(columns, clusters(columns, by_iou(columns, _OTHER_LABEL), _IOU))
    chance = 0.01 * np.exp(-found.log_odds)
    flags = [
        Flag(int(one), "copied boxes", int(other), int(n), float(share), 0.0, float(p))
        for a, b, n, share, p in zip(
            found.a, found.b, found.n_common, found.share, chance, strict=True
        )
        for one, other in ((a, b), (b, a))
    ]
    return tuple(sorted(flags, key=lambda flag: (flag.worker, flag.other)))
