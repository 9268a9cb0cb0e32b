"""`${field}` pages: every value stays a value, wherever it lands."""

from __future__ import annotations

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import InvalidInput
from jobs.pages.field_template import fill, has_fields, read_template
from jobs.pages.script_places import place_in_script

HOSTILE = """</script><script>x</script>'"`<b> onload=x ${other} \\ & \r\n\u2028"""


def page(body: str) -> str:
    head = "<!DOCTYPE html><html lang='en'><head><title>t</title></head>"
    return f"{head}<body>{body}</body></html>"


def filled(body: str, **row: object) -> str:
    return fill(read_template(page(body)), row)


def refusal(body: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_template(page(body))
    return str(caught.value)


def test_text_and_attributes_are_escaped() -> None:
    made = filled('<p title="${x}">${x}</p>', x="a<b> & \"c\" 'd'")
    element = html5lib.parse(made, namespaceHTMLElements=False).find(".//p")
    assert (element.get("title"), element.text) == ("a<b> & \"c\" 'd'",) * 2


def test_a_value_that_looks_like_a_field_is_not_filled_again() -> None:
    assert "<p>${secret}|s</p>" in filled("<p>${x}|${secret}</p>", x="${secret}", secret="s")


def test_a_value_of_a_script_is_a_json_string_or_part_of_one() -> None:
    made = filled("<script>var a = ${x}, b = '${x}', c = `${x} ${y.z}`;</script>", x="</'")
    inside = "\\u003c\\u002f\\u0027"
    assert f"var a = \"{inside}\", b = '{inside}', c = `{inside} ${{y.z}}`;" in made


def test_values_that_are_no_text_are_json() -> None:
    made = filled(
        "<crowd-bounding-box labels='${x}'></crowd-bounding-box><p>${n}</p>", x=["a"], n=3
    )
    element = html5lib.parse(made, namespaceHTMLElements=False).find(".//crowd-bounding-box")
    assert element.get("labels") == '["a"]'
    assert "<p>3</p>" in made


def test_a_script_keeps_its_own_template_literals_and_comments_their_text() -> None:
    made = filled("<!-- ${x} --><script>// ${x}\nlet s = `${i} of ${n}`;</script>", x="v")
    assert "<!-- ${x} --><script>// ${x}\nlet s = `${i} of ${n}`;</script>" in made


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", " JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "\x01javascript:x",
        "vbscript:x", "data:text/html,<script>x</script>", "data:image/svg+xml,<svg/>",
        "file:///etc/passwd", "blob:x",
    ],
)  # fmt: skip
def test_an_address_of_a_dangerous_scheme_is_refused(url: str) -> None:
    for body in ('<a href="${x}">a</a>', '<img src="${x}" alt="">', '<iframe src="${x}"></iframe>'):
        with pytest.raises(InvalidInput, match="expected an address"):
            filled(body, x=url)


def test_usual_addresses_are_taken_whole_and_parts_are_encoded() -> None:
    made = filled('<img src="${x}" alt="">', x="https://x.test/a.jpg?b=1&c=2")
    image = html5lib.parse(made, namespaceHTMLElements=False).find(".//img")
    assert image.get("src") == "https://x.test/a.jpg?b=1&c=2"
    assert 'src="/a%20b/c%3F.jpg"' in filled('<img src="/${x}.jpg" alt="">', x="a b/c?")
    assert 'src="photos/1.jpg"' in filled('<img src="${x}" alt="">', x="photos/1.jpg")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<${x}>", "name"),
        ("<p ${x}>a</p>", "name"),
        ("<p title=${x}>a</p>", "quotes"),
        ('<script src="${x}"></script>', "load or run"),
        ('<form action="${x}"></form>', "load or run"),
        ('<iframe srcdoc="${x}"></iframe>', "load or run"),
        ('<object data="${x}"></object>', "load or run"),
        ('<meta http-equiv="refresh" content="0;url=${x}">', "load or run"),
        ('<base href="${x}">', "load or run"),
        ('<svg><animate attributeName="href" to="${x}"/></svg>', "load or run"),
        ("<a href=\"javascript:f('${x}')\">a</a>", "javascript"),
        ('<a href="${a}:${x}">a</a>', "scheme"),
        ("<xmp>${x}</xmp>", "xmp"),
        ('<p id="a" id="${x}">a</p>', "drops"),
    ],
)
def test_places_that_no_escaping_makes_safe_are_refused(body: str, reason: str) -> None:
    assert reason in refusal(body)
    assert "line 1" in refusal(body)


def test_a_missing_column_is_named_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"no column 'x' \(there are: y\)"):
        filled("<p>${x}</p>", y="1")


def test_a_page_that_grew_too_large_is_refused() -> None:
    with pytest.raises(InvalidInput, match="65,535"):
        filled("<p>${x}</p>", x="a" * 70_000)


def test_names_are_the_columns_that_the_page_needs() -> None:
    template = read_template(page("<p>${a} ${b} ${a}</p><!-- ${c} --><script>`${d}`</script>"))
    assert template.names == ("a", "b")
    assert has_fields("${a}")
    assert not has_fields("{{ a }} $" + "{}")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40) | st.just(HOSTILE))
def test_no_value_changes_the_shape_of_the_page(value: str) -> None:
    body = (
        '<p title="${x}" style="color:${x}" onclick="f(\'${x}\')">${x}</p><textarea>${x}</textarea>'
        "<style>p { content: '${x}' }</style><script>var a = ${x} + '${x}';</script>"
        '<a href="https://x.test/${x}">a</a><crowd-input name="n" value="${x}"></crowd-input>'
    )
    template = read_template(page(body))
    plain, hostile = (fill(template, {"x": one}) for one in ("a", value))
    assert _shape(hostile) == _shape(plain)
    parser = html5lib.HTMLParser(strict=True)
    parser.parse(hostile)
    assert parser.errors == []


def _shape(made: str) -> list[tuple[object, tuple[str, ...]]]:
    tree = html5lib.parse(made, namespaceHTMLElements=False)
    return [(one.tag, tuple(map(str, one.attrib))) for one in tree.iter()]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = @", "code"), ("a = '@'", "string"), ('"it\'s" + @', "code"), ("// it's\n@", "code"),
        ("// @", "comment"), ("/* ' */ @", "code"), ("/* @ */", "comment"), ("`@`", "string"),
        ("`${ @ }`", "code"), ("`${ {a: 1} } @`", "string"), ("`${ `@` }`", "string"),
        (r"'a\'@'", "string"), ("a = /'/; @", "code"), ("a = b / c / '@'", "string"),
        ("x = [/[/']/, @]", "code"), ("<!-- @", "comment"), ("f(`a`) + '@'", "string"),
    ],
)  # fmt: skip
def test_places_in_scripts(text: str, place: str) -> None:
    assert place_in_script(text, text.index("@")) == place


def test_a_page_of_more_fields_than_anyone_writes_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at most 1,000"):
        read_template("<script>" + "${a};" * 1001 + "</script>")
    assert len(read_template("<script>" + "${a};" * 1000 + "</script>").fields) == 1000
