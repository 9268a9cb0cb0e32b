"""One thing to mend in a template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jobs.authoring.page import Tag
from jobs.authoring.texts import TEXTS


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


def found_at(rule: str, line: int, column: int, message: str) -> Finding:
    """The finding with its rule's reasons."""
    text = TEXTS[rule]
    return Finding(rule, text.severity, line, column, message, text.why, text.mend)


def found_in(rule: str, tag: Tag, message: str) -> Finding:
    """The finding at a tag's place."""
    return found_at(rule, tag.line, tag.column, message)
