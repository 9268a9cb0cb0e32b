"""What is wrong with a HIT template: where, why it matters, and how to mend it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import html5lib

from jobs.authoring.page import Tag, TemplatePage, read_page
from jobs.authoring.texts import TEXTS
from jobs.page_size import LARGEST_QUESTION_BYTES, question_bytes

RESERVED = ("assignmentId", "hitId", "turkSubmitTo", "workerId")
MOST_LABELS = 10

_ANSWERED = frozenset(
    {
        "crowd-bounding-box",
        "crowd-checkbox",
        "crowd-classifier",
        "crowd-classifier-multi-select",
        "crowd-image-classifier",
        "crowd-image-classifier-multi-select",
        "crowd-input",
        "crowd-keypoint",
        "crowd-line",
        "crowd-polygon",
        "crowd-polyline",
        "crowd-radio-button",
        "crowd-slider",
        "crowd-text-area",
        "crowd-toggle-button",
    }
)
_KNOWN = _ANSWERED | {"crowd-button", "crowd-form", "crowd-instructions", "crowd-radio-group"}
_PICTURED = frozenset(
    name for name in _ANSWERED if re.search("image|box$|-(key|line|poly)", name)
) - {"crowd-checkbox", "crowd-input"}
_WITH_LIST = {name: "categories" for name in _ANSWERED if "classifier" in name} | dict.fromkeys(
    ("crowd-bounding-box", "crowd-keypoint", "crowd-line", "crowd-polygon", "crowd-polyline"),
    "labels",
)
_SHARED_NAME = ("crowd-checkbox", "crowd-radio-button")
_BUTTON_TYPES = ("submit", "button", "reset", "image")
_HANDLER = re.compile(r"\son[a-z]+\s*=\s*(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_LOCAL = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:|/|$)")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True)
class Finding:
    """One thing to mend. ``line`` and ``column`` count from 1 in the template's own text."""

    rule: str
    severity: Literal["error", "warning"]
    line: int
    column: int
    message: str
    why: str
    mend: str


def lint(source: str, columns: Collection[str] | None = None) -> tuple[Finding, ...]:
    """The findings of a template or a rendered page, by place; empty when it is clean.

    ``columns`` are the names a row of data brings; with them, ``${name}`` placeholders
    without a column and columns without a placeholder are found too.
    """
    page = read_page(source)
    found = [finding for rule in _RULES for finding in rule(page)]
    if columns is not None:
        found += _variables(page, columns)
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda one: (one.line, one.column, one.rule)))


def _finding(rule: str, line: int, column: int, message: str) -> Finding:
    text = TEXTS[rule]
    return Finding(rule, text.severity, line, column, message, text.why, text.mend)


def _at(rule: str, tag: Tag, message: str) -> Finding:
    return _finding(rule, tag.line, tag.column, message)


def _parse_errors(page: TemplatePage) -> Iterator[Finding]:
    parser = html5lib.HTMLParser()
    parser.parse(page.blanked)
    for (line, column), code, details in parser.errors:
        text = html5lib.constants.E.get(code, code) % details
        yield _finding("html", line, max(column, 1), text)


def _size(page: TemplatePage) -> Iterator[Finding]:
    n_bytes = question_bytes(page.source)
    if n_bytes > LARGEST_QUESTION_BYTES:
        yield _finding("too-large", 1, 1, f"{n_bytes:,} of {LARGEST_QUESTION_BYTES:,} bytes")
    if "]]>" in page.source:
        yield _finding("cdata-end", *page.place(page.source.index("]]>")), "']]>' in the page")


def _forms(page: TemplatePage) -> Iterator[Finding]:
    crowd, plain = list(page.named("crowd-form")), list(page.named("form"))
    if not crowd and not plain:
        yield _finding("no-form", 1, 1, "no <crowd-form> and no <form>")
    for tag in (*crowd[1:], *plain, *crowd[:1]):
        if tag.inside("form", "crowd-form"):
            yield _at("nested-form", tag, f"<{tag.name}> inside <{_outer(tag).name}>")
    for tag in crowd[1:]:
        if not tag.inside("form", "crowd-form"):
            yield _at("several-forms", tag, "a second <crowd-form>")
    for tag in plain:
        if not tag.inside("form", "crowd-form"):
            yield from _plain_form(page, tag)


def _outer(tag: Tag) -> Tag:
    return next(one for one in reversed(tag.ancestors) if one.name in ("form", "crowd-form"))


def _plain_form(page: TemplatePage, form: Tag) -> Iterator[Finding]:
    inside = [tag for tag in page.tags if form in tag.ancestors]
    names = [tag.attributes.get("name", "") for tag in inside if tag.name == "input"]
    if "assignmentId" not in names:
        near = [name for name in names if name.lower() == "assignmentid"]
        wrong = f"only {near[0]!r}" if near else "no such field"
        yield _at("assignment-id", form, f"expected an input named 'assignmentId', got {wrong}")
    if form.attributes.get("method", "get").lower() != "post":
        yield _at("form-method", form, "the form does not post")
    helped = "turkSetAssignmentID" in page.source
    if "ASSIGNMENT_ID_NOT_AVAILABLE" not in page.source and not helped:
        yield _at("no-preview-check", form, "nothing looks at the preview's assignment id")
    if not any(_submits(tag) for tag in inside):
        yield _at("no-submit", form, "no submit button in the form")


def _submits(tag: Tag) -> bool:
    kind = tag.attributes.get("type", "submit" if tag.name == "button" else "").lower()
    return tag.name in ("button", "input") and kind in ("submit", "image")


def _submit_address(page: TemplatePage) -> Iterator[Finding]:
    pattern = r"https?://(?:www|workersandbox|worker)\.mturk\.com/mturk/externalSubmit"
    for match in re.finditer(pattern, page.source):
        if "turkSubmitTo" not in page.source and "turkSetAssignmentID" not in page.source:
            yield _finding("submit-address", *page.place(match.start()), match[0])


def _script_loaded(page: TemplatePage) -> Iterator[Finding]:
    crowd = next((tag for tag in page.tags if tag.name.startswith("crowd-")), None)
    sources = [tag.attributes.get("src", "") for tag in page.named("script")]
    is_partial = "{%" in page.source and "include" in page.source
    if crowd and not is_partial and not any("crowd-html-elements" in one for one in sources):
        yield _at("no-crowd-script", crowd, f"<{crowd.name}> without the script that defines it")


def _fields(page: TemplatePage) -> Iterator[Finding]:
    for tag in page.tags:
        if not _is_field(tag):
            continue
        name = tag.attributes.get("name", "")
        if not name:
            yield _at("no-name", tag, f"<{tag.name}> without a name")
        elif not tag.inside("form", "crowd-form") and "form" not in tag.attributes:
            yield _at("outside-form", tag, f"field {name!r} stands outside the form")
        elif name in RESERVED and (tag.inside("crowd-form") or name == "hitId"):
            yield _at("reserved-name", tag, f"field {name!r}")
        if tag.attributes.get("type") == "file":
            yield _at("file-field", tag, f"field {name!r} takes a file")
        is_plain = tag.inside("form") and not tag.inside("crowd-form")
        if is_plain and tag.attributes.get("type") == "checkbox":
            yield _at("plain-checkbox", tag, f"check-box {name!r}")


def _is_field(tag: Tag) -> bool:
    if tag.name in _ANSWERED:
        return True
    kind = tag.attributes.get("type", "").lower()
    return tag.name in ("input", "select", "textarea") and kind not in _BUTTON_TYPES


def _duplicates(page: TemplatePage) -> Iterator[Finding]:
    alone = [tag for tag in page.tags if _is_field(tag) and not _may_share(page, tag)]
    counts = Counter(tag.attributes.get("name", "") for tag in alone)
    seen: set[str] = set()
    for tag in alone:
        name = tag.attributes.get("name", "")
        if name in seen and counts[name] > 1:
            yield _at("duplicate-name", tag, f"a second field named {name!r}")
        seen.add(name)


def _may_share(page: TemplatePage, tag: Tag) -> bool:
    """A radio button or a check-box shares its name; a placeholder's name is not known yet."""
    if tag.name in _SHARED_NAME or tag.attributes.get("type") in ("radio", "checkbox"):
        return True
    written = page.source[tag.start : tag.end]
    return not tag.attributes.get("name") or "{{" in written or "${" in written


def _buttons(page: TemplatePage) -> Iterator[Finding]:
    for tag in page.named("button"):
        if "type" not in tag.attributes and tag.inside("form", "crowd-form"):
            yield _at("button-type", tag, "<button> without a type")


def _elements(page: TemplatePage) -> Iterator[Finding]:
    for tag in page.tags:
        if not tag.name.startswith("crowd-"):
            continue
        if tag.name not in _KNOWN:
            yield _at("unknown-element", tag, f"<{tag.name}>")
        if tag.name in _PICTURED and not tag.attributes.get("src"):
            yield _at("no-src", tag, f"<{tag.name}> without src")
        if tag.name == "crowd-radio-button" and not tag.attributes.get("value"):
            yield _at("no-value", tag, "<crowd-radio-button> without a value")
        if tag.name in _WITH_LIST:
            yield from _list_attribute(page, tag, _WITH_LIST[tag.name])
            yield from _instructions(page, tag)


def _list_attribute(page: TemplatePage, tag: Tag, name: str) -> Iterator[Finding]:
    text = tag.attributes.get(name, "")
    if not text.strip():
        yield _at("no-labels", tag, f"<{tag.name}> without {name}")
        return
    written = page.source[tag.start : tag.end]
    if "{{" in written or "${" in written:
        return
    items = _read_list(text)
    if items is None:
        yield _at("bad-labels", tag, f"{name}={text!r:.80}")
    elif len(items) > MOST_LABELS:
        yield _at("many-labels", tag, f"{len(items)} {name}")


def _read_list(text: str) -> list[str] | None:
    try:
        value = json.loads(text)
    except ValueError:
        value = _LENIENT_ITEM.findall(text) if _LENIENT_LIST.fullmatch(text.strip()) else None
    return value if isinstance(value, list) else None


_ITEM = r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,'\"\[\]{}][^,'\"\[\]{}]*)"
_LENIENT_ITEM = re.compile(_ITEM)
_LENIENT_LIST = re.compile(rf"\[\s*(?:{_ITEM}\s*(?:,\s*{_ITEM}\s*)*,?\s*)?\]")


def _instructions(page: TemplatePage, tag: Tag) -> Iterator[Finding]:
    children = {child.name for child in page.tags if child.ancestors[-1:] == (tag,)}
    missing = [name for name in ("full-instructions", "short-instructions") if name not in children]
    if missing:
        yield _at("no-instructions", tag, f"<{tag.name}> without <{missing[0]}>")


def _addresses(page: TemplatePage) -> Iterator[Finding]:
    for tag in page.tags:
        address = tag.attributes.get("src", "")
        if address.startswith("http://") and not _LOCAL.match(address):
            yield _at("http-address", tag, f"src={address!r:.80}")
        if tag.name == "img" and "alt" not in tag.attributes:
            yield _at("no-alt", tag, "<img> without alt")


def _scripts(page: TemplatePage) -> Iterator[Finding]:
    text = page.source
    for match in re.finditer(r"\b(?:window\.)?(?:top|parent)\.location\b", text):
        yield _finding("top-location", *page.place(match.start()), match[0])
    for tag in page.named("script"):
        sends = re.search(r"\b(fetch|XMLHttpRequest|sendBeacon|\$\.(?:ajax|post))\b", tag.text)
        if sends and "externalSubmit" in tag.text:
            yield _at("script-submit", tag, f"{sends[0]} and externalSubmit in one script")


def _splices(page: TemplatePage) -> Iterator[Finding]:
    ranges = [(tag.end, tag.end + len(tag.text)) for tag in page.named("script")]
    for tag in page.tags:
        written = page.blanked[tag.start : tag.end]
        ranges += [
            (tag.start + m.start(1), tag.start + m.end(1)) for m in _HANDLER.finditer(written)
        ]
    for value in page.placeholders:
        shown = f"{{{{ {value.expression} }}}}" if value.is_jinja else f"${{{value.expression}}}"
        if any(low <= value.start < high for low, high in ranges):
            if not value.is_jinja and not _PLAIN_NAME.fullmatch(value.expression):
                yield _finding("eaten-literal", value.line, value.column, shown)
            elif not re.search(r"\|\s*tojson\b", value.expression):
                yield _finding("value-in-script", value.line, value.column, shown)
        if value.is_jinja and re.search(r"\|\s*safe\b", value.expression):
            yield _finding("unescaped", value.line, value.column, shown)
        if re.search(r"=\s*$", page.source[: value.start]) and _in_tag(page, value.start):
            yield _finding("unquoted", value.line, value.column, shown)


def _in_tag(page: TemplatePage, offset: int) -> bool:
    return any(tag.start < offset < tag.end for tag in page.tags)


def _variables(page: TemplatePage, columns: Collection[str]) -> Iterator[Finding]:
    used = {value.expression for value in page.placeholders if not value.is_jinja}
    for value in page.placeholders:
        if not value.is_jinja and value.expression not in columns:
            known = ", ".join(sorted(columns)) or "none"
            message = f"${{{value.expression}}} is no column of the data ({known})"
            yield _finding("missing-variable", value.line, value.column, message)
    for name in sorted(set(columns) - used):
        yield _finding("extra-variable", 1, 1, f"column {name!r} is not used")


_RULES: tuple[Callable[[TemplatePage], Iterator[Finding]], ...] = (
    _parse_errors,
    _size,
    _forms,
    _submit_address,
    _script_loaded,
    _fields,
    _duplicates,
    _buttons,
    _elements,
    _addresses,
    _scripts,
    _splices,
)
