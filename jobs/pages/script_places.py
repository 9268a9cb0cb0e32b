"""Where in a piece of JavaScript a position lies: in code, in a string or in a comment."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from typing import Literal

Place = Literal["code", "string", "comment"]

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n\r\u2028\u2029]*|/\*.*?(?:\*/|\Z)|<!--[^\n\r]*)
    |(?P<string>"(?:\\.|[^"\\\n\r])*(?:"|(?=[\n\r])|\Z)|'(?:\\.|[^'\\\n\r])*(?:'|(?=[\n\r])|\Z))
    |(?P<backtick>`)
    |(?P<open>\{)|(?P<close>\})
    |(?P<slash>/)
    |(?P<word>[\w$]+)
    |(?P<space>\s+)
    |(?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
_REGEX = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]*")
_TEMPLATE = re.compile(r"(?:\\.|(?!\$\{)[^`\\])*(?P<end>`|\$\{|\Z)", re.DOTALL)
# After these a slash begins a regular expression; after any other word or bracket it divides.
_BEFORE_REGEX = re.compile(r"(?:^|[(,=:\[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|void))$")


def place_in_script(text: str, position: int) -> Place:
    """The place of ``position``; a regular expression counts as a string."""
    ends, kinds = _tokens(text)
    found = bisect_right(ends, position)
    return kinds[found] if found < len(kinds) else "code"


@lru_cache(maxsize=4)  # one script is asked about for each value that stands in it
def _tokens(text: str) -> tuple[tuple[int, ...], tuple[Place, ...]]:
    """End and kind of every token, in order."""
    at, depths, last = 0, [0], ""
    ends: list[int] = []
    kinds: list[Place] = []
    while at < len(text):
        at, kind, last = _next(text, at, depths, last)
        ends.append(at)
        kinds.append(kind)
    return tuple(ends), tuple(kinds)


def _next(text: str, at: int, depths: list[int], last: str) -> tuple[int, Place, str]:
    """End, kind and last significant text of the token at ``at``.

    ``depths`` counts the open braces of the code within each template literal that is open.
    """
    match = _TOKEN.match(text, at)
    if match is None:
        return len(text), "code", last
    group, end = str(match.lastgroup), match.end()
    if group == "comment":
        return end, "comment", last
    if group == "string":
        return end, "string", '"'
    if group == "slash" and _BEFORE_REGEX.search(last) and (found := _REGEX.match(text, at)):
        return found.end(), "string", '"'
    if group == "backtick" or (group == "close" and depths[-1] == 0 and len(depths) > 1):
        if group == "close":
            depths.pop()
        return _template(text, at + 1, depths)
    depths[-1] += {"open": 1, "close": -1}.get(group, 0)
    return end, "code", last if group == "space" else match[0]


def _template(text: str, at: int, depths: list[int]) -> tuple[int, Place, str]:
    match = _TEMPLATE.match(text, at)
    end = match.end() if match else len(text)
    if match and match["end"] == "${":
        depths.append(0)
        return end, "string", "{"
    return end, "string", '"'
