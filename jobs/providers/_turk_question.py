"""A HIT's page in the envelope that the service takes."""

from __future__ import annotations

from xml.sax.saxutils import escape

from jobs.errors import InvalidInput

LARGEST_QUESTION_BYTES = 65_535
_HTML_QUESTION = (
    "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd"
)


def question_xml(html: str) -> str:
    """``html`` in the HTMLQuestion envelope that CreateHIT takes; the frame fills the window."""
    body = html.replace("]]>", "]]]]><![CDATA[>")
    return (
        f'<HTMLQuestion xmlns="{escape(_HTML_QUESTION)}"><HTMLContent><![CDATA[{body}]]>'
        "</HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
    )


def checked_question(html: str) -> str:
    """The envelope of ``html``; InvalidInput when the service would refuse its size."""
    question = question_xml(html)
    size = len(question.encode())
    if size > LARGEST_QUESTION_BYTES:
        raise InvalidInput(
            f"HIT: expected at most {LARGEST_QUESTION_BYTES:,} bytes of question, got {size:,}"
        )
    return question
