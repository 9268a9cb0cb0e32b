"""Does the object exist? Two stories for each cluster: a real object, or a false one.

Worker w draws a real object with logit ``skill[w] + slope * size + HARD * u`` and a false one
with logit ``lure + tempted[w] + LURE * u``; u is one standard normal number per object,
shared by all workers (some objects are hard for all, some distractors tempt many), and is
integrated out. Only clusters somebody drew are seen, so both stories are conditioned on that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quality.consensus.boxes._tidy import TidyBoxes
from quality.consensus.shapes import Bools, Floats, Ints

HARD = 1.0
LURE = 1.0
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
_LOG_WEIGHTS = np.log(_WEIGHTS / _WEIGHTS.sum())
_SKILL, _SKILL_SD, _WORKER_SD = 1.5, 1.5, 1.0
_SLOPE, _SLOPE_SD = 0.45, 0.2
_LURE, _LURE_SD = -3.5, 0.7
_PRIOR_RESPONSES = 4.0
_BLOCK = 40_000


@dataclass(frozen=True)
class Looks:
    """Every worker who looked at an object's image: one row a look, sorted by object."""

    start: Ints
    worker: Ints
    drew: Bools
    size: Floats
    item: Ints


@dataclass(frozen=True)
class Eyes:
    """Habits of the eye, per worker (logits), and those of the crowd."""

    skill: Floats
    tempted: Floats
    slope: float
    lure: float
    real: float
    false_boxes: Floats


def looks(tidy: TidyBoxes, cluster: Ints, item: Ints, area: Floats) -> Looks:
    """Who looked at each object; ``item`` (m,) is sorted, ``area`` (m,) in pixels."""
    first = np.searchsorted(tidy.response_item, item)
    n_looks = tidy.n_answers[item]
    start = np.cumsum(n_looks) - n_looks
    response = np.arange(int(n_looks.sum())) + np.repeat(first - start, n_looks)
    drew = np.zeros(len(response), dtype=bool)
    drew[(start - first)[cluster] + tidy.response] = True
    share = np.log(np.maximum(area / tidy.size[item].prod(axis=1), 1e-6))
    size = np.clip(share - (np.median(share) if len(share) else 0.0), -4.0, 4.0)
    return Looks(start, tidy.response_worker[response], drew, size, item)


def first_eyes(tidy: TidyBoxes) -> Eyes:
    """Everyone alike."""
    n = tidy.n_workers
    return Eyes(np.full(n, _SKILL), np.zeros(n), _SLOPE, _LURE, 0.7, np.full(n, 0.1))


@dataclass
class _Totals:
    """Sums over objects that the next estimate needs."""

    gain: Floats
    bend: Floats
    slope: Floats
    lure: Floats
    log_likelihood: float


def believe(seen: Looks, eyes: Eyes, extra: Floats) -> tuple[Floats, _Totals]:
    """Chance (m,) that each object is real, and the sums to learn from.

    ``extra`` (m,) is further evidence in logits, such as a model's scores.
    """
    belief = np.zeros(len(seen.item))
    n = len(eyes.skill)
    totals = _Totals(np.zeros(n), np.zeros(n), np.zeros(2), np.zeros(2), 0.0)
    for begin in range(0, len(belief), _BLOCK):
        end = min(begin + _BLOCK, len(belief))
        belief[begin:end] = _believe_block(seen, eyes, extra[begin:end], begin, end, totals)
    return belief, totals


def _believe_block(
    seen: Looks, eyes: Eyes, extra: Floats, begin: int, end: int, totals: _Totals
) -> Floats:
    rows = slice(seen.start[begin], seen.start[end] if end < len(seen.start) else None)
    worker, drew = seen.worker[rows], seen.drew[rows].astype(np.float64)
    start = seen.start[begin:end] - seen.start[begin]
    n_looks = np.diff(np.append(start, len(worker)))
    size = np.repeat(seen.size[begin:end], n_looks)
    real = _story(eyes.skill[worker] + eyes.slope * size, drew, start, HARD)
    false = _story(eyes.lure + eyes.tempted[worker], drew, start, LURE)
    prior = np.log(eyes.real / (1 - eyes.real))
    logit = np.clip(prior + real.log_seen - false.log_seen + extra, -500, 500)
    belief: Floats = 1 / (1 + np.exp(-logit))
    _add_real(totals, real, belief, worker, drew, size, n_looks)
    _add_false(totals, false, 1 - belief, drew, n_looks)
    mixture = np.logaddexp(
        np.log(eyes.real) + real.log_seen + extra, np.log1p(-eyes.real) + false.log_seen
    )
    totals.log_likelihood += float(mixture.sum())
    return belief


@dataclass(frozen=True)
class _Story:
    """One story's likelihood of what was seen, and expected chances to draw."""

    log_seen: Floats
    chance: Floats  # (looks,) given what was seen
    unseen: Floats  # (objects,) objects nobody drew for each one seen
    chance_unseen: Floats  # (looks,) given nobody drew it


def _story(logit: Floats, drew: Floats, start: Ints, sd: float) -> _Story:
    nodes = logit[:, None] + sd * _NODES
    soft = np.logaddexp(0.0, nodes)
    none = -np.add.reduceat(soft, start, axis=0)
    votes = np.add.reduceat(drew[:, None] * nodes, start, axis=0)
    log_none, share_none = _mix(none)
    log_all, share = _mix(none + votes)
    log_any = np.log(-np.expm1(np.minimum(log_none, -1e-9)))
    chance = np.exp(nodes - soft)
    n_looks = np.diff(np.append(start, len(logit)))
    return _Story(
        log_seen=log_all - log_any,
        chance=(chance * np.repeat(share, n_looks, axis=0)).sum(axis=1),
        unseen=np.exp(np.minimum(log_none - log_any, 4.0)),
        chance_unseen=(chance * np.repeat(share_none, n_looks, axis=0)).sum(axis=1),
    )


def _mix(log_chance: Floats) -> tuple[Floats, Floats]:
    """The log of the mean over nodes, and each node's share."""
    weighted = log_chance + _LOG_WEIGHTS
    top = weighted.max(axis=1, keepdims=True)
    part = np.exp(weighted - top)
    total = part.sum(axis=1, keepdims=True)
    return (top + np.log(total))[:, 0], part / total


def _add_real(
    totals: _Totals,
    story: _Story,
    belief: Floats,
    worker: Ints,
    drew: Floats,
    size: Floats,
    n_looks: Ints,
) -> None:
    sure = np.repeat(belief, n_looks)
    hidden = np.repeat(belief * np.minimum(story.unseen, 2.0), n_looks)
    gain = sure * (drew - story.chance) - hidden * story.chance_unseen
    bend = sure * story.chance * (1 - story.chance)
    bend += hidden * story.chance_unseen * (1 - story.chance_unseen)
    n = len(totals.gain)
    totals.gain += np.bincount(worker, weights=gain, minlength=n)
    totals.bend += np.bincount(worker, weights=bend, minlength=n)
    totals.slope += [(gain * size).sum(), (bend * size * size).sum()]


def _add_false(totals: _Totals, story: _Story, doubt: Floats, drew: Floats, n_looks: Ints) -> None:
    sure = np.repeat(doubt, n_looks)
    hidden = np.repeat(doubt * story.unseen, n_looks)
    gain = sure * (drew - story.chance) - hidden * story.chance_unseen
    bend = sure * story.chance * (1 - story.chance)
    bend += hidden * story.chance_unseen * (1 - story.chance_unseen)
    totals.lure += [gain.sum(), bend.sum()]


def learn(
    seen: Looks, eyes: Eyes, belief: Floats, totals: _Totals, n_responses: Ints, false: Floats
) -> Eyes:
    """The eyes one Newton step on, shrunk to the crowd.

    ``false`` (n_workers,) is the expected number of false boxes each worker drew.
    """
    answered = n_responses > 0
    crowd = (_SKILL / _SKILL_SD**2 + eyes.skill[answered].sum() / _WORKER_SD**2) / (
        _SKILL_SD**-2 + answered.sum() / _WORKER_SD**2
    )
    step = totals.gain - (eyes.skill - crowd) / _WORKER_SD**2
    skill = eyes.skill + np.clip(step / (totals.bend + _WORKER_SD**-2), -1.0, 1.0)
    slope = _newton(eyes.slope, totals.slope, _SLOPE, _SLOPE_SD)
    lure = _newton(eyes.lure, totals.lure, _LURE, _LURE_SD)
    usual = (false.sum() + 0.05 * _PRIOR_RESPONSES) / (n_responses.sum() + _PRIOR_RESPONSES)
    rate = (false + usual * _PRIOR_RESPONSES) / (n_responses + _PRIOR_RESPONSES)
    tempted = np.clip(np.log(rate / usual), -4.0, 4.0)
    real = (belief.sum() + 3.5) / (len(belief) + 5.0)
    return Eyes(skill, tempted, slope, lure, float(np.clip(real, 0.02, 0.98)), rate)


def _newton(value: float, sums: Floats, prior: float, sd: float) -> float:
    step = (sums[0] - (value - prior) / sd**2) / (sums[1] + sd**-2)
    return float(value + np.clip(step, -0.5, 0.5))
