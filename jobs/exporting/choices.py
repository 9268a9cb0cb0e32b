"""What somebody wants exported, checked against the question and the format. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from jobs import formats
from jobs.errors import InvalidInput
from jobs.formats import CONFIDENCE, EXTRAS, LICENCE, PROVENANCE
from jobs.records import BOXES, TAGS, LabelSchema, QuestionKind

_USUAL = (CONFIDENCE, PROVENANCE, LICENCE)
_SHOWN_AT_MOST = 12


@dataclass(frozen=True)
class Filters:
    """Which labels: each filter narrows the ones before it; the empty value lets all pass.

    ``kind`` is boxes or tags. ``classes`` leaves the pictures that show a box of one of them,
    and of those pictures these boxes only. ``tags`` are ``attribute=value``: of one attribute
    any may hold, of several attributes all. ``min_confidence`` and ``only_decided`` (by a
    person) are asked of each label.
    """

    kind: str = ""
    classes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    min_confidence: float = 0.0
    only_decided: bool = False


@dataclass(frozen=True)
class Choices:
    """Everything that was chosen. ``included`` are those of ``formats.EXTRAS`` that go along."""

    format: str
    filters: Filters
    included: tuple[str, ...]


def check_choices(
    schema: LabelSchema,
    format: str,  # noqa: A002 - the word that the command, the form and the API use
    filters: Filters,
    wanted: Mapping[str, bool | None],
) -> Choices:
    """The choices in one spelling: options in the order of the schema, each once.

    ``wanted`` says yes or no by name of ``formats.EXTRAS``; what it leaves open goes along
    where the format has room for it, images excepted.

    Raises:
        InvalidInput: for a class, tag or kind that the question does not have, a confidence
            that is no share, or an extra that the format has no room for.

    """
    kinds = formats.label_writer(format)[2]
    if filters.kind and filters.kind not in kinds:
        raise InvalidInput(
            f"kind: expected {' or '.join(kinds)}, which {format} holds, got {filters.kind!r:.40}"
        )
    if not 0 <= filters.min_confidence <= 1:
        raise InvalidInput(
            f"min_confidence: expected a number from 0 to 1, got {filters.min_confidence!r}"
        )
    checked = Filters(
        kind=filters.kind,
        classes=_known("class", filters.classes, schema.classes),
        tags=_known("tag", filters.tags, tag_names(schema)),
        min_confidence=filters.min_confidence,
        only_decided=filters.only_decided,
    )
    return Choices(format, checked, _included(format, wanted))


def tag_names(schema: LabelSchema) -> tuple[str, ...]:
    """Every option of every attribute, as a filter names it."""
    return tuple(
        f"{attribute.name}={option}"
        for attribute in schema.attributes
        for option in attribute.options
    )


def kinds_of(choices: Choices) -> tuple[QuestionKind, ...]:
    """The kinds of label that the file can hold and that were asked for."""
    held = formats.label_writer(choices.format)[2]
    return tuple(kind for kind in held if choices.filters.kind in ("", kind))


def in_words(filters: Filters) -> list[str]:
    """What was chosen, a phrase each; nothing for every final label."""
    said = []
    if filters.kind:
        said.append(f"{filters.kind} only")
    if filters.classes:
        said.append(f"pictures with, and boxes of, {', '.join(filters.classes)}")
    if filters.tags:
        said.append(f"pictures tagged {', '.join(filters.tags)}")
    if filters.min_confidence:
        said.append(f"confidence at least {filters.min_confidence:g}")
    if filters.only_decided:
        said.append("decided by a person")
    return said


def values_by_attribute(tags: Iterable[str]) -> dict[str, list[str]]:
    """The wanted values of each attribute."""
    found: dict[str, list[str]] = {}
    for tag in tags:
        name, _, value = tag.partition("=")
        found.setdefault(name, []).append(value)
    return found


def keeps_value(choices: Choices, kind: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of a label's value goes into the file: with chosen classes, their boxes alone."""
    wanted = choices.filters.classes
    if kind != BOXES or not wanted:
        return value
    return {**value, "boxes": [box for box in value["boxes"] if box["label"] in wanted]}


def to_body(choices: Choices) -> dict[str, Any]:
    """Plain values that ``from_body`` reads again."""
    return {"filters": asdict(choices.filters), "included": list(choices.included)}


def from_body(format: str, body: Mapping[str, Any]) -> Choices:  # noqa: A002
    """The choices that a row of an export keeps."""
    filters = body["filters"]
    return Choices(
        format,
        Filters(
            kind=filters["kind"],
            classes=tuple(filters["classes"]),
            tags=tuple(filters["tags"]),
            min_confidence=filters["min_confidence"],
            only_decided=filters["only_decided"],
        ),
        tuple(body["included"]),
    )


def _known(what: str, wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    strange = next((name for name in wanted if name not in known), None)
    if strange is not None:
        shown = ", ".join(known[:_SHOWN_AT_MOST]) + (" …" if len(known) > _SHOWN_AT_MOST else "")
        expected = f"expected one of {shown}" if known else "the question has none"
        raise InvalidInput(f"{what} {strange!r:.100}: {expected}")
    return tuple(name for name in known if name in wanted)


def _included(format: str, wanted: Mapping[str, bool | None]) -> tuple[str, ...]:  # noqa: A002
    held = formats.held_by(format)
    for name in EXTRAS:
        if wanted.get(name) and name not in held:
            able = [
                other for other in formats.names_with("write") if name in formats.held_by(other)
            ]
            raise InvalidInput(
                f"{name}: format {format} has no room for it; {', '.join(able)} can hold it"
            )
    return tuple(
        name for name in held if (name in _USUAL if wanted.get(name) is None else wanted[name])
    )


def fits(schema: LabelSchema, kind: str) -> bool:
    """Whether the question asks for labels of this kind."""
    return bool(schema.classes) if kind == BOXES else kind == TAGS and bool(schema.attributes)
