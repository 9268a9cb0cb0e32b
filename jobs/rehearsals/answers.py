"""What a robot worker reads on a HIT page, and what it answers: pure, no network.

A robot knows what each picture shows, by the name of the picture's file, and errs around it
as its profile says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from jobs.errors import InvalidInput
from jobs.records import Box
from quality import simulate
from quality.simulate import WorkerProfile

_CHOICES = {"crowd-radio-button": "one", "crowd-checkbox": "many"}
_NO_QUESTION = ("-unsure", "-nothing")  # boxes to tick beside a scale or a picture


@dataclass(frozen=True)
class Truth:
    """What a picture shows: its size, its objects, its tags.

    ``hardness`` says in logits how hard each object is to see (empty: all alike), and
    ``distractors`` are places that look like objects: the errors that all workers share.
    """

    width: int
    height: int
    boxes: tuple[Box, ...] = ()
    tags: Mapping[str, str | list[str]] = field(default_factory=dict)
    hardness: tuple[float, ...] = ()
    distractors: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Question:
    """One field of a HIT page. ``options`` are classes, choices, or a scale's numbers."""

    name: str
    kind: str  # boxes, one, many or scale
    options: tuple[str, ...]
    picture: str

    @property
    def attribute(self) -> str:
        """The attribute's name: the field's without its ``t<position>-``."""
        return self.name.partition("-")[2]


def picture_name(url: str) -> str:
    """The file name in a picture's address: the same for everybody who looks at it."""
    return PurePosixPath(urlsplit(url).path).name


class _Reader(HTMLParser):
    """Collects each element's name and attributes, in the page's order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def elements(html: str) -> list[tuple[str, dict[str, str]]]:
    """Name and attributes of every element of a page, in order."""
    reader = _Reader()
    reader.feed(html)
    return reader.found


def read_questions(html: str) -> list[Question]:
    """The questions of a rendered HIT page, in the page's order."""
    questions: list[Question] = []
    choices: dict[str, Question] = {}
    picture = ""
    for tag, given in elements(html):
        name = given.get("name", "")
        if tag == "img":
            picture = picture_name(given.get("src", ""))
        elif tag == "crowd-bounding-box":
            classes = tuple(json.loads(given.get("labels", "[]")))
            questions.append(Question(name, "boxes", classes, picture_name(given["src"])))
        elif tag == "crowd-slider":
            span = range(int(given["min"]), int(given["max"]) + 1)
            questions.append(Question(name, "scale", tuple(map(str, span)), picture))
        elif tag in _CHOICES and not name.endswith(_NO_QUESTION):
            known = choices.get(name) or Question(name, _CHOICES[tag], (), picture)
            choices[name] = replace(known, options=(*known.options, given.get("value", "")))
    if not questions and not choices:
        raise InvalidInput("HIT page: expected a question, found none")
    return [*questions, *choices.values()]


def answer(
    questions: list[Question],
    truths: Mapping[str, Truth],
    profile: WorkerProfile,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """The value of each field, as a crowd-form would submit it.

    Raises:
        InvalidInput: for a picture whose truth the robot was not told.

    """
    fields: dict[str, Any] = {}
    for question in questions:
        truth = truths.get(question.picture)
        if truth is None:
            raise InvalidInput(f"robot: not told what {question.picture} shows")
        if question.kind == "boxes":
            fields[question.name] = _boxes(question, truth, profile, rng)
            is_empty = not fields[question.name]["boundingBoxes"]
            fields[question.name.removesuffix("boxes") + "nothing"] = {"nothing": is_empty}
        else:
            fields[question.name] = _tag(question, truth, profile, rng)
    return fields


def seconds_for(fields: Mapping[str, Any], profile: WorkerProfile, rng: Any) -> float:
    """How long a person of this profile would have taken."""
    boxes = [len(value["boundingBoxes"]) for value in fields.values() if _is_boxes(value)]
    n_tasks = len({name.partition("-")[0] for name in fields})
    return simulate.seconds_worked(n_tasks, sum(boxes), profile, rng)


def _is_boxes(value: Any) -> bool:
    return isinstance(value, dict) and "boundingBoxes" in value


def _boxes(
    question: Question, truth: Truth, profile: WorkerProfile, rng: np.random.Generator
) -> dict[str, Any]:
    asked = [n for n, box in enumerate(truth.boxes) if box.label in question.options]
    label = np.array([question.options.index(truth.boxes[n].label) for n in asked], dtype=np.int64)
    drawn, names = simulate.draw_boxes(
        _corners([truth.boxes[n] for n in asked]),
        label,
        (truth.width, truth.height),
        len(question.options),
        profile,
        rng,
        hardness=[truth.hardness[n] for n in asked] if truth.hardness else None,
        distractors=_corners(truth.distractors),
    )
    return {
        "boundingBoxes": [
            _page_box(question.options[name], *map(float, sides))
            for sides, name in zip(drawn, names, strict=True)
        ],
        "inputImageProperties": {"width": truth.width, "height": truth.height},
    }


def _corners(boxes: Sequence[Box]) -> NDArray[np.float64]:
    return np.array([[b.left, b.top, b.right, b.bottom] for b in boxes], dtype=float).reshape(-1, 4)


def _page_box(label: str, left: float, top: float, right: float, bottom: float) -> dict[str, Any]:
    """Whole pixels, as the page's own element gives them."""
    x, y = round(left), round(top)
    width, height = max(1, round(right) - x), max(1, round(bottom) - y)
    return {"label": label, "left": x, "top": y, "width": width, "height": height}


def _tag(question: Question, truth: Truth, profile: WorkerProfile, rng: np.random.Generator) -> Any:
    known = truth.tags.get(question.attribute)
    if known is None:
        raise InvalidInput(f"robot: not told {question.attribute} of {question.picture}")
    if question.kind == "many":
        return {
            option: bool(simulate.answer_tag(int(option in known), 2, profile, rng))
            for option in question.options
        }
    index = question.options.index(str(known))
    picked = simulate.answer_tag(index, len(question.options), profile, rng)
    if question.kind == "scale":
        return int(question.options[_near(index, picked, len(question.options), rng)])
    return {option: number == picked for number, option in enumerate(question.options)}


def _near(truth: int, picked: int, n_options: int, rng: np.random.Generator) -> int:
    """On a scale people err by a step, not to the other end."""
    if picked == truth:
        return truth
    step = 1 if truth == 0 or (truth < n_options - 1 and rng.random() < 0.5) else -1
    return truth + step
