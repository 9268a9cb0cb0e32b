"""What can go wrong, as a tree. A message says what was expected, what came, and where."""

from __future__ import annotations


class HitworksError(Exception):
    """Any error whose message is meant for the person who asked."""


class NotFound(HitworksError):
    """The thing asked for does not exist (or is not yours to see)."""


class Conflict(HitworksError):
    """The thing is not in a state that allows this now; the message names the state."""


class InvalidInput(HitworksError):
    """A file, form, option or schema does not say what it should."""


class InvalidAnswer(InvalidInput):
    """A worker's fields are not an answer to the question; the raw submission is kept.

    ``code`` names the kind of fault in one word, the same in every version.
    """

    def __init__(self, message: str, code: str = "no_answer") -> None:
        super().__init__(message)
        self.code = code


class BudgetExceeded(HitworksError):
    """The step would pass the cap. ``missing_micros`` is what the budget lacks."""

    def __init__(self, message: str, missing_micros: int) -> None:
        super().__init__(message)
        self.missing_micros = missing_micros


class Paused(Conflict):
    """The pause switch is on: no paid call is made until it is lifted."""


class ProviderError(HitworksError):
    """A venue refused or failed.

    ``permanent`` is True only when the venue is known to have done nothing and a repeat
    would fail alike. ``outcome_unknown`` is True when the effect may have been made.
    """

    def __init__(
        self, message: str, *, permanent: bool, outcome_unknown: bool = False, code: str = ""
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.outcome_unknown = outcome_unknown
        self.code = code
