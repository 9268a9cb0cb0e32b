"""A person's decision checked like any answer, what it was made from, and when two agree."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from jobs.answers import MOST_BOXES, box_value, check_box, check_tag
from jobs.combining.comparing import match_boxes, same_tag
from jobs.errors import InvalidAnswer, InvalidInput
from jobs.records import BOXES, LabelSchema

AGREE_IOU = 0.7
WAYS = ("drawn", "taken", "corrected", "merged")
MOST_SOURCES = 100
T = TypeVar("T")


def checked_value(
    kind: str, value: Any, schema: LabelSchema, width: float, height: float
) -> dict[str, Any]:
    """``value`` clipped to the image and validated like a worker's answer; a tag may be left out.

    Raises:
        InvalidAnswer: when it is no answer to the question.

    """
    if kind == BOXES:
        boxes = _listed(value, "boxes", list)
        if len(boxes) > MOST_BOXES:
            raise InvalidAnswer(
                f"boxes: expected at most {MOST_BOXES:,} boxes, got {len(boxes):,}", "too_many"
            )
        return box_value(
            [
                check_box(_with_sides(box), schema.classes, width, height, f"boxes.{place}")
                for place, box in enumerate(boxes)
            ]
        )
    known = {attribute.name: attribute for attribute in schema.attributes}
    tags = _listed(value, "tags", dict)
    strange = [name for name in tags if name not in known]
    if strange:
        raise InvalidAnswer(f"tags: expected some of {sorted(known)}, got {strange!r:.80}")
    if not tags:
        raise InvalidAnswer("tags: expected at least one attribute")
    return {"tags": {name: check_tag(tags[name], known[name], name) for name in sorted(tags)}}


def checked_sources(
    sources: Any, n_boxes: int, worker_of: dict[int, int]
) -> dict[str, list[dict[str, Any]]]:
    """What each box was made from, as a label's provenance keeps it.

    ``worker_of`` maps the answers to this question to their workers; a box may name no other.

    Raises:
        InvalidInput: when there is not one source a box, or one names what is not there.

    """
    if not isinstance(sources, list) or len(sources) != n_boxes:
        raise InvalidInput(f"sources: expected one for each of the {n_boxes} boxes")
    made = [_source(one, place, worker_of) for place, one in enumerate(sources)]
    used = sorted({answer for one in made for answer in one["answers"]})
    return {
        "boxes": made,
        "voters": [{"answer": answer, "worker": worker_of[answer]} for answer in used],
    }


def agree(kind: str, one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two people said the same.

    Boxes: each has a partner of its class with an IoU of at least ``AGREE_IOU``. Tags: the
    same attributes with the same values.
    """
    if kind == BOXES:
        found = match_boxes(one, other).values()
        return all(
            each.n_right == each.n_labels == each.n_gold and min(each.ious) >= AGREE_IOU
            for each in found
        )
    mine, theirs = one.get("tags", {}), other.get("tags", {})
    return bool(mine.keys() == theirs.keys()) and all(
        same_tag(mine[name], theirs[name]) for name in mine
    )


def _source(one: Any, place: int, known: Collection[int]) -> dict[str, Any]:
    where = f"sources.{place}"
    if not isinstance(one, dict) or set(one) != {"how", "answers"}:
        raise InvalidInput(f"{where}: expected how and answers, got {one!r:.80}")
    if one["how"] not in WAYS:
        raise InvalidInput(
            f"{where}.how: expected one of {', '.join(WAYS)}, got {one['how']!r:.40}"
        )
    answers: Sequence[Any] = one["answers"] if isinstance(one["answers"], list) else ()
    is_known = all(type(answer) is int and answer in known for answer in answers)
    if not isinstance(one["answers"], list) or len(answers) > MOST_SOURCES or not is_known:
        raise InvalidInput(
            f"{where}.answers: expected ids of answers to this question, got {one['answers']!r:.80}"
        )
    return {"how": one["how"], "answers": sorted(set(answers))}


def _listed(value: Any, name: str, shape: type[T]) -> T:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, shape):
        raise InvalidAnswer(f"expected {{{name!r}: {shape.__name__}}}, got {value!r:.80}")
    return found


def _with_sides(box: Any) -> Any:
    """A box given by its corners as one given by corner and size; what is no box stays."""
    if not isinstance(box, dict) or not {"left", "top", "right", "bottom"} <= box.keys():
        return box
    sides = [box[side] for side in ("left", "top", "right", "bottom")]
    if not all(isinstance(side, (int, float)) and abs(side) < 1e9 for side in sides):
        return {key: value for key, value in box.items() if key not in ("right", "bottom")}
    rest = {key: box[key] for key in box.keys() - {"right", "bottom", "score"}}
    return {**rest, "width": sides[2] - sides[0], "height": sides[3] - sides[1]}
