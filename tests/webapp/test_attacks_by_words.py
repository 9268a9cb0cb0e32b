"""Words from outside that a server could compute, echo, or ask its database."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from jobs.errors import HitworksError
from jobs.pages.page_sandbox import render_untrusted
from tests.webapp.browsing import sign_in
from tests.webapp.test_api import Program
from tests.webapp.test_auth import addresses
from tests.webapp.test_fuzz import ARGUMENTS, FIELDS
from tests.webapp.test_studio import FORM

COMPUTED = str(7777 * 7777)
SAYS = "root:x:0:0"
TEMPLATES = (
    "{{7777*7777}}", "${7777*7777}", "#{7777*7777}", "<%= 7777*7777 %>", "{% print 7777*7777 %}",
    "{{config}}", "{{request.application.__globals__}}", "{{lipsum.__globals__['os'].popen('id')}}",
    "{{lipsum.__globals__['os'].popen('touch CANARY').read()}}",
    "{{cycler.__init__.__globals__.os.system('touch CANARY')}}", "{{url_for.__globals__}}",
    "{{get_flashed_messages.__globals__}}", "{{self._TemplateReference__context}}",
)  # fmt: skip
TOLD = ("<Config", "<module ", "uid=0", "SECRET_KEY", COMPUTED, SAYS)
SPARED = ("auth.sign_out", "account.end_sessions")  # they would end the browser's own session


def is_clean(text: str) -> bool:
    return not any(word in text for word in TOLD)


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that no payload may make; where a shell of the server would stand."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "CANARY"


def pages(app: Flask) -> list[str]:
    found = [address for method, address, end in addresses(app) if method == "GET" and end]
    return [one for one in found if not one.startswith("/api/")]


# Template injection


@pytest.mark.parametrize("payload", ["{{7777*7777}}", "{{config}}", " ".join(TEMPLATES)])
def test_no_argument_header_or_field_is_a_template(app: Flask, canary: Path, payload: str) -> None:
    client = sign_in(app, "admin")
    headers = dict.fromkeys(("Referer", "User-Agent", "X-Forwarded-For", "Accept"), payload)
    asked = dict.fromkeys((*ARGUMENTS, "from", "saved", "version", "sort"), payload)
    for address in pages(app):
        with client.get(address, query_string=asked, headers=headers) as answer:
            assert answer.status_code < 500, address
            assert is_clean(answer.text), (address, payload)
    form = dict.fromkeys((*FIELDS, *FORM, "html", "document"), payload)
    for method, address, endpoint in addresses(app):
        if method == "POST" and not endpoint.startswith("api.") and endpoint not in SPARED:
            with client.post(address, data=form, headers=headers) as answer:
                assert answer.status_code < 500, address
                assert is_clean(answer.text), (address, payload)
    assert client.get("/no/such/" + payload.replace("/", "")).status_code == 404
    assert not canary.exists()


def test_no_code_of_ours_makes_a_template_of_a_text() -> None:
    """The one ``from_string`` is that of the sandbox's child process."""
    root = Path(__file__).parents[2]
    sources = [path for room in ("jobs", "webapp") for path in (root / room).rglob("*.py")]
    found = {
        path.name
        for path in sources
        if re.search(r"template_string|\.from_string\(", path.read_text(encoding="utf-8"))
    }
    assert found == {"page_child.py"}


ESCAPES = {
    "a subclass": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "a global": "{{ lipsum.__globals__['os'].popen('touch CANARY') }}",
    "an initializer": "{{ cycler.__init__.__globals__ }}",
    "the page itself": "{{ self.__init__.__globals__ }}",
    "format": "{{ '{0.__class__.__mro__}'.format(tasks) }}",
    "format of a global": "{{ '{0.__class__.__init__.__globals__}'.format(schema) }}",
    "format_map": "{{ '{a.__class__.__mro__}'.format_map({'a': tasks}) }}",
    "format by attr": "{{ ('{0.__class__.__mro__}'|attr('format'))(tasks) }}",
    "format by map": "{{ (['{0.__class__.__mro__}']|map('attr', 'format')|first)(tasks) }}",
    "a kept format": "{% set f = '{0.__class__.__mro__}'.format %}{{ f(tasks) }}",
    "a format in a dict": "{{ dict(a='{0.__class__.__mro__}'.format).a(tasks) }}",
    "a kept format, filtered": "{% set f = {'f': '{0.__class__}'.format} %}"
    "{{ (f|dictsort|first|last)(tasks) }}",
    "attr of attr": "{{ ''|attr('__class__')|attr('__mro__') }}",
    "attr by request": "{{ ''[['__cla', 'ss__']|join] }}",
    "a file": "{% include '/etc/passwd' %}",
    "a file up": "{% include '../../../../etc/passwd' %}",
    "a module": "{% import 'os' as o %}{{ o.popen('id') }}",
    "a parent": "{% extends '/etc/passwd' %}",
    "a name that is code": "{% block __import__('os').system('touch CANARY') %}{% endblock %}",
    "a macro's globals": "{% macro m() %}{% endmacro %}{{ m.__globals__ }}{{ m._func.__code__ }}",
    "a generator": "{{ (tasks|map('string')).gi_frame.f_globals }}",
    "a mutation": "{{ tasks.append(1) }}",
    "a template's name": "{% include [\"x' ~ __import__('os').system('touch CANARY') ~ '\"] %}",
}


@pytest.mark.parametrize("name", ESCAPES)
def test_no_template_gets_out_of_its_sandbox(app: Flask, canary: Path, name: str) -> None:
    """In the child process itself, and over the studio's preview."""
    context = {"tasks": [{"number": 1}], "schema": {"title": "t"}}
    try:
        said = render_untrusted(ESCAPES[name], {}, context)
    except HitworksError as error:
        said = str(error)
    form = {**FORM, "source": ESCAPES[name], "language": "jinja"}
    with sign_in(app).post("/templates/preview", data=form) as answer:
        assert answer.status_code == 200
        shown = answer.text
    for text in (said, shown):
        assert is_clean(text)
        assert "<class" not in text
        assert "&lt;class" not in text
        assert "\\u003cclass" not in text
    assert not canary.exists()


NAMES = (
    "{{7777*7777}}", "../../etc/passwd", "x'; import os; os.system('touch CANARY') #", "a\nb",
    "__import__('os')", "box-page@1", "a/b", "boxes", "_part.html", "CON", "x" * 41, "",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_template_is_code_or_a_path(app: Flask, canary: Path, name: str) -> None:
    form = {**FORM, "name": name, "source": "{{ 1 }}", "language": "jinja"}
    answer = sign_in(app).post("/templates/save", data=form)
    assert answer.status_code == 422
    assert is_clean(answer.text)
    assert not canary.exists()


# A preview that a stranger's page asks for


def test_a_preview_is_neither_looked_at_nor_asked_for_from_elsewhere(app: Flask) -> None:
    client = sign_in(app)
    source = {**FORM, "source": "<script>alert(1)</script>"}
    for address in ("/templates/preview", "/templates/answer", "/templates/save"):
        assert client.get(address, query_string=source).status_code == 405
    app.config["WTF_CSRF_ENABLED"] = True
    for address in ("/templates/preview", "/templates/answer", "/templates/trials"):
        with client.post(address, data=source, headers={"Origin": "https://evil.example"}) as got:
            assert got.status_code == 403, address
            assert "<script>alert" not in got.text
    app.config["WTF_CSRF_ENABLED"] = False
    said = client.post("/templates/preview", data=source)
    assert said.mimetype == "application/json"
    assert "<script>" not in said.text
    assert said.headers["X-Content-Type-Options"] == "nosniff"


# Headers echoed

MARK = "zzz-marker"
ECHOED = ("Content-Type", "Referer", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For",
          "X-Forwarded-Prefix", "X-Original-URL", "X-Rewrite-URL", "User-Agent", "Origin",
          "Accept-Language", "X-Request-Id", "Forwarded")  # fmt: skip


@pytest.mark.parametrize("header", ECHOED)
def test_no_header_comes_back(app: Flask, header: str) -> None:
    client, program = sign_in(app), Program(app)
    headers = {header: f"{MARK}/<script>alert(1)</script>"}
    answers = [
        *(client.get(one, headers=headers) for one in ("/", "/jobs/1", "/sign-in", "/no")),
        *(
            client.post(one, data=b"\xff", headers=headers)
            for one in ("/sign-in", "/jobs/1/state", "/datasets", "/datasets/imports")
        ),
        client.open("/jobs", method="DELETE", headers=headers),
        program.client.get("/api/v1/jobs", headers={**program.headers, **headers}),
        program.client.get("/api/v1/no", headers={**program.headers, **headers}),
        program.client.post("/api/v1/jobs", data="x", headers={**program.headers, **headers}),
    ]
    for answer in answers:
        assert answer.status_code < 500
        assert MARK not in answer.text
        assert MARK not in str(answer.headers)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_no_foreign_host_name_comes_back(app: Flask, host: str) -> None:
    client = app.test_client()
    for address in ("/", "/sign-in", "/jobs", "/static/../", "/health", "/api/v1/jobs"):
        answer = client.get(address, headers={"Host": host})
        assert "evil.example" not in answer.text
        assert "evil.example" not in answer.headers.get("Location", "")


# What a database could be asked

RELATIONS = (
    "owner.password_hash", "owner__password_hash", "created_by__password_hash__startswith",
    "job.dataset.id", "actor__token_sha256", "password_hash", "__class__", "__dict__", "metadata",
    "session_version", "token_sha256[like]", "filter[password_hash]", "order_by", "group_by",
    "fields", "include", "expand", "$where", "q",
)  # fmt: skip
SQL = (
    "id;select pg_sleep(5)--", "(case when 1=1 then id else name end)", "id' or '1'='1",
    "password_hash", "1 union select email,password_hash from \"user\"", "id desc nulls first,1",
    "id) and 1=randomblob(1e9)--", "state\0", "-id", "id asc",
)  # fmt: skip
SORTS = ("sort", "order", "order_by", "group_by", "filter", "by", "direction")


def lists(app: Flask) -> list[str]:
    """Every address of the API that is looked at, as a program names it."""
    found = [address for method, address, _ in addresses(app) if method == "GET"]
    return [
        address.removeprefix("/api/v1")
        for address in found
        if address.startswith("/api/v1") and not address.endswith(("openapi.json", "/file"))
    ]


def test_no_call_filters_by_what_it_does_not_name(app: Flask) -> None:
    """An unknown argument is refused, or changes nothing of what is told."""
    program, client = Program(app, "admin"), sign_in(app, "admin")
    for path in lists(app):
        plain = program.get(path)
        for name in RELATIONS:
            asked = program.get(f"{path}?{name}=a")
            assert asked.status_code == 422 or bare(asked.text) == bare(plain.text), (path, name)
    for address in ("/jobs/1/items", "/jobs/1/workers", "/jobs/1/ledger", "/people", "/datasets/1"):
        seen = rows(client.get(address).text)
        for name in RELATIONS:
            answer = client.get(address, query_string={name: "a"})
            assert answer.status_code == 422 or rows(answer.text) == seen, (address, name)


def test_no_argument_reaches_the_database_as_sql(app: Flask) -> None:
    program, client = Program(app, "admin"), sign_in(app, "admin")
    for odd, name in itertools.product(
        SQL, (*SORTS, "after", "state", "kind", "limit", "worker_id")
    ):
        for address in ("/api/v1/jobs", "/api/v1/jobs/1/items", "/api/v1/jobs/1/ledger"):
            answer = program.client.get(address, query_string={name: odd}, headers=program.headers)
            assert answer.status_code in (200, 422), (address, name)
            assert not re.search("scrypt|argon2|pbkdf2|sqlite3|psycopg", answer.text)
        for address in ("/jobs/1/items", "/jobs/1/ledger"):
            assert told(client, address, name, odd) in (200, 422)


def told(client: FlaskClient, address: str, name: str, odd: str) -> int:
    with client.get(address, query_string={name: odd}) as answer:
        assert "sqlite3" not in answer.text
        assert "psycopg" not in answer.text
        return answer.status_code


def bare(text: str) -> str:
    """A reply without what differs each time."""
    return re.sub(r'"request_id":"[0-9a-f]*"', "", text)


def rows(text: str) -> list[str]:
    """The things a page lists, by their addresses."""
    named = r'(?:href|src)="(/(?:thumbnails|images)/[^"?]+|/jobs/1/(?:items|workers)/[0-9]+)'
    return re.findall(named, text)
