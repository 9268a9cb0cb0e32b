"""The rounds of the fit: what objects are likely there, what workers are likely like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quality.consensus.boxes import _classes, _corners, _existence, _scores
from quality.consensus.boxes._blocks import Block
from quality.consensus.boxes._threads import over
from quality.consensus.boxes._tidy import TidyBoxes
from quality.consensus.shapes import Floats, Ints

_SETTLED = 1e-3  # mean change of belief and sides that ends the fit


@dataclass(frozen=True)
class Habits:
    """What is known of the workers."""

    drawers: _corners.Drawers
    eyes: _existence.Eyes
    namers: _classes.Namers
    scorers: _scores.Scorers


@dataclass(frozen=True)
class State:
    """A block's objects: their ballots, current ``boxes`` (m, 4) and ``belief`` (m,)."""

    block: Block
    ballots: _classes.Ballots
    boxes: Floats
    belief: Floats


@dataclass(frozen=True)
class Fitted:
    """The end of a fit."""

    habits: Habits
    states: list[State]
    rounds: int
    log_likelihood: float


def first_habits(tidy: TidyBoxes) -> Habits:
    """Everyone alike."""
    area = (tidy.xyxy[:, 2:] - tidy.xyxy[:, :2]).prod(axis=1)
    share = area / tidy.size[tidy.item].prod(axis=1)
    usual = float(np.log(max(np.median(share), 1e-6))) if len(share) else 0.0
    return Habits(
        _corners.first_drawers(tidy.n_workers),
        _existence.first_eyes(tidy.n_workers, usual),
        _classes.first_namers(tidy.n_workers, tidy.n_labels, tidy.label),
        _scores.first_scorers(tidy.worker, tidy.score, tidy.n_workers),
    )


def first_states(blocks: list[Block], n_labels: int) -> list[State]:
    """Median boxes, believed in."""

    def begin(block: Block) -> State:
        ballots = _classes.ballots(block.cluster, block.label, n_labels)
        return State(block, ballots, block.boxes, np.ones(len(block.item)))

    return over(blocks, begin)


def fit(
    states: list[State],
    habits: Habits,
    n_responses: Ints,
    most_rounds: int,
    told: Callable[[int], None],
) -> Fitted:
    """Rounds until belief settles; ``n_responses`` (w,) counts who looked at how much.

    ``told`` hears of each round that is done.
    """
    rounds, log_likelihood = 0, 0.0
    for _ in range(most_rounds if states else 0):
        known = habits
        done = over(states, lambda state: _round(state, known))  # noqa: B023 - used at once
        eye, hand, name, score = (
            [np.sum(parts, axis=0) for parts in zip(*sums, strict=True)]
            for sums in zip(*(sums for _, sums in done), strict=True)
        )
        habits = Habits(
            _corners.learn(hand, habits.drawers),
            _existence.learn(eye, habits.eyes, n_responses),
            _classes.learn(name),
            _scores.learn(score, habits.scorers),
        )
        moved = sum(_moved(new, old) for (new, _), old in zip(done, states, strict=True))
        states = [state for state, _ in done]
        rounds, log_likelihood = rounds + 1, float(eye[-1][3])
        told(rounds)
        if moved < _SETTLED * eye[-1][2]:
            break
    return Fitted(habits, states, rounds, log_likelihood)


def _moved(new: State, old: State) -> float:
    """How far beliefs and sides, as shares of the extent, moved: summed over objects."""
    shift = np.abs(new.boxes - old.boxes) / _corners.extents(old.boxes)
    return float(np.maximum(np.abs(new.belief - old.belief), shift.max(axis=1)).sum())


def _round(state: State, habits: Habits) -> tuple[State, list[list[Floats]]]:
    """Objects given habits, and the sums the next habits are learned from."""
    block = state.block
    corners = _corners.place(block, state.boxes, habits.drawers)
    chance = _classes.elect(state.ballots, block, habits.namers)
    belief, seen = _existence.believe(block, habits.eyes, _scores.evidence(block, habits.scorers))
    sums = [
        seen,
        _corners.gather(block, corners, belief, habits.drawers),
        _classes.gather(state.ballots, chance, block, belief, habits.namers),
        _scores.gather(block, belief, len(habits.eyes.skill)),
    ]
    return State(block, state.ballots, corners.xyxy, belief), sums
