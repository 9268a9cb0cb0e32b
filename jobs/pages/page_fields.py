"""What a page with ``${fields}`` sees of a job's task, and under which names it answers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from jobs import strict_json
from jobs.answer_fields import Fields
from jobs.errors import InvalidAnswer, InvalidInput
from jobs.pages.field_template import FieldTemplate, fill, read_template
from jobs.records import BOXES, QuestionKind

ALWAYS = (
    "image_url", "image_width", "image_height", "title", "instructions", "short_instructions",
    "classes", "attributes", "proposals",
)  # fmt: skip
_ADDRESSED = re.compile(r"t[0-9]{1,6}-", re.ASCII)
_NOT_TICKED = ("", "false", "0", "no", "off")


def field_names(attributes: Iterable[str]) -> tuple[str, ...]:
    """The columns that every page of a job has, for these attributes."""
    pairs = ((f"{name}_title", f"{name}_options") for name in attributes)
    return (*ALWAYS, *(name for pair in pairs for name in pair))


def job_row(context: Mapping[str, Any]) -> dict[str, Any]:
    """The row that fills a page: ``context`` is what a Jinja template would see.

    Raises:
        InvalidInput: for more tasks than the one that such a page can show.

    """
    tasks, schema = context["tasks"], context["schema"]
    if len(tasks) != 1:
        raise InvalidInput(
            f"a template with ${{fields}} shows one image a HIT, expected 1 task, got {len(tasks)}"
        )
    image = tasks[0]["image"]
    row = {
        "image_url": image["url"],
        "image_width": image["width"],
        "image_height": image["height"],
        "title": schema["title"],
        "instructions": schema["instructions"],
        "short_instructions": schema["short_instructions"],
        "classes": schema["classes"],
        "attributes": [one["name"] for one in context["attributes"]],
        "proposals": tasks[0]["proposals"],
    }
    for one in context["attributes"]:
        row |= {f"{one['name']}_title": one["title"], f"{one['name']}_options": one["options"]}
    return row


def filled(source: str, context: Mapping[str, Any]) -> str:
    """The page of ``context``; InvalidInput as ``fill`` raises it."""
    return fill(read_template(source), job_row(context), "template")


def check_columns(template: FieldTemplate, attributes: Collection[str]) -> None:
    """Refuse a page that needs a column which a job's pages do not have."""
    known = field_names(attributes)
    for one in template.fields:
        if one.escape and not one.is_optional and one.name not in known:
            raise InvalidInput(
                f"line {one.line}: a job has no field {one.name!r}; expected some of "
                f"{', '.join(known)}"
            )


def check_answers(html: str, kind: QuestionKind, attributes: Iterable[str]) -> None:
    """Refuse a page on which nothing has the name that its answer is read by."""
    if kind == BOXES:
        if "crowd-bounding-box" not in html and not re.search(r"\bboxes\b", html):
            raise InvalidInput(
                "template: expected a <crowd-bounding-box>, or a field named 'boxes': "
                "the page has neither, so that no box could be read from it"
            )
        return
    for name in attributes:
        if not re.search(rf"(?<![a-z0-9_]){name}(?![a-z0-9_])", html):
            raise InvalidInput(
                f"template: expected a field named {name!r} for that attribute: the page has none"
            )


def addressed(fields: Fields, kind: QuestionKind, attributes: Sequence[str]) -> Fields:
    """The fields of a page that shows one task, under the names of its first task.

    A page may leave ``t0-`` out. Boxes may be the only field with ``boundingBoxes``,
    whatever its name, or JSON text; a tag may come in parts, ``<attribute>.<option>``.

    Raises:
        InvalidAnswer: for boxes in text that is no JSON.

    """
    values = fields.values
    if any(_ADDRESSED.match(name) for name in values):
        return fields
    found = _boxes(values) if kind == BOXES else _tags(values, attributes)
    return Fields({f"t0-{name}": value for name, value in found.items()}, fields.is_crowd)


def _boxes(values: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: values[name] for name in ("boxes", "nothing") if name in values}
    if "boxes" not in found:
        drawn = [v for v in values.values() if isinstance(v, Mapping) and "boundingBoxes" in v]
        if len(drawn) == 1:
            found["boxes"] = drawn[0]
    if isinstance(found.get("boxes"), str):
        found["boxes"] = _from_text(found["boxes"])
    return found


def _from_text(text: str) -> Any:
    """``[{"label", "left", "top", "width", "height"}]``, as a script writes it into a field."""
    try:
        value = strict_json.loads(text)
    except ValueError as error:
        raise InvalidAnswer(f"boxes: expected JSON: {error!s:.120}") from error
    return {"boundingBoxes": value} if isinstance(value, list) else value


def _tags(values: Mapping[str, Any], attributes: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in attributes:
        for whole in (name, f"{name}-unsure"):
            if whole in values:
                found[whole] = values[whole]
        parts = {
            key.removeprefix(f"{name}."): value
            for key, value in values.items()
            if key.startswith(f"{name}.") and isinstance(value, str)
        }
        if parts and name not in found:
            found[name] = {key: _part(key, value) for key, value in parts.items()}
    return found


def _part(key: str, value: str) -> Any:
    return value if key == "label" else value.strip().lower() not in _NOT_TICKED
