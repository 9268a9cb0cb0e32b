"""Metrics for those with a token, and log lines that can be read by programs and leak nothing."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
from flask import Flask

from jobs.installation import logs
from jobs.settings import Settings
from tests.webapp.browsing import close, open_app, sign_in
from tests.webapp.test_api import Program

LINE = re.compile(r'hitworks_[a-z_]+(\{[a-z]+="[a-z_]+"\})? [0-9.e+]+')


def test_metrics_are_in_the_text_format_and_say_what_is(app: Flask) -> None:
    program = Program(app)
    answer = program.client.get("/metrics", headers=program.headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    values = {}
    for line in answer.text.splitlines():
        if not line.startswith("# HELP "):
            assert line.startswith("# TYPE ") or LINE.fullmatch(line), line
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            values[name] = float(value)
    assert values['hitworks_jobs{state="draft"}'] == 2
    assert values['hitworks_jobs{state="running"}'] == 1
    assert values["hitworks_open_findings"] == 0
    spent = program.get("/jobs/1").json["summary"]["spent_micros"]  # type: ignore[index]
    assert values['hitworks_spent_micros{environment="local"}'] == spent > 0


def test_metrics_are_for_tokens_that_may_read(app: Flask) -> None:
    def ask(program: Program) -> int:
        return program.client.get("/metrics", headers=program.headers).status_code

    assert app.test_client().get("/metrics").status_code == 401
    assert sign_in(app, "admin").get("/metrics").status_code == 401
    assert ask(Program(app, scopes=("write", "spend"))) == 403
    assert ask(Program(app, "adjudicator")) == 403
    assert ask(Program(app, "admin", ("read",))) == 200


@pytest.mark.parametrize("said, kept", [
    ("token hwk_" + "a" * 43 + " used", "token [secret] used"),
    ("whsec_abc-DEF_1", "[secret]"),
    ("at postgresql+psycopg://me:pw@db/x", "at postgresql+psycopg://[secret]@db/x"),
    ("Authorization: Bearer abc.def==", "Authorization: Bearer [secret]"),
    ("https://s3/x?X-Amz-Signature=0af1&y=2", "https://s3/x?X-Amz-Signature=[secret]&y=2"),
    ("nothing to hide at https://example.org/a@b", "nothing to hide at https://example.org/a@b"),
])  # fmt: skip
def test_no_log_line_holds_a_secret(said: str, kept: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "%s", (said,), None)
    assert json.loads(logs.JsonLines().format(record))["message"] == kept
    assert logs.TextLines().format(record).endswith(kept)


def test_an_error_keeps_its_line_and_its_cause() -> None:
    try:
        raise ValueError("hwk_" + "a" * 43)
    except ValueError as error:
        cause = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "broke\noff", (), cause)
    line = logs.JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["error"].endswith("ValueError: [secret]")


@pytest.mark.parametrize("told", [
    "A1\n2026-03-01 09:00:00,000 jobs.calls paid $500", "A1\r\nforged", "A1\x1b[2Jcleared",
    "A1\x9b2Jcleared", "A1\u2028forged", "A1\u202eforged", "A1\0forged", "A1\ud800", "A" * 2**20,
], ids=range(9))  # fmt: skip
@pytest.mark.parametrize("as_error", [False, True])
def test_a_workers_id_stays_within_its_line_of_the_log(told: str, as_error: bool) -> None:
    error = ValueError(told)
    cause = (ValueError, error, None) if as_error else None
    message = "broke off" if as_error else "worker %s"
    record = logging.LogRecord("x", logging.ERROR, "f", 1, message, (), cause)
    record.args = () if as_error else (told,)
    text, line = logs.TextLines().format(record), logs.JsonLines().format(record)
    first, *rest = text.split("\n")
    assert " x " in first
    assert all(each.startswith("  ") for each in rest)
    assert "".join([first, *rest]).isprintable()
    assert line.isprintable()
    assert max(len(text), len(line)) < 10_000
    json.loads(line)


def test_an_endless_traceback_keeps_both_its_ends() -> None:
    error = ValueError("\n".join(f"line {number}" for number in range(100_000)))
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "broke", (), (ValueError, error, None))
    text = logs.TextLines().format(record)
    assert "line 0\n" in text
    assert text.endswith("line 99999")
    assert len(text.split("\n")) < 250


def test_a_request_is_logged_by_its_route_alone(
    seeded_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = open_app(tmp_path / "logged", log_format="json")
    with caplog.at_level(logging.INFO):
        app.test_client().get("/jobs/7?after=hidden", headers={"Authorization": "Bearer hidden"})
    (record,) = [one for one in caplog.records if one.name == "webapp.monitoring"]
    line = json.loads(logs.JsonLines().format(record))
    assert line["route"] == "/jobs/<int:job_id>"
    assert (line["method"], line["status"], line["person_id"]) == ("GET", 302, None)
    assert len(line["request_id"]) == 32
    assert "hidden" not in str(line)
    close(app)


def test_the_settings_choose_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.root.handlers[:], logging.root.level
    try:
        logs.set_up(Settings(log_format="json", log_level="warning"))
        logging.getLogger("hitworks.test").warning("seen")
        logging.getLogger("hitworks.test").info("not seen")
    finally:
        logging.root.handlers[:], logging.root.level = before
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "seen"
