"""Small line charts as SVG text: no library, the same bytes from the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 560, 380
LEFT, TOP, RIGHT, BOTTOM = 62, 40, 16, 64
COLOURS = ("#0b5cad", "#c2410c", "#4d7c0f", "#7e22ce", "#475569")
MARKS = ("circle", "square", "diamond", "circle", "square")


@dataclass(frozen=True)
class Line:
    name: str
    x: Sequence[float]
    y: Sequence[float]
    is_dashed: bool = False
    has_marks: bool = True
    is_joined: bool = True


@dataclass(frozen=True)
class Axis:
    label: str
    low: float
    high: float
    step: float
    names: Sequence[str] = ()


def chart(title: str, x: Axis, y: Axis, lines: Sequence[Line]) -> str:
    """One chart; the legend stands under the title, one entry a line."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="16" font-size="14" font-weight="bold">{escape(title)}</text>',
    ]
    parts += _grid(x, y)
    for index, line in enumerate(lines):
        parts += _drawn(line, index, x, y)
    parts += _legend(lines)
    return "\n".join([*parts, "</svg>", ""])


def _grid(x: Axis, y: Axis) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for index, value in enumerate(_ticks(y)):
        at = _place(value, y, bottom, TOP)
        text = y.names[index] if y.names else f"{value:g}"
        parts.append(f'<path d="M{LEFT} {at}H{right}" stroke="#e2e8f0"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4}" text-anchor="end">{escape(text)}</text>')
    for index, value in enumerate(_ticks(x)):
        at = _place(value, x, LEFT, right)
        text = x.names[index] if x.names else f"{value:g}"
        turn = f' transform="rotate(-35 {at} {bottom + 14})"' if x.names else ""
        anchor = "end" if x.names else "middle"
        parts.append(
            f'<text x="{at}" y="{bottom + 16}" text-anchor="{anchor}"{turn}>{escape(text)}</text>'
        )
    middle = (TOP + bottom) / 2
    parts.append(f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#334155"/>')
    parts.append(
        f'<text x="14" y="{middle}" text-anchor="middle" '
        f'transform="rotate(-90 14 {middle})">{escape(y.label)}</text>'
    )
    parts.append(
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{escape(x.label)}</text>"
    )
    return parts


def _drawn(line: Line, index: int, x: Axis, y: Axis) -> list[str]:
    colour = COLOURS[index % len(COLOURS)]
    points = [
        (_place(a, x, LEFT, WIDTH - RIGHT), _place(b, y, HEIGHT - BOTTOM, TOP))
        for a, b in zip(line.x, line.y, strict=True)
        if x.low <= a <= x.high and y.low <= b <= y.high
    ]
    dash = ' stroke-dasharray="5 4"' if line.is_dashed else ""
    parts = []
    if line.is_joined:
        path = " ".join(f"{a},{b}" for a, b in points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
        )
    if line.has_marks:
        parts += [_mark(MARKS[index % len(MARKS)], a, b, colour) for a, b in points]
    return parts


def _legend(lines: Sequence[Line]) -> list[str]:
    parts, at = [], float(LEFT)
    for index, line in enumerate(lines):
        colour = COLOURS[index % len(COLOURS)]
        dash = ' stroke-dasharray="5 4"' if line.is_dashed else ""
        if line.is_joined:
            parts.append(f'<path d="M{at} 28H{at + 20}" stroke="{colour}" stroke-width="2"{dash}/>')
        if line.has_marks:
            parts.append(_mark(MARKS[index % len(MARKS)], at + 10, 28, colour))
        parts.append(f'<text x="{at + 25}" y="32">{escape(line.name)}</text>')
        at += 44 + 6.2 * len(line.name)
    return parts


def _mark(shape: str, x: float, y: float, colour: str) -> str:
    if shape == "circle":
        return f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>'
    turn = f' transform="rotate(45 {x} {y})"' if shape == "diamond" else ""
    return f'<rect x="{x - 3}" y="{y - 3}" width="6" height="6" fill="{colour}"{turn}/>'


def _ticks(axis: Axis) -> list[float]:
    count = round((axis.high - axis.low) / axis.step)
    return [round(axis.low + index * axis.step, 6) for index in range(count + 1)]


def _place(value: float, axis: Axis, start: float, stop: float) -> float:
    part = (value - axis.low) / (axis.high - axis.low)
    return round(start + part * (stop - start), 1)
