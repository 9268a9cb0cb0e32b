"""What pictures may show when nobody has said: drawn like the known answers of the dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jobs.records import BOXES, TAGS, Attribute, Box, LabelSchema
from jobs.rehearsals.answers import Truth

MEAN_OBJECTS = 2.5
MEAN_DISTRACTORS = 0.5
_SIDE = (0.12, 0.6)  # log-normal median and spread of an object's side, as a share of the image
_HARDNESS = 1.0  # spread, in logits, of how hard objects are to see
_CHANCE_OF_MANY = 0.35


@dataclass(frozen=True)
class Scene:
    """An item's size and the answers known of it, by question kind."""

    item_id: int
    width: int
    height: int
    known: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def truths(
    scenes: Sequence[Scene], schema: LabelSchema, rng: np.random.Generator
) -> dict[int, Truth]:
    """What each item shows: its known answers, and for the rest a draw that resembles them."""
    boxes = [_known_boxes(one) for one in scenes if BOXES in one.known]
    tags = [one.known[TAGS]["tags"] for one in scenes if TAGS in one.known]
    return {one.item_id: _truth(one, schema, boxes, tags, rng) for one in scenes}


def _truth(
    scene: Scene,
    schema: LabelSchema,
    boxes: Sequence[Sequence[Box]],
    tags: Sequence[Mapping[str, Any]],
    rng: np.random.Generator,
) -> Truth:
    if BOXES in scene.known:
        shown = [_scaled(box, scene) for box in _known_boxes(scene)]
    elif schema.classes:
        shown = _draw_boxes(scene, schema.classes, boxes, rng)
    else:
        shown = []
    known = scene.known.get(TAGS, {}).get("tags", {})
    return Truth(
        scene.width,
        scene.height,
        tuple(shown),
        {one.name: _tag(one, known, tags, rng) for one in schema.attributes},
        tuple(rng.normal(0.0, _HARDNESS, len(shown))),
        tuple(_usual_box(scene, "", rng) for _ in range(rng.poisson(MEAN_DISTRACTORS))),
    )


def _known_boxes(scene: Scene) -> list[Box]:
    """The scene's known boxes as shares of its size."""
    across = {"left": scene.width, "right": scene.width}
    return [
        Box(
            box["label"],
            *(
                box[side] / across.get(side, scene.height)
                for side in ("left", "top", "right", "bottom")
            ),
        )
        for box in scene.known[BOXES]["boxes"]
    ]


def _scaled(box: Box, scene: Scene) -> Box:
    x, y = scene.width, scene.height
    return Box(box.label, box.left * x, box.top * y, box.right * x, box.bottom * y)


def _draw_boxes(
    scene: Scene,
    classes: Sequence[str],
    known: Sequence[Sequence[Box]],
    rng: np.random.Generator,
) -> list[Box]:
    """As many objects as a known picture has, of known classes and sizes, at other places."""
    if not known:
        names = rng.choice(len(classes), rng.poisson(MEAN_OBJECTS))
        return [_usual_box(scene, classes[name], rng) for name in names]
    like = [box for boxes in known for box in boxes]
    n = len(known[int(rng.integers(len(known)))])
    return [_moved(like[int(rng.integers(len(like)))], scene, rng) for _ in range(n)]


def _moved(box: Box, scene: Scene, rng: np.random.Generator) -> Box:
    width, height = min(1.0, box.right - box.left), min(1.0, box.bottom - box.top)
    left, top = rng.random() * (1 - width), rng.random() * (1 - height)
    return _scaled(Box(box.label, left, top, left + width, top + height), scene)


def _usual_box(scene: Scene, label: str, rng: np.random.Generator) -> Box:
    sides = np.minimum(0.9, _SIDE[0] * rng.lognormal(0.0, _SIDE[1], 2))
    return _moved(Box(label, 0.0, 0.0, *map(float, sides)), scene, rng)


def _tag(
    attribute: Attribute,
    known: Mapping[str, Any],
    others: Sequence[Mapping[str, Any]],
    rng: np.random.Generator,
) -> str | list[str]:
    """The known value, else that of a picture where it is known, else any."""
    if _is_answer(attribute, known.get(attribute.name)):
        return _plain(known[attribute.name])
    like = [one[attribute.name] for one in others if _is_answer(attribute, one.get(attribute.name))]
    if like:
        return _plain(like[int(rng.integers(len(like)))])
    if attribute.kind == "many":
        return [one for one in attribute.options if rng.random() < _CHANCE_OF_MANY]
    return attribute.options[int(rng.integers(len(attribute.options)))]


def _is_answer(attribute: Attribute, value: Any) -> bool:
    """Whether ``value`` is a truth: "cannot tell" is none."""
    if value is None:
        return False
    chosen = value if isinstance(value, list) else [str(value)]
    return all(one in attribute.options for one in chosen)


def _plain(value: Any) -> str | list[str]:
    return list(value) if isinstance(value, list) else str(value)
