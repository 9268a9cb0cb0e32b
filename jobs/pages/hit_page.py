"""The page of one HIT, rendered from a template of ``hit_templates`` or an author's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

from jobs.errors import InvalidInput
from jobs.pages import page_fields, page_sandbox
from jobs.pages.page_child import RENDER_ERRORS, explained, make_environment
from jobs.pages.page_size import LARGEST_QUESTION_BYTES, question_bytes
from jobs.records import (
    BOXES,
    Attribute,
    Box,
    ImageRef,
    LabelSchema,
    PageSource,
    QuestionKind,
    TaskSpec,
)

DEFAULT_TEMPLATES: dict[QuestionKind, str] = {"boxes": "boxes", "tags": "attribute_tags"}

_FILE = re.compile(r"_?[a-z][a-z0-9_]{0,60}\.html", re.ASCII)


def render(
    kind: QuestionKind,
    schema: LabelSchema,
    attributes: Sequence[str],
    tasks: Sequence[TaskSpec],
    template: str | PageSource | None = None,
) -> str:
    """The HTML of a HIT that asks ``tasks``.

    ``template`` is a name of ``template_names()``, or a page that a user wrote; without one
    the kind's default is used. A template sees ``schema``, ``attributes`` (those asked)
    and ``tasks`` as plain values, nothing else, and may include the folder's partials; one
    with ``${fields}`` sees those of ``page_fields``. Users' Jinja runs in a child process.

    Raises:
        InvalidInput: for an unknown name, a template that cannot be rendered or takes too
            much time or memory, an image address that is not http(s), or a question over
            65,535 bytes.

    """
    if kind == BOXES and not schema.classes:
        raise InvalidInput(f"schema {schema.name!r}: has no classes to draw boxes of")
    context = {
        "schema": _schema_values(schema),
        "attributes": [_attribute_values(schema, name) for name in attributes],
        "tasks": [_task_values(task) for task in tasks],
    }
    if isinstance(template, PageSource):
        html = render_source(template, context)
    else:
        html = _rendered(template or DEFAULT_TEMPLATES[kind], context)
    n_bytes = question_bytes(html)
    if n_bytes > LARGEST_QUESTION_BYTES:
        raise InvalidInput(
            f"HIT page: expected at most {LARGEST_QUESTION_BYTES:,} bytes with its envelope,"
            f" got {n_bytes:,} for {len(tasks)} tasks: ask fewer tasks a HIT or shorten"
            " the instructions"
        )
    return html


def template_names() -> tuple[str, ...]:
    """Names of the templates that come with the product, sorted."""
    names = (entry.name for entry in files("hit_templates").iterdir())
    return tuple(
        sorted(
            name.removesuffix(".html") for name in names if _FILE.fullmatch(name) and name[0] != "_"
        )
    )


def check_template(name: str) -> None:
    """Refuse a name that no template has; InvalidInput lists those that are."""
    if name not in template_names():
        known = ", ".join(template_names())
        raise InvalidInput(f"template {name!r:.80}: expected one of {known}")


def render_source(source: PageSource, context: dict[str, Any]) -> str:
    """The page of a user's template; ``context`` is what Jinja sees, in plain values.

    Raises:
        InvalidInput: as ``render``.

    """
    if source.language == "fields":
        return page_fields.filled(source.text, context)
    return page_sandbox.render_untrusted(source.text, _partials(), context)


def template_text(name: str) -> str:
    """The source of a template that comes with the product; InvalidInput for another name."""
    check_template(name)
    return _source(f"{name}.html") or ""


def _rendered(name: str, context: dict[str, Any]) -> str:
    """Our own templates are trusted, and rendered here: no process to start."""
    check_template(name)
    try:
        return _environment().get_template(f"{name}.html").render(context)
    except RENDER_ERRORS as error:
        raise InvalidInput(explained(error)) from error


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return make_environment(_source)


@cache
def _partials() -> dict[str, str]:
    names = (entry.name for entry in files("hit_templates").iterdir())
    return {name: _source(name) or "" for name in names if _FILE.fullmatch(name)}


def _source(name: str) -> str | None:
    """A template file's text; only names of the folder itself, never a path."""
    if not _FILE.fullmatch(name):
        return None
    entry = files("hit_templates") / name
    return entry.read_text("utf-8") if entry.is_file() else None


def _schema_values(schema: LabelSchema) -> dict[str, Any]:
    return {
        "name": schema.name,
        "title": schema.title,
        "instructions": schema.instructions,
        "short_instructions": schema.short_instructions,
        "classes": list(schema.classes),
        "attributes": [_values(each) for each in schema.attributes],
        "examples": [dict(each) for each in schema.examples],
    }


def _attribute_values(schema: LabelSchema, name: str) -> dict[str, Any]:
    for attribute in schema.attributes:
        if attribute.name == name:
            return _values(attribute)
    raise InvalidInput(f"schema {schema.name!r}: has no attribute {name!r}")


def _values(attribute: Attribute) -> dict[str, Any]:
    return {
        "name": attribute.name,
        "kind": attribute.kind,
        "title": attribute.title,
        "options": list(attribute.options),
        "low": attribute.low,
        "high": attribute.high,
        "unsure": attribute.unsure,
    }


def _task_values(task: TaskSpec) -> dict[str, Any]:
    image = task.image
    if not image.url.startswith(("http://", "https://")):
        raise InvalidInput(f"image address: expected http or https, got {image.url!r:.100}")
    return {
        "position": task.position,
        "image": {"url": image.url, "width": image.width, "height": image.height},
        "proposals": [
            shown for box in task.proposals if (shown := _proposal_values(box, image)) is not None
        ],
    }


def _proposal_values(box: Box, image: ImageRef) -> dict[str, Any] | None:
    """A proposal in the pixels of the image shown, as crowd elements state boxes."""
    left, right = (min(max(x - image.offset_x, 0), image.width) for x in (box.left, box.right))
    top, bottom = (min(max(y - image.offset_y, 0), image.height) for y in (box.top, box.bottom))
    if right <= left or bottom <= top:
        return None
    return {
        "label": box.label,
        "left": round(left, 2),
        "top": round(top, 2),
        "width": round(right - left, 2),
        "height": round(bottom - top, 2),
    }
