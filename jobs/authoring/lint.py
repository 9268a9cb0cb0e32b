"""What is wrong with a HIT template: where, why it matters, and how to mend it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

import html5lib

from jobs.authoring.finding import Finding, found_at, found_in
from jobs.authoring.page import Tag, TemplatePage, read_page
from jobs.authoring.question_lint import is_question, page_within, question_findings
from jobs.authoring.script_lint import enter_keys, scripts, splices
from jobs.pages.page_size import LARGEST_QUESTION_BYTES, question_bytes

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
_LOCAL = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:|/|$)")


def lint(source: str, columns: Collection[str] | None = None) -> tuple[Finding, ...]:
    """The findings of a template or a rendered page, by place; empty when it is clean.

    ``columns`` are the names a row of data brings; with them, ``${name}`` placeholders
    without a column and columns without a placeholder are found too. The XML of a whole
    question is read as well, with the page that it holds.
    """
    if is_question(source):
        found = list(question_findings(source))
        inside = page_within(source)
        found += _moved(lint(inside[1], columns), source[: inside[0]]) if inside else []
    else:
        page = read_page(source)
        found = [finding for rule in _RULES for finding in rule(page)]
        found += _variables(page, columns) if columns is not None else []
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda one: (one.line, one.column, one.rule)))


def lint_filled(source: str, html: str) -> tuple[Finding, ...]:
    """What only a filled page shows: its size, its lists, its addresses, its parse errors.

    Lines are those of ``html``; what ``lint`` finds in the template itself is left out.
    """
    known = {(one.rule, one.message) for one in lint(source)}
    page = read_page(html)
    found = (
        finding for rule in (_parse_errors, _size, _elements, _addresses) for finding in rule(page)
    )
    new = dict.fromkeys(one for one in found if (one.rule, one.message) not in known)
    return tuple(replace(one, message=f"{one.message} (in the filled page)") for one in new)


def _moved(findings: Collection[Finding], before: str) -> list[Finding]:
    """The findings of a page at their places in the text that it is part of."""
    lines = before.count("\n")
    indent = len(before) - (before.rfind("\n") + 1)
    return [
        replace(
            one,
            line=one.line + lines,
            column=one.column + (indent if one.line == 1 else 0),
        )
        for one in findings
    ]


def _parse_errors(page: TemplatePage) -> Iterator[Finding]:
    parser = html5lib.HTMLParser()
    parser.parse(page.blanked)
    for (line, column), code, details in parser.errors:
        if code.startswith("expected-doctype"):
            yield found_at("no-doctype", 1, 1, "the page does not begin with a doctype")
            continue
        text = html5lib.constants.E.get(code, code) % details
        yield found_at("html", line, max(column, 1), text)


def _size(page: TemplatePage) -> Iterator[Finding]:
    n_bytes = question_bytes(page.source)
    if n_bytes > LARGEST_QUESTION_BYTES:
        yield found_at("too-large", 1, 1, f"{n_bytes:,} of {LARGEST_QUESTION_BYTES:,} bytes")
    if "]]>" in page.source:
        yield found_at("cdata-end", *page.place(page.source.index("]]>")), "']]>' in the page")


def _forms(page: TemplatePage) -> Iterator[Finding]:
    crowd, plain = list(page.named("crowd-form")), list(page.named("form"))
    if not crowd and not plain:
        yield found_at("no-form", 1, 1, "no <crowd-form> and no <form>")
    for tag in (*crowd[1:], *plain, *crowd[:1]):
        if tag.inside("form", "crowd-form"):
            yield found_in("nested-form", tag, f"<{tag.name}> inside <{_outer(tag).name}>")
    for tag in crowd[1:]:
        if not tag.inside("form", "crowd-form"):
            yield found_in("several-forms", tag, "a second <crowd-form>")
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
        yield found_in(
            "assignment-id", form, f"expected an input named 'assignmentId', got {wrong}"
        )
    if form.attributes.get("method", "get").lower() != "post":
        yield found_in("form-method", form, "the form does not post")
    helped = "turkSetAssignmentID" in page.source
    if "ASSIGNMENT_ID_NOT_AVAILABLE" not in page.source and not helped:
        yield found_in("no-preview-check", form, "nothing looks at the preview's assignment id")
    if not any(_submits(tag) for tag in inside):
        yield found_in("no-submit", form, "no submit button in the form")


def _submits(tag: Tag) -> bool:
    kind = tag.attributes.get("type", "submit" if tag.name == "button" else "").lower()
    return tag.name in ("button", "input") and kind in ("submit", "image")


def _submit_address(page: TemplatePage) -> Iterator[Finding]:
    pattern = r"https?://(?:www|workersandbox|worker)\.mturk\.com/mturk/externalSubmit"
    for match in re.finditer(pattern, page.source):
        if "turkSubmitTo" not in page.source and "turkSetAssignmentID" not in page.source:
            yield found_at("submit-address", *page.place(match.start()), match[0])


def _script_loaded(page: TemplatePage) -> Iterator[Finding]:
    crowd = next((tag for tag in page.tags if tag.name.startswith("crowd-")), None)
    sources = [tag.attributes.get("src", "") for tag in page.named("script")]
    is_partial = "{%" in page.source and "include" in page.source
    if crowd and not is_partial and not any("crowd-html-elements" in one for one in sources):
        yield found_in(
            "no-crowd-script", crowd, f"<{crowd.name}> without the script that defines it"
        )


def _fields(page: TemplatePage) -> Iterator[Finding]:
    for tag in page.tags:
        if not _is_field(tag):
            continue
        name = tag.attributes.get("name", "")
        if not name:
            yield found_in("no-name", tag, f"<{tag.name}> without a name")
        elif not tag.inside("form", "crowd-form") and "form" not in tag.attributes:
            yield found_in("outside-form", tag, f"field {name!r} stands outside the form")
        elif name in RESERVED and (tag.inside("crowd-form") or name == "hitId"):
            yield found_in("reserved-name", tag, f"field {name!r}")
        if tag.attributes.get("type") == "file":
            yield found_in("file-field", tag, f"field {name!r} takes a file")
        is_plain = tag.inside("form") and not tag.inside("crowd-form")
        if is_plain and tag.attributes.get("type") == "checkbox":
            yield found_in("plain-checkbox", tag, f"check-box {name!r}")


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
            yield found_in("duplicate-name", tag, f"a second field named {name!r}")
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
            yield found_in("button-type", tag, "<button> without a type")


def _elements(page: TemplatePage) -> Iterator[Finding]:
    for tag in page.tags:
        if not tag.name.startswith("crowd-"):
            continue
        if tag.name not in _KNOWN:
            yield found_in("unknown-element", tag, f"<{tag.name}>")
        if tag.name in _PICTURED and not tag.attributes.get("src"):
            yield found_in("no-src", tag, f"<{tag.name}> without src")
        if tag.name == "crowd-radio-button" and not tag.attributes.get("value"):
            yield found_in("no-value", tag, "<crowd-radio-button> without a value")
        if tag.name in _WITH_LIST:
            yield from _list_attribute(page, tag, _WITH_LIST[tag.name])
            yield from _instructions(page, tag)


def _list_attribute(page: TemplatePage, tag: Tag, name: str) -> Iterator[Finding]:
    text = tag.attributes.get(name, "")
    if not text.strip():
        yield found_in("no-labels", tag, f"<{tag.name}> without {name}")
        return
    written = page.source[tag.start : tag.end]
    if "{{" in written or "${" in written:
        return
    items = _read_list(text)
    if items is None:
        yield found_in("bad-labels", tag, f"{name}={text!r:.80}")
        return
    if len(items) > MOST_LABELS:
        yield found_in("many-labels", tag, f"{len(items)} {name}")
    repeated = [item for item, count in Counter(map(_label, items)).items() if count > 1]
    if repeated:
        yield found_in("repeated-label", tag, f"{name} names {repeated[0]!r:.60} twice")


def _label(item: object) -> str:
    return str(item).strip().strip("'\"")


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
        yield found_in("no-instructions", tag, f"<{tag.name}> without <{missing[0]}>")


def _addresses(page: TemplatePage) -> Iterator[Finding]:
    for tag in page.tags:
        key = "href" if tag.name == "link" else "src"
        address = tag.attributes.get(key, "")
        if address.startswith("http://") and not _LOCAL.match(address):
            yield found_in("http-address", tag, f"{key}={address!r:.80}")
        if tag.name == "img" and "alt" not in tag.attributes:
            yield found_in("no-alt", tag, "<img> without alt")


def _variables(page: TemplatePage, columns: Collection[str]) -> Iterator[Finding]:
    used = {value.expression for value in page.placeholders if not value.is_jinja}
    for value in page.placeholders:
        if not value.is_jinja and value.expression not in columns:
            known = ", ".join(sorted(columns)) or "none"
            message = f"${{{value.expression}}} is no column of the data ({known})"
            yield found_at("missing-variable", value.line, value.column, message)
    for name in sorted(set(columns) - used):
        yield found_at("extra-variable", 1, 1, f"column {name!r} is not used")


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
    scripts,
    enter_keys,
    splices,
)
