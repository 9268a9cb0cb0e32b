"""The fields of one submission, out of XML and JSON that a stranger wrote."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from jobs import strict_json
from jobs.errors import InvalidAnswer

LARGEST_CHARACTERS = 1024 * 1024
DEEPEST_XML = 8
MOST_FIELDS = 10_000
CROWD_FIELD = "taskAnswers"


@dataclass(frozen=True)
class Fields:
    """Values by field name. ``is_crowd`` says that a ``crowd-form`` collected them."""

    values: dict[str, Any]
    is_crowd: bool


def read_fields(raw: str) -> Fields:
    """The fields of a QuestionFormAnswers document.

    A ``taskAnswers`` field is the JSON that a ``crowd-form`` submits (an array with one
    object); every other field is a form's plain text.

    Raises:
        InvalidAnswer: for anything else, DTDs, entities, excess size or depth, repeated
            names, NaN, infinities and numbers without end. Nothing else is ever raised.

    """
    plain = _read_answers(raw)
    crowd_text = plain.pop(CROWD_FIELD, None)
    if crowd_text is None:
        return Fields(dict(plain), is_crowd=False)
    crowd = _read_crowd(crowd_text)
    twice = crowd.keys() & plain.keys()
    if twice:
        raise InvalidAnswer(f"field {min(twice)!r:.80}: given twice", "given_twice")
    return Fields({**plain, **crowd}, is_crowd=True)


def _read_answers(raw: str) -> dict[str, str]:
    if len(raw) > LARGEST_CHARACTERS:
        raise InvalidAnswer(
            f"answer: expected at most {LARGEST_CHARACTERS:,} characters", "too_large"
        )
    fields: dict[str, str] = {}
    try:
        for name, text in _walk(raw):
            if name in fields:
                raise InvalidAnswer(f"field {name!r:.80}: given twice", "given_twice")
            if len(fields) >= MOST_FIELDS:
                raise InvalidAnswer(f"answer: expected at most {MOST_FIELDS:,} fields", "too_many")
            fields[name] = text
    except DefusedXmlException as error:
        raise InvalidAnswer("answer: DTDs and entities are refused", "entities") from error
    except (ParseError, ValueError, LookupError, AssertionError) as error:
        raise InvalidAnswer(
            f"answer: expected QuestionFormAnswers XML: {error!s:.120}", "not_xml"
        ) from error
    return fields


def _walk(raw: str) -> list[tuple[str, str]]:
    """Each Answer's name and text; depth is checked while reading, without recursion."""
    answers: list[tuple[str, str]] = []
    depth = 0
    for event, element in iterparse(io.StringIO(raw), ("start", "end"), forbid_dtd=True):
        if event == "start":
            depth += 1
            if depth == 1 and _local(element.tag) != "QuestionFormAnswers":
                raise InvalidAnswer(
                    f"answer: expected QuestionFormAnswers, got {_local(element.tag)!r:.60}",
                    "not_xml",
                )
            if depth > DEEPEST_XML:
                raise InvalidAnswer(f"answer: expected at most {DEEPEST_XML} levels", "too_deep")
            continue
        if depth == 2 and _local(element.tag) == "Answer":
            answers.append(_answer(element))
            element.clear()
        depth -= 1
    return answers


def _answer(element: Any) -> tuple[str, str]:
    name = ""
    texts: list[str] = []
    for child in element:
        text = child.text or ""
        if _local(child.tag) == "QuestionIdentifier":
            name = text.strip()
        elif _local(child.tag) in ("FreeText", "SelectionIdentifier", "OtherSelectionText"):
            texts.append(text)
    if not name:
        raise InvalidAnswer("answer: an Answer has no QuestionIdentifier", "not_xml")
    return name, "|".join(texts)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _read_crowd(text: str) -> dict[str, Any]:
    try:
        value = strict_json.loads(text)
    except ValueError as error:
        raise InvalidAnswer(f"{CROWD_FIELD}: expected JSON: {error!s:.120}", "not_json") from error
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        raise InvalidAnswer(f"{CROWD_FIELD}: expected a list with one object of fields", "not_json")
    if len(value) > MOST_FIELDS:
        raise InvalidAnswer(f"{CROWD_FIELD}: expected at most {MOST_FIELDS:,} fields", "too_many")
    return value
