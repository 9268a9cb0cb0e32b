"""The reader of attribute text, in the browser it lives in."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.marketplace.elements.crowd_site import Site

pytestmark = pytest.mark.browser

READ = """async ([root, text]) => {
  const { parseLenient } = await import(root + '/crowd/lenient_json.js');
  try { return parseLenient(text); } catch (error) { return `${error.name}: ${error.message}`; }
}"""


@pytest.fixture
def read(page: Page, site: Site) -> Any:
    page.goto(site.add("/empty", "<!DOCTYPE html><title>t</title>"))
    return lambda text: page.evaluate(READ, [site.root, text])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('["Cat", "Dog"]', ["Cat", "Dog"]),
        ("['Cat','Dog']", ["Cat", "Dog"]),
        ("[ 'Cat', 'Dog', ]", ["Cat", "Dog"]),
        ("[Cat, Great Dane]", ["Cat", "Great Dane"]),
        ("{ text: 'None' }", {"text": "None"}),
        (
            "[{'left': 1.5, \"top\": -2e1, label: 'a', ok: true, no: null},]",
            [{"left": 1.5, "top": -20, "label": "a", "ok": True, "no": None}],
        ),
        ("['it\\'s', \"say \\\"hi\\\"\", '\\u00e9\\n']", ["it's", 'say "hi"', "é\n"]),
        ("[]", []),
        ("  {}  ", {}),
        ("['a:b', 'c,d', '[e]']", ["a:b", "c,d", "[e]"]),
        ("['12', 12]", ["12", 12]),
    ],
)
def test_what_authors_write_is_read(read: Any, text: str, value: Any) -> None:
    assert read(text) == value


@pytest.mark.parametrize("text", ["", "['a'", "['a' 'b']", "{a}", "[1]]", "'open", "['\\u00g0']"])
def test_what_is_broken_is_refused_with_a_place(read: Any, text: str) -> None:
    assert "SyntaxError: expected" in read(text)
    assert "at character" in read(text)


def test_code_is_text_and_never_runs(read: Any, page: Page) -> None:
    assert "SyntaxError" in read("[(() => { window.ran = 1; })()]")
    assert page.evaluate("window.ran") is None


def test_a_key_named_proto_is_a_plain_key(read: Any, page: Page) -> None:
    read('{"__proto__": {"polluted": 1}}')
    assert page.evaluate("({}).polluted") is None
