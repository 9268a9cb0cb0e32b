"""Content of forms: titles, texts, lists, pictures and the XHTML subset, rebuilt from an allowlist.

Nothing of the requester's markup is passed on: the tree is parsed and written anew with
the elements and attributes named here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from markupsafe import Markup, escape

from webapp.marketplace.questions.xml import local_name
from webapp.marketplace.refusals import Refusal

Wrong = Callable[[str], Refusal]

_ELEMENTS = frozenset(
    ("a", "area", "b", "big", "blockquote", "br", "center", "cite", "code", "col", "colgroup", "dd",
     "del", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "iframe",
     "img", "ins", "li", "map", "ol", "p", "pre", "q", "s", "small", "strike", "strong", "sub",
     "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul")
)  # fmt: skip
_VOID = frozenset(("area", "br", "col", "hr", "img"))
_ATTRIBUTES = frozenset(
    ("abbr", "align", "alt", "border", "cellpadding", "cellspacing", "cite", "colspan", "coords",
     "dir", "headers", "height", "href", "lang", "name", "rowspan", "scope", "shape", "span", "src",
     "start", "summary", "title", "usemap", "valign", "width")
)  # fmt: skip
_ADDRESSES = frozenset(("cite", "href", "src"))


@dataclass(frozen=True)
class Piece:
    """One stretch of content, as safe HTML; ``plain`` holds the words of a mere text."""

    html: Markup
    plain: str = ""


def read_content(elements: Iterable[Element], wrong: Wrong) -> tuple[Piece, ...]:
    """The pieces under an Overview, a QuestionContent or a Selection.

    Raises:
        Refusal: made by ``wrong``, for an element that is not content.

    """
    return tuple(
        Piece(_piece(element, wrong), (element.text or "") if local_name(element) == "Text" else "")
        for element in elements
    )


def _piece(element: Element, wrong: Wrong) -> Markup:
    name = local_name(element)
    if name == "Title":
        return Markup("<h2>{}</h2>").format(element.text or "")
    if name == "Text":
        return Markup("<p>{}</p>").format(element.text or "")
    if name == "List":
        items = Markup("").join(Markup("<li>{}</li>").format(item.text or "") for item in element)
        return Markup("<ul>{}</ul>").format(items)
    if name == "Binary":
        return _binary(element, wrong)
    if name == "FormattedContent":
        return _formatted(element.text or "", wrong)
    raise wrong(f"The element '{name}' is not content.")


def _binary(element: Element, wrong: Wrong) -> Markup:
    parts = {local_name(child): child for child in element}
    if not {"MimeType", "DataURL"} <= set(parts):
        raise wrong("The element 'Binary' needs 'MimeType' and 'DataURL'.")
    kind = {local_name(child): (child.text or "").strip() for child in parts["MimeType"]}
    url = (parts["DataURL"].text or "").strip()
    words = (parts["AltText"].text or "").strip() if "AltText" in parts else ""
    if not _is_address(url):
        raise wrong(f"'{url}' is not an address of a Binary.")
    if kind.get("Type") == "image":
        return Markup('<p><img src="{}" alt="{}"></p>').format(url, words)
    if kind.get("Type") in ("audio", "video"):
        shown = Markup('<p><{0} controls src="{1}" aria-label="{2}"></{0}></p>')
        return shown.format(kind["Type"], url, words or kind["Type"])
    raise wrong("A Binary is an image, audio or video.")


def _formatted(text: str, wrong: Wrong) -> Markup:
    try:
        root = fromstring(f"<content>{text}</content>", forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise wrong(f"FormattedContent is not well-formed XHTML: {error}") from error
    return _inside(root, wrong)


def _inside(element: Element, wrong: Wrong) -> Markup:
    pieces = [escape(element.text or "")]
    for child in element:
        pieces += [_rebuilt(child, wrong), escape(child.tail or "")]
    return Markup("").join(pieces)


def _rebuilt(element: Element, wrong: Wrong) -> Markup:
    name = element.tag
    if name not in _ELEMENTS:
        raise wrong(f"The element '{name}' is not allowed in FormattedContent.")
    attributes = _attributes(element, wrong)
    if name == "iframe":
        return Markup('<p><a target="_blank" rel="noopener" href="{0}">{0}</a></p>').format(
            element.get("src", "")
        )
    opening = Markup("<{}{}>").format(Markup(name), attributes)  # noqa: S704 - allowlisted
    if name in _VOID:
        return opening
    closing = Markup("</{}>").format(Markup(name))  # noqa: S704 - allowlisted
    return opening + _inside(element, wrong) + closing


def _attributes(element: Element, wrong: Wrong) -> Markup:
    written = Markup("")
    for name, value in element.attrib.items():
        if name in _ADDRESSES and not _is_address(value):
            raise wrong(f"'{value}' is not an allowed address.")
        if name in _ATTRIBUTES:
            written += Markup(' {}="{}"').format(Markup(name), value)  # noqa: S704 - allowlisted
    if element.tag == "a":
        written += Markup(' target="_blank" rel="noopener"')
    return written


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return False
    if any(letter < " " for letter in url):
        return False
    return parts.scheme in ("http", "https", "mailto") or (
        not parts.scheme and not parts.netloc and url.startswith("#")
    )
