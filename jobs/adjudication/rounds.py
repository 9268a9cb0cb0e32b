"""Who may decide a question next, and what becomes of it. Pure: no database, no clock.

A question that two people must agree on, or about which somebody asked for a second look, has
an open round: the acts since it was last settled. Its label counts only once the round closes:
two people agree, or where they do not, a third one decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jobs.records import DISPUTED, SECOND_LOOK
from jobs.specs.job_specs import AdjudicationPolicy

Act = Literal["label", "no_label", "ask", "undo"]
ADJUDICATED = "adjudicated"
SET_ASIDE = "set_aside"
Agree = Callable[[dict[str, Any], dict[str, Any]], bool]


@dataclass(frozen=True)
class Decider:
    """Who acts. ``name`` is what histories call them; a manager may take others' acts back."""

    name: str
    is_manager: bool = False


@dataclass(frozen=True)
class Step:
    """One act upon a question; ``before`` and ``after`` are the question's states."""

    version: int
    act: Act
    actor: str
    value: dict[str, Any]
    before: str
    after: str
    note: str = ""


@dataclass(frozen=True)
class Turn:
    """What an act makes of a question: its state, and how the round ended ("" while open)."""

    state: str
    ending: Literal["", "alone", "asked", "agreed", "third"]


def standing(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The acts that were not taken back, oldest first."""
    kept: list[Step] = []
    for step in steps:
        if step.act != "undo":
            kept.append(step)
        elif kept:
            kept.pop()
    return tuple(kept)


def open_round(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The standing acts since the question was last settled; empty when none waits."""
    kept = standing(steps)
    n_open = 0
    while n_open < len(kept) and kept[-1 - n_open].after in (SECOND_LOOK, DISPUTED):
        n_open += 1
    return kept[len(kept) - n_open :]


def opinions(turn: Sequence[Step]) -> tuple[Step, ...]:
    """The decisions of a round: an act of asking is none."""
    return tuple(step for step in turn if step.act in ("label", "no_label"))


def unseen(steps: Sequence[Step], viewer: str) -> frozenset[int]:
    """Versions that say what another person thinks while the second one has yet to decide.

    Acts that were taken back say it too, and an undo brings the value before it back; of all
    since the question was last settled, the viewer sees their own decisions and drafts.
    """
    turn = open_round(steps)
    if not opinions(turn) or turn[-1].after == DISPUTED:
        return frozenset()
    kept = standing(steps)
    settled = kept[-1 - len(turn)].version if len(kept) > len(turn) else 0
    return frozenset(
        step.version
        for step in steps
        if step.version > settled
        and (step.act == "undo" or (step.act != "ask" and step.actor != viewer))
    )


def barred(turn: Sequence[Step]) -> tuple[str, ...]:
    """Who may not decide next: those who decided in this round, and who asked last."""
    people = [step.actor for step in opinions(turn)]
    if turn and turn[-1].act == "ask":
        people.append(turn[-1].actor)
    return tuple(dict.fromkeys(people))


def refusal(turn: Sequence[Step], by: Decider, policy: AdjudicationPolicy) -> str:
    """Why this person may not act on the question now; "" when they may."""
    if by.name in barred(turn):
        is_asker = turn[-1].act == "ask" and turn[-1].actor == by.name
        did = "asked for a second look" if is_asker else "have decided it"
        return f"you {did}: another person must decide it now"
    if turn and turn[-1].after == DISPUTED and policy.disputes == "manager" and not by.is_manager:
        return "two people disagree about it: a manager must decide it now"
    return ""


def turn_of(
    turn: Sequence[Step], act: Act, value: dict[str, Any], *, needs_two: bool, agree: Agree
) -> Turn:
    """What a decision makes of a question whose open round is ``turn``."""
    settled = SET_ASIDE if act == "no_label" else ADJUDICATED
    earlier = opinions(turn)
    if turn and turn[-1].after == DISPUTED:
        return Turn(settled, "third")
    if not earlier:
        if needs_two:
            return Turn(SECOND_LOOK, "")
        return Turn(settled, "asked" if turn else "alone")
    first = earlier[0]
    if first.act == act and (act == "no_label" or agree(first.value, value)):
        return Turn(settled, "agreed")
    return Turn(DISPUTED, "")


def asked_state(turn: Sequence[Step]) -> str:
    """The state after somebody asks for a second look: a dispute stays one."""
    return DISPUTED if turn and turn[-1].after == DISPUTED else SECOND_LOOK


def needs_two(policy: AdjudicationPolicy, seed: int, item_id: int, kind: str) -> bool:
    """Whether two people must decide this question; a sampled share is always the same one."""
    if policy.second_look != "sampled":
        return policy.second_look == "always"
    drawn = hashlib.sha256(f"second look/{seed}/{item_id}/{kind}".encode()).digest()
    return int.from_bytes(drawn[:7], "big") < policy.share * 2**56
