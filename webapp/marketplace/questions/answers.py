"""A worker's posted fields as the QuestionFormAnswers document a requester receives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape

from defusedxml.ElementTree import fromstring

from webapp.marketplace.questions.xml import ANSWERS

RESERVED = frozenset({"assignmentId", "hitId", "turkSubmitTo", "workerId"})
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def free_text_answers(fields: Iterable[tuple[str, str]], repeated: str = "first") -> str:
    """The document for a page's form: one free-text Answer a field name, reserved names left out.

    A name posted more than once keeps its first value, or all of them, joined by ``|``.
    """
    values: dict[str, str] = {}
    for name, value in fields:
        if name in RESERVED or not name:
            continue
        if name not in values:
            values[name] = value
        elif repeated == "join":
            values[name] += "|" + value
    return document({name: f"<FreeText>{text(value)}</FreeText>" for name, value in values.items()})


def read_answers(answer: str) -> dict[str, tuple[str, ...]]:
    """Selections or the text by question, of a document that was written here."""
    found: dict[str, tuple[str, ...]] = {}
    for element in fromstring(answer.encode()) if answer else ():
        name, *values = [(child.text or "") for child in element]
        found[name] = tuple(values)
    return found


def document(answers: Mapping[str, str]) -> str:
    """The whole XML; each value is markup of one Answer after its QuestionIdentifier."""
    body = "".join(
        f"<Answer><QuestionIdentifier>{text(name)}</QuestionIdentifier>{markup}</Answer>"
        for name, markup in answers.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
        f'<QuestionFormAnswers xmlns="{ANSWERS}">{body}</QuestionFormAnswers>'
    )


def text(value: str) -> str:
    """``value`` as XML character data; what XML cannot hold becomes U+FFFD."""
    return escape(_UNWRITABLE.sub("\ufffd", value), {"\r": "&#13;"})
