"""Who gets in, and what each may do."""

from __future__ import annotations

import hashlib
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from jobs import accounts
from jobs.db import reading
from tests.webapp.browsing import close, open_app, sign_in
from tests.webapp.campaign import PASSWORD
from webapp.auth import PUBLIC, limiter, rule_of

MEMBERS = {
    "job_id": 1, "item_id": 1, "kind": "boxes", "dataset_id": 1, "export_id": 1, "person_id": 1,
    "token_id": 1, "width": 320, "key": "aa/b.jpg", "signature": "x", "filename": "app.css",
    "name": "cats", "trial_id": 1, "worker_id": 1, "assignment_id": 1, "batch_id": 1,
    "finding_id": 1, "rehearsal_id": 1, "hook_id": 1, "delivery_id": 1,
    "intake_id": 1, "sketch_id": 1, "number": 1,
    "environment": "local",
}  # fmt: skip


def addresses(app: Flask) -> list[tuple[str, str, str]]:
    """(method, address, endpoint) of every route, its variables filled in."""
    adapter = app.url_map.bind("localhost")
    return [
        (
            method,
            adapter.build(rule.endpoint, {k: MEMBERS[k] for k in rule.arguments}),
            rule.endpoint,
        )
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def first_token(app: Flask) -> str:
    place = app.extensions["hitworks"]
    with reading(place.sessions) as session:
        token = accounts.first_run_token(session, place.settings.data_dir)
    assert token
    return token


def claim(client: FlaskClient, token: str, **fields: str) -> int:
    form = {"token": token, "name": "Ada", "email": "ada@example.org", "password": PASSWORD}
    return client.post("/first-run", data={**form, **fields}).status_code


def test_every_endpoint_carries_a_rule(bare_app: Flask) -> None:
    without = [end for end in bare_app.view_functions if rule_of(bare_app, end) is None]
    assert not without


def test_an_endpoint_without_a_rule_is_refused(bare_app: Flask) -> None:
    bare_app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert bare_app.test_client().get("/forgotten").status_code == 403


def test_strangers_reach_only_what_is_public(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    for method, address, endpoint in addresses(app):
        rule = rule_of(app, endpoint)
        with client.open(address, method=method) as answer:
            status, where = answer.status_code, answer.headers.get("Location", "/sign-in")
        if rule is not None and rule.role != PUBLIC:
            assert status in (302, 401), (method, address)
            assert where.startswith("/sign-in")


@pytest.mark.parametrize("role", accounts.ROLES)
def test_each_role_reaches_exactly_what_its_rules_say(app: Flask, role: str) -> None:
    client = sign_in(app, role)
    for method, address, endpoint in addresses(app):
        rule = rule_of(app, endpoint)
        if rule is None or rule.role == PUBLIC or rule.scope or endpoint.startswith("auth."):
            continue
        with client.open(address, method=method) as answer:
            status = answer.status_code
        is_allowed = accounts.ROLES.index(role) >= accounts.ROLES.index(rule.role)
        assert (status != 403) is is_allowed, (method, address, status)
        assert status < 500, (method, address)


def test_the_first_run_token_makes_one_administrator_and_then_none(bare_app: Flask) -> None:
    bare_app.config["WTF_CSRF_ENABLED"] = False
    client = bare_app.test_client()
    assert client.get("/sign-in").headers["Location"] == "/first-run"
    assert claim(client, "wrong") == 422
    assert claim(client, first_token(bare_app), password="short") == 422
    token = first_token(bare_app)
    assert claim(client, token) == 302
    assert client.get("/people").status_code == 200
    assert claim(bare_app.test_client(), token, email="eve@example.org") == 409


def test_nobody_can_sign_up(app: Flask) -> None:
    client = app.test_client()
    for address in ("/register", "/signup", "/sign-up", "/api/v1/users"):
        assert client.post(address).status_code in (403, 404)


def test_secrets_differ_for_each_installation_and_only_the_owner_reads_them(
    bare_app: Flask, tmp_path: Path
) -> None:
    other = open_app(tmp_path / "other")
    assert other.config["SECRET_KEY"] != bare_app.config["SECRET_KEY"]
    assert len(bare_app.config["SECRET_KEY"]) >= 40
    first_token(bare_app)
    for name in ("web-secret-key", "first-run-token"):
        path = bare_app.extensions["hitworks"].settings.data_dir / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    close(other)


def test_a_cookie_of_another_installation_is_refused(app: Flask, bare_app: Flask) -> None:
    client = sign_in(app)
    cookie = client.get_cookie("hitworks")
    assert cookie is not None
    stranger = bare_app.test_client()
    stranger.set_cookie("hitworks", cookie.value)
    assert stranger.get("/jobs").status_code == 302


def test_a_wrong_address_and_a_wrong_password_read_alike(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    texts = []
    for email in ("manager@example.org", "nobody@example.org"):
        answer = client.post("/sign-in", data={"email": email, "password": "x" * 20})
        assert answer.status_code == 422
        signed_each_second = r'"[\w-]+\.[\w-]+\.[\w-]+"'  # the form token
        texts.append(re.sub(signed_each_second, "", answer.text.replace(email, "")))
    assert texts[0] == texts[1]


def test_an_old_cookie_ends_with_sign_out_and_with_a_new_password(app: Flask) -> None:
    thief, owner = sign_in(app), sign_in(app)
    owner.post("/sign-out")
    assert thief.get("/jobs").status_code == 302
    thief, owner = sign_in(app), sign_in(app)
    changed = owner.post("/account/password", data={"old": PASSWORD, "new": "another good one"})
    assert changed.status_code == 302
    assert owner.get("/jobs").status_code == 200
    assert thief.get("/jobs").status_code == 302


def test_a_session_from_before_signing_in_stays_a_strangers(app: Flask) -> None:
    client = app.test_client()
    client.get("/sign-in")
    planted = client.get_cookie("hitworks")
    assert planted is not None
    thief = app.test_client()
    thief.set_cookie("hitworks", planted.value)
    app.config["WTF_CSRF_ENABLED"] = False
    form = {"email": "manager@example.org", "password": PASSWORD}
    assert client.post("/sign-in", data=form).status_code == 302
    fresh = client.get_cookie("hitworks")
    assert fresh is not None
    assert fresh.value != planted.value
    assert client.get("/jobs").status_code == 200
    assert thief.get("/jobs").status_code == 302


def test_a_wrong_address_costs_the_same_work_as_a_wrong_password(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    client, real = app.test_client(), hashlib.scrypt
    costs: list[tuple[int, int, int]] = []

    def counted(password: bytes, **how: Any) -> bytes:
        costs.append((how["n"], how["r"], how["p"]))
        return real(password, **how)

    def attempt(email: str) -> list[tuple[int, int, int]]:
        costs.clear()
        client.post("/sign-in", data={"email": email, "password": "x" * 20})
        return list(costs)

    attempt("first@example.org")  # makes the hash that strangers are compared with
    monkeypatch.setattr(hashlib, "scrypt", counted)
    assert attempt("manager@example.org") == attempt("nobody@example.org") != []


def test_a_closed_account_is_out_at_once(app: Flask) -> None:
    victim, admin = sign_in(app, "manager"), sign_in(app, "admin")
    manager = next(row.id for row in people(app) if row.role == "manager")
    admin.post(f"/people/{manager}", data={"role": "manager"})
    assert victim.get("/jobs").status_code == 302


def test_the_last_administrator_cannot_be_demoted(app: Flask) -> None:
    admin = sign_in(app, "admin")
    me = next(row.id for row in people(app) if row.role == "admin")
    assert (
        admin.post(f"/people/{me}", data={"role": "manager", "is_active": "yes"}).status_code == 409
    )


def people(app: Flask) -> tuple[accounts.Person, ...]:
    with reading(app.extensions["hitworks"].sessions) as session:
        return accounts.people(session)


def test_a_form_without_the_sessions_token_changes_nothing(app: Flask) -> None:
    client = sign_in(app)
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client.post("/jobs/1/state", data={"to": "paused"})
    assert answer.status_code == 403
    assert "running" in client.get("/jobs/1").text


def test_sign_in_is_limited(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    limiter.enabled = True
    client = app.test_client()
    seen = [
        client.post("/sign-in", data={"email": "x@y", "password": "z"}).status_code
        for _ in range(12)
    ]
    limiter.reset()
    assert seen[:10] == [422] * 10
    assert seen[10:] == [429] * 2


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nb"],
)
def test_after_sign_in_nobody_is_sent_elsewhere(app: Flask, wanted: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    form = {"email": "manager@example.org", "password": PASSWORD, "next": wanted}
    assert app.test_client().post("/sign-in", data=form).headers["Location"] == "/"


def test_signed_in_pages_are_kept_by_no_cache_and_framed_by_nobody(app: Flask) -> None:
    answer = sign_in(app).get("/jobs")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Cookie" in answer.headers["Vary"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    form = {"email": "manager@example.org", "password": PASSWORD}
    cookie = app.test_client().post("/sign-in", data=form).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_behind_https_the_cookie_is_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    app = open_app(tmp_path / "https", public_url="https://labels.example.org")
    assert app.config["SESSION_COOKIE_SECURE"] is True
    assert app.config["SESSION_COOKIE_NAME"].startswith("__Host-")
    answer = app.test_client().get("/sign-in")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    close(app)


def test_a_token_is_shown_once_and_only_its_hash_is_kept(app: Flask) -> None:
    client = sign_in(app)
    page = client.post("/account/tokens", data={"name": "nightly", "scopes": ["read"]}).text
    secret = page.partition("<code>hwk_")[2].partition("<")[0]
    assert len(secret) > 40
    assert secret not in client.get("/account").text
    folder = app.extensions["hitworks"].settings.data_dir
    assert all(secret.encode() not in path.read_bytes() for path in folder.glob("hitworks.sqlite*"))


def test_nobody_revokes_a_token_of_somebody_else(app: Flask) -> None:
    sign_in(app).post("/account/tokens", data={"name": "mine", "scopes": ["read"]})
    assert sign_in(app, "admin").post("/account/tokens/1/revoke").status_code == 404
