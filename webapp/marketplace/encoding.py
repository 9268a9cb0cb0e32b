"""Answers as the wire carries them."""

from __future__ import annotations

from typing import Any

from botocore.model import ListShape, Shape, StructureShape


def encoded(shape: Shape | None, value: Any) -> Any:
    """``value`` as JSON for ``shape``: times become seconds with a fraction, None is left out."""
    if shape is None:
        return {}
    if isinstance(shape, StructureShape):
        return {
            name: encoded(shape.members[name], member)
            for name, member in value.items()
            if member is not None
        }
    if isinstance(shape, ListShape):
        return [encoded(shape.member, item) for item in value]
    if shape.type_name == "timestamp":
        return value / 1000
    return value


def money_text(cents: int) -> str:
    """Dollars with two decimals, as the service writes them."""
    return f"{cents // 100}.{cents % 100:02d}"


def cents_of(text: str) -> int:
    """Cents of an amount that passed the model's pattern, such as ``5``, ``5.``, ``.05`` never."""
    whole, _, fraction = text.partition(".")
    return int(whole) * 100 + int((fraction + "00")[:2])
