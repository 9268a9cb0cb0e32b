"""YAML (and so JSON) text from people, read without YAML's surprises."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import yaml

from jobs.errors import InvalidInput

LARGEST_CHARACTERS = 512 * 1024


class _StrictLoader(yaml.SafeLoader):
    """Safe tags only; no aliases, no duplicate keys; ``yes``, dates and ``1:30`` stay text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "aliases are not allowed", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"expected a text key, got {key!r:.60}", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r:.60} appears twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


# Plain values only: an explicit tag must not make sets, dates or bytes.
_StrictLoader.yaml_constructors = {
    tag: made
    for tag, made in yaml.SafeLoader.yaml_constructors.items()
    if tag is None
    or tag.rpartition(":")[2] in ("null", "bool", "int", "float", "str", "seq", "map")
}

# The scalars of YAML 1.2's core schema, instead of YAML 1.1's many spellings.
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,17})$"), list("-+0123456789")
)
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?$"),
    list("-+0123456789"),
)


class _ExactLoader(_StrictLoader):
    """Reads ``0.05`` as a Decimal, for money."""


_ExactLoader.add_constructor(
    "tag:yaml.org,2002:float",
    lambda loader, node: Decimal(str(loader.construct_scalar(node))),  # type: ignore[arg-type]
)


def read_mapping(text: str, where: str, *, exact: bool = False) -> dict[str, Any]:
    """The mapping that ``text`` holds, as plain dicts, lists, text, numbers and booleans.

    With ``exact``, numbers with a decimal point are Decimals.

    Raises:
        InvalidInput: naming ``where`` and the line; also for aliases (they make bombs),
            duplicate keys, other tags, deep nesting and texts over 512 KiB.

    """
    if len(text) > LARGEST_CHARACTERS:
        raise InvalidInput(f"{where}: expected at most {LARGEST_CHARACTERS:,} characters")
    try:
        value = yaml.load(text, Loader=_ExactLoader if exact else _StrictLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InvalidInput(f"{where}{line}: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidInput(f"{where}: expected YAML or JSON: {error!s:.200}") from error
    except RecursionError as error:
        raise InvalidInput(f"{where}: nested too deeply") from error
    if not isinstance(value, dict):
        raise InvalidInput(f"{where}: expected named fields, got {type(value).__name__}")
    return value
