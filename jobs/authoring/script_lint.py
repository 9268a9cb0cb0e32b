"""What a page's scripts and values do that ends badly on a venue."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jobs.authoring.finding import Finding, found_at, found_in
from jobs.authoring.page import Placeholder, Tag, TemplatePage

_HANDLER = re.compile(r"\son[a-z]+\s*=\s*(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SENDS = re.compile(r"\b(fetch|XMLHttpRequest|sendBeacon|\$\.(?:ajax|post))\b")
_FILLS_ID = re.compile(
    r"turkSetAssignmentID\s*\(|getElementById\(\s*['\"]assignmentId['\"]\s*\)"
    r"|querySelector\(\s*['\"]#assignmentId['\"]\s*\)"
)
_WAITS = re.compile(r"DOMContentLoaded|\bonload\b|addEventListener\(\s*['\"]load['\"]|\$\(|defer")
_READS_PIXELS = re.compile(r"\b(getImageData|toDataURL|toBlob)\s*\(")
_WRITTEN = ("text", "search", "email", "number", "tel", "url", "date", "")


def scripts(page: TemplatePage) -> Iterator[Finding]:
    """Scripts that leave the frame, send the answer themselves, or come too early."""
    for match in re.finditer(r"\b(?:window\.)?(?:top|parent)\.location\b", page.source):
        yield found_at("top-location", *page.place(match.start()), match[0])
    for tag in page.named("script"):
        sends = _SENDS.search(tag.text)
        if sends and "externalSubmit" in tag.text:
            yield found_in("script-submit", tag, f"{sends[0]} and externalSubmit in one script")
        pixels = _READS_PIXELS.search(tag.text)
        if pixels and "crossorigin" not in page.source.lower():
            yield found_in("canvas-origin", tag, f"{pixels[1]} of a picture from another host")
        yield from _early(page, tag)


def enter_keys(page: TemplatePage) -> Iterator[Finding]:
    """Plain forms that a press of Enter in a line of text would send."""
    if re.search(r"\b(keydown|keypress|onkey\w+|onsubmit)\b|'submit'|\"submit\"\s*,", page.source):
        return
    for form in page.named("form"):
        lines = [
            tag
            for tag in page.named("input")
            if form in tag.ancestors
            and tag.attributes.get("type", "").lower() in _WRITTEN
            and tag.attributes.get("name") != "assignmentId"
        ]
        if lines and not form.inside("crowd-form"):
            yield found_in(
                "enter-submits", lines[0], f"Enter in {lines[0].attributes.get('name')!r}"
            )


def splices(page: TemplatePage) -> Iterator[Finding]:
    """Values that land where they may become code."""
    ranges = [(tag.end, tag.end + len(tag.text)) for tag in page.named("script")]
    for tag in page.tags:
        written = page.blanked[tag.start : tag.end]
        ranges += [
            (tag.start + m.start(1), tag.start + m.end(1)) for m in _HANDLER.finditer(written)
        ]
    for value in page.placeholders:
        if any(low <= value.start < high for low, high in ranges):
            yield from _in_code(value)
        if value.is_jinja and re.search(r"\|\s*safe\b", value.expression):
            yield _of("unescaped", value)
        if re.search(r"=\s*$", page.source[: value.start]) and _in_tag(page, value.start):
            yield _of("unquoted", value)


def _in_code(value: Placeholder) -> Iterator[Finding]:
    """Our own filling escapes ``${name}`` for scripts; Jinja's needs to be told."""
    if value.is_jinja:
        if not re.search(r"\|\s*tojson\b", value.expression):
            yield _of("value-in-script", value)
    elif _PLAIN_NAME.fullmatch(value.expression):
        yield _of("field-in-script", value)
    else:
        yield _of("eaten-literal", value)


def _early(page: TemplatePage, script: Tag) -> Iterator[Finding]:
    """A script above the field that it fills, and which waits for nothing."""
    fields = [
        tag for tag in page.named("input") if tag.attributes.get("name", "") == "assignmentId"
    ]
    filled = _FILLS_ID.search(script.text)
    is_early = bool(fields) and script.start < fields[0].start
    if filled and is_early and not _WAITS.search(script.text):
        yield found_in("early-script", script, f"{filled[0]}… before there is such a field")


def _of(rule: str, value: Placeholder) -> Finding:
    shown = f"{{{{ {value.expression} }}}}" if value.is_jinja else f"${{{value.expression}}}"
    return found_at(rule, value.line, value.column, shown)


def _in_tag(page: TemplatePage, offset: int) -> bool:
    return any(tag.start < offset < tag.end for tag in page.tags)
