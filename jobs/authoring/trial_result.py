"""What comes of a page on trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Trial:
    """What became of one row. ``problem`` is empty when its answer arrived.

    ``is_closed_in_preview`` says that nothing could be sent before the HIT was accepted.
    """

    row: int
    problem: str
    is_closed_in_preview: bool
    seconds: float
    answer: Any
    answer_xml: str
    screenshot: str
