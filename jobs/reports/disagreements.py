"""The questions of a job whose answers fit least together, with what each worker said."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.records import BOXES, WAITING
from jobs.tables import Answer, Assignment, Consensus, Item, Task

STATES = (*WAITING, "open", "sure")
"""For a person first; each state's least sure questions are the first of an index."""
MOST_OPTIONS = 3
MOST_READ = 60  # of a state: questions with one answer come in between


@dataclass(frozen=True)
class Disagreement:
    """One question. ``drawings`` holds each worker's boxes; ``split`` how tags were answered."""

    item_id: int
    item: str
    blob_key: str
    width: int
    height: int
    kind: str
    state: str
    confidence: float
    agreement: float | None
    n_answers: int
    drawings: tuple[tuple[dict[str, Any], ...], ...]
    split: str


def disagreements(session: Session, job_id: int, limit: int) -> tuple[Disagreement, ...]:
    """The least sure questions with two answers or more: conflicts, then what still is asked."""
    found: list[tuple[Consensus, Item]] = []
    for state in STATES:
        if len(found) < limit:
            rows = session.execute(
                select(Consensus, Item)
                .join(Item, Item.id == Consensus.item_id)
                .where(Consensus.job_id == job_id, Consensus.state == state)
                .order_by(Consensus.confidence, Consensus.id)
                .limit(MOST_READ)
            )
            several = [(row[0], row[1]) for row in rows if row[0].n_answers > 1]
            found += several[: limit - len(found)]
    said = _said(session, job_id, [item.id for _, item in found])
    return tuple(_row(question, item, said[item.id, question.kind]) for question, item in found)


def _row(question: Consensus, item: Item, said: Sequence[dict[str, Any]]) -> Disagreement:
    is_boxes = question.kind == BOXES
    return Disagreement(
        item_id=item.id,
        item=item.name,
        blob_key=item.blob_key,
        width=item.width,
        height=item.height,
        kind=question.kind,
        state=question.state,
        confidence=question.confidence,
        agreement=question.agreement,
        n_answers=question.n_answers,
        drawings=tuple(tuple(value.get("boxes", ())) for value in said) if is_boxes else (),
        split="" if is_boxes else most_split([value.get("tags", {}) for value in said]),
    )


def most_split(answers: Sequence[dict[str, Any]]) -> str:
    """The attribute with the most even answers, and how they fell: ``colour: 3 red; 2 blue``."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for tags in answers:
        for name, value in tags.items():
            options = value if isinstance(value, list) else [value]
            counts[name][" + ".join(sorted(map(str, options))) or "nothing"] += 1
    if not counts:
        return ""
    name = min(counts, key=lambda one: (_top_share(counts[one]), one))
    ranked = sorted(counts[name].items(), key=lambda pair: (-pair[1], pair[0]))
    told = "; ".join(f"{n} {option}" for option, n in ranked[:MOST_OPTIONS])
    rest = sum(n for _, n in ranked[MOST_OPTIONS:])
    return f"{name}: {told}{f'; {rest} other' if rest else ''}"


def _top_share(counts: Counter[str]) -> float:
    return max(counts.values()) / sum(counts.values())


def _said(
    session: Session, job_id: int, item_ids: Sequence[int]
) -> dict[tuple[int, str], list[dict[str, Any]]]:
    rows = session.execute(
        select(Task.item_id, Task.kind, Answer.value)
        .join(Answer, Answer.task_id == Task.id)
        .join(Assignment, Assignment.id == Answer.assignment_id)
        .where(
            Task.job_id == job_id, Task.item_id.in_(item_ids), Task.repeat_of.is_(None),
            Assignment.state != "Rejected",
        )
        .order_by(Answer.id)
    )  # fmt: skip
    found: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    for item_id, kind, value in rows:
        found[item_id, kind].append(value)
    return found
