"""HTML5 parse errors in the words of the service, which are those of the Nu HTML checker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import html5lib
from html5lib.constants import E as ERROR_TEXTS

_MOST_REPORTED = 50

_AMPERSAND = (
    "“&” did not start a character reference. (“&” probably should have been escaped as “&amp;”.)"
)
_SECOND_START = "An “{name}” start tag seen but an element of the same type was already open."

_TEXTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "expected-named-entity": lambda _: _AMPERSAND,
    "named-entity-without-semicolon": lambda _: (
        "Named character reference was not terminated by "
        "a semicolon. (Or “&” should have been escaped as “&amp;”.)"
    ),
    "expected-numeric-entity": lambda _: "No digits after “&#”.",
    "numeric-entity-without-semicolon": lambda _: (
        "Character reference was not terminated by a semicolon."
    ),
    "unexpected-character-after-attribute-value": lambda _: "No space between attributes.",
    "duplicate-attribute": lambda _: "Duplicate attribute.",
    "unexpected-end-tag": lambda data: f"Stray end tag “{data['name']}”.",
    "unexpected-end-tag-after-body": lambda data: f"Stray end tag “{data['name']}”.",
    "expected-eof-but-got-start-tag": lambda data: f"Stray start tag “{data['name']}”.",
    "unexpected-start-tag-after-body": lambda data: f"Stray start tag “{data['name']}”.",
    "two-heads-are-not-better-than-one": lambda _: _SECOND_START.format(name="head"),
    "unexpected-doctype": lambda _: "Stray doctype.",
    "unknown-doctype": lambda _: "Almost standards mode doctype. Expected “<!DOCTYPE html>”.",
    "non-void-element-with-trailing-solidus": lambda _: (
        "Self-closing syntax (“/>”) used on a "
        "non-void HTML element. Ignoring the slash and treating as a start tag."
    ),
    "expected-closing-tag-but-got-char": lambda _: "Garbage after “</”.",
    "expected-tag-name": lambda _: (
        "Bad character after “<”. Probable cause: Unescaped “<”. Try escaping it as “&lt;”."
    ),
    "invalid-character-in-attribute-name": lambda _: (
        "“\"”, “'”, or “<” in attribute name. "
        "Probable cause: “>” missing immediately before, or matching quote missing."
    ),
    "unexpected-character-in-unquoted-attribute-value": lambda _: (
        "“\"”, “'”, “<”, “=”, or “`” in "
        "an unquoted attribute value. Probable causes: Attributes running together or a URL query "
        "string in an unquoted attribute value."
    ),
    "eof-in-comment": lambda _: "End of file inside comment.",
    "expected-named-closing-tag-but-got-eof": lambda _: (
        "End of file seen and there were open elements."
    ),
}

_BODY_TWICE = {"html", "body"}
_NO_DOCTYPE = {
    "expected-doctype-but-got-chars",
    "expected-doctype-but-got-start-tag",
    "expected-doctype-but-got-end-tag",
    "expected-doctype-but-got-eof",
}


def parse_errors(html: str, *, require_doctype: bool = False) -> list[str]:
    """What is wrong with a page as HTML5, each as ``<! [line,column] text !>``.

    Only parse errors count: unknown elements and attributes are fine, and so is a missing
    ``<html>`` tag. ``/>`` leaves any element but a void one open, so it is an error.
    """
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"))
    parser.parse(html)
    return [
        f"<! [{line},{column}] {_text(code, data or {})} !>"
        for (line, column), code, data in parser.errors
        if require_doctype or code not in _NO_DOCTYPE
    ][:_MOST_REPORTED]


def _text(code: str, data: dict[str, Any]) -> str:
    name = data.get("name", "")
    if code in ("unexpected-start-tag", "non-html-root") and name in _BODY_TWICE:
        return _SECOND_START.format(name=name)
    if code == "unexpected-start-tag":
        return f"Stray start tag “{name}”."
    if code in _NO_DOCTYPE:
        return "Start tag seen without seeing a doctype first. Expected “<!DOCTYPE html>”."
    if code in _TEXTS:
        return _TEXTS[code](data)
    if code == "expected-one-end-tag-but-got-another":
        return f"End tag for “{data['gotName']}” seen, but there were unclosed elements."
    if name and code.startswith(("end-tag-too-early", "adoption-agency")):
        return f"End tag “{name}” seen, but there were open elements."
    return str(ERROR_TEXTS.get(code, code)) % {**dict.fromkeys(("name", "data"), ""), **data}
