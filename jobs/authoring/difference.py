"""Two versions of a text side by side, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

CONTEXT = 3
LONGEST_COMPARED = 400  # characters of a line whose changed parts are looked for

Part = tuple[bool, str]
"""A piece of a line: whether it is not in the other version, and its text."""


@dataclass(frozen=True)
class Side:
    """One line of one version; number 0 where the version has none here."""

    number: int
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Line:
    """A line of both versions; ``skipped`` counts equal ones that are left out instead."""

    kind: Literal["same", "changed", "gone", "new", "skipped"]
    left: Side
    right: Side
    skipped: int = 0


NOWHERE = Side(0, ())


def difference(old: str, new: str) -> tuple[Line, ...]:
    """The changed lines with three lines around them; empty when both texts are equal."""
    left, right = old.splitlines(), new.splitlines()
    lines: list[Line] = []
    for group in SequenceMatcher(None, left, right).get_grouped_opcodes(CONTEXT):
        start = group[0][1]
        seen = lines[-1].left.number or _last_left(lines) if lines else 0
        lines += _gap(start - seen)
        for tag, a, b, c, d in group:
            lines += _same(left, a, b, c) if tag == "equal" else _changed(left, right, a, b, c, d)
    if lines:
        lines += _gap(len(left) - _last_left(lines))
    return tuple(lines)


def _last_left(lines: Sequence[Line]) -> int:
    return next((line.left.number for line in reversed(lines) if line.left.number), 0)


def _gap(n_lines: int) -> list[Line]:
    return [Line("skipped", NOWHERE, NOWHERE, n_lines)] if n_lines > 0 else []


def _same(left: Sequence[str], a: int, b: int, c: int) -> Iterator[Line]:
    for step in range(b - a):
        part = ((False, left[a + step]),)
        yield Line("same", Side(a + step + 1, part), Side(c + step + 1, part))


def _changed(
    left: Sequence[str], right: Sequence[str], a: int, b: int, c: int, d: int
) -> Iterator[Line]:
    for step in range(max(b - a, d - c)):
        has_old, has_new = a + step < b, c + step < d
        if has_old and has_new:
            old, new = _parts(left[a + step], right[c + step])
            yield Line("changed", Side(a + step + 1, old), Side(c + step + 1, new))
        elif has_old:
            yield Line("gone", Side(a + step + 1, ((True, left[a + step]),)), NOWHERE)
        else:
            yield Line("new", NOWHERE, Side(c + step + 1, ((True, right[c + step]),)))


def _parts(old: str, new: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """The pieces of two lines, what only one of them holds marked."""
    if max(len(old), len(new)) > LONGEST_COMPARED:
        return ((True, old),), ((True, new),)
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    left = tuple((tag != "equal", old[a:b]) for tag, a, b, _, _ in codes if b > a)
    right = tuple((tag != "equal", new[c:d]) for tag, _, _, c, d in codes if d > c)
    return left, right
