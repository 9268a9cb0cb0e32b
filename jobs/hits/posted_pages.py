"""What a HIT's page, as a venue keeps it, says of the tasks it asks. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from jobs.blobs import keys_in
from jobs.specs.slicing import Tile

Picture = tuple[int, Tile | None]
"""An item, or a tile of it."""

_FIELD = re.compile(r'"t(\d+)-([^"<>]*)"')


def shown_keys(page: str, examples: Iterable[str]) -> list[str]:
    """Keys of the pictures that the page asks about, in its order, without its examples'."""
    extra = Counter(key for text in examples for key in keys_in(text))
    shown = []
    for key in keys_in(page):
        if extra[key]:
            extra[key] -= 1
        else:
            shown.append(key)
    return shown


def fields_of(page: str, names: Sequence[str]) -> int:
    """How many tasks the page asks with exactly these fields; 0 when it asks others."""
    found: dict[int, set[str]] = {}
    for number, name in _FIELD.findall(page):
        found.setdefault(int(number), set()).add(name)
    is_whole = sorted(found) == list(range(len(found)))
    return len(found) if is_whole and all(set(names) <= each for each in found.values()) else 0
