"""Requests that a person never meant: forged forms, links that act, foreign hosts and origins."""

from __future__ import annotations

import os
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from jobs import accounts
from jobs.db import reading, transaction
from jobs.settings import Settings
from jobs.tables import ApiToken, Base
from tests.webapp import campaign
from tests.webapp.browsing import sign_in
from tests.webapp.campaign import PASSWORD
from tests.webapp.test_api import Program
from tests.webapp.test_auth import addresses
from tests.webapp.test_studio import FORM
from webapp.auth import rule_of
from webapp.marketplace.secrets_file import load_secrets
from webapp.studio.frames import own_origin

EVIL = "https://evil.example"
FOREIGN = {"Origin": EVIL, "Referer": f"{EVIL}/a"}
CHANGES_BY_ASKING = {ApiToken.__tablename__}  # says when it was last used


def rows(app: Flask) -> dict[str, list[str]]:
    """Every row of every table, but for what asking itself notes."""
    with reading(app.extensions["hitworks"].sessions) as session:
        return {
            name: sorted(map(repr, session.execute(select(table)).all()))
            for name, table in Base.metadata.tables.items()
            if name not in CHANGES_BY_ASKING
        }


def test_no_address_takes_a_form_of_another_site(app: Flask) -> None:
    client = sign_in(app, "admin")
    app.config["WTF_CSRF_ENABLED"] = True
    before = rows(app)
    forged = {"csrf_token": "x", "to": "paused", "role": "admin", "budget": "9", "name": "n"}
    for method, address, endpoint in addresses(app):
        rule = rule_of(app, endpoint)
        if method == "GET" or rule is None or rule.scope:
            continue
        for headers in ({}, FOREIGN):
            answer = client.open(address, method=method, data=forged, headers=headers)
            assert answer.status_code == 403, (method, address, answer.status_code)
    assert rows(app) == before


def test_no_call_is_taken_by_the_cookie_of_a_browser(app: Flask) -> None:
    client = sign_in(app, "admin")
    before = rows(app)
    for method, address, endpoint in addresses(app):
        rule = rule_of(app, endpoint)
        if rule is None or not rule.scope:
            continue
        answer = client.open(address, method=method, json={"name": "n"}, headers=FOREIGN)
        assert answer.status_code == 401, (method, address)
    assert rows(app) == before


@pytest.mark.parametrize("role", ["annotator", "adjudicator", "admin"])
def test_looking_changes_nothing(app: Flask, role: str) -> None:
    program, client = Program(app, role), sign_in(app, role)
    before = rows(app)
    for method, address, endpoint in addresses(app):
        rule = rule_of(app, endpoint)
        if method != "GET":
            continue
        is_call = bool(rule and rule.scope)
        asked = program.client if is_call else client
        query = {"to": "paused", "file_name": "../x", "format": "jsonl", "act": "approve"}
        headers = program.headers if is_call else {}
        with asked.get(address, headers=headers, query_string=query) as answer:
            assert answer.status_code < 500, address
    assert rows(app) == before


def test_every_answer_is_for_its_asker_alone_and_for_no_other_origin(app: Flask) -> None:
    program, client = Program(app, "admin"), sign_in(app, "admin")
    for method, address, endpoint in addresses(app):
        if method != "GET" or endpoint == "static":
            continue
        rule = rule_of(app, endpoint)
        is_call = bool(rule and rule.scope)
        asked = program.client if is_call else client
        own = program.headers if is_call else {}
        with asked.get(address, headers={**own, **FOREIGN}) as answer:
            assert "Cookie" in answer.headers["Vary"], address
            is_picture = answer.mimetype.startswith("image/")
            policy = answer.headers["Content-Security-Policy"]
            assert is_picture or "frame-ancestors 'none'" in policy, address
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert "unsafe" not in policy, address
            assert is_picture or answer.headers["Cache-Control"] == "no-store", address
            assert not [n for n, _ in answer.headers if n.startswith("Access-Control")]
        preflight = {**FOREIGN, "Access-Control-Request-Method": "POST"}
        with asked.options(address, headers={**preflight, **own}) as answer:
            assert not [n for n, _ in answer.headers if n.startswith("Access-Control")]


def test_a_foreign_host_name_is_in_no_page_and_no_redirect(app: Flask) -> None:
    client, stranger = app.test_client(), app.test_client()
    cookie = sign_in(app, "admin").get_cookie("hitworks")
    assert cookie is not None
    client.set_cookie("hitworks", cookie.value, domain="evil.example")
    named = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    assert client.get("/people", base_url="http://evil.example").status_code == 200
    for method, address, endpoint in addresses(app):
        rule = rule_of(app, endpoint)
        if method != "GET" or rule is None or rule.scope:
            continue
        for asked in (client, stranger):
            with asked.get(address, headers=named, base_url="http://evil.example") as answer:
                assert b"evil.example" not in answer.data, address
                assert "evil.example" not in answer.headers.get("Location", ""), address


def test_nothing_listens_beyond_this_machine_unless_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith("HITWORKS_")]:
        monkeypatch.delenv(name)
    settings = Settings()
    assert (settings.web_host, settings.marketplace_host) == ("127.0.0.1", "127.0.0.1")
    assert settings.redis_url == ""  # its own server, on a socket of this user's


OURS = "http://127.0.0.1:5080"


@pytest.mark.parametrize(
    ("set_to", "asked_for", "own"),
    [
        ("", "http://evil.example", OURS),
        ("", "http://evil.example:5080", OURS),
        ("", "http://127.0.0.1.evil.example:5080", OURS),
        ("", "http://localhost:5080@evil.example", OURS),
        ("", "http://localhost:81", OURS),
        ("", "https://localhost:5080", OURS),
        ("", "http://localhost:5080", "http://localhost:5080"),
        ("", "http://[::1]:5080", "http://[::1]:5080"),
        ("https://labels.example.org/", "http://evil.example", "https://labels.example.org"),
        ("https://labels.example.org/", "http://localhost:5080", "https://labels.example.org"),
    ],
)
def test_the_studios_frame_answers_to_the_configured_address_alone(
    set_to: str, asked_for: str, own: str
) -> None:
    settings = Settings(public_url=set_to, web_port=5080)
    with Flask(__name__).test_request_context(base_url=asked_for):
        assert own_origin(settings) == own


def test_no_foreign_host_is_sealed_into_a_page_that_is_tried(app: Flask) -> None:
    place = app.extensions["hitworks"]
    load_secrets(place.settings.data_dir / "marketplace-secrets.json")
    client = sign_in(app)
    cookie = client.get_cookie("hitworks")
    assert cookie is not None
    client.set_cookie("hitworks", cookie.value, domain="evil.example")
    said = client.post("/templates/preview", data=FORM, base_url="http://evil.example")
    assert said.json is not None and said.json["frame"]["studio"] == place.settings.web_url()
    shown = client.get("/jobs/2/preview/1", base_url="http://evil.example")
    assert f'value="{place.settings.web_url()}"' in shown.text
    for answer in (said, shown):
        assert "evil.example" not in answer.text
        assert "evil.example" not in str(answer.headers)


@pytest.mark.parametrize(
    "came_from",
    ["//evil.example", "/\\evil.example", "/%5Cevil.example", "//evil.example/%2f.."],
)
def test_a_page_of_ours_with_an_odd_address_sends_nobody_elsewhere(
    app: Flask, came_from: str
) -> None:
    client, here = sign_in(app), "http://localhost"
    lure = client.get("/", environ_overrides={"PATH_INFO": came_from})
    assert 'action="/account/appearance"' in lure.text
    answer = client.post(
        "/account/appearance",
        data={"appearance": "dark"},
        headers={"Referer": f"{here}{came_from}"},
    )
    where = answer.headers["Location"]
    assert where.startswith("/")
    assert not where.startswith(("//", "/\\"))


@pytest.mark.parametrize("role", ["annotator", "adjudicator", "manager"])
def test_nobody_raises_themselves(app: Flask, role: str) -> None:
    client = sign_in(app, role)
    more: dict[str, Any] = {
        "role": "admin", "is_admin": "1", "is_active": "yes", "scopes": ["admin"],
        "session_version": "1", "email": "root@example.org",
    }  # fmt: skip
    with reading(app.extensions["hitworks"].sessions) as session:
        me = next(one for one in accounts.people(session) if one.role == role)
    for address in (f"/people/{me.id}", "/people", f"/people/{me.id}/password"):
        assert client.post(address, data=more).status_code == 403
    changed = {"old": PASSWORD, "new": "another good one", **more}
    assert client.post("/account/password", data=changed).status_code == 302
    client.post("/account/appearance", data={"appearance": "dark", **more})
    program = Program(app, role)
    for method, path in (("PATCH", f"/people/{me.id}"), ("PUT", f"/people/{me.id}")):
        assert program.send(path, {"role": "admin"}, method).status_code in (403, 404, 405)
    with reading(app.extensions["hitworks"].sessions) as session:
        after = next(one for one in accounts.people(session) if one.id == me.id)
    assert (after.role, after.email) == (role, me.email)
    assert client.get("/people").status_code == 403


def test_what_is_anothers_reads_like_what_is_missing(app: Flask) -> None:
    place = app.extensions["hitworks"]
    with transaction(place.sessions) as session:
        campaign.add_dataset(session, place, place.settings.data_dir / "others", "Others")
        foreign = campaign.draft_job(session, dataset="Others", name="Foreign")
    program, client = Program(app), sign_in(app)
    assert program.send("/jobs/1/exports", {"format": "jsonl"}).status_code in (200, 201, 202)
    for path in ("items/{}", "exports/{}", "exports/{}/file", "workers/{}"):
        for ask, root in ((program.get, ""), (client.get, "")):
            theirs = ask(f"{root}/jobs/{foreign}/" + path.format(1))
            missing = ask(f"{root}/jobs/{foreign}/" + path.format(98765))
            if missing.status_code == 405:
                continue
            assert theirs.status_code == missing.status_code == 404, path
            assert "Desk and sky" not in theirs.text
            assert len(theirs.text) - len(missing.text) in (0, -4, -8, -12), path


ABSENT = (
    "/console", "/?__debugger__=yes&cmd=resource&f=debugger.js", "/rq", "/rq/queues.json",
    "/flower/api/tasks", "/admin/rq", "/queue", "/queues", "/api/v1/tasks", "/api/v1/queue",
    "/sns", "/notifications", "/api/v1/notifications", "/mturk/notifications",
    "/mturk/externalSubmit", "/worker", "/trial/page",
    "/media/CON", "/media/CON/NUL.jpg", "/images/CON", "/images/aa/NUL.jpg", "/static/CON",
    "/static/AUX.js", "/thumbnails/320/CON", "/images/aa/COM1.jpg", "/static/com1.css",
    "/forgot-password", "/reset-password",
)  # fmt: skip


@pytest.mark.parametrize("address", ABSENT)
def test_what_peers_left_open_is_not_there(app: Flask, address: str) -> None:
    for client in (app.test_client(), sign_in(app, "annotator"), sign_in(app, "admin")):
        with client.get(address) as answer:
            assert "EVALEX" not in answer.text
            assert "openShell" not in answer.text
            if not address.startswith("/?"):
                assert answer.status_code in (302, 403, 404), address
                assert answer.headers.get("Location", "/sign-in").startswith("/sign-in")
    admin = sign_in(app, "admin")
    with admin.post(address, data={"func": "os.system", "SubscribeURL": EVIL}) as answer:
        assert answer.status_code in (404, 405), address
