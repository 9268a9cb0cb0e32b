"""JSON as the app takes it: plain, whole characters only, and of a sane depth."""

from __future__ import annotations

from typing import Any

from flask.json.provider import DefaultJSONProvider

from jobs import strict_json
from webapp.requests import is_storable

MAX_DEPTH = 40


class StrictJson(DefaultJSONProvider):
    """Flask's JSON with a reader that refuses what no database keeps; keys stay in order."""

    sort_keys = False

    def loads(self, s: str | bytes, **_: Any) -> Any:
        value = strict_json.loads(s)
        _refuse_unstorable(value, MAX_DEPTH)
        return value


def _refuse_unstorable(value: Any, depth: int) -> None:
    if depth == 0:
        raise ValueError(f"expected at most {MAX_DEPTH} levels of nesting")
    if isinstance(value, str) and not is_storable(value):
        raise ValueError("expected text without NUL and half characters")
    if isinstance(value, dict):
        _refuse_unstorable(list(value), depth)
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            _refuse_unstorable(part, depth - 1)
