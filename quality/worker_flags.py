"""Workers to look at, each with the evidence: too fast, always one answer, near-identical.

A flag is a reason for a person to look, never a verdict: honest workers meet easy runs,
and two good workers agree. So each flag says what was seen, what was expected of others on
the same items, and how unlikely that is by chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

from quality.agreement import worker_pairs
from quality.consensus.shapes import Floats, Ints, TagAnswers
from quality.consensus.tags._votes import Votes, collect

# A flag by chance once in this many crowds, after counting how many were looked at.
RISK = 0.01
LEAST_ANSWERS = 8
LEAST_COMMON = 10
LEAST_ODD = 5
ODD_SHARE = 0.8
# An answer is implausibly fast under both of these, in parts of the item's median time.
FAST_PART = 1.0 / 3.0
FAST_SPREADS = 3.0
FAST_SHARE = 0.2
SAME_SHARE = 0.9
ONE_LABEL_SHARE = 0.95


@dataclass(frozen=True)
class Flag:
    """One thing seen of one worker.

    ``kind`` is "too fast", "one answer", "near-identical" or "copied boxes" (see
    ``quality.box_flags``); ``other`` the second worker of a pair, else -1. ``share`` of ``n``
    answers did it where ``expected`` would have been usual; ``p_value`` is the chance of so
    many or more.
    """

    worker: int
    kind: str
    other: int
    n: int
    share: float
    expected: float
    p_value: float

    @property
    def evidence(self) -> str:
        """A sentence a requester can read."""
        if self.kind == "copied boxes":
            return (
                f"{100 * self.share:.0f} % of {self.n} boxes are as near to another worker's "
                "as no two hands draw"
            )
        seen = f"{100 * self.share:.0f} % of {self.n} answers"
        usual = f"{100 * self.expected:.0f} % expected"
        if self.kind == "too fast":
            return f"{seen} implausibly fast for their items ({usual})"
        if self.kind == "one answer":
            return f"{seen} are one label ({usual} from others on the same items)"
        return f"{seen} that most others did not give are another worker's too ({usual})"


def flags(answers: TagAnswers) -> tuple[Flag, ...]:
    """All flags of a crowd, sorted by worker, kind and other worker; none in empty input."""
    votes = collect(answers)
    if not len(votes):
        return ()
    found = [*constant_answers(votes), *identical_pairs(answers, votes)]
    if answers.seconds is not None:
        found += too_fast(answers)
    return tuple(sorted(found, key=lambda flag: (flag.worker, flag.kind, flag.other)))


def too_fast(answers: TagAnswers) -> list[Flag]:
    """Workers with many answers far below the usual time of their items.

    Time says little of quality, so only extremes count: under a third of the item's median
    and three robust spreads below it. NaN or non-positive seconds are left out.
    """
    if answers.seconds is None:
        return []
    timed = np.flatnonzero(np.isfinite(answers.seconds) & (answers.seconds > 0))
    if not timed.size:
        return []
    item, worker = answers.item[timed], answers.worker[timed]
    log_seconds = np.log(answers.seconds[timed])
    relative = log_seconds - _item_median(item, log_seconds, answers.n_items)
    spread = 1.4826 * float(np.median(np.abs(relative)))
    fast = relative < min(np.log(FAST_PART), -FAST_SPREADS * spread)
    n = np.bincount(worker, minlength=answers.n_workers)
    hits = np.bincount(worker, weights=fast, minlength=answers.n_workers)
    usual = max(float(fast.mean()), 0.01)
    p_value = bdtrc(hits - 1, np.maximum(n, 1), np.full(len(n), usual))
    likely = p_value < RISK / max(int((n > 0).sum()), 1)
    chosen = np.flatnonzero((n >= LEAST_ANSWERS) & (hits >= FAST_SHARE * n) & likely)
    return [
        Flag(int(w), "too fast", -1, int(n[w]), float(hits[w] / n[w]), usual, float(p_value[w]))
        for w in chosen
    ]


def constant_answers(votes: Votes) -> list[Flag]:
    """Workers who nearly always give one label where others on the same items do not."""
    cell = votes.worker.astype(np.int64) * votes.n_labels + votes.label
    given = np.bincount(cell, minlength=votes.n_workers * votes.n_labels)
    given = given.reshape(votes.n_workers, votes.n_labels)
    n = given.sum(axis=1)
    top = given.argmax(axis=1) if votes.n_labels else np.zeros(votes.n_workers, dtype=np.int64)
    counts = votes.counts()
    others = counts[votes.item].sum(axis=1) - 1.0
    wanted = top[votes.worker]
    same = counts[votes.item, wanted] - (votes.label == wanted)
    chance = (same + 0.5) / (others + 1.0)
    expected = np.bincount(votes.worker, weights=chance, minlength=votes.n_workers)
    expected = expected / np.maximum(n, 1)
    hits = given[np.arange(votes.n_workers), top]
    p_value = bdtrc(hits - 1.0, np.maximum(n, 1), np.clip(expected, 0.0, 1.0 - 1e-9))
    likely = p_value < RISK / max(int((n > 0).sum()), 1)
    chosen = np.flatnonzero((n >= LEAST_ANSWERS) & (hits >= ONE_LABEL_SHARE * n) & likely)
    return [
        Flag(
            int(w),
            "one answer",
            -1,
            int(n[w]),
            hits[w] / n[w],
            float(expected[w]),
            float(p_value[w]),
        )
        for w in chosen
    ]


def identical_pairs(answers: TagAnswers, votes: Votes) -> list[Flag]:
    """Pairs who give the same *odd* answers: those most third workers did not give.

    Good workers agree on nearly everything, so agreement as such proves nothing. Where one
    of a pair goes against the third workers, an honest other seldom goes along; the share of
    third workers who did is what is expected. It must hold from both sides.
    """
    pairs = worker_pairs(answers, LEAST_COMMON)
    close = np.flatnonzero(pairs.n_same >= SAME_SHARE * pairs.n_common)
    own = np.argsort(votes.worker, kind="stable")
    rows = np.split(own, np.cumsum(votes.per_worker())[:-1])
    counts = votes.counts()
    limit = RISK / max(2 * len(close), 1)
    found: list[Flag] = []
    for index in close:
        a, b = int(pairs.a[index]), int(pairs.b[index])
        sides = [
            _odd_met(votes, counts, rows[a], rows[b], a, b),
            _odd_met(votes, counts, rows[b], rows[a], b, a),
        ]
        if all(_is_telling(side, limit) for side in sides):
            found += sides
    return found


def _is_telling(flag: Flag, limit: float) -> bool:
    return flag.n >= LEAST_ODD and flag.share >= ODD_SHARE and flag.p_value < limit


def _odd_met(votes: Votes, counts: Floats, mine: Ints, theirs: Ints, a: int, b: int) -> Flag:
    """How often ``b`` gave the odd answers of ``a``, as a flag yet to be judged."""
    item, at_mine, at_theirs = np.intersect1d(
        votes.item[mine], votes.item[theirs], return_indices=True
    )
    label, other = votes.label[mine[at_mine]], votes.label[theirs[at_theirs]]
    third = counts[item]
    row = np.arange(len(item))
    third[row, label] -= 1.0
    third[row, other] -= 1.0
    n_third = third.sum(axis=1)
    odd = third[row, label] < third.max(axis=1, initial=0.0)
    n = int(odd.sum())
    same = int((label == other)[odd].sum())
    chance = (third[row, label][odd] + 0.5) / (n_third[odd] + 0.5 * votes.n_labels)
    expected = float(np.clip(chance, 0.0, 1.0).mean()) if n else 1.0
    p_value = float(bdtrc(same - 1.0, max(n, 1), min(expected, 1.0 - 1e-9)))
    return Flag(a, "near-identical", b, n, same / max(n, 1), expected, p_value)


def _item_median(item: Ints, value: Floats, n_items: int) -> Floats:
    """The median of ``value`` over each row's item, row by row."""
    order = np.lexsort((value, item))
    n = np.bincount(item, minlength=n_items)
    start = np.cumsum(n) - n
    low, high = start + (n - 1) // 2, start + n // 2
    held = n > 0
    middle = np.zeros(n_items)
    middle[held] = (value[order][low[held]] + value[order][high[held]]) / 2
    rows: Floats = middle[item]
    return rows
