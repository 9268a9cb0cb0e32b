"""What pydantic found wrong, in our words: the place, what was expected, what came."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_WHOLE_NUMBER = "expected a whole number"
_NUMBER = "expected a number"
_WORDS = {
    "missing": "expected a value, got none",
    "greater_than_equal": "expected at least {ge}",
    "less_than_equal": "expected at most {le}",
    "less_than": "expected less than {lt}",
    "greater_than": "expected more than {gt}",
    "literal_error": "expected {expected}",
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": "expected a smaller number",
    "int_from_float": _WHOLE_NUMBER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "string_type": "expected text",
    "string_too_long": "expected at most {max_length} characters",
    "string_too_short": "expected at least {min_length} characters",
    "string_pattern_mismatch": "expected text that matches {pattern}",
    "too_long": "expected at most {max_length} entries",
    "too_short": "expected at least {min_length} entries",
    "list_type": "expected a list",
    "tuple_type": "expected a list",
    "dict_type": "expected named fields",
    "model_type": "expected named fields",
    "model_attributes_type": "expected named fields",
}


def explain(error: ValidationError, model: type[BaseModel] | None) -> list[str]:
    """One line a fault; ``model`` is what was validated, for the keys it knows."""
    return [_line(fault, model) for fault in error.errors(include_url=False)]


def _line(fault: ErrorDetails, model: type[BaseModel] | None) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    said = _said(fault, model)
    came = fault["input"]
    is_told = fault["type"] in ("missing", "extra_forbidden") or ", got " in said
    shown = str(came) if isinstance(came, Decimal) else repr(came)
    got = "" if is_told or isinstance(came, (dict, list, tuple)) else f", got {shown:.80}"
    return f"{place}: {said}{got}" if place else f"{said}{got}"


def _said(fault: ErrorDetails, model: type[BaseModel] | None) -> str:
    kind = fault["type"]
    if kind == "extra_forbidden":
        known = ", ".join(_known_keys(model, fault["loc"]))
        return f"no such key: expected one of {known}" if known else "no such key"
    if kind in ("too_short", "too_long") and isinstance(fault["input"], str):
        kind = f"string_{kind}"
    words = _WORDS.get(kind)
    if words is None:
        return fault["msg"].removeprefix("Value error, ")
    return words.format(**fault.get("ctx", {}))


def _known_keys(model: type[BaseModel] | None, place: Sequence[int | str]) -> list[str]:
    """The keys that a mapping at ``place`` may have."""
    found = _model_in(model)
    for part in place[:-1]:
        if isinstance(part, str) and found is not None:
            fields = found.model_fields
            named = {field.alias or name: field for name, field in fields.items()}
            found = _model_in(named[part].annotation) if part in named else None
    if found is None:
        return []
    return [field.alias or name for name, field in found.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model of ``annotation``, or of what its lists and options hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        root = annotation.model_fields.get("root")
        return annotation if root is None else _model_in(root.annotation)
    for part in get_args(annotation):
        found = _model_in(part)
        if found is not None:
            return found
    return None
