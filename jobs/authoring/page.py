"""A HIT page as its author wrote it: every tag with its place, placeholders kept apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html.parser import HTMLParser

VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")
)
# What stands where a value will be: harmless in text, in attributes and in scripts.
STAND_IN = "x"

_BLOCK = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_VALUE = re.compile(r"\{\{(?P<jinja>.*?)\}\}|\$\{(?P<plain>[^{}]*)\}", re.DOTALL)


@dataclass(frozen=True)
class Placeholder:
    """A value to come, ``{{ name }}`` or ``${name}``; ``expression`` is what stands inside."""

    expression: str
    is_jinja: bool
    start: int
    line: int
    column: int


@dataclass(frozen=True)
class Tag:
    """A start tag and what it stands in; ``text`` only of scripts and styles."""

    name: str
    attributes: Mapping[str, str]
    line: int
    column: int
    ancestors: tuple[Tag, ...]
    start: int
    end: int
    text: str = ""

    def inside(self, *names: str) -> bool:
        """True within an element of one of these names."""
        return any(tag.name in names for tag in self.ancestors)


@dataclass(frozen=True)
class TemplatePage:
    """A template's source, read. ``blanked`` is as long as ``source``, with stand-ins."""

    source: str
    blanked: str
    placeholders: tuple[Placeholder, ...]
    tags: tuple[Tag, ...]

    def named(self, *names: str) -> Iterator[Tag]:
        """The tags of these names, in page order."""
        return (tag for tag in self.tags if tag.name in names)

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a character of the source."""
        before = self.source[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def read_page(source: str) -> TemplatePage:
    """The page with every tag's place; works on templates and on rendered pages alike."""
    placeholders: list[Placeholder] = []

    def keep(match: re.Match[str]) -> str:
        jinja = match["jinja"]
        before = source[: match.start()]
        placeholders.append(
            Placeholder(
                expression=(jinja if jinja is not None else match["plain"]).strip(),
                is_jinja=jinja is not None,
                start=match.start(),
                line=before.count("\n") + 1,
                column=match.start() - (before.rfind("\n") + 1) + 1,
            )
        )
        return _filled(match[0], STAND_IN)

    blanked = _VALUE.sub(keep, _BLOCK.sub(lambda match: _filled(match[0], " "), source))
    return TemplatePage(source, blanked, tuple(placeholders), tuple(_tags(blanked)))


def _filled(text: str, filler: str) -> str:
    return "".join(each if each == "\n" else filler for each in text)


def _tags(text: str) -> list[Tag]:
    collector = _Collector(text)
    collector.feed(text)
    collector.close()
    return collector.tags


class _Collector(HTMLParser):
    """Python's tokenizer keeps places, which the tree of a full parser does not."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[Tag] = []
        self._open: list[Tag] = []
        self._starts = [0]
        for line in text.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line, column = self.getpos()
        start = self._starts[line - 1] + column
        found = Tag(
            name=tag,
            attributes={name: value or "" for name, value in attrs},
            line=line,
            column=column + 1,
            ancestors=tuple(self._open),
            start=start,
            end=start + len(self.get_starttag_text() or ""),
        )
        self.tags.append(found)
        if tag not in VOID:
            self._open.append(found)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # In HTML the slash of <crowd-input/> closes nothing.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        for index in range(len(self._open) - 1, -1, -1):
            if self._open[index].name == tag:
                del self._open[index:]
                return

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1].name not in ("script", "style"):
            return
        old = self._open[-1]
        whole = replace(old, text=old.text + data)
        self.tags[self.tags.index(old)] = whole
        self._open[-1] = whole
