"""Models that answer questions: one a file, found by name.

A tagger sees pixels and a question, nothing else: no database, no clock, no network.
The same bytes and options always give the same answer.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from jobs.errors import InvalidInput
from jobs.records import LabelSchema, QuestionKind
from quality.folders import load_module, module_names


class Tagger(Protocol):
    """One model with its options read."""

    version: str

    def check(self, kind: QuestionKind, schema: LabelSchema, attributes: tuple[str, ...]) -> None:
        """Refuse, before any money is held, a question this model cannot answer."""

    def tag(
        self, image: bytes, kind: QuestionKind, schema: LabelSchema, attributes: tuple[str, ...]
    ) -> dict[str, Any]:
        """The answer's value: ``{"boxes": [...]}`` or ``{"tags": {...}}``.

        Boxes are in pixels of the EXIF-upright image and carry a score in [0, 1].
        """


def names() -> tuple[str, ...]:
    """Names of the taggers, sorted."""
    return module_names(sys.modules[__name__])


def check_name(name: str) -> None:
    """Refuse a name that no tagger has, with the names that are known."""
    if name not in names():
        raise InvalidInput(f"tagger: expected one of {', '.join(names())}, got {name!r:.60}")


def load_tagger(
    name: str, options: Mapping[str, Any] | None = None, models: Path | None = None
) -> Tagger:
    """The tagger ``name``, ready to answer.

    Each file offers ``VERSION`` and ``connect(options, models) -> Tagger``; ``models`` is the one
    folder that files named by the options may lie in.

    Raises:
        InvalidInput: for an unknown name, options it does not take, or a missing library.

    """
    check_name(name)
    try:
        module = load_module(sys.modules[__name__], name)
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"tagger {name}: the library {error.name} is missing; install hitworks[models]"
        ) from error
    return cast(Tagger, module.connect(dict(options or {}), models))
