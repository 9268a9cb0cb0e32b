"""Checks a request against the service model, with the texts of the service's own front door.

Wrong JSON types are a SerializationException; broken constraints are one
ValidationException that counts and lists them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from webapp.marketplace.refusals import Refusal

_INTEGER_RANGES = {"integer": 2**31, "long": 2**63}
_JSON_NAMES = {dict: "map", list: "list", str: "string", bool: "boolean", type(None): "null"}
_FAR_FUTURE = 253_402_300_799


def validated(shape: Shape | None, body: Any) -> dict[str, Any]:
    """The members of ``shape`` that ``body`` holds, typed; nulls and unknown members left out.

    Timestamps become integer milliseconds.

    Raises:
        Refusal: SerializationException or ValidationException.

    """
    if not isinstance(body, dict):
        raise _unreadable("Start of structure or map expected, found " + _json_name(body))
    if not isinstance(shape, StructureShape):
        return {}
    typed = _typed_members(shape, body, "")
    broken = list(_broken(shape, typed, ""))
    if broken:
        noun = "error" if len(broken) == 1 else "errors"
        raise Refusal(
            f"{len(broken)} validation {noun} detected: " + "; ".join(broken),
            kind="ValidationException",
        )
    return typed


def _typed(shape: Shape, value: Any, where: str) -> Any:
    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            raise _wrong_type(where, "a structure", value)
        return _typed_members(shape, value, where)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise _wrong_type(where, "a list", value)
        return [_typed(shape.member, item, f"{where}[{n}]") for n, item in enumerate(value)]
    return _typed_scalar(shape.type_name, value, where)


def _typed_members(shape: StructureShape, value: dict[str, Any], where: str) -> dict[str, Any]:
    return {
        name: _typed(member, value[name], f"{where}.{name}" if where else name)
        for name, member in shape.members.items()
        if value.get(name) is not None
    }


def _typed_scalar(type_name: str, value: Any, where: str) -> Any:
    if type_name == "string" and isinstance(value, str):
        if "\x00" in value or (not value.isascii() and _has_lone_surrogate(value)):
            raise _wrong_type(where, "text without NUL or lone surrogates", value)
        return value
    if type_name == "boolean" and isinstance(value, bool):
        return value
    if type_name in _INTEGER_RANGES and isinstance(value, int | float):
        return _typed_integer(value, _INTEGER_RANGES[type_name], type_name, where)
    if type_name == "timestamp":
        return _typed_timestamp(value, where)
    raise _wrong_type(where, f"a {type_name}", value)


def _typed_integer(value: float, limit: int, type_name: str, where: str) -> int:
    whole = not isinstance(value, bool) and value == value and abs(value) < limit
    if not whole or int(value) != value:
        raise _wrong_type(where, f"a {type_name}", value)
    return int(value)


def _typed_timestamp(value: Any, where: str) -> int:
    if isinstance(value, bool):
        raise _wrong_type(where, "a timestamp", value)
    if isinstance(value, int | float) and -_FAR_FUTURE < value < _FAR_FUTURE:
        return round(value * 1000)
    if isinstance(value, str):
        parsed = _parsed_time(value)
        if parsed is not None:
            return round(parsed.timestamp() * 1000)
    raise _wrong_type(where, "a timestamp", value)


def _parsed_time(text: str) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        try:
            parsed = parsedate_to_datetime(text)
        except ValueError:
            return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _broken(shape: Shape, value: Any, where: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if name not in value:
                yield _complaint(None, _path(where, name), "Member must not be null")
        for name, member in value.items():
            yield from _broken(shape.members[name], member, _path(where, name))
    elif isinstance(shape, ListShape):
        yield from _broken_bounds(shape, len(value), value, where, "length")
        for position, item in enumerate(value, 1):
            yield from _broken(shape.member, item, f"{where}.{position}.member")
    elif shape.type_name == "string":
        yield from _broken_bounds(shape, len(value), value, where, "length")
        yield from _broken_text(shape, value, where)
    elif shape.type_name in _INTEGER_RANGES:
        yield from _broken_bounds(shape, value, value, where, "value")


def _broken_bounds(shape: Shape, size: int, value: Any, where: str, noun: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if high is not None and size > high:
        yield _complaint(value, where, f"Member must have {noun} less than or equal to {high}")
    if low is not None and size < low:
        yield _complaint(value, where, f"Member must have {noun} greater than or equal to {low}")


def _broken_text(shape: Shape, value: str, where: str) -> Iterator[str]:
    pattern, options = shape.metadata.get("pattern"), shape.metadata.get("enum")
    if pattern and not re.fullmatch(_ends_bare(pattern), value, re.ASCII):
        yield _complaint(value, where, f"Member must satisfy regular expression pattern: {pattern}")
    if options and value not in options:
        listed = ", ".join(options)
        yield _complaint(value, where, f"Member must satisfy enum value set: [{listed}]")


def _ends_bare(pattern: str) -> str:
    """The pattern without its ``$``, which in Python would let a final newline pass."""
    return pattern.removeprefix("^").removesuffix("$")


def _complaint(value: Any, where: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{_shown(value)}'"
    return f"Value {shown} at '{where}' failed to satisfy constraint: {constraint}"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(str(item) for item in value[:20]) + "]"
    return str(value)[:1000]


def _path(where: str, name: str) -> str:
    lowered = name[0].lower() + name[1:]
    return f"{where}.{lowered}" if where else lowered


def _has_lone_surrogate(value: str) -> bool:
    return any(0xD800 <= ord(letter) <= 0xDFFF for letter in value)


def _json_name(value: Any) -> str:
    return _JSON_NAMES.get(type(value), "number")


def _wrong_type(where: str, expected: str, value: Any) -> Refusal:
    return _unreadable(f"{where}: expected {expected}, found {_json_name(value)}")


def _unreadable(message: str) -> Refusal:
    return Refusal(message, kind="SerializationException")
