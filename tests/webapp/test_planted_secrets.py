"""Credentials planted as canaries: on no page, in no reply, file, log line or row."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from jobs.installation.backups import write_backup
from tests.webapp.browsing import close, open_app, sign_in
from tests.webapp.test_api import Program
from tests.webapp.test_auth import addresses
from webapp.auth import limiter, rule_of

KEY, SECRET, SESSION = "AKIACANARYCANARY0001", "canary/secret+of/amazon", "canary-session-token"
QUEUE = "canary-queue-password"
S3 = "http://canary-user:canary-s3-password@127.0.0.1:9"
PLANTED = (KEY, SECRET, SESSION, QUEUE, "canary-s3-password")


def quietly(_done: int, _of: int) -> None:
    """Shows nobody how far a backup is."""


@pytest.fixture
def app(seeded_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    for name, value in (
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", SESSION),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),  # nobody is asked outside
    ):
        monkeypatch.setenv(name, value)
    shutil.copytree(seeded_folder, tmp_path / "data")
    limiter.enabled = False
    app = open_app(
        tmp_path / "data",
        redis_url=f"redis://:{QUEUE}@127.0.0.1:9/0",
        s3_endpoint_url=S3,
    )
    yield app
    limiter.enabled = True
    close(app)


def test_no_answer_log_line_file_or_row_holds_a_credential(
    app: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told: dict[str, bytes] = {}
    program, client = Program(app, "admin"), sign_in(app, "admin")
    assert program.send("/jobs/1/exports", {"format": "jsonl"}).status_code == 202
    with caplog.at_level(logging.INFO):
        for method, address, endpoint in addresses(app):
            rule = rule_of(app, endpoint)
            is_call = bool(rule and rule.scope)
            if endpoint in ("auth.sign_out", "hooks.add", "account.add_token"):
                continue
            asked = program.client if is_call else client
            headers = program.headers if is_call else {}
            with asked.open(address, method=method, headers=headers) as answer:
                told[f"{method} {address}"] = answer.data + str(answer.headers).encode()
    place = app.extensions["hitworks"]
    told["log"] = caplog.text.encode()
    told["settings"] = repr(place).encode()
    engine = place.sessions.kw["bind"]
    backup = tmp_path / "a.backup"
    write_backup(engine, place.blobs, backup, place.clock(), quietly, with_pictures=False)
    close(app)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            told[str(path)] = path.read_bytes()
    found = [
        (where, one) for where, data in told.items() for one in PLANTED if one.encode() in data
    ]
    assert not found
    assert len(told) > 100
