"""Ways in and out for items and labels: one format a file, found by name.

A format may offer ``read_items(path)``, ``read(path)`` and ``write(records, out, info)``.
All are pure: files in, files out; no database, no clock, no network.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from jobs.errors import InvalidInput
from jobs.records import Attribute, QuestionKind
from quality.folders import load_module, module_names

CONFIDENCE, PROVENANCE, LICENCE, IMAGES = "confidence", "provenance", "licence", "images"
EXTRAS = (CONFIDENCE, PROVENANCE, LICENCE, IMAGES)
"""What may go with labels; the ``HOLDS`` of a format names those that it has room for."""


@dataclass(frozen=True)
class IncomingItem:
    """One row of an import: a file or an ``s3://`` address, or why it is refused."""

    row: int
    name: str
    path: Path | None = None
    uri: str = ""
    licence: str = ""
    source: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    refusal: str = ""


@dataclass(frozen=True)
class LabelRecord:
    """The final label of one question about one item; ``value`` as ``Answer.value``.

    ``agreement`` is how close the answers to the question were, where that is known.
    ``suffix`` is the image's file type (jpg, png, ...). ``problem`` says why a record that
    was read cannot be believed; records that are written have none.
    """

    item: str
    sha256: str
    width: int
    height: int
    licence: str
    source: str
    kind: QuestionKind
    value: Mapping[str, Any]
    confidence: float = 1.0
    agreement: float | None = None
    origin: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: str = "jpg"
    blob_key: str = ""
    problem: str = ""


@dataclass(frozen=True)
class ExportInfo:
    """What a whole export shares. ``image_of``, if given, has image bytes put into archives.

    ``included`` lists what goes with the labels where the format holds it. ``facts``, asked
    once all records are written, says what the file is: counts, filters, methods, licences.
    """

    name: str
    classes: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    image_of: Callable[[LabelRecord], bytes] | None = None
    included: tuple[str, ...] = (CONFIDENCE, PROVENANCE, LICENCE)
    facts: Callable[[], Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class LabelFile:
    """A label file as read: what it shares, and its records in file order."""

    info: ExportInfo
    records: tuple[LabelRecord, ...]


ReadItems = Callable[[Path], Iterator[IncomingItem]]
Read = Callable[[Path], LabelFile]
Write = Callable[[Iterable[LabelRecord], BinaryIO, ExportInfo], None]


def names() -> tuple[str, ...]:
    """Names of the formats, sorted."""
    return module_names(sys.modules[__name__])


def names_with(ability: str) -> tuple[str, ...]:
    """Names of the formats that offer ``read_items``, ``read`` or ``write``, sorted."""
    package = sys.modules[__name__]
    return tuple(name for name in names() if hasattr(load_module(package, name), ability))


def item_reader(name: str) -> ReadItems:
    """The ``read_items`` of a format; InvalidInput lists those that have one."""
    return cast(ReadItems, _offered(name, "read_items"))


def label_reader(name: str) -> Read:
    """The ``read`` of a format; InvalidInput lists those that have one."""
    return cast(Read, _offered(name, "read"))


def label_writer(name: str) -> tuple[Write, str, tuple[QuestionKind, ...]]:
    """The ``write`` of a format, its file suffix, and the kinds of label that it holds."""
    write = cast(Write, _offered(name, "write"))
    module = load_module(sys.modules[__name__], name)
    return write, module.SUFFIX, module.KINDS


def held_by(name: str) -> tuple[str, ...]:
    """Which of ``EXTRAS`` a format that is written has room for."""
    _offered(name, "write")
    held: tuple[str, ...] = load_module(sys.modules[__name__], name).HOLDS
    return held


def _offered(name: str, ability: str) -> Any:
    known = names_with(ability)
    if name not in known:
        raise InvalidInput(f"format {name!r:.60}: expected one of {', '.join(known)}")
    return getattr(load_module(sys.modules[__name__], name), ability)
