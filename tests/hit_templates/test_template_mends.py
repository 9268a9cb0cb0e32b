"""The ten mistakes authors make most, each beside the page that its finding asks for."""

from __future__ import annotations

import pytest

from tests.hit_templates.test_template_lint import (
    ASSIGNMENT,
    BUTTON,
    EARLY,
    EXTERNAL,
    EXTERNAL_XSD,
    FIXED,
    HTML_QUESTION,
    HTML_XSD,
    crowd,
    plain,
    rules,
)

FIELD = '<crowd-input name="a"></crowd-input>'
PLAIN_FIELD = '<textarea name="a"></textarea>'
LATE = EARLY.replace("<script>turkSetAssignmentID()</script></head>", "</head>").replace(
    "</form>", "</form><script>turkSetAssignmentID()</script>"
)


@pytest.mark.parametrize(
    ("rule", "mistake", "mended"),
    [
        ("assignment-id", plain(BUTTON), plain(ASSIGNMENT + BUTTON)),
        ("early-script", EARLY, LATE),
        (
            "no-preview-check",
            plain(ASSIGNMENT + BUTTON).replace("turkSetAssignmentID();", ""),
            plain(ASSIGNMENT + BUTTON),
        ),
        ("submit-address", plain(ASSIGNMENT + BUTTON, FIXED).replace("turkSet", "own"),
         plain(ASSIGNMENT + BUTTON)),
        ("html", crowd('<input name="a"id="b">'), crowd('<input name="a" id="b">')),
        ("html", crowd("<p>AT&T</p>" + FIELD), crowd("<p>AT&amp;T</p>" + FIELD)),
        ("no-doctype", "<p>words</p>", crowd(FIELD)),
        ("question-xml", EXTERNAL.format("https://x.test/?a=1&b=2", EXTERNAL_XSD),
         EXTERNAL.format("https://x.test/?a=1&amp;b=2", EXTERNAL_XSD)),
        ("question-namespace", EXTERNAL.format("https://x.test/", ""),
         EXTERNAL.format("https://x.test/", EXTERNAL_XSD)),
        ("cdata-end", crowd("<script>if (a[b[0]]>1) {}</script>" + FIELD),
         crowd("<script>if (a[b[0]] > 1) {}</script>" + FIELD)),
        ("not-xml", '{"question": "What is this?"}', crowd(FIELD)),
        ("duplicate-name", crowd(FIELD + '<input name="a">'), crowd(FIELD + '<input name="b">')),
        ("no-name", crowd("<textarea></textarea>"), crowd('<textarea name="a"></textarea>')),
        ("plain-checkbox", plain(ASSIGNMENT + '<input type="checkbox" name="c">' + BUTTON),
         plain(ASSIGNMENT + '<select name="c"><option>no</option></select>' + BUTTON)),
        ("nested-form", crowd('<form><input name="a"></form>'), crowd('<input name="a">')),
        ("button-type", crowd(FIELD + "<button>Next</button>"),
         crowd(FIELD + '<button type="button">Next</button>')),
        ("enter-submits", plain(ASSIGNMENT + "<input name='a'>" + BUTTON),
         plain(ASSIGNMENT + PLAIN_FIELD + BUTTON)),
        ("eaten-literal", crowd("<script>const a = `${b.c + 1}`;</script>" + FIELD),
         crowd("<script>const a = String(b.c + 1);</script>" + FIELD)),
        ("value-in-script", crowd("<script>const a = '{{ a }}';</script>" + FIELD),
         crowd("<script>const a = {{ a | tojson }};</script>" + FIELD)),
        ("unescaped", crowd("<p>{{ text | safe }}</p>" + FIELD),
         crowd("<p>{{ text }}</p>" + FIELD)),
        ("unquoted", crowd("<p title={{ text }}>x</p>" + FIELD),
         crowd('<p title="{{ text }}">x</p>' + FIELD)),
        ("http-address", crowd(FIELD + '<img src="http://example.org/a.jpg" alt="a">'),
         crowd(FIELD + '<img src="https://example.org/a.jpg" alt="a">')),
        ("script-submit", crowd(FIELD + "<script>fetch(host + '/mturk/externalSubmit')</script>"),
         crowd(FIELD)),
        ("top-location", crowd(FIELD + "<script>window.top.location = '/';</script>"),
         crowd(FIELD)),
        ("too-large", crowd(FIELD + "<p>" + "x" * 66_000 + "</p>"), crowd(FIELD)),
        ("frame-height", HTML_QUESTION.format(crowd(FIELD), HTML_XSD, 200),
         HTML_QUESTION.format(crowd(FIELD), HTML_XSD, 0)),
    ],
)  # fmt: skip
def test_what_a_finding_asks_for_leaves_nothing_to_find(
    rule: str, mistake: str, mended: str
) -> None:
    assert rule in rules(mistake)
    assert rules(mended) == []
