"""Plots as plain numbers that a template draws as SVG: no script, no state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Bar:
    """One bar in a plot's own units; ``y`` grows downwards."""

    x: float
    y: float
    width: float
    height: float
    value: int
    low: float
    high: float


def histogram(
    counts: Sequence[int], *, width: float = 320, height: float = 96, gap: float = 2
) -> tuple[Bar, ...]:
    """Bars of equal bins over [0, 1]; a bin that holds anything is at least 2 units high."""
    top = max(counts, default=0)
    step = width / max(len(counts), 1)
    bars = []
    for position, value in enumerate(counts):
        tall = max(2.0, height * value / top) if value else 0.0
        bars.append(
            Bar(
                x=round(position * step + gap / 2, 2),
                y=round(height - tall, 2),
                width=round(step - gap, 2),
                height=round(tall, 2),
                value=value,
                low=position / len(counts),
                high=(position + 1) / len(counts),
            )
        )
    return tuple(bars)


def shares(
    parts: Sequence[int], whole: int, *, width: float = 100
) -> tuple[tuple[float, float], ...]:
    """(start, length) of each part along a bar of ``width`` that stands for ``whole``."""
    found, start = [], 0.0
    for part in parts:
        length = width * min(max(part, 0) / whole, 1.0) if whole > 0 else 0.0
        length = min(length, width - start)
        found.append((round(start, 3), round(length, 3)))
        start += length
    return tuple(found)


@dataclass(frozen=True)
class Steps:
    """A line that rises in steps over time, as an SVG path, and the area under it."""

    line: str
    area: str
    first: datetime | None
    last: datetime | None
    top: float


def steps(
    points: Sequence[tuple[datetime, float]],
    *,
    top: float,
    width: float = 640,
    height: float = 160,
) -> Steps:
    """The path of cumulative ``points`` from their first to their last time, up to ``top``."""
    if not points or top <= 0:
        return Steps("", "", None, None, top)
    first, last = points[0][0], points[-1][0]
    span = max((last - first).total_seconds(), 1.0)
    places = [
        (
            round(width * (at - first).total_seconds() / span, 1),
            round(height - height * min(value / top, 1.0), 1),
        )
        for at, value in points
    ]
    moves = [f"M{places[0][0]} {places[0][1]}"]
    moves += [f"H{x}V{y}" for x, y in places[1:]]
    line = "".join(moves) + f"H{width}"
    return Steps(line, f"{line}V{height}H0Z", first, last, top)
