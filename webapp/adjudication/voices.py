"""Who says what about the question on the desk, in which colour. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.adjudication.rounds import Step, open_round, opinions
from jobs.records import DISPUTED
from jobs.reports import ItemView
from webapp.overlay import Layer, layers

SIDES = ("label", "left", "top", "right", "bottom")


@dataclass(frozen=True)
class Voice:
    """One voice: boxes as ``{"label", "left", "top", "right", "bottom"}``, tags by attribute.

    ``answers`` are the ids of the answers it, or each of its boxes, stands for.
    """

    name: str
    style: str
    detail: str
    boxes: tuple[Mapping[str, Any], ...]
    tags: Mapping[str, Any]
    answers: tuple[tuple[int, ...], ...]
    weight: float | None = None
    is_shown: bool = True


def voices(
    view: ItemView, kind: str, steps: Sequence[Step], names: Mapping[str, str]
) -> tuple[Voice, ...]:
    """Everyone who spoke on the question: the consensus first, then people, gold, workers.

    A first opinion that waits for a second one is not shown: the second person is to see for
    themselves. A draft that came with a request is, and both opinions once they differ.
    """
    given = layers(view)
    n_answers = len(view.answers)
    ids = [()] * (len(given) - n_answers) + [(answer.answer_id,) for answer in view.answers]
    parts = _parts(view, kind)
    found = [
        _voice(layer, own, parts if layer.name == "Consensus" else ())
        for layer, own in zip(given, ids, strict=True)
        if layer.kind == kind
    ]
    people = tuple(_people(kind, steps, names))
    return (*found[:1], *people, *found[1:])


def _people(kind: str, steps: Sequence[Step], names: Mapping[str, str]) -> Iterator[Voice]:
    turn = open_round(steps)
    if not turn:
        return
    if turn[-1].after == DISPUTED:
        for step, which in zip(opinions(turn), ("first", "second"), strict=False):
            detail = "set it aside" if step.act == "no_label" else f"the {which} decision"
            yield _said(step, names, detail, f"person-{which}")
    elif turn[-1].act == "ask" and turn[-1].value:
        yield _said(turn[-1], names, "draft of who asked", "person-first")


def _said(step: Step, names: Mapping[str, str], detail: str, style: str) -> Voice:
    boxes = tuple({side: box[side] for side in SIDES} for box in step.value.get("boxes", []))
    name = names.get(step.actor, step.actor)
    return Voice(name, style, detail, boxes, step.value.get("tags", {}), ((),) * len(boxes))


def _voice(layer: Layer, own: tuple[int, ...], parts: Sequence[tuple[int, ...]]) -> Voice:
    boxes = tuple(
        {
            "label": box.label,
            "left": box.left,
            "top": box.top,
            "right": round(box.left + box.width, 2),
            "bottom": round(box.top + box.height, 2),
        }
        for box in layer.boxes
    )
    answers = tuple(parts) if len(parts) == len(boxes) else (own,) * len(boxes)
    return Voice(
        name=layer.name,
        style=layer.style,
        detail=layer.detail,
        boxes=boxes,
        tags=layer.tags,
        answers=answers,
        weight=layer.weight,
        is_shown=layer.is_shown,
    )


def _parts(view: ItemView, kind: str) -> tuple[tuple[int, ...], ...]:
    """The answers that drew each box of the consensus."""
    question = next(found for found in view.questions if found.kind == kind)
    return tuple(tuple(part.get("answers", ())) for part in question.provenance.get("boxes", []))
