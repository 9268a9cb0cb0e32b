"""What every tagger needs: checked options, checked attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from jobs.errors import InvalidInput
from jobs.records import Attribute, LabelSchema


class Options(BaseModel):
    """The root of all options: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


OptionsT = TypeVar("OptionsT", bound=Options)


def read_options(model: type[OptionsT], options: Mapping[str, Any], tagger: str) -> OptionsT:
    """The options as ``model``; InvalidInput names the first key that is wrong."""
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "options"
        raise InvalidInput(
            f"tagger {tagger}: option {where}: {first['msg']}, got {first['input']!r:.80}"
        ) from error


def asked(schema: LabelSchema, attributes: tuple[str, ...]) -> tuple[Attribute, ...]:
    """The schema's attributes of these names, in the order asked."""
    known = {attribute.name: attribute for attribute in schema.attributes}
    missing = [name for name in attributes if name not in known]
    if missing:
        raise InvalidInput(f"attribute {missing[0]!r}: the schema {schema.name!r} has none")
    return tuple(known[name] for name in attributes)
