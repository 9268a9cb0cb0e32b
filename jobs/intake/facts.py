"""What an import's files were like, counted as they come: sizes, turns, reasons of refusal."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

N_SAMPLES = 24
STEPS = (0.3, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Where one bar of the megapixel histogram ends and the next begins."""

FAULTS = {
    "duplicate": "The same image as another one",
    "no_image": "Not a JPEG, PNG, WebP or GIF",
    "damaged": "Damaged or cut off",
    "too_large": "Too many pixels or bytes",
    "bad_path": "A name or path that is not allowed",
    "unreadable": "Could not be read or fetched",
    "bad_row": "A faulty row of the list",
}
"""Kinds of refusal, as people read them."""

_BY_REASON = (
    ("duplicate", r"duplicate:"),
    ("no_image", r"image: expected a JPEG"),
    ("damaged", r"image: damaged"),
    ("too_large", r"image: expected at most"),
    ("bad_path", r"(name|path): "),
    ("unreadable", r"file: |no such |.*\bs3://"),
)


def fault_of(reason: str) -> str:
    """The kind of a refusal, from the first words of its reason."""
    for fault, pattern in _BY_REASON:
        if re.match(pattern, reason):
            return fault
    return "bad_row"


@dataclass
class FactSheet:
    """The facts of one import; ``body`` is what is kept of it."""

    n_bytes: int = 0
    n_turned: int = 0
    smallest: tuple[int, int] = (0, 0)
    largest: tuple[int, int] = (0, 0)
    megapixels: list[int] = field(default_factory=lambda: [0] * (len(STEPS) + 1))
    faults: Counter[str] = field(default_factory=Counter)
    samples: list[str] = field(default_factory=list)

    def add_image(
        self, *, width: int, height: int, n_bytes: int, is_turned: bool, blob_key: str
    ) -> None:
        """Count an image that was taken in."""
        size, area = (width, height), width * height
        if not self.n_bytes or area < self.smallest[0] * self.smallest[1]:
            self.smallest = size
        if area > self.largest[0] * self.largest[1]:
            self.largest = size
        self.n_bytes += n_bytes
        self.n_turned += is_turned
        self.megapixels[sum(area / 1e6 >= step for step in STEPS)] += 1
        if len(self.samples) < N_SAMPLES:
            self.samples.append(blob_key)

    def add_refusal(self, fault: str) -> None:
        """Count a file that was not."""
        self.faults[fault] += 1

    def body(self) -> dict[str, Any]:
        """The facts as JSON."""
        return {
            "n_bytes": self.n_bytes,
            "n_turned": self.n_turned,
            "smallest": list(self.smallest),
            "largest": list(self.largest),
            "megapixels": self.megapixels,
            "faults": dict(sorted(self.faults.items())),
            "samples": self.samples,
        }


def megapixel_labels() -> tuple[str, ...]:
    """What each bar of the histogram holds, in order."""
    inner = [f"{low:g} to {high:g}" for low, high in pairwise(STEPS)]
    return (f"under {STEPS[0]:g}", *inner, f"{STEPS[-1]:g} or more")
