"""Whole questions in XML, as programs post them: read before the page that they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers.expat import ExpatError, ParserCreate

from jobs.authoring.finding import Finding, found_at

LOWEST_FRAME = 400
_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
NAMESPACES = {
    "ExternalQuestion": f"{_SCHEMAS}2006-07-14/ExternalQuestion.xsd",
    "HTMLQuestion": f"{_SCHEMAS}2011-11-11/HTMLQuestion.xsd",
}
_ROOT = re.compile(
    r"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!DOCTYPE[^>]*>\s*)?<(ExternalQuestion|HTMLQuestion)\b[^>]*>",
    re.ASCII,
)
_XMLNS = re.compile(r"\sxmlns\s*=\s*[\"']([^\"']*)[\"']")
_HEIGHT = re.compile(r"<FrameHeight>\s*(\d{1,6})\s*</FrameHeight>")
_ADDRESS = re.compile(r"<ExternalURL>\s*([^<]*?)\s*</ExternalURL>")
_CDATA = re.compile(r"<HTMLContent>\s*<!\[CDATA\[(.*)\]\]>\s*</HTMLContent>", re.DOTALL)
_DTD = re.compile(r"<!(?:DOCTYPE|ENTITY)")
_JSON = re.compile(r"\s*[\[{]")
_TAG = re.compile(r"<[a-zA-Z!/]")


def is_question(source: str) -> bool:
    """Whether the text is a question's XML, or the JSON that some pass in its place."""
    return bool(_ROOT.match(source)) or bool(_JSON.match(source) and not _TAG.search(source))


def page_within(source: str) -> tuple[int, str] | None:
    """Where the page of an HTMLQuestion begins, and the page; None where it holds none."""
    found = _CDATA.search(source)
    return (found.start(1), found[1]) if found else None


def question_findings(source: str) -> Iterator[Finding]:
    """What is wrong with the XML around a page, or around the address of one."""
    root = _ROOT.match(source)
    if root is None:
        yield found_at("not-xml", 1, 1, f"the text begins {source.strip()[:20]!r}")
        return
    yield from _well_formed(source)
    given = _XMLNS.search(root[0])
    if given is None or given[1] != NAMESPACES[root[1]]:
        said = repr(given[1]) if given else "no xmlns"
        message = f"<{root[1]}>: expected xmlns={NAMESPACES[root[1]]!r}, got {said}"
        yield found_at("question-namespace", *_place(source, root.start(1)), message)
    height = _HEIGHT.search(source)
    if height and 0 < int(height[1]) < LOWEST_FRAME:
        yield found_at("frame-height", *_place(source, height.start()), f"{height[1]} pixels")
    address = _ADDRESS.search(source)
    if address and not address[1].startswith("https://"):
        place = _place(source, address.start())
        yield found_at("http-address", *place, f"ExternalURL {address[1]!r:.80}")


def _well_formed(source: str) -> Iterator[Finding]:
    if _DTD.search(_CDATA.sub("", source)):
        yield found_at("question-xml", 1, 1, "a document type or an entity is declared")
        return
    try:
        ParserCreate().Parse(source, True)
    except ExpatError as error:
        message = str(error).partition(":")[0]
        yield found_at("question-xml", error.lineno, error.offset + 1, message)


def _place(source: str, offset: int) -> tuple[int, int]:
    before = source[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
