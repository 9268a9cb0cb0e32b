"""Does the object exist? Two stories for each cluster: a real object, or a false one.

Worker w draws a real object with logit ``skill[w] + SLOPE * size + HARD * u`` and a false one
with logit ``lure + tempted[w] + LURE * u``; u is one standard normal number per object,
shared by all workers (some objects are hard for all, some distractors tempt many), and is
integrated out. Only clusters somebody drew are seen: the share of real objects is one among
all, seen or not, so an image with many lookers may show more false ones than one with few.
Two lookers cannot tell a crowd that misses much from one that imagines much, so that share
leans on one half where few looked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from quality.consensus.boxes._blocks import Block
from quality.consensus.shapes import Bools, Floats, Ints

SLOPE = 0.45  # logit of being seen per e-fold of area, as measured on two real crowds
HARD, LURE = 1.5, 1.2
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
_LOG_WEIGHTS = np.log(_WEIGHTS / _WEIGHTS.sum())
_SKILL, _SKILL_SD, _WORKER_SD = 1.5, 1.5, 1.0
_LURE, _LURE_SD = -3.5, 0.7
_REAL, _REAL_WEIGHT = 0.35, 10.0
_FALSE_BOXES, _PRIOR_RESPONSES = 0.05, 4.0
# Each object with two lookers counts so much for an even share; with n, over (n - 1)**5:
# from three lookers on the votes speak for themselves.
_EVEN, _EVEN_WEIGHT = 0.5, 0.3
_MOST_LOGIT = 30.0


@dataclass(frozen=True)
class Eyes:
    """Habits of the eye: per worker ``skill`` and ``tempted`` (logits) and ``false_boxes``.

    Of the crowd: ``lure``, the share ``real`` of all that could be drawn, the ``usual_size``.
    """

    skill: Floats
    tempted: Floats
    false_boxes: Floats
    lure: float
    real: float
    usual_size: float


@dataclass(frozen=True)
class _Story:
    """One story's likelihood of what was seen, and the chances to draw under it."""

    log_votes: Floats  # (m,) of exactly these votes
    log_any: Floats  # (m,) of any vote at all
    chance: Floats  # (looks,) given what was seen
    unseen: Floats  # (m,) objects nobody drew for each one seen
    chance_unseen: Floats  # (looks,) given that nobody drew it


def first_eyes(n_workers: int, usual_size: float) -> Eyes:
    """Everyone alike."""
    skill, none = np.full(n_workers, _SKILL), np.zeros(n_workers)
    return Eyes(skill, none, none + _FALSE_BOXES, _LURE, _REAL, usual_size)


def believe(block: Block, eyes: Eyes, evidence: Floats) -> tuple[Floats, list[Floats]]:
    """The chance (m,) that each object is real, and the sums to learn from.

    ``evidence`` (m,) is what else speaks for it, in logits. The sums: gain and bend of the
    skill (w,), gain and bend of the lure (2,), expected false boxes (w,), and (5,) the real
    objects and all, seen or not, the objects seen, the log-likelihood, and the weight of the
    even share.
    """
    looker, drew = block.looker, block.drew.astype(np.float64)
    size = np.clip(block.size - eyes.usual_size, -4.0, 4.0)
    wanted = eyes.skill[looker] + SLOPE * np.repeat(size, block.n_looks)
    drew *= block.voice
    real = _story(block, wanted, drew, HARD)
    false = _story(block, eyes.lure + eyes.tempted[looker], drew, LURE)
    with_real = np.log(eyes.real) + real.log_votes + evidence
    with_false = np.log1p(-eyes.real) + false.log_votes
    belief: Floats = expit(with_real - with_false)
    n = len(eyes.skill)
    gain, bend = _newton_sums(block, real, belief, drew, most_unseen=2.0)
    lure_gain, lure_bend = _newton_sums(block, false, 1 - belief, drew, most_unseen=50.0)
    visible = eyes.real * np.exp(real.log_any) + (1 - eyes.real) * np.exp(false.log_any)
    log_likelihood = (np.logaddexp(with_real, with_false) - np.log(visible)).sum()
    n_real = belief * (1 + real.unseen)
    n_all = n_real + (1 - belief) * (1 + false.unseen)
    even = n_all * _EVEN_WEIGHT / np.maximum(block.n_voices - 1.0, 1.0) ** 5
    return belief, [
        np.bincount(looker, weights=gain, minlength=n),
        np.bincount(looker, weights=bend, minlength=n),
        np.array([lure_gain.sum(), lure_bend.sum()]),
        np.bincount(block.worker, weights=1 - belief[block.cluster], minlength=n),
        np.array([n_real.sum(), n_all.sum(), float(len(belief)), log_likelihood, even.sum()]),
    ]


def foretold(block: Block, eyes: Eyes, evidence: Floats) -> tuple[Floats, Floats, Floats, Bools]:
    """Each look (k,) foretold from the other looks at the same object.

    The log odds that it is real, the chance to draw it if it is and if it is not, and whether
    it was drawn. Looks at objects that no other worker drew are left out: without the one
    who drew it nobody would know of the object; so are looks that others copy.
    """
    looker, drew = block.looker, block.drew
    own = np.repeat(np.arange(len(block.item)), block.n_looks)
    size = np.clip(block.size - eyes.usual_size, -4.0, 4.0)
    known = np.add.reduceat(drew.astype(np.int64), block.start)[own] > drew
    wanted = eyes.skill[looker] + SLOPE * size[own]
    log_real, if_real = _from_others(block, wanted, own, HARD)
    log_false, if_false = _from_others(block, eyes.lure + eyes.tempted[looker], own, LURE)
    known &= block.voice == 1
    odds = np.log(eyes.real) - np.log1p(-eyes.real) + log_real - log_false + evidence[own]
    return odds[known], if_real[known], if_false[known], drew[known]


def _from_others(block: Block, logit: Floats, own: Ints, sd: float) -> tuple[Floats, Floats]:
    """Per look (looks,): log-likelihood of what the others did, and then the chance to draw."""
    nodes = np.clip(logit, -_MOST_LOGIT, _MOST_LOGIT)[:, None] + sd * _NODES
    log_not = -np.log1p(np.exp(nodes))
    did = (log_not + block.drew[:, None] * nodes) * block.voice[:, None]
    log_others, share = _mix(np.add.reduceat(did, block.start, axis=0)[own] - did)
    return log_others, np.einsum("ij,ij->i", expit(nodes), share)


def _story(block: Block, logit: Floats, drew: Floats, sd: float) -> _Story:
    nodes = np.clip(logit, -_MOST_LOGIT, _MOST_LOGIT)[:, None] + sd * _NODES
    odds = np.exp(nodes)
    none = -np.add.reduceat(np.log1p(odds) * block.voice[:, None], block.start, axis=0)
    votes = np.add.reduceat(drew[:, None] * nodes, block.start, axis=0)
    log_none, share_none = _mix(none)
    log_all, share = _mix(none + votes)
    log_any = np.log(-np.expm1(np.minimum(log_none, -1e-9)))
    odds /= 1 + odds
    return _Story(
        log_votes=log_all,
        log_any=log_any,
        chance=np.einsum("ij,ij->i", odds, np.repeat(share, block.n_looks, axis=0)),
        unseen=np.exp(np.minimum(log_none - log_any, 4.0)),
        chance_unseen=np.einsum("ij,ij->i", odds, np.repeat(share_none, block.n_looks, axis=0)),
    )


def _mix(log_chance: Floats) -> tuple[Floats, Floats]:
    """The log of the mean over nodes, and each node's share."""
    weighted = log_chance + _LOG_WEIGHTS
    top = weighted.max(axis=1, keepdims=True)
    part = np.exp(weighted - top)
    total = part.sum(axis=1, keepdims=True)
    return (top + np.log(total))[:, 0], part / total


def _newton_sums(
    block: Block, story: _Story, belief: Floats, drew: Floats, most_unseen: float
) -> tuple[Floats, Floats]:
    """Slope and curvature (looks,) of the log-likelihood in the logits, unseen objects too.

    ``drew`` (looks,) is 0 or the look's voice.
    """
    sure = np.repeat(belief, block.n_looks)
    hidden = np.repeat(belief * np.minimum(story.unseen, most_unseen), block.n_looks)
    heard = sure * block.voice
    hidden *= block.voice
    gain = sure * drew - heard * story.chance - hidden * story.chance_unseen
    bend = heard * story.chance * (1 - story.chance)
    bend += hidden * story.chance_unseen * (1 - story.chance_unseen)
    return gain, bend


def learn(totals: list[Floats], eyes: Eyes, n_responses: Ints) -> Eyes:
    """The eyes one Newton step on, shrunk to the crowd; ``n_responses`` (w,)."""
    gain, bend, lure, false, (n_real, n_all, _, _, even) = totals
    answered = n_responses > 0
    crowd = (_SKILL / _SKILL_SD**2 + eyes.skill[answered].sum() / _WORKER_SD**2) / (
        _SKILL_SD**-2 + answered.sum() / _WORKER_SD**2
    )
    step = (gain - (eyes.skill - crowd) / _WORKER_SD**2) / (bend + _WORKER_SD**-2)
    lure_step = (lure[0] - (eyes.lure - _LURE) / _LURE_SD**2) / (lure[1] + _LURE_SD**-2)
    usual = (false.sum() + _FALSE_BOXES * _PRIOR_RESPONSES) / (n_responses.sum() + _PRIOR_RESPONSES)
    rate = (false + usual * _PRIOR_RESPONSES) / (n_responses + _PRIOR_RESPONSES)
    return Eyes(
        skill=eyes.skill + np.clip(step, -1.0, 1.0),
        tempted=np.clip(np.log(rate / usual), -4.0, 4.0),
        false_boxes=rate,
        lure=float(eyes.lure + np.clip(lure_step, -0.5, 0.5)),
        real=float((n_real + _EVEN * even + _REAL * _REAL_WEIGHT) / (n_all + even + _REAL_WEIGHT)),
        usual_size=eyes.usual_size,
    )


def log_missed(eyes: Eyes, worker: Ints, voice: Floats, start: Ints) -> Floats:
    """Log chance (k,) that all workers of a response group miss an object of usual size.

    ``worker`` (r,) lists the workers, group after group, and ``voice`` (r,) how much each
    counts; ``start`` (k,) where each group begins.
    """
    nodes = eyes.skill[worker][:, None] + HARD * _NODES
    sees = np.log1p(np.exp(nodes)) * voice[:, None]
    return _mix(-np.add.reduceat(sees, start, axis=0))[0]


def detection_rate(eyes: Eyes) -> Floats:
    """The chance (w,) to draw a real object of usual size."""
    nodes = eyes.skill[:, None] + HARD * _NODES
    rate: Floats = expit(nodes) @ np.exp(_LOG_WEIGHTS)
    return rate
