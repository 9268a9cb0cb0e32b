"""Reading the service's XML: no entities, no DTD, one namespace, errors in its wording."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from webapp.marketplace.refusals import Refusal, bad_document

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
HTML_QUESTION = SCHEMAS + "2011-11-11/HTMLQuestion.xsd"
EXTERNAL_QUESTION = SCHEMAS + "2006-07-14/ExternalQuestion.xsd"
QUESTION_FORM = SCHEMAS + "2017-11-06/QuestionForm.xsd"
OLD_QUESTION_FORM = SCHEMAS + "2005-10-01/QuestionForm.xsd"
ANSWERS = SCHEMAS + "2005-10-01/QuestionFormAnswers.xsd"
ANSWER_KEY = SCHEMAS + "2005-10-01/AnswerKey.xsd"
MOST_BYTES = 65_535
_DEEPEST = 100


def read_document(text: str, parameter: str) -> Element:
    """The root of an XML document of at most 65,535 bytes.

    Raises:
        Refusal: too large, not well-formed, or with a DTD or entities of its own.

    """
    data = text.encode()
    if len(data) > MOST_BYTES:
        raise bad_document(
            parameter,
            f"The {parameter} is {len(data)} bytes long, but must be no more than {MOST_BYTES} "
            "bytes.",
        )
    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise xml_error(parameter, str(error), code="XMLParseError") from error
    if _depth_exceeds(root, _DEEPEST):
        raise xml_error(parameter, f"elements nested more than {_DEEPEST} deep")
    return root


def xml_error(parameter: str, details: str, *, code: str = "InvalidParameterValue") -> Refusal:
    """The service's refusal of a document, with what is wrong."""
    return bad_document(
        parameter,
        "There was an error parsing the XML question or answer data in your request.  Please make "
        "sure the data is well-formed and validates against the appropriate schema. Details: "
        f"{details}",
        code,
    )


def split_tag(element: Element) -> tuple[str, str]:
    """(namespace, name) of an element."""
    if element.tag.startswith("{"):
        namespace, _, name = element.tag[1:].partition("}")
        return namespace, name
    return "", element.tag


def local_name(element: Element) -> str:
    """The element's name without its namespace."""
    return split_tag(element)[1]


def text_of(element: Element | None) -> str:
    """The element's own text, trimmed; empty for no element."""
    return (element.text or "").strip() if element is not None else ""


def _depth_exceeds(root: Element, limit: int) -> bool:
    level = [root]
    for _ in range(limit):
        level = [child for element in level for child in element]
        if not level:
            return False
    return True
