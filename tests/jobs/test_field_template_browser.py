"""In a real browser: no cell of a table ever runs, in any place a template may put it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route

from jobs.errors import InvalidInput
from jobs.pages.field_template import fill, read_template

pytestmark = pytest.mark.browser

RUN = "window.hacked=1"
PAYLOADS = (
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"'\"><img src=x onerror={RUN}>",
    f"\"><svg onload={RUN}>",
    f"' autofocus onfocus={RUN} x='",
    f"x onmouseover={RUN} onfocus={RUN} autofocus",
    f"</textarea><script>{RUN}</script>",
    f"</title><script>{RUN}</script>",
    f"</style><script>{RUN}</script>",
    f"--><script>{RUN}</script><!--",
    f"]]><script>{RUN}</script>",
    f"<!--<script>{RUN}</script>",
    f"javascript:{RUN}",
    f"java\tscript:{RUN}",
    f"\x01javascript:{RUN}",
    f"JaVaScRiPt:{RUN}//",
    f"data:text/html,<script>{RUN}</script>",
    f"vbscript:{RUN}",
    f"';{RUN};//",
    f'";{RUN};//',
    f"\\';{RUN};//",
    f"`;{RUN};`",
    f"${{{RUN}}}",
    f"${{x}}<script>{RUN}</script>",
    f"\u2028{RUN}//",
    f"\n{RUN}\n",
    f"*/{RUN}/*",
    f");{RUN};(",
    f"&quot;&gt;&lt;script&gt;{RUN}&lt;/script&gt;",
    f"&#39;;{RUN};//",
    f"%27;{RUN};//",
    f"\\u0027;{RUN};//",
    f"\\x3cscript\\x3e{RUN}\\x3c/script\\x3e",
    f"x;background:url(javascript:{RUN})",
    f"expression({RUN})",
    f"<noscript><p title=\"</noscript><img src=x onerror={RUN}>\">",
    f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}>",
    f"<iframe srcdoc=\"<script>parent.{RUN[7:]}</script>\"></iframe>",
    f"<template><script>{RUN}</script></template>",
    "<crowd-form><crowd-input name=more></crowd-input></crowd-form>",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{% include '/etc/passwd' %}",
    "{{ 9**(9**9) }}",
)  # fmt: skip
BODIES = {
    "text": "<p>${x}</p><textarea>${x}</textarea><noscript><p title='${x}'></p></noscript>",
    "table": "<table><tr>${x}<td>${x}</td></tr></table><select><option>${x}</option></select>",
    "attribute": "<p title=\"${x}\" class='${x}' data-x=\"a${x}b\">a</p><input value='${x}'>",
    "crowd": "<crowd-classifier name='c' categories='[\"${x}\"]' header='${x}'>"
    "<short-instructions>${x}</short-instructions><full-instructions header='${x}'>${x}"
    "</full-instructions></crowd-classifier>",
    "style": "<p style=\"color: ${x}; background: url('${x}')\">a</p>"
    "<style>p::after { content: '${x}' } .${x} { color: red }</style>",
    "script": "<script>var a = ${x}; var b = '${x}'; var c = \"${x}\"; var d = `${x}`;"
    "var e = /${x}/; var f = { \"k\": ${x} }; // ${x}\n/* ${x} */ eval('1');</script>",
    "data": '<script type=\'application/json\'>{"a": ${x}, "b": "${x}"}</script>',
    "event": "<button type='button' onclick=\"var a = '${x}', b = ${x}, c = `${x}`\">go</button>",
    "link": '<a href="${x}">go</a>',
    "picture": "<img src='${x}' alt='${x}'><crowd-bounding-box name='b' src='${x}' labels='[]'>"
    "</crowd-bounding-box>",
    "path": '<a href="https://x.test/${x}?a=${x}#${x}">a</a><a href="${x}${x}">go</a>',
    "frame": "<iframe src=\"${x}\" title='${x}'></iframe>",
    "svg": '<svg><title>${x}</title><a href="${x}"><text>${x}</text></a>'
    "<style>${x}</style><script>var s = '${x}', t = ${x};</script></svg>",
    "comment": "<!-- ${x} --><!--[if IE]>${x}<![endif]-->",
}


ADDRESSES = ("link", "picture", "path", "frame", "svg")
PAGES = {name: BODIES[name] for name in ADDRESSES} | {
    "elsewhere": "".join(body for name, body in BODIES.items() if name not in ADDRESSES)
}


@pytest.mark.parametrize("place", PAGES)
def test_no_payload_runs(browser: Browser, place: str) -> None:
    template = read_template(
        "<!DOCTYPE html><html lang='en'><head><title>t</title></head>"
        f"<body>{PAGES[place]}</body></html>"
    )
    context = browser.new_context()
    page = context.new_page()
    made: list[str] = []

    def serve(route: Route) -> None:
        if route.request.url == "http://hit.test/":
            route.fulfill(body=made[-1], content_type="text/html; charset=utf-8")
        else:
            route.fulfill(status=204)  # a link that is followed leaves the page where it is

    context.route("**/*", serve)
    n_opened = 0
    for payload in PAYLOADS:
        try:
            made.append(fill(template, {"x": payload}))
        except InvalidInput:
            continue  # an address that a browser would run: refused loudly
        page.goto("http://hit.test/", wait_until="load")
        n_opened += 1
        assert page.evaluate("window.hacked") is None, payload
        assert page.evaluate("document.querySelectorAll('crowd-form').length") == 0, payload
        page.evaluate("for (const one of document.querySelectorAll('a, button')) one.click?.()")
        page.evaluate("new Promise((done) => setTimeout(done, 0))")
        assert page.evaluate("window.hacked") is None, payload
    context.close()
    assert n_opened >= len(PAYLOADS) / 2


def test_a_value_arrives_in_a_script_as_it_was_in_the_table(browser: Browser) -> None:
    value = 'it\'s "quoted" \\ </script> `a` ${b} \u2028 é 😀\n& <!--'
    template = read_template(
        "<!DOCTYPE html><html lang='en'><head><title>t</title></head><body>"
        "<script>var seen = [${x}, '${x}', \"${x}\", `${x}`];</script>"
        "<p id='p' title='${x}'>${x}</p></body></html>"
    )
    page = browser.new_page()
    page.set_content(fill(template, {"x": value}))
    assert page.evaluate("seen") == [value] * 4
    assert page.locator("#p").get_attribute("title") == value
    assert page.evaluate("document.getElementById('p').textContent") == value
    page.close()


def test_the_same_payloads_do_run_where_nothing_is_escaped(browser: Browser) -> None:
    """The trap works: a plain replacement of the text is caught by it."""
    page = browser.new_page()
    page.set_content(f"<!DOCTYPE html><p>{PAYLOADS[0]}</p>")
    assert page.evaluate("window.hacked") == 1
    page.close()
