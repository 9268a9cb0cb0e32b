"""A HIT's Question, validated: what kind it is and what a worker's browser needs of it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from webapp.marketplace.options import Options
from webapp.marketplace.questions import xml
from webapp.marketplace.questions.forms import form_of
from webapp.marketplace.questions.html5 import parse_errors
from webapp.marketplace.refusals import Refusal, bad_document

_MOST_SHOWN = 4000


@dataclass(frozen=True)
class Asked:
    """A question of kind ``html`` (content is the page), ``external`` (its URL) or ``form``."""

    kind: str
    content: str
    frame_height: int


def read_question(text: str, options: Options) -> Asked:
    """The question in a validated Question parameter.

    Raises:
        Refusal: ParameterValidationError in the service's words.

    """
    root = xml.read_document(text, "Question")
    namespace, name = xml.split_tag(root)
    if (namespace, name) == (xml.HTML_QUESTION, "HTMLQuestion"):
        return _read_html(root, options)
    if (namespace, name) == (xml.EXTERNAL_QUESTION, "ExternalQuestion"):
        return _read_external(root, options)
    if name == "QuestionForm":
        form_of(root, "Question")
        return Asked("form", text, 0)
    raise xml.xml_error(
        "Question", f"Cannot find the declaration of element '{name}' in namespace '{namespace}'."
    )


def stored_question(text: str, kind: str) -> Asked:
    """The question of a HIT that was validated when it was made."""
    if kind == "form":
        return Asked("form", text, 0)
    root = xml.read_document(text, "Question")
    content, height = root[0], root[1]
    return Asked(kind, (content.text or "").strip(), int(xml.text_of(height)))


def check_html(html: str, options: Options) -> None:
    """Nothing, if the page parses.

    Raises:
        Refusal: with each parse error's line and column.

    """
    errors = parse_errors(html, require_doctype=options.require_doctype)
    if errors:
        raise bad_document(
            "Question",
            "There was an error parsing the HTML5 data in your request.  Please make sure the data "
            "is well-formed and validates as HTML5. Details: Errors: "
            f"{' '.join(errors)} Invalid content: {html[:_MOST_SHOWN]}",
        )


def _read_html(root: Element, options: Options) -> Asked:
    content, height = _two_children(root, "HTMLContent")
    html = (content.text or "").strip()
    if not html:
        raise xml.xml_error("Question", "The element 'HTMLContent' must not be empty.")
    check_html(html, options)
    return Asked("html", html, height)


def _read_external(root: Element, options: Options) -> Asked:
    content, height = _two_children(root, "ExternalURL")
    url = (content.text or "").strip()
    if not _is_allowed(url, options):
        raise _bad_url(url)
    return Asked("external", url, height)


def _two_children(root: Element, first: str) -> tuple[Element, int]:
    namespace = xml.split_tag(root)[0]
    names = [xml.split_tag(child) for child in root]
    if names != [(namespace, first), (namespace, "FrameHeight")] or any(len(c) for c in root):
        found = ", ".join(name for _, name in names) or "nothing"
        raise xml.xml_error(
            "Question",
            f"Expected the elements '{first}' and 'FrameHeight', in order; found {found}.",
        )
    height = xml.text_of(root[1])
    if not height.isdecimal() or not height.isascii() or len(height) > 6:
        raise xml.xml_error("Question", f"'{height}' is not a valid value for 'FrameHeight'.")
    return root[0], int(height)


def _is_allowed(url: str, options: Options) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.username or not host or any(letter <= " " for letter in url):
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and options.insecure_external_urls and _is_loopback(host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _bad_url(url: str) -> Refusal:
    return xml.xml_error("Question", f"ExternalURL must be a secure (https) address, not '{url}'.")
