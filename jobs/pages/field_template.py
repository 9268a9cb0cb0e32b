"""Pages with ``${field}`` placeholders: one pass, each value escaped for the place it lands in.

A spec-compliant HTML parser says where each placeholder stands, so a value can never become
a tag, an attribute or script; a value that holds ``${other}`` is not looked at again.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import html5lib

from jobs.errors import InvalidInput
from jobs.pages.page_size import LARGEST_QUESTION_BYTES, question_bytes
from jobs.pages.script_places import place_in_script

MOST_FIELDS = 1_000  # each costs a look at the script or attribute that it stands in

_FIELD = re.compile(r"\$\{[ \t]*([^\W\d][\w -]{0,79}?)[ \t]*\}")
_URL_ATTRIBUTES = frozenset(
    ("src", "href", "poster", "cite", "background", "srcset", "imagesrcset", "ping", "longdesc")
)
# Places that load or run something whatever the escaping is.
_REFUSED_ATTRIBUTES = frozenset(
    ("srcdoc", "action", "formaction", "http-equiv", "is", "sandbox", "allow", "csp")
)
_REFUSED_ELEMENTS = frozenset(
    ("script", "link", "base", "object", "embed", "applet", "param", "meta", "set")
)
_RAW_ELEMENTS = frozenset(("iframe", "xmp", "noembed", "noframes", "plaintext"))
_DATA_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|avif)[;,]", re.IGNORECASE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_LINKS = frozenset(("http", "https", "mailto", "tel"))
_PAGES = frozenset(("http", "https"))
_URL_NOISE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")
# What HTML5 calls a parse error, and XML cannot hold at all.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LATE_SCHEME = re.compile(r"[^/?#]*:")
_NOT_PLAIN = re.compile(r"[\x00-\x20\"'`<>=&\x7f]")
_NOT_CSS = re.compile(r"[^A-Za-z0-9_.%#-]")
_NOT_WORD = re.compile(r"[^A-Za-z0-9_]")

Escape = Callable[[str], str]


@dataclass(frozen=True)
class Field:
    """A placeholder: the column it names, where it stands, and how its value is written there.

    ``escape`` is None where no value belongs, such as in a comment: it stays as it is.
    ``is_optional`` marks a ``${name}`` of a script, which may be the script's own.
    """

    name: str
    written: str
    line: int
    column: int
    escape: Escape | None
    is_optional: bool


@dataclass(frozen=True)
class FieldTemplate:
    """A page read once; ``texts`` has one piece more than ``fields``, which stand between."""

    texts: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns the page needs, in the order of the page."""
        needed = (one.name for one in self.fields if one.escape and not one.is_optional)
        return tuple(dict.fromkeys(needed))


def has_fields(source: str) -> bool:
    """Whether the page holds a ``${field}``."""
    return _FIELD.search(source) is not None


@lru_cache(maxsize=16)  # a batch fills one page many times
def read_template(source: str) -> FieldTemplate:
    """The page with the context of every placeholder.

    Raises:
        InvalidInput: for a placeholder where no escaping can help: in a tag's or attribute's
            name, in an attribute without quotes, in an address that loads code; and for
            more than a thousand of them.

    """
    matches = list(_FIELD.finditer(source))
    if len(matches) > MOST_FIELDS:
        raise InvalidInput(f"expected at most {MOST_FIELDS:,} ${{fields}}, got {len(matches):,}")
    mark = _free_mark(source)
    pieces = [source[a:b] for a, b in _gaps(matches, len(source))]
    marked = pieces[0] + "".join(f"{mark}{number}z{text}" for number, text in enumerate(pieces[1:]))
    places = _places(marked, re.compile(rf"{mark}(\d+)z"))
    fields = []
    for number, match in enumerate(matches):
        before = source[: match.start()]
        line, column = before.count("\n") + 1, match.start() - before.rfind("\n")
        where = f"line {line}, column {column}: {match[0]}"
        place = places.get(number)
        if place is None:
            raise InvalidInput(f"{where}: a browser drops this place; mend the page around it")
        if place.refusal:
            raise InvalidInput(f"{where}: {place.refusal}")
        if place.is_attribute_start and re.search(r"=\s*$", before):
            raise InvalidInput(f"{where}: put the attribute's value in quotes")
        fields.append(Field(match[1], match[0], line, column, place.escape, place.is_script))
    return FieldTemplate(tuple(pieces), tuple(fields))


def fill(template: FieldTemplate, row: Mapping[str, Any], where: str = "row") -> str:
    """The page of one row. Values that are no text are written as JSON.

    Raises:
        InvalidInput: for a column that the row lacks, an address of a scheme that is not
            allowed there, or a page over 65,535 bytes.

    """
    made = [template.texts[0]]
    for one, text in zip(template.fields, template.texts[1:], strict=True):
        made += [_filled(one, row, where), text]
    page = "".join(made)
    if question_bytes(page) > LARGEST_QUESTION_BYTES:
        raise InvalidInput(
            f"{where}: expected at most {LARGEST_QUESTION_BYTES:,} bytes with its envelope,"
            f" got {question_bytes(page):,}"
        )
    return page


def _filled(one: Field, row: Mapping[str, Any], where: str) -> str:
    if one.escape is None or (one.is_optional and one.name not in row):
        return one.written
    if one.name not in row:
        known = ", ".join(map(str, row)) or "none"
        raise InvalidInput(f"{where}: line {one.line}: no column {one.name!r} (there are: {known})")
    value = row[one.name]
    try:
        return one.escape(_clean(value if isinstance(value, str) else json.dumps(value)))
    except InvalidInput as error:
        raise InvalidInput(f"{where}: line {one.line}: {one.written}: {error}") from error


def _clean(value: str) -> str:
    lines = value.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")
    return _SURROGATE.sub("\ufffd", _UNPRINTABLE.sub("", lines))


@dataclass(frozen=True)
class _Place:
    escape: Escape | None = None
    refusal: str = ""
    is_script: bool = False
    is_attribute_start: bool = False


def _gaps(matches: list[re.Match[str]], end: int) -> Iterator[tuple[int, int]]:
    starts = [0, *(match.end() for match in matches)]
    ends = [*(match.start() for match in matches), end]
    return zip(starts, ends, strict=True)


def _free_mark(source: str) -> str:
    """Letters that the page does not hold; lower case, for attribute names lose theirs."""
    mark = "fieldq"
    while mark in source.lower():
        mark += "q"
    return mark


def _places(marked: str, mark: re.Pattern[str]) -> dict[int, _Place]:
    """The place of each mark in the tree a browser would build."""
    found: dict[int, _Place] = {}
    tree = html5lib.parse(marked, namespaceHTMLElements=False)
    for element in tree.iter():
        if not isinstance(element.tag, str):
            for number in mark.findall(element.text or ""):
                found[int(number)] = _Place()
            continue
        name = _local(element.tag)
        for number in mark.findall(name):
            found[int(number)] = _Place(refusal="a value cannot be a tag's name")
        for key, text in element.attrib.items():
            found |= _in_attribute(name, _local(str(key)), text, mark)
        found |= _in_text(name, element, mark)
    return found


def _local(name: str) -> str:
    return name.rpartition("}")[2].lower()


def _in_attribute(tag: str, key: str, text: str, mark: re.Pattern[str]) -> dict[int, _Place]:
    found = {}
    for number in mark.findall(key):
        found[int(number)] = _Place(refusal="a value cannot be an attribute's name")
    for match in mark.finditer(text):
        place = _attribute_place(tag, key, text, match, mark)
        found[int(match[1])] = place
    return found


def _attribute_place(
    tag: str, key: str, text: str, match: re.Match[str], mark: re.Pattern[str]
) -> _Place:
    before = text[: match.start()]
    is_start = not before
    if tag in _REFUSED_ELEMENTS or tag.startswith("animate") or key in _REFUSED_ATTRIBUTES:
        return _Place(refusal=f"<{tag} {key}> takes no value from data: it could load or run code")
    if key.startswith("on"):
        inside = place_in_script(text, match.start())
        if inside == "comment":
            return _Place()
        script = _in_string if inside == "string" else _as_literal
        return _Place(lambda value: _attribute(script(value)), "", True, is_start)
    if key == "style":
        return _Place(lambda value: _attribute(_css(value)), is_attribute_start=is_start)
    if key not in _URL_ATTRIBUTES and key != "data":
        return _Place(_attribute, is_attribute_start=is_start)
    scheme = _SCHEME.match(_URL_NOISE.sub("", mark.sub("", before)))
    if scheme and scheme[1].lower() not in _LINKS:
        return _Place(refusal=f"an address of {scheme[1]}: takes no value from data")
    first = mark.search(text)
    if scheme is None and first and _LATE_SCHEME.match(mark.sub("", text[first.start() :])):
        return _Place(refusal="put the address's scheme before the value, or all of it into it")
    if before.strip():
        return _Place(lambda value: _attribute(quote(value, safe="/-._~")))
    is_picture = tag in ("img", "source", "video", "audio", "image") or tag.startswith("crowd-")
    schemes = _LINKS if key == "href" else _PAGES
    return _Place(
        lambda value: _attribute(_address(value, schemes, may_be_data=is_picture)),
        is_attribute_start=is_start,
    )


def _in_text(name: str, element: ElementTree.Element, mark: re.Pattern[str]) -> dict[int, _Place]:
    """Places in an element's own text, and in the text that follows its children."""
    found: dict[int, _Place] = {}
    texts = [element.text or "", *(child.tail or "" for child in element)]
    for text in texts:
        for match in mark.finditer(text):
            found[int(match[1])] = _text_place(name, text, match)
    return found


def _text_place(name: str, text: str, match: re.Match[str]) -> _Place:
    if name in _RAW_ELEMENTS:
        return _Place(refusal=f"<{name}> takes no value from data")
    if name == "style":
        return _Place(_css)
    if name != "script":
        return _Place(html.escape)
    inside = place_in_script(text, match.start())
    if inside == "comment":
        return _Place()
    return _Place(_in_string if inside == "string" else _as_literal, is_script=True)


def _attribute(value: str) -> str:
    """Also without quotes around it, the value ends where it should."""
    return _NOT_PLAIN.sub(lambda found: f"&#{ord(found[0])};", value)


def _in_string(value: str) -> str:
    """``value`` within any string of a script.

    Only letters, digits and escapes: even were it no string after all, it could call nothing.
    """
    return _NOT_WORD.sub(lambda found: _escaped(found[0]), value)


def _as_literal(value: str) -> str:
    """A string of JavaScript, and of JSON."""
    return f'"{_in_string(value)}"'


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def _css(value: str) -> str:
    return _NOT_CSS.sub(lambda found: f"\\{ord(found[0]):06x}", value)


def _address(value: str, schemes: frozenset[str], *, may_be_data: bool) -> str:
    """``value`` when a browser may follow it; without a scheme it is a path of the page's host."""
    plain = _URL_NOISE.sub("", value)
    scheme = _SCHEME.match(plain)
    is_allowed = scheme is None or scheme[1].lower() in schemes
    if not is_allowed and not (may_be_data and _DATA_IMAGE.match(plain)):
        raise InvalidInput(
            f"expected an address of {', '.join(sorted(schemes))}, got {value!r:.60}"
        )
    return value.strip()
