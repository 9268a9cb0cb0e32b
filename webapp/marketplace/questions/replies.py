"""Posted fields of a QuestionForm's page as its answers. Fields are ``q<n>`` and ``q<n>.other``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from webapp.marketplace.questions.answers import document, text
from webapp.marketplace.questions.forms import Form, FreeText, Question, Selection, questions_of
from webapp.marketplace.refusals import Declined

OTHER = "*other*"
_LONGEST_TEXT = 100_000
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", re.ASCII)

Replies = dict[str, tuple[str, ...]]


def read_replies(form: Form, fields: Mapping[str, Sequence[str]]) -> tuple[str, Replies]:
    """(the QuestionFormAnswers document, selected identifiers or the text by question).

    Raises:
        Declined: 422, naming the question, for what the form does not allow.

    """
    markup: dict[str, str] = {}
    replies: Replies = {}
    for number, question in enumerate(questions_of(form)):
        values = [value for value in fields.get(f"q{number}", ()) if value != ""]
        other = "".join(fields.get(f"q{number}.other", ())[:1]).strip()
        if isinstance(question.answer, FreeText):
            reply = _text_reply(question, question.answer, values)
            written = f"<FreeText>{text(reply)}</FreeText>"
            given: tuple[str, ...] = (reply,) if reply else ()
        else:
            given = _selected(question, question.answer, values, other)
            written = _selection_markup(given, other)
        if not given and question.is_required:
            raise _unfit(question, "needs an answer")
        if given:
            markup[question.identifier] = written
            replies[question.identifier] = given
    return document(markup), replies


def _text_reply(question: Question, wanted: FreeText, values: Sequence[str]) -> str:
    reply = values[0] if values else ""
    if not reply:
        return ""
    if len(reply) > min(wanted.most_length or _LONGEST_TEXT, _LONGEST_TEXT):
        raise _unfit(question, f"takes at most {wanted.most_length or _LONGEST_TEXT} characters")
    if wanted.least_length and len(reply) < wanted.least_length:
        raise _unfit(question, f"needs at least {wanted.least_length} characters")
    if wanted.is_numeric:
        _check_number(question, wanted, reply)
    return reply


def _check_number(question: Question, wanted: FreeText, reply: str) -> None:
    if not _NUMBER.fullmatch(reply):
        raise _unfit(question, "needs a number")
    value = float(reply)
    low, high = _bound(wanted.least_value, value), _bound(wanted.most_value, value)
    if not low <= value <= high:
        raise _unfit(question, f"needs a number from {wanted.least_value} to {wanted.most_value}")


def _bound(given: str, otherwise: float) -> float:
    return float(given) if _NUMBER.fullmatch(given) else otherwise


def _selected(
    question: Question, wanted: Selection, values: Sequence[str], other: str
) -> tuple[str, ...]:
    known = {option.identifier for option in wanted.options}
    chosen = tuple(dict.fromkeys(value for value in values if value != OTHER))
    has_other = OTHER in values or (bool(other) and not chosen)
    if not known.issuperset(chosen) or (has_other and not wanted.has_other):
        raise _unfit(question, "has no such choice")
    if has_other and not other:
        raise _unfit(question, "needs a text for “other”")
    n_chosen = len(chosen) + has_other
    if n_chosen > wanted.most:
        raise _unfit(question, f"takes at most {wanted.most} choices")
    if (n_chosen or question.is_required) and n_chosen < wanted.least:
        raise _unfit(question, f"needs at least {wanted.least} choices")
    return (*chosen, OTHER) if has_other else chosen


def _selection_markup(chosen: Sequence[str], other: str) -> str:
    picked = "".join(
        f"<SelectionIdentifier>{text(one)}</SelectionIdentifier>" for one in chosen if one != OTHER
    )
    if OTHER in chosen:
        picked += f"<OtherSelectionText>{text(other)}</OtherSelectionText>"
    return picked


def _unfit(question: Question, what: str) -> Declined:
    name = question.display_name or question.identifier
    return Declined(
        f"The question “{name}” {what}. Go back and mend it.", status=422, title="Please check"
    )
