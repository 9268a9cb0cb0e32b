"""What a review policy was given, and whether the service would take it."""

from __future__ import annotations

from typing import Any

from webapp.marketplace.refusals import Refusal, bad_value

KNOWN_ANSWERS = "ScoreMyKnownAnswers/2011-09-01"
PLURALITY = "SimplePlurality/2011-09-01"

_PERCENT = (0, 101)
_YEAR = 31_536_000
_RANGES = {
    KNOWN_ANSWERS: {
        "ApproveIfKnownAnswerScoreIsAtLeast": _PERCENT,
        "RejectIfKnownAnswerScoreIsLessThan": _PERCENT,
        "ExtendIfKnownAnswerScoreIsLessThan": _PERCENT,
        "ExtendMaximumAssignments": (2, 25),
        "ExtendMinimumTimeInSeconds": (3_600, _YEAR),
    },
    PLURALITY: {
        "QuestionAgreementThreshold": (1, 100),
        "DisregardAssignmentIfKnownAnswerScoreIsLessThan": (1, 100),
        "ExtendIfHITAgreementScoreIsLessThan": (1, 100),
        "ExtendMaximumAssignments": (2, 100),
        "ExtendMinimumTimeInSeconds": (60, _YEAR),
        "ApproveIfWorkerAgreementScoreIsAtLeast": (1, 100),
        "RejectIfWorkerAgreementScoreIsLessThan": (1, 100),
    },
}
_TEXTS = {
    KNOWN_ANSWERS: {"AnswerKey", "ApproveReason", "RejectReason"},
    PLURALITY: {"QuestionIds", "DisregardAssignmentIfRejected", "ApproveReason", "RejectReason"},
}
_NEEDED = {
    KNOWN_ANSWERS: {"AnswerKey"},
    PLURALITY: {"QuestionIds", "QuestionAgreementThreshold", "DisregardAssignmentIfRejected"},
}


class Parameters:
    """A policy's parameters by key."""

    def __init__(self, policy: dict[str, Any]) -> None:
        self._rows = {row.get("Key", ""): row for row in policy.get("Parameters", [])}

    def keys(self) -> set[str]:
        """Keys given."""
        return set(self._rows)

    def has(self, key: str) -> bool:
        """Whether the parameter was given."""
        return key in self._rows

    def values(self, key: str) -> list[str]:
        """Its values."""
        return list(self._rows.get(key, {}).get("Values", []))

    def text(self, key: str) -> str | None:
        """Its first value."""
        values = self.values(key)
        return values[0] if values else None

    def number(self, key: str, default: int) -> int:
        """Its first value as a number."""
        value = self.text(key)
        return default if value is None else int(value)

    def is_true(self, key: str) -> bool:
        """Whether its value is T or true."""
        return (self.text(key) or "").lower() in ("t", "true")

    def entries(self, key: str) -> dict[str, list[str]]:
        """Its map."""
        rows = self._rows.get(key, {}).get("MapEntries", [])
        return {row.get("Key", ""): list(row.get("Values", [])) for row in rows}


def checked_policy(args: dict[str, Any], name: str, wanted: str) -> dict[str, Any] | None:
    """The policy in parameter ``name``, which must be ``wanted``; None where none was given.

    Raises:
        Refusal: an unknown policy, or a parameter that is missing, unknown or out of range.

    """
    policy: dict[str, Any] | None = args.get(name)
    if policy is None:
        return None
    if policy["PolicyName"] != wanted:
        raise bad_value(name, policy["PolicyName"])
    given = Parameters(policy)
    known = set(_RANGES[wanted]) | _TEXTS[wanted]
    for key in sorted(given.keys() - known):
        raise bad_value(name, key)
    for key in sorted(_NEEDED[wanted] - given.keys()):
        raise _lacking(name, key)
    if wanted == KNOWN_ANSWERS and not given.entries("AnswerKey"):
        raise _lacking(name, "AnswerKey")
    if wanted == PLURALITY and not given.values("QuestionIds"):
        raise _lacking(name, "QuestionIds")
    for key, (low, high) in _RANGES[wanted].items():
        _check_range(given, name, key, low, high)
    _check_extension(given, name)
    return policy


def _check_range(given: Parameters, name: str, key: str, low: int, high: int) -> None:
    if not given.has(key):
        return
    text = given.text(key) or ""
    if not text.isdecimal() or not text.isascii() or not low <= int(text[:9]) <= high:
        raise bad_value(name, f"{key}: {text}")


def _check_extension(given: Parameters, name: str) -> None:
    """A plurality that extends needs to know by how much."""
    if given.has("ExtendIfHITAgreementScoreIsLessThan") and not given.has(
        "ExtendMaximumAssignments"
    ):
        raise _lacking(name, "ExtendMaximumAssignments")


def _lacking(name: str, key: str) -> Refusal:
    return bad_value(name, f"{key}: null")
