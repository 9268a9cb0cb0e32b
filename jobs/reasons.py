"""The words a person gives for what they do: kept, and often shown to a worker."""

from __future__ import annotations

from jobs.errors import InvalidInput


def checked_reason(text: str, longest: int, name: str = "reason") -> str:
    """The text without spaces around it.

    Raises:
        InvalidInput: when it is empty, too long, or holds what cannot be printed, such as
            NUL, half a character or a mark that turns the direction of writing.

    """
    plain = text.strip()
    if not plain or len(plain) > longest or not plain.isprintable():
        raise InvalidInput(f"{name}: expected 1 to {longest:,} printable characters")
    return plain
