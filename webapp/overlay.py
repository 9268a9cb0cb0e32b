"""Whose boxes and tags lie over an image, in which order and colour. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jobs.records import DISPUTED, SECOND_LOOK
from jobs.reports import ItemView
from jobs.reports.items import WorkerAnswer
from webapp.words import PROVIDER_NAMES

N_COLOURS = 8
SPREAD_SIGMAS = 2.0  # of a normal error, 95 % lie within so many standard deviations


@dataclass(frozen=True)
class OverlayBox:
    """A box in pixels of the image, with the words shown for it."""

    label: str
    left: float
    top: float
    width: float
    height: float
    note: str = ""
    spread: tuple[float, float, float, float] | None = None

    @property
    def band(self) -> str:
        """The ring in which each side lies with 95 % certainty, as an SVG path; "" if unknown."""
        if self.spread is None:
            return ""
        left, top, right, bottom = (SPREAD_SIGMAS * sd for sd in self.spread)
        x, y = (self.left, self.left + self.width), (self.top, self.top + self.height)
        middle_x, middle_y = sum(x) / 2, sum(y) / 2
        outer = (x[0] - left, y[0] - top, x[1] + right, y[1] + bottom)
        inner = (
            min(x[0] + left, middle_x),
            min(y[0] + top, middle_y),
            max(x[1] - right, middle_x),
            max(y[1] - bottom, middle_y),
        )
        return _ring(*outer) + _ring(*inner)


@dataclass(frozen=True)
class Layer:
    """One voice over the image. ``style`` names its colours in the stylesheet."""

    name: str
    style: str
    kind: str
    detail: str
    boxes: tuple[OverlayBox, ...]
    tags: dict[str, Any]
    weight: float | None = None
    worker_id: int | None = None
    is_shown: bool = True


def hand(details: dict[str, Any]) -> OverlayBox | None:
    """Where a worker draws a box 100 wide and high, on average and how unsteadily."""
    bias, spread = details.get("bias"), details.get("spread")
    if bias is None or spread is None:
        return None
    left, top, right, bottom = (100 * part for part in bias)
    return OverlayBox(
        label="",
        left=left,
        top=top,
        width=100 + right - left,
        height=100 + bottom - top,
        spread=tuple(100 * part for part in spread),
    )


def _ring(left: float, top: float, right: float, bottom: float) -> str:
    return f"M{left:.1f} {top:.1f}H{right:.1f}V{bottom:.1f}H{left:.1f}Z"


def layers(view: ItemView) -> tuple[Layer, ...]:
    """The newest label or consensus first, then gold, then each answer by its order."""
    return (*_results(view), *_gold(view), *_answers(view))


def _results(view: ItemView) -> Iterable[Layer]:
    newest = {label.kind: label for label in reversed(view.labels)}
    for question in view.questions:
        label = newest.get(question.kind)
        is_open = question.state in (SECOND_LOOK, DISPUTED)
        decided = label is not None and label.origin != "consensus" and not is_open
        value = label.value if label is not None and decided else question.value
        parts = [] if decided else question.provenance.get("boxes", [])
        yield Layer(
            name="Decision" if decided else "Consensus",
            style="consensus",
            kind=question.kind,
            detail=f"by {label.actor}" if label is not None and decided else question.method,
            boxes=tuple(_boxes(value, parts)),
            tags=value.get("tags", {}),
        )


def _gold(view: ItemView) -> Iterable[Layer]:
    for kind, value in sorted(view.gold.items()):
        yield Layer(
            name="Gold",
            style="gold",
            kind=kind,
            detail="the known answer; no worker sees it",
            boxes=tuple(_boxes(value)),
            tags=value.get("tags", {}),
            is_shown=False,
        )


def _answers(view: ItemView) -> Iterable[Layer]:
    weights = {
        voter["answer"]: float(voter["weight"])
        for question in view.questions
        for voter in question.provenance.get("voters", [])
    }
    place: dict[int, int] = {}
    for answer in view.answers:
        number = place.setdefault(answer.worker_id, len(place))
        yield Layer(
            name=answer.worker,
            style=f"worker-{number % N_COLOURS}",
            kind=answer.kind,
            detail=_detail(answer),
            boxes=tuple(_boxes(answer.value)),
            tags=answer.value.get("tags", {}),
            weight=weights.get(answer.answer_id),
            worker_id=answer.worker_id,
        )


def _detail(answer: WorkerAnswer) -> str:
    words = [PROVIDER_NAMES.get(answer.provider, answer.provider)]
    words += ["hidden repeat"] * answer.is_repeat
    words += ["work rejected"] * (answer.assignment_state == "Rejected")
    return ", ".join(words)


def _boxes(
    value: dict[str, Any], parts: list[dict[str, Any]] | None = None
) -> Iterable[OverlayBox]:
    parts = parts or []
    for place, box in enumerate(value.get("boxes", [])):
        part = parts[place] if place < len(parts) else {}
        sd = part.get("sd")
        yield OverlayBox(
            label=str(box["label"]),
            left=box["left"],
            top=box["top"],
            width=round(box["right"] - box["left"], 2),
            height=round(box["bottom"] - box["top"], 2),
            note=_note(box, part),
            spread=tuple(sd) if sd and None not in sd else None,
        )


def _note(box: dict[str, Any], part: dict[str, Any]) -> str:
    score = part.get("confidence", box.get("score"))
    words = [] if score is None else [f"{score:.0%} sure"]
    if "votes" in part:
        words.append(f"{part['votes']} drew it")
    return ", ".join(words)
