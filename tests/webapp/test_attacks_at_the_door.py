"""Ways in for strangers: files of the server, keys that could be known, accounts nobody made."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface

from jobs import accounts
from jobs.db import reading
from tests.webapp.browsing import Site, open_app, sign_in
from tests.webapp.campaign import PASSWORD
from webapp.auth import limiter

ROOT = Path(__file__).parents[2]
CLIMBS = (
    "/static../app.css", "/static../templates/base.html", "/static/../auth.py",
    "/static/..%2fauth.py",
    "/static/%2e%2e/auth.py", "/static/%2e%2e%2fauth.py", "/static/..%5cauth.py",
    "/static/..\\auth.py",
    "/static/....//auth.py", "/static/..;/auth.py", "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/..%252fauth.py", "/static/app.css/../../auth.py", "/static/vendor/../../auth.py",
    "/static/%00", "/static/app.css%00.html", "/media/..;/web-secret-key",
    "/media../web-secret-key",
    "/media/x/../../web-secret-key", "/media/x/..%2f..%2fweb-secret-key", "/media/x//etc/passwd",
    "/media/%2e%2e/%2e%2e/web-secret-key", "/images/../web-secret-key", "/images/..%2fmedia.key",
    "/thumbnails/320/..%2f..%2fmedia.key", "/../../../../etc/passwd", "//etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd", "/.git/config", "/.env", "/hitworks.sqlite", "/server-status",
    "http://127.0.0.1/static/../auth.py", "/static/CON", "/static/NUL.js", "/media/AUX",
)  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "data")
    yield made
    made.stop()


@pytest.fixture
def unlimited() -> Iterator[None]:
    """Guess as often as it takes."""
    limiter.enabled = False
    yield
    limiter.enabled = True


def raw(site: Site, path: str) -> bytes:
    """What the real server answers to a path as it stands, which no library has tidied."""
    port = int(site.address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as near:
        near.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode("latin-1"))
        found = b""
        while piece := near.recv(65536):
            found += piece
        return found


def test_no_path_leads_to_a_file_that_is_not_served(site: Site) -> None:
    data = Path(site.app.extensions["hitworks"].settings.data_dir)
    secret = (data / "web-secret-key").read_bytes().strip()
    for path in CLIMBS:
        answer = raw(site, path)
        assert re.match(rb"HTTP/1\.[01] (302|308|400|401|404) ", answer), (path, answer[:200])
        for told in (b"root:x:", b"import annotations", b"SQLite format", secret, b"[core]"):
            assert told not in answer, path


# Keys and passwords that could be known


def forged(key: str) -> str:
    """The cookie of the first person, signed with ``key``."""
    other = Flask("other")
    other.secret_key = key
    signer = SecureCookieSessionInterface().get_signing_serializer(other)
    assert signer is not None
    return str(signer.dumps({"_user_id": "1.1", "_fresh": True}))


def known_keys() -> set[str]:
    """Every word of the repository that looks like a key, and those that people use."""
    command = ["git", "ls-files", "-z", "*.py", "*.toml", "*.md", "*.json", "*.yaml", "*.html"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False).stdout
    texts = (
        (ROOT / name).read_text(encoding="utf-8", errors="replace")
        for name in listed.decode().split("\0")
        if name and (ROOT / name).is_file() and "lock" not in name
    )
    pattern = re.compile(
        r"(?i)(?:secret|key|password|token)\w*[\"']?\s*[:=]\s*[\"']([^\"'\n]{3,80})"
    )
    common = {"", "dev", "secret", "changeme", "change-me", "hitworks", "SECRET_KEY", "test", "key",
              "super-secret", "flask", "development key", PASSWORD}  # fmt: skip
    return common | {word for text in texts for word in pattern.findall(text)}


def test_no_key_in_the_repository_signs_a_session(app: Flask) -> None:
    keys = known_keys()
    own = app.config["SECRET_KEY"]
    assert own not in keys
    for key in keys - {""}:
        with app.test_request_context(headers={"Cookie": f"hitworks={forged(key)}"}):
            assert not session, key
    client = app.test_client()
    client.set_cookie("hitworks", forged(own))
    assert client.get("/jobs").status_code in (200, 403)  # the forgery itself is well made
    for key in sorted(keys - {""})[:20]:
        client.set_cookie("hitworks", forged(key))
        assert client.get("/jobs").status_code == 302


def test_two_installations_share_no_key_and_a_restart_keeps_its_own(tmp_path: Path) -> None:
    def keys(folder: str) -> tuple[str, bytes]:
        found = open_app(tmp_path / folder)
        found.extensions["hitworks"].sessions.kw["bind"].dispose()
        return found.config["SECRET_KEY"], (tmp_path / folder / "media.key").read_bytes()

    first, second = keys("a"), keys("b")
    assert len({*first, *second}) == 4
    assert keys("a") == first


GUESSES = ("admin", "password", "hitworks", "password1234")
PEOPLE = ("admin", "admin@localhost", "root")


@pytest.mark.usefixtures("unlimited")
def test_a_fresh_installation_knows_nobody_and_no_password(bare_app: Flask) -> None:
    bare_app.config["WTF_CSRF_ENABLED"] = False
    client = bare_app.test_client()
    with reading(bare_app.extensions["hitworks"].sessions) as db_session:
        assert accounts.people(db_session) == ()
    for name in PEOPLE:
        for password in GUESSES:
            answer = client.post("/sign-in", data={"email": name, "password": password})
            assert answer.status_code in (302, 422)
            assert answer.headers.get("Location", "/first-run") == "/first-run"
            basic = client.get("/api/v1/jobs", auth=(name, password))
            assert basic.status_code == 401
    assert client.get("/jobs").status_code == 302
    for token in ("", "admin", "0", "hitworks"):
        form = {"token": token, "name": "E", "email": "e@example.org", "password": PASSWORD}
        assert client.post("/first-run", data=form).status_code in (422, 429)
    with reading(bare_app.extensions["hitworks"].sessions) as db_session:
        assert accounts.people(db_session) == ()


SIGN_UPS = ("/register", "/signup", "/sign-up", "/user/signup", "/users/sign_up", "/join",
            "/invite",
            "/account/new", "/accounts/register", "/api/register", "/api/v1/register",
            "/api/v1/users", "/api/v1/auth/register", "/api/v1/signup")  # fmt: skip


@pytest.mark.parametrize("installation", ["app", "bare_app"])
def test_nobody_makes_an_account_for_themselves(
    installation: str, request: pytest.FixtureRequest
) -> None:
    """Fresh or in use; and people are added by administrators alone."""
    found: Flask = request.getfixturevalue(installation)
    found.config["WTF_CSRF_ENABLED"] = False
    client = found.test_client()
    form = {"name": "E", "email": "e@example.org", "password": PASSWORD, "role": "admin"}
    for address in SIGN_UPS:
        for answer in (client.post(address, data=form), client.post(address, json=form)):
            assert answer.status_code in (401, 403, 404, 405), address
        assert client.get(address).status_code in (401, 403, 404, 405)
    assert client.post("/people", data=form).status_code in (302, 401, 403)
    assert client.post("/api/v1/people", json=form).status_code == 401
    if installation == "app":
        assert client.post("/first-run", data={**form, "token": "x"}).status_code == 409
        assert sign_in(found, "manager").post("/people", data=form).status_code == 403
    with reading(found.extensions["hitworks"].sessions) as db_session:
        assert "e@example.org" not in {one.email for one in accounts.people(db_session)}
