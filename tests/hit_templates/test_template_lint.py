"""Each mistake authors make is found at its place; clean pages have no findings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.authoring.lint import lint, lint_filled
from jobs.authoring.texts import TEXTS

SCRIPT = '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'
TOP = f'<!DOCTYPE html>\n<html lang="en"><head><title>t</title>{SCRIPT}</head><body>\n'
END = "\n</body></html>"
CHILDREN = (
    "<full-instructions header='h'>f</full-instructions><short-instructions>s</short-instructions>"
)


def crowd(body: str) -> str:
    return f"{TOP}<crowd-form>{body}</crowd-form>{END}"


def plain(body: str, attributes: str = 'method="post"') -> str:
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><title>t</title>"
        "<script src='https://s3.amazonaws.com/mturk-public/externalHIT_v1.js'></script></head><body>\n"
        f"<form {attributes}>{body}</form><script>turkSetAssignmentID();</script></body></html>"
    )


def element(tag: str, attributes: str) -> str:
    """A page with one ``tag`` and its instructions."""
    return crowd(f"<{tag} {attributes}>{CHILDREN}</{tag}>")


AMAZON = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
EXTERNAL_XSD = AMAZON + "2006-07-14/ExternalQuestion.xsd"
HTML_XSD = AMAZON + "2011-11-11/HTMLQuestion.xsd"
EXTERNAL = (
    '<ExternalQuestion xmlns="{1}">\n<ExternalURL>{0}</ExternalURL>'
    "<FrameHeight>0</FrameHeight></ExternalQuestion>"
)
HTML_QUESTION = (
    '<HTMLQuestion xmlns="{1}"><HTMLContent><![CDATA[{0}]]></HTMLContent>'
    "<FrameHeight>{2}</FrameHeight></HTMLQuestion>"
)
EARLY = (
    '<!DOCTYPE html><html lang="en"><head><title>t</title><script>turkSetAssignmentID()</script>'
    '</head><body><form method="post"><input type="hidden" name="assignmentId" id="assignmentId">'
    '<input type="submit"></form></body></html>'
)
FIXED = 'method="post" action="https://www.mturk.com/mturk/externalSubmit"'
ASSIGNMENT = '<input type="hidden" id="assignmentId" name="assignmentId">'
BUTTON = '<input type="submit" id="submitButton">'


def rules(source: str, columns: tuple[str, ...] | None = None) -> list[str]:
    return [finding.rule for finding in lint(source, columns)]


@pytest.mark.parametrize(
    "source",
    [
        crowd('<crowd-input name="a"></crowd-input>'),
        element("crowd-bounding-box", "name='b' src='https://x/y.jpg' labels=\"['a', 'b',]\""),
        crowd(
            '<crowd-radio-group><crowd-radio-button name="r" value="1">1</crowd-radio-button>'
            '<crowd-radio-button name="r" value="2">2</crowd-radio-button></crowd-radio-group>'
        ),
        crowd(
            '<img src="{{ task.url }}" alt="a"><input name="t{{ n }}-x"><input name="t{{ n }}-x">'
        ),
        crowd('<img src="http://127.0.0.1:5080/a.jpg" alt=""><p>AT&amp;T</p><input name="a">'),
        EXTERNAL.format("https://x.test/?a=1&amp;b=2", EXTERNAL_XSD),
        HTML_QUESTION.format(crowd('<input name="a">'), HTML_XSD, 0),
        crowd("<script>const own = 1;</script><input name='a'>"),
        plain(ASSIGNMENT + "<input name='a'>" + BUTTON + "<script>on('keydown', stop)</script>"),
        plain(ASSIGNMENT + '<textarea name="t"></textarea>' + BUTTON),
        crowd("<script>const rows = {{ rows | tojson }};</script><input name='a'>"),
    ],
)
def test_a_good_page_is_clean(source: str) -> None:
    assert lint(source) == ()


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        ("html", crowd('<input name="a"id="b">')),
        ("html", crowd("<body><input name=a>")),
        ("html", crowd("<p>R&D; AT&T</p><input name=a>")),
        ("no-doctype", "<p>no doctype</p>"),
        ("too-large", crowd("<p>" + "x" * 66_000 + "</p>")),
        ("cdata-end", crowd("<script>if (a[b[0]]>1) {}</script>")),
        ("no-form", TOP + "<p>hello</p>" + END),
        ("nested-form", crowd('<form><input name="a"></form>')),
        ("nested-form", plain(ASSIGNMENT + BUTTON + "<form></form>")),
        ("several-forms", crowd("") + "<crowd-form></crowd-form>"),
        ("assignment-id", plain('<input name="AssignmentID">' + BUTTON)),
        ("form-method", plain(ASSIGNMENT + BUTTON, "")),
        ("no-preview-check", plain(ASSIGNMENT + BUTTON).replace("turkSetAssignmentID();", "")),
        ("no-submit", plain(ASSIGNMENT)),
        ("submit-address", plain(ASSIGNMENT + BUTTON, FIXED).replace("turkSet", "own")),
        ("no-crowd-script", crowd("").replace(SCRIPT, "")),
        ("no-name", crowd("<crowd-input label='a'></crowd-input>")),
        ("no-name", crowd("<textarea></textarea>")),
        ("outside-form", crowd("").replace("</body>", "<input name='late'></body>")),
        ("reserved-name", crowd('<crowd-input name="workerId"></crowd-input>')),
        ("reserved-name", plain(ASSIGNMENT + '<input name="hitId">' + BUTTON)),
        ("file-field", crowd('<input type="file" name="f">')),
        ("plain-checkbox", plain(ASSIGNMENT + '<input type="checkbox" name="c">' + BUTTON)),
        ("duplicate-name", crowd('<crowd-input name="a"></crowd-input><input name="a">')),
        ("button-type", crowd("<button>Next</button>")),
        ("unknown-element", crowd("<crowd-hologram></crowd-hologram>")),
        ("no-src", element("crowd-keypoint", "name=k labels=[a]")),
        ("no-value", crowd('<crowd-radio-button name="r">r</crowd-radio-button>')),
        ("no-labels", element("crowd-polygon", "name='k' src='https://x/y'")),
        ("bad-labels", element("crowd-classifier", "name=k categories=['a'")),
        ("many-labels", element("crowd-classifier", f"name='k' categories='{list(range(11))}'")),
        ("no-instructions", crowd("<crowd-classifier name=k categories=[a]></crowd-classifier>")),
        ("http-address", crowd('<img src="http://example.org/a.jpg" alt="a">')),
        ("no-alt", crowd('<img src="https://example.org/a.jpg">')),
        ("top-location", crowd("<script>window.top.location = '/';</script>")),
        ("script-submit", crowd("<script>fetch(host + '/mturk/externalSubmit')</script>")),
        ("eaten-literal", crowd("<script>const a = `${b.c + 1}`;</script>")),
        ("value-in-script", crowd("<script>const a = '{{ a }}';</script>")),
        ("value-in-script", crowd("<p onclick=\"go('{{ a }}')\">x</p>")),
        ("field-in-script", crowd("<script>const a = '${a}';</script>")),
        ("field-in-script", crowd("<script>const own = `${a}`;</script>")),
        ("field-in-script", crowd("<p onclick=\"go('${a}')\">x</p>")),
        ("repeated-label", element("crowd-classifier", "name='k' categories='[\"a\", \"a\"]'")),
        ("repeated-label", element("crowd-classifier", "name='k' categories=\"['a', 'b', 'a']\"")),
        ("http-address", TOP.replace("</head>", '<link href="http://x.test/a.css"></head>') + END),
        ("early-script", EARLY),
        ("enter-submits", plain(ASSIGNMENT + "<input name='a'>" + BUTTON)),
        ("canvas-origin", crowd("<script>pen.getImageData(0, 0, 1, 1)</script>")),
        ("not-xml", '{"question": "What is this?"}'),
        ("question-xml", EXTERNAL.format("https://x.test/?a=1&b=2", EXTERNAL_XSD)),
        ("question-xml", "<!DOCTYPE a>" + EXTERNAL.format("https://x.test/", EXTERNAL_XSD)),
        ("question-xml", HTML_QUESTION.format("<p>a]]>b</p>", HTML_XSD, 0)),
        ("question-namespace", EXTERNAL.format("https://x.test/", "")),
        ("question-namespace", EXTERNAL.format("https://x.test/", EXTERNAL_XSD[:-4])),
        ("http-address", EXTERNAL.format("http://x.test/", EXTERNAL_XSD)),
        ("frame-height", HTML_QUESTION.format("x", HTML_XSD, 200)),
        ("no-form", HTML_QUESTION.format("<!DOCTYPE html><html></html>", HTML_XSD, 0)),
        ("unescaped", crowd("<p>{{ text | safe }}</p>")),
        ("unquoted", crowd("<p title={{ text }}>x</p>")),
    ],
)  # fmt: skip
def test_each_mistake_is_found(rule: str, source: str) -> None:
    assert rule in rules(source)


def test_a_field_in_a_script_is_a_warning_and_a_value_of_jinja_an_error() -> None:
    """We escape the first for scripts; in a filled page it is the script's own literal."""
    (field,) = lint(crowd("<script>const a = `${a}`;</script><input name='a'>"))
    (value,) = lint(crowd("<script>const a = '{{ a }}';</script><input name='a'>"))
    assert (field.severity, value.severity) == ("warning", "error")


def test_the_page_within_a_question_is_found_at_its_place() -> None:
    page = crowd("\n  <crowd-input></crowd-input>")
    found = lint(
        HTML_QUESTION.replace("<HTMLContent>", "\n<HTMLContent>").format(page, HTML_XSD, 0)
    )
    assert [(one.rule, one.line, one.column) for one in found] == [("no-name", 5, 3)]


def test_a_filled_page_shows_what_its_template_hides() -> None:
    source = element("crowd-bounding-box", "name='b' src='${url}' labels='${classes}'")
    assert rules(source) == []
    many = str([f"c{n}" for n in range(12)]).replace("'", "&quot;")
    html = source.replace("${url}", "http://x.test/a.jpg").replace("${classes}", many)
    found = lint_filled(source, html)
    assert [one.rule for one in found] == ["many-labels", "http-address"]
    assert all("in the filled page" in one.message for one in found)
    assert lint_filled(source, source) == ()


# What authors get wrong most, by the number of its place in our list of mistakes.
COVERED = {
    1: ("assignment-id", "early-script", "no-preview-check"),
    2: ("submit-address",),
    3: ("html", "no-doctype"),
    4: ("question-xml", "cdata-end", "question-namespace", "not-xml"),
    5: ("duplicate-name", "no-name", "plain-checkbox"),
    6: ("nested-form", "button-type", "enter-submits"),
    7: ("eaten-literal", "field-in-script", "value-in-script", "unquoted", "unescaped"),
    8: ("http-address", "canvas-origin"),
    9: ("script-submit", "top-location"),
    10: ("too-large", "frame-height"),
}


def test_every_usual_mistake_has_its_rule_and_every_rule_its_example() -> None:
    marks = test_each_mistake_is_found.pytestmark[0]  # type: ignore[attr-defined]
    shown = {rule for rule, _ in marks.args[1]}
    assert set(COVERED) == set(range(1, 11))
    assert {rule for found in COVERED.values() for rule in found} <= shown
    assert set(TEXTS) == shown | {"missing-variable", "extra-variable"}


def test_columns_are_compared_with_placeholders() -> None:
    source = crowd('<img src="${image_url}" alt="${titel}"><input name="a">')
    assert rules(source, ("image_url", "titel")) == []
    assert rules(source, ("image_url", "title")) == ["extra-variable", "missing-variable"]
    assert rules(source) == []


def test_a_finding_says_where_why_and_how() -> None:
    source = crowd('\n  <crowd-input label="x"></crowd-input>')
    (finding,) = lint(source)
    assert (finding.line, finding.column, finding.rule) == (4, 3, "no-name")
    assert finding.severity == "error"
    assert finding.why == TEXTS["no-name"].why
    assert finding.mend == TEXTS["no-name"].mend


def test_places_hold_in_templates_with_blocks_over_several_lines() -> None:
    source = crowd("{#\n a comment <input> \n#}\n{% for a in b %}\n<input>{% endfor %}")
    assert [(one.rule, one.line, one.column) for one in lint(source)] == [("no-name", 7, 1)]


def test_findings_come_in_page_order_and_once() -> None:
    found = lint(crowd("<button>a</button>\n<textarea></textarea><button>b</button>"))
    assert [(one.rule, one.line) for one in found] == [
        ("button-type", 3),
        ("no-name", 4),
        ("button-type", 4),
    ]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="<>/=\"'{}%$# \nabcform-inputscript!]&;", max_size=200))
def test_any_text_is_linted_without_failing(text: str) -> None:
    for finding in lint(text, ("a",)):
        assert finding.line >= 1
        assert finding.column >= 1
