"""Why a person decided as they did: codes that are counted, and the words shown for them."""

from __future__ import annotations

from collections.abc import Mapping

from jobs.errors import InvalidInput

LABEL_REASONS: Mapping[str, str] = {
    "agreed": "The answers meant the same",
    "majority-wrong": "Most answers were wrong",
    "hard-picture": "The picture is hard to read",
    "corrected": "Corrected after review",
}
"""With a value: the question gets its label."""

NO_LABEL_REASONS: Mapping[str, str] = {
    "instructions-unclear": "The instructions do not say",
    "bad-image": "The picture is broken or unusable",
    "ambiguous": "More than one answer is right",
    "out-of-schema": "No class or option fits",
    "private": "It shows what must not be labeled",
    "other": "Another reason, in the note",
}
"""Without a value: the question is set aside and stays out of exports."""

LONGEST_NOTE = 500


def reason_words(code: str) -> str:
    """The words of a code; what came before codes is shown as it was written."""
    return LABEL_REASONS.get(code) or NO_LABEL_REASONS.get(code) or code


def check_reason(code: str, known: Mapping[str, str]) -> str:
    """``code`` when it is among ``known``; InvalidInput names those."""
    if code not in known:
        raise InvalidInput(f"reason: expected one of {', '.join(known)}, got {code!r:.60}")
    return code


def check_note(note: str, *, is_needed: bool = False) -> str:
    """The note without the space around it.

    Raises:
        InvalidInput: when it is too long, holds control characters, or is needed and empty.

    """
    plain = note.replace("\r\n", "\n").strip()
    if is_needed and not plain:
        raise InvalidInput("note: expected a few words for the next person, got none")
    if len(plain) > LONGEST_NOTE:
        raise InvalidInput(f"note: expected at most {LONGEST_NOTE} characters, got {len(plain):,}")
    if not plain.replace("\n", " ").isprintable():
        raise InvalidInput("note: expected text without control characters")
    return plain
