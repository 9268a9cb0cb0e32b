"""AnswerKey: the score of a qualification test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from xml.etree.ElementTree import Element

from webapp.marketplace.questions import xml
from webapp.marketplace.refusals import Refusal

_PARAMETER = "AnswerKey"


@dataclass(frozen=True)
class KeyedQuestion:
    """Scores of sets of selections; any other answer scores ``default``."""

    identifier: str
    options: tuple[tuple[frozenset[str], int], ...]
    default: int


@dataclass(frozen=True)
class ScoreRange:
    """Summed scores from ``low`` to ``high`` give ``value``."""

    low: int
    high: int
    value: int


@dataclass(frozen=True)
class AnswerKey:
    """Questions, and how their summed score becomes a qualification's value.

    ``percentage_of`` is the score that is 100; ``multiplier`` scales; ``ranges`` look up;
    with none of them the sum is the value.
    """

    questions: tuple[KeyedQuestion, ...]
    percentage_of: int | None
    multiplier: Decimal | None
    ranges: tuple[ScoreRange, ...]
    out_of_range: int


def read_answer_key(text: str) -> AnswerKey:
    """The key in an AnswerKey document.

    Raises:
        Refusal: in the service's words.

    """
    root = xml.read_document(text, _PARAMETER)
    if xml.split_tag(root) != (xml.ANSWER_KEY, "AnswerKey"):
        raise _wrong(f"Cannot find the declaration of element '{xml.local_name(root)}'.")
    questions, mapping = [], None
    for child in root:
        name = xml.local_name(child)
        if name == "Question" and mapping is None:
            questions.append(_question(child))
        elif name == "QualificationValueMapping" and mapping is None and len(child) == 1:
            mapping = child[0]
        else:
            raise _wrong(f"Unexpected element '{name}' in 'AnswerKey'.")
    if not questions:
        raise _wrong("An AnswerKey needs a Question.")
    return AnswerKey(tuple(questions), *_mapping(mapping))


def score(key: AnswerKey, replies: Mapping[str, Sequence[str]]) -> int:
    """The qualification value of a test's replies; halves are rounded up."""
    summed = 0
    for question in key.questions:
        given = frozenset(replies.get(question.identifier, ()))
        summed += dict(question.options).get(given, question.default)
    if key.percentage_of is not None:
        return _rounded(Decimal(100 * summed) / key.percentage_of)
    if key.multiplier is not None:
        return _rounded(summed * key.multiplier)
    if key.ranges:
        fitting = [one.value for one in key.ranges if one.low <= summed <= one.high]
        return fitting[0] if fitting else key.out_of_range
    return summed


def _question(element: Element) -> KeyedQuestion:
    identifier, default = "", 0
    options: list[tuple[frozenset[str], int]] = []
    for child in element:
        name = xml.local_name(child)
        if name == "QuestionIdentifier":
            identifier = xml.text_of(child)
        elif name == "AnswerOption":
            options.append(_option(child))
        elif name == "DefaultScore":
            default = _whole(child)
        else:
            raise _wrong(f"Unexpected element '{name}' in 'Question'.")
    if not identifier or not options:
        raise _wrong("A Question needs a QuestionIdentifier and an AnswerOption.")
    return KeyedQuestion(identifier, tuple(options), default)


def _option(element: Element) -> tuple[frozenset[str], int]:
    selections = [
        xml.text_of(one) for one in element if xml.local_name(one) == "SelectionIdentifier"
    ]
    scores = [one for one in element if xml.local_name(one) == "AnswerScore"]
    if not selections or len(scores) != 1 or len(selections) + 1 != len(element):
        raise _wrong("An AnswerOption needs SelectionIdentifiers and one AnswerScore.")
    return frozenset(selections), _whole(scores[0])


def _mapping(
    element: Element | None,
) -> tuple[int | None, Decimal | None, tuple[ScoreRange, ...], int]:
    if element is None:
        return None, None, (), 0
    name = xml.local_name(element)
    parts = {xml.local_name(child): child for child in element}
    if name == "PercentageMapping" and set(parts) == {"MaximumSummedScore"}:
        highest = _whole(parts["MaximumSummedScore"])
        if highest > 0:
            return highest, None, (), 0
    if name == "ScaleMapping" and set(parts) == {"SummedScoreMultiplier"}:
        return None, _decimal(parts["SummedScoreMultiplier"]), (), 0
    if name == "RangeMapping" and "OutOfRangeQualificationValue" in parts:
        ranges = tuple(
            _range(child) for child in element if xml.local_name(child) == "SummedScoreRange"
        )
        if ranges and len(ranges) + 1 == len(element):
            return None, None, ranges, _whole(parts["OutOfRangeQualificationValue"])
    raise _wrong(f"'{name}' is not a complete QualificationValueMapping.")


def _range(element: Element) -> ScoreRange:
    parts = {xml.local_name(child): child for child in element}
    wanted = ("InclusiveLowerBound", "InclusiveUpperBound", "QualificationValue")
    if set(parts) != set(wanted):
        raise _wrong("A SummedScoreRange holds two bounds and a QualificationValue.")
    return ScoreRange(*(_whole(parts[name]) for name in wanted))


def _whole(element: Element) -> int:
    text = xml.text_of(element)
    digits = text.removeprefix("-")
    if not digits.isdecimal() or not digits.isascii() or len(digits) > 9:
        raise _wrong(f"'{text}' is not a whole number.")
    return int(text)


def _decimal(element: Element) -> Decimal:
    text = xml.text_of(element)
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise _wrong(f"'{text}' is not a number.") from error
    if not value.is_finite() or abs(value) > 1_000_000:
        raise _wrong(f"'{text}' is not a number of a sensible size.")
    return value


def _rounded(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def _wrong(details: str) -> Refusal:
    return xml.xml_error(_PARAMETER, details)
