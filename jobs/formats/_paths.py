"""Names from outside: which may become a path to read, and how they are named in archives."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from jobs.errors import InvalidInput
from jobs.formats import LabelRecord

LONGEST_NAME = 1000
_LONGEST_STEM = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
# Device names of Windows, where an archive may be opened.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.ASCII | re.IGNORECASE)


def refusal_of_name(name: str) -> str:
    """Why ``name`` cannot name an item; empty when it can."""
    if not name or len(name) > LONGEST_NAME:
        return f"name: expected 1 to {LONGEST_NAME:,} characters, got {len(name):,}"
    if not name.isprintable():
        return f"name: expected printable characters, got {name!r:.100}"
    return ""


def file_inside(root: Path, name: str) -> Path:
    """The regular file ``name`` below ``root``.

    Raises:
        InvalidInput: when the name is absolute, climbs out, has a drive or backslash, or
            leads out by a symbolic link; or when there is no such file.

    """
    reason = refusal_of_name(name)
    if reason:
        raise InvalidInput(reason)
    parts = PurePosixPath(name)
    if "\\" in name or parts.is_absolute() or ".." in parts.parts or re.match(r"[A-Za-z]:", name):
        raise InvalidInput(f"path: expected one inside the import's folder, got {name!r:.200}")
    try:
        path = (root / parts).resolve()
        is_file = path.is_file()
    except (OSError, RuntimeError) as error:  # a loop of links, or a name too long for the disk
        raise InvalidInput(f"path: {name!r:.200} cannot be followed") from error
    if not path.is_relative_to(root.resolve()):
        raise InvalidInput(f"path: {name!r:.200} leads out of the import's folder")
    if not is_file:
        raise InvalidInput(f"path: no file {name!r:.200} in the import's folder")
    return path


class MemberNames:
    """Names for archive members: safe on any system, each used once."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def stem_of(self, record: LabelRecord) -> str:
        """A stem for the record's item; the same records in the same order get the same stems."""
        plain = safe_stem(record.item)
        candidates = [plain, f"{plain}-{record.sha256[:12]}"]
        number = 2
        while candidates[0].casefold() in self._used:
            candidates.pop(0)
            candidates.append(f"{plain}-{record.sha256[:12]}-{number}")
            number += 1
        self._used.add(candidates[0].casefold())
        return candidates[0]


def safe_stem(name: str) -> str:
    """``name`` without its suffix, as ASCII letters, digits, dots, dashes and underscores."""
    stem = name.rpartition(".")[0] if "." in name.rpartition("/")[2][1:] else name
    plain = _UNSAFE.sub("_", stem.replace("/", "__")).strip("._")[:_LONGEST_STEM] or "item"
    return f"_{plain}" if _RESERVED.fullmatch(plain) else plain
