"""The terms of a job, its state, and what they are set to, in a person's words."""

from __future__ import annotations

from jobs.history import BUDGET, STATE
from jobs.money import format_usd
from jobs.reports.history import ChangeRow
from webapp.job_forms import DISPUTES, SECOND_LOOKS
from webapp.words import percent

NAMES = {
    "name": "Name",
    "sure_at": "Sure enough at",
    "max_extra_answers": "Further answers a question",
    "review": "Deciding of work",
    "second_look": "A second pair of eyes",
    "share": "Share that two people decide",
    "disputes": "Where two people disagree",
    BUDGET: "Budget",
    STATE: "State",
}
REVIEWS = (("approve", "Approve all work that is an answer"), ("screen", "Reject surely bad work"))
WORDS = {
    "review": dict(REVIEWS),
    "second_look": dict(SECOND_LOOKS),
    "disputes": dict(DISPUTES),
}


def told(change: ChangeRow) -> tuple[str, str, str]:
    """What was changed, from what, to what."""
    what = change.what
    return term_name(what), term_value(what, change.before), term_value(what, change.after)


def term_name(what: str) -> str:
    """What people call the term."""
    return NAMES.get(what, what)


def term_value(what: str, value: str) -> str:
    """``90 %`` of a threshold of 0.9, dollars of a budget, the words of a choice."""
    if what in ("sure_at", "share"):
        return percent(float(value))
    if what == BUDGET:
        return format_usd(int(value))
    return WORDS.get(what, {}).get(value, value)
