"""Untrusted fields to validated answers: the one place that checks and clips boxes."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.answer_fields import Fields, read_fields
from jobs.errors import InvalidAnswer
from jobs.pages import page_fields
from jobs.records import BOXES, Attribute, Box, ImageRef, LabelSchema, QuestionKind, TaskSpec

MOST_BOXES = 2_000
# A box that sticks out of its image is clipped; one that lies mostly outside is a mistake.
LEAST_SHARE_INSIDE = 0.5
DECIMALS = 2

_BOX_KEYS = frozenset({"label", "left", "top", "width", "height", "score", "rotation", "angle"})
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.0{1,9})?", re.ASCII)
_FIELD = re.compile(r"t([0-9]{1,6})-", re.ASCII)
_TICKED = ("on", "true", "yes", "nothing")


def parse(
    raw: str,
    kind: QuestionKind,
    schema: LabelSchema,
    attributes: Sequence[str],
    tasks: Sequence[TaskSpec],
) -> dict[int, dict[str, Any]]:
    """``Answer.value`` by task id, for every task of the HIT.

    ``raw`` is MTurk's answer XML. Boxes are clipped to their image and shifted by their
    tile's offset, so that they lie in the whole item; a ``score`` is kept, but only a
    model's may be believed. The same ``raw`` always gives the same values.

    Raises:
        InvalidAnswer: when any task's answer is missing or not an answer to the question;
            the message names the field. Nothing else is raised, whatever ``raw`` holds.

    """
    fields = read_fields(raw)
    if len(tasks) == 1 and tasks[0].position == 0:
        fields = page_fields.addressed(fields, kind, attributes)
    _refuse_strangers(fields, tasks)
    if kind == BOXES:
        return {task.task_id: _read_boxes(fields, schema, task) for task in tasks}
    asked = [_attribute(schema, name) for name in attributes]
    return {
        task.task_id: {
            "tags": {each.name: _read_tag(fields, f"t{task.position}-", each) for each in asked}
        }
        for task in tasks
    }


def check_box(value: Any, classes: Sequence[str], width: float, height: float, where: str) -> Box:
    """The box that ``{"label", "left", "top", "width", "height"}`` states, clipped to the image.

    Raises:
        InvalidAnswer: for an unknown class, a side that is no finite number, no area, a
            rotation, unknown keys, or more than half of the box outside the image.

    """
    if not isinstance(value, Mapping):
        raise InvalidAnswer(f"{where}: expected a box, got {value!r:.60}", "not_a_box")
    strange = [key for key in value if key not in _BOX_KEYS]
    if strange:
        raise InvalidAnswer(f"{where}: unknown key {strange[0]!r:.60}", "unknown_key")
    if value.get("rotation") or value.get("angle"):
        raise InvalidAnswer(f"{where}: expected an upright box, got a rotated one", "rotated_box")
    label = _choice(value.get("label"), classes)
    if label is None:
        raise InvalidAnswer(_unknown(where, "class", value.get("label"), classes), "unknown_label")
    left, top, wide, high = (
        _number(value.get(side), f"{where}.{side}") for side in ("left", "top", "width", "height")
    )
    if wide <= 0 or high <= 0:
        raise InvalidAnswer(f"{where}: expected an area, got {wide:g} x {high:g} pixels", "no_area")
    score = _score(value.get("score"), where)
    return _clipped(Box(label, left, top, left + wide, top + high, score), width, height, where)


def check_tag(value: Any, attribute: Attribute, where: str) -> str | list[str]:
    """The answer to ``attribute``: an option, or for ``many`` the options in schema order.

    Takes what crowd elements and plain forms send: ``{"red": true, "blue": false}``,
    ``{"label": "red"}``, ``{"labels": [...]}``, a list, text, a number, true or false.

    Raises:
        InvalidAnswer: for an unknown option, none or several where one is due, or
            ``unsure`` beside another choice.

    """
    chosen = _chosen(value, attribute, where)
    known = (*attribute.options, attribute.unsure) if attribute.unsure else attribute.options
    picked = [option for option in known if option in chosen]
    if attribute.kind == "many":
        if attribute.unsure in picked and len(picked) > 1:
            raise InvalidAnswer(
                f"{where}: {attribute.unsure!r} beside other choices", "contradiction"
            )
        return picked
    if len(picked) != 1:
        raise InvalidAnswer(f"{where}: expected one choice, got {len(picked)}", "not_one_choice")
    return picked[0]


def box_value(boxes: Sequence[Box]) -> dict[str, Any]:
    """``Answer.value`` of boxes."""
    return {"boxes": [_box_body(box) for box in boxes]}


def _refuse_strangers(fields: Fields, tasks: Sequence[TaskSpec]) -> None:
    """An answer that speaks of tasks this HIT does not have belongs to another page."""
    positions = {task.position for task in tasks}
    for name in fields.values:
        match = _FIELD.match(name)
        if match and int(match[1]) not in positions:
            raise InvalidAnswer(f"field {name!r:.80}: the HIT has no such task", "other_task")


def _read_boxes(fields: Fields, schema: LabelSchema, task: TaskSpec) -> dict[str, Any]:
    where = f"t{task.position}-boxes"
    nothing = _is_ticked(fields.values.get(f"t{task.position}-nothing"))
    value = fields.values.get(where)
    if value is None and nothing:
        return box_value(())
    listed = _listed_boxes(value, task.image, where)
    if nothing and listed:
        raise InvalidAnswer(
            f"{where}: says nothing is there, yet has {len(listed)} boxes", "contradiction"
        )
    image = task.image
    boxes = [
        check_box(each, schema.classes, image.width, image.height, f"{where}[{index}]")
        for index, each in enumerate(listed)
    ]
    return box_value([_shifted(box, image) for box in boxes])


def _listed_boxes(value: Any, image: ImageRef, where: str) -> list[Any]:
    if not isinstance(value, Mapping):
        raise InvalidAnswer(f"{where}: expected boundingBoxes, got {value!r:.60}", "no_boxes")
    listed = value.get("boundingBoxes")
    if not isinstance(listed, list):
        raise InvalidAnswer(
            f"{where}: expected a list of boundingBoxes, got {listed!r:.60}", "no_boxes"
        )
    if len(listed) > MOST_BOXES:
        raise InvalidAnswer(
            f"{where}: expected at most {MOST_BOXES:,} boxes, got {len(listed):,}", "too_many"
        )
    size = value.get("inputImageProperties")
    if size is None:
        return listed
    expected = {"width": image.width, "height": image.height}
    if not isinstance(size, Mapping) or {key: size.get(key) for key in expected} != expected:
        raise InvalidAnswer(
            f"{where}: expected the image of {image.width} x {image.height}, got {size!r:.80}",
            "other_image",
        )
    return listed


def _clipped(box: Box, width: float, height: float, where: str) -> Box:
    left, right = (round(min(max(x, 0.0), float(width)), DECIMALS) for x in (box.left, box.right))
    top, bottom = (round(min(max(y, 0.0), float(height)), DECIMALS) for y in (box.top, box.bottom))
    area = (box.right - box.left) * (box.bottom - box.top)
    inside = max(right - left, 0.0) * max(bottom - top, 0.0)
    if inside <= 0 or inside < LEAST_SHARE_INSIDE * area - 0.01 * (right - left + bottom - top):
        raise InvalidAnswer(
            f"{where}: lies outside the image of {width:g} x {height:g} pixels", "outside_image"
        )
    return Box(box.label, left + 0.0, top + 0.0, right, bottom, box.score)


def _shifted(box: Box, image: ImageRef) -> Box:
    x, y = image.offset_x, image.offset_y
    sides = (box.left + x, box.top + y, box.right + x, box.bottom + y)
    left, top, right, bottom = (round(side, DECIMALS) for side in sides)
    return Box(box.label, left, top, right, bottom, box.score)


def _box_body(box: Box) -> dict[str, Any]:
    body: dict[str, Any] = {
        "label": box.label,
        "left": box.left,
        "top": box.top,
        "right": box.right,
        "bottom": box.bottom,
    }
    return body if box.score is None else {**body, "score": box.score}


def _score(value: Any, where: str) -> float | None:
    if value is None:
        return None
    score = _number(value, f"{where}.score")
    if not 0 <= score <= 1:
        raise InvalidAnswer(f"{where}.score: expected 0 to 1, got {score:g}", "bad_number")
    return score


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidAnswer(f"{where}: expected a number, got {value!r:.60}", "bad_number")
    if not -1e7 <= value <= 1e7 or not math.isfinite(value):
        raise InvalidAnswer(
            f"{where}: expected pixels, got a number out of all bounds", "bad_number"
        )
    return float(value)


def _attribute(schema: LabelSchema, name: str) -> Attribute:
    for attribute in schema.attributes:
        if attribute.name == name:
            return attribute
    raise InvalidAnswer(f"schema {schema.name!r}: has no attribute {name!r}", "other_task")


def _read_tag(fields: Fields, prefix: str, attribute: Attribute) -> str | list[str]:
    where = prefix + attribute.name
    value = fields.values.get(where)
    unsure = fields.values.get(f"{where}-unsure")
    if attribute.unsure and _is_ticked(unsure, attribute.unsure):
        # A slider always sends a number; the box beside it says not to believe it.
        return [attribute.unsure] if attribute.kind == "many" else attribute.unsure
    if value is None and attribute.kind == "many" and not fields.is_crowd:
        return []  # a plain form sends nothing for checkboxes that are all empty
    return check_tag(value, attribute, where)


def _chosen(value: Any, attribute: Attribute, where: str) -> set[str]:
    """The option names in ``value``, each known; raises InvalidAnswer."""
    if isinstance(value, Mapping):
        names = _names_in_mapping(value, attribute, where)
    elif isinstance(value, list):
        names = value
    elif isinstance(value, bool):
        names = [_yes_or_no(value, attribute, where)]
    elif isinstance(value, int | float):
        names = [_whole(value, where)]
    elif isinstance(value, str):
        names = [value] if _known(value, attribute) else value.split("|")
    else:
        raise InvalidAnswer(f"{where}: expected an answer, got {value!r:.60}", "no_choice")
    found = [_known(name, attribute) for name in names]
    if None in found:
        name = names[found.index(None)]
        raise InvalidAnswer(_unknown(where, "option", name, _offered(attribute)), "unknown_label")
    return {name for name in found if name is not None}


def _unknown(where: str, what: str, came: Any, known: Sequence[str]) -> str:
    return f"{where}: unknown {what} {came!r:.60}: expected one of {', '.join(known):.200}"


def _offered(attribute: Attribute) -> list[str]:
    return [*attribute.options, *([attribute.unsure] if attribute.unsure else [])]


def _names_in_mapping(value: Mapping[Any, Any], attribute: Attribute, where: str) -> list[Any]:
    if isinstance(value.get("label"), str):
        return [value["label"]]
    if isinstance(value.get("labels"), list):
        return list(value["labels"])
    if not all(isinstance(flag, bool) for flag in value.values()):
        raise InvalidAnswer(
            f"{where}: expected true or false for each option, got {value!r:.80}", "no_choice"
        )
    if set(value) == {"on"} and not _known("on", attribute):
        return [_yes_or_no(value["on"], attribute, where)]
    unknown = [name for name in value if not _known(name, attribute)]
    if unknown:
        raise InvalidAnswer(
            _unknown(where, "option", unknown[0], _offered(attribute)), "unknown_label"
        )
    return [name for name, ticked in value.items() if ticked]


def _yes_or_no(value: bool, attribute: Attribute, where: str) -> str:
    if attribute.kind != "yes_no":
        raise InvalidAnswer(f"{where}: expected an option, got {value!r}", "no_choice")
    return "yes" if value else "no"


def _known(name: Any, attribute: Attribute) -> str | None:
    """The option that ``name`` means, or None; a scale takes ``4.0`` for ``4``."""
    if attribute.kind == "scale" and isinstance(name, str) and _NUMBER.fullmatch(name.strip()):
        name = str(int(float(name)))
    known = (*attribute.options, attribute.unsure) if attribute.unsure else attribute.options
    return _choice(name, known)


def _choice(name: Any, known: Sequence[str]) -> str | None:
    if not isinstance(name, str):
        return None
    plain = unicodedata.normalize("NFC", name.strip())
    return plain if plain in known else None


def _whole(value: float, where: str) -> str:
    if not -1e9 <= value <= 1e9 or value != int(value):
        raise InvalidAnswer(f"{where}: expected a whole number, got {value!r:.40}", "bad_number")
    return str(int(value))


def _is_ticked(value: Any, name: str = "nothing") -> bool:
    """True when a checkbox, crowd or plain, says yes."""
    if isinstance(value, Mapping):
        return any(flag is True for flag in value.values())
    return value is True or (isinstance(value, str) and value.strip() in (*_TICKED, name))
