"""QuestionForm: the service's own little form language, read into values.

Re-expressed from the documented structure: (Overview | Question)+, each Question with an
identifier, content and one answer specification, free text or selection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from webapp.marketplace.questions import xml
from webapp.marketplace.questions.formatted import Piece, read_content
from webapp.marketplace.refusals import Refusal

_STYLES = ("radiobutton", "checkbox", "list", "dropdown", "combobox", "multichooser")
_GONE = {"FileUploadAnswer", "Application", "EmbeddedBinary", "JavaApplet", "Flash"}


@dataclass(frozen=True)
class Pattern:
    """An AnswerFormatRegex, for the worker's browser: here no requester's expression is run."""

    regex: str
    flags: str
    help: str


@dataclass(frozen=True)
class FreeText:
    """A text answer and what it should look like; bounds are None where there are none."""

    default: str
    n_lines: int
    is_numeric: bool
    least_value: str
    most_value: str
    least_length: int | None
    most_length: int | None
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True)
class Option:
    """One selection: its identifier and what the worker reads."""

    identifier: str
    content: tuple[Piece, ...]


@dataclass(frozen=True)
class Selection:
    """A choice among options; ``most`` over one makes it a choice of several."""

    options: tuple[Option, ...]
    least: int
    most: int
    style: str
    has_other: bool


@dataclass(frozen=True)
class Question:
    """One question."""

    identifier: str
    display_name: str
    is_required: bool
    content: tuple[Piece, ...]
    answer: FreeText | Selection


@dataclass(frozen=True)
class Overview:
    """Content between questions."""

    content: tuple[Piece, ...]


Form = tuple[Overview | Question, ...]


def read_form(text: str, parameter: str = "Question") -> Form:
    """The form in a QuestionForm document.

    Raises:
        Refusal: in the service's words, for whatever the structure forbids.

    """
    root = xml.read_document(text, parameter)
    return form_of(root, parameter)


def form_of(root: Element, parameter: str) -> Form:
    """The form under ``root``; the older namespace is still taken.

    Raises:
        Refusal: see ``read_form``.

    """
    namespace, name = xml.split_tag(root)
    if name != "QuestionForm" or namespace not in (xml.QUESTION_FORM, xml.OLD_QUESTION_FORM):
        raise xml.xml_error(
            parameter,
            f"Cannot find the declaration of element '{name}' in namespace '{namespace}'.",
        )
    reader = _Reader(namespace, parameter)
    form = tuple(reader.block(child) for child in root)
    questions = [block.identifier for block in form if isinstance(block, Question)]
    if not questions or len(set(questions)) != len(questions):
        raise reader.wrong("A form needs questions, each with its own QuestionIdentifier.")
    return form


def questions_of(form: Form) -> list[Question]:
    """The questions, in order."""
    return [block for block in form if isinstance(block, Question)]


@dataclass(frozen=True)
class _Reader:
    namespace: str
    parameter: str

    def wrong(self, details: str) -> Refusal:
        return xml.xml_error(self.parameter, details)

    def parts(self, element: Element, allowed: Iterable[str]) -> dict[str, Element]:
        """Children by name; each must be allowed, of the form's namespace, and there once."""
        names = tuple(allowed)
        found: dict[str, Element] = {}
        for child in element:
            namespace, name = xml.split_tag(child)
            if name in _GONE:
                raise self.wrong(f"The element '{name}' is no longer supported.")
            if namespace != self.namespace or name not in names or name in found:
                raise self.wrong(f"Unexpected element '{name}' in '{xml.local_name(element)}'.")
            found[name] = child
        return found

    def needed(self, parts: dict[str, Element], name: str, where: str) -> Element:
        if name not in parts:
            raise self.wrong(f"The element '{where}' needs '{name}'.")
        return parts[name]

    def block(self, element: Element) -> Overview | Question:
        name = xml.local_name(element)
        if name == "Overview":
            return Overview(read_content(element, self.wrong))
        if name != "Question":
            raise self.wrong(f"Unexpected element '{name}' in 'QuestionForm'.")
        return self.question(element)

    def question(self, element: Element) -> Question:
        parts = self.parts(
            element,
            (
                "QuestionIdentifier",
                "DisplayName",
                "IsRequired",
                "QuestionContent",
                "AnswerSpecification",
            ),
        )
        identifier = xml.text_of(self.needed(parts, "QuestionIdentifier", "Question"))
        if not identifier:
            raise self.wrong("A QuestionIdentifier must not be empty.")
        return Question(
            identifier,
            xml.text_of(parts.get("DisplayName")),
            self.boolean(parts.get("IsRequired")),
            read_content(self.needed(parts, "QuestionContent", "Question"), self.wrong),
            self.answer(self.needed(parts, "AnswerSpecification", "Question")),
        )

    def answer(self, element: Element) -> FreeText | Selection:
        parts = self.parts(element, ("FreeTextAnswer", "SelectionAnswer"))
        if len(parts) != 1:
            raise self.wrong("An AnswerSpecification holds one FreeTextAnswer or SelectionAnswer.")
        if "FreeTextAnswer" in parts:
            return self.free_text(parts["FreeTextAnswer"])
        return self.selection(parts["SelectionAnswer"])

    def free_text(self, element: Element) -> FreeText:
        parts = self.parts(element, ("Constraints", "DefaultText", "NumberOfLinesSuggestion"))
        numeric, length, patterns = self.constraints(parts.get("Constraints"))
        return FreeText(
            default=parts["DefaultText"].text or "" if "DefaultText" in parts else "",
            n_lines=self.number(parts.get("NumberOfLinesSuggestion"), 1) or 1,
            is_numeric=numeric is not None,
            least_value=numeric.get("minValue", "") if numeric is not None else "",
            most_value=numeric.get("maxValue", "") if numeric is not None else "",
            least_length=self.bound(length, "minLength"),
            most_length=self.bound(length, "maxLength"),
            patterns=patterns,
        )

    def constraints(
        self, element: Element | None
    ) -> tuple[Element | None, Element | None, tuple[Pattern, ...]]:
        """IsNumeric, Length, and the patterns, all of which an answer must match."""
        found: dict[str, Element] = {}
        patterns: list[Pattern] = []
        for child in element if element is not None else ():
            name = xml.local_name(child)
            if name == "AnswerFormatRegex" and child.get("regex"):
                asked = (child.get(part, "") for part in ("regex", "flags", "errorText"))
                patterns.append(Pattern(*asked))
            elif name in ("IsNumeric", "Length") and name not in found:
                found[name] = child
            else:
                raise self.wrong(f"Unexpected element '{name}' in 'Constraints'.")
        return found.get("IsNumeric"), found.get("Length"), tuple(patterns)

    def selection(self, element: Element) -> Selection:
        parts = self.parts(
            element, ("MinSelectionCount", "MaxSelectionCount", "StyleSuggestion", "Selections")
        )
        style = xml.text_of(parts.get("StyleSuggestion")) or "radiobutton"
        if style not in _STYLES:
            raise self.wrong(f"'{style}' is not a StyleSuggestion.")
        rows = list(self.needed(parts, "Selections", "SelectionAnswer"))
        options = [self.option(row) for row in rows if xml.local_name(row) == "Selection"]
        others = [row for row in rows if xml.local_name(row) == "OtherSelection"]
        if not options or len(others) > 1 or len(options) + len(others) != len(rows):
            raise self.wrong("Selections holds Selection elements and at most one OtherSelection.")
        if len({option.identifier for option in options}) != len(options):
            raise self.wrong("Each Selection needs its own SelectionIdentifier.")
        several = style in ("checkbox", "multichooser")
        most = self.number(parts.get("MaxSelectionCount"), len(rows) if several else 1)
        least = self.number(parts.get("MinSelectionCount"), 0 if several else 1)
        if not 0 <= least <= most:
            raise self.wrong("MinSelectionCount must not be over MaxSelectionCount.")
        return Selection(tuple(options), least, most, style, bool(others))

    def option(self, element: Element) -> Option:
        children = list(element)
        names = [xml.local_name(child) for child in children]
        if len(names) != 2 or names[0] != "SelectionIdentifier":
            raise self.wrong("A Selection holds a SelectionIdentifier and one content.")
        identifier = xml.text_of(children[0])
        if not identifier or names[1] not in ("Text", "FormattedContent", "Binary"):
            raise self.wrong("A Selection holds a SelectionIdentifier and one content.")
        return Option(identifier, read_content(children[1:], self.wrong))

    def boolean(self, element: Element | None) -> bool:
        text = xml.text_of(element) or "false"
        if text not in ("true", "false", "1", "0"):
            raise self.wrong(f"'{text}' is not a boolean.")
        return text in ("true", "1")

    def number(self, element: Element | None, default: int) -> int:
        return default if element is None else self.whole(xml.text_of(element))

    def bound(self, element: Element | None, name: str) -> int | None:
        text = element.get(name) if element is not None else None
        return None if text is None else self.whole(text)

    def whole(self, text: str) -> int:
        if not text.isdecimal() or not text.isascii() or len(text) > 9:
            raise self.wrong(f"'{text}' is not a whole number.")
        return int(text)
