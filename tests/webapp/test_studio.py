"""The studio's addresses: what they keep, refuse and say, without a browser."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from markupsafe import escape

from jobs.db import transaction
from jobs.records import PageSource
from jobs.specs.saved_templates import save
from tests.webapp.browsing import sign_in
from tests.webapp.campaign import NOW
from tests.webapp.test_api import Program
from webapp.marketplace.serving import serve

PAGE = "<!DOCTYPE html>\n<html><body><crowd-form><p>${image_url}</p></crowd-form></body></html>"
HOSTILE = "</textarea><script>alert(1)</script>"
FORM: dict[str, Any] = {"source": PAGE, "language": "fields", "data": "dataset", "dataset": "1",
                        "schema": "1", "kind": "boxes", "tasks": "1", "number": "1"}  # fmt: skip


def keep(app: Flask, name: str, text: str) -> None:
    with transaction(app.extensions["hitworks"].sessions) as session:
        save(session, name, PageSource(text, "fields"), actor="ada", now=NOW)


def test_a_version_is_kept_with_who_and_when_and_once(app: Flask) -> None:
    client = sign_in(app)
    for _ in range(2):
        answer = client.post("/templates/save", data={**FORM, "name": "cats", "note": "n"})
        assert answer.status_code == 302
    page = client.get("/templates/cats/versions").text
    assert "manager@example.org" in page
    assert "1 version" in page


@pytest.mark.parametrize(
    ("change", "status"),
    [({"name": "Cats"}, 422), ({"name": "boxes"}, 422), ({"source": ""}, 422),
     ({"language": "php"}, 422), ({"after": "7"}, 409), ({"note": "x" * 201}, 422)],
)  # fmt: skip
def test_what_cannot_be_kept_comes_back_with_the_reason(
    app: Flask, change: dict[str, str], status: int
) -> None:
    form = {**FORM, "name": "cats", **change}
    answer = sign_in(app).post("/templates/save", data=form)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert escape(form["source"])[:40] in answer.text


@pytest.mark.parametrize("path", ["edit", "versions", "compare"])
def test_a_template_that_does_not_exist_is_not_found(app: Flask, path: str) -> None:
    assert sign_in(app).get(f"/templates/cats/{path}").status_code == 404


def test_hostile_templates_stay_text_on_every_page(app: Flask) -> None:
    client = sign_in(app)
    keep(app, "cats", HOSTILE)
    keep(app, "cats", HOSTILE + "\n'\"&")
    for path in ("edit", "versions", "compare"):
        page = client.get(f"/templates/cats/{path}").text
        assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in client.get("/templates/cats/edit").text


def test_the_preview_says_what_is_wrong_and_seals_what_is_right(app: Flask) -> None:
    client = sign_in(app)
    without = client.post("/templates/preview", data=FORM).json
    assert "marketplace" in without["problem"]
    folder = app.extensions["hitworks"].settings.data_dir
    with serve(
        database_url=f"sqlite:///{folder / 'm.sqlite'}",
        secret_file=folder / "marketplace-secrets.json",
    ):
        said = client.post("/templates/preview", data=FORM).json
        assert said["problem"] == ""
        assert said["n_pages"] == 16
        assert "/media/" in said["frame"]["html"]
        assert len(said["frame"]["seal"]) == 64
        for change, problem in (
            ({"source": PAGE.replace("image_url", "x")}, "no column 'x'"),
            ({"source": "{{ 9**(9**9) }}", "language": "jinja"}, "CPU time"),
            ({"dataset": "9"}, "dataset 9 does not exist"),
            ({"schema": "9"}, "question 9 does not exist"),
            ({"dataset": ""}, "choose a dataset"),
            ({"kind": "songs"}, "expected boxes or tags"),
            ({"tasks": "21"}, "images a page"),
            ({"number": "-1"}, "expected a whole number"),
            ({"tasks": "2"}, "one image a HIT"),
            ({"data": "rows", "rows": "a,a\n1,2"}, "a name for every column"),
            ({"data": "rows", "rows": "[" * 20_000}, "expected JSON"),
        ):
            said = client.post("/templates/preview", data={**FORM, **change}).json
            assert problem in said["problem"]
            assert said["frame"] is None


def test_the_last_row_is_shown_where_a_later_one_is_asked_for(app: Flask) -> None:
    rows = {"data": "rows", "rows": "image_url\nhttps://a.test/1\nhttps://a.test/2\n"}
    said = sign_in(app).post("/templates/preview", data={**FORM, **rows, "number": "9"}).json
    assert (said["number"], said["n_pages"]) == (2, 2)


@pytest.mark.parametrize("document", ["", "<x>", "&", "<!DOCTYPE a><a/>"])
def test_any_answer_document_is_answered_with_its_problem(app: Flask, document: str) -> None:
    said = sign_in(app).post("/templates/answer", data={**FORM, "document": document}).json
    assert said["problem"]
    assert said["value"] is None


def test_a_trial_of_no_page_is_refused(app: Flask) -> None:
    answer = sign_in(app).post("/templates/trials", data={**FORM, "dataset": "9"})
    assert (answer.status_code, answer.json["problem"]) == (422, "dataset 9 does not exist")


@pytest.mark.parametrize("role", ["annotator", "adjudicator"])
def test_templates_are_for_managers(app: Flask, role: str) -> None:
    client = sign_in(app, role)
    assert client.get("/templates").status_code == 403
    assert client.post("/templates/save", data=FORM).status_code == 403


def test_only_the_studios_page_may_hold_a_frame(app: Flask) -> None:
    client = sign_in(app)
    policy = client.get("/templates/new").headers["Content-Security-Policy"]
    content = app.extensions["hitworks"].settings.content_url()
    assert f"frame-src {content}" in policy
    assert f"form-action 'self' {content}" in policy
    assert "frame-ancestors 'none'" in policy
    assert "frame-src" not in client.get("/templates").headers["Content-Security-Policy"]


def test_programs_keep_and_read_versions_too(app: Flask) -> None:
    program = Program(app)
    body = {"source": PAGE, "language": "fields", "note": "by a program"}
    for _ in range(2):
        made = program.send("/templates/cats/versions", body)
        assert (made.status_code, made.json["version"]) == (201, 1)
    changed = {**body, "source": PAGE + "\n"}
    assert program.send("/templates/cats/versions", {**changed, "after": 0}).status_code == 409
    assert program.send("/templates/cats/versions", {**changed, "after": 1}).status_code == 201
    rows = program.get("/templates/cats/versions").json["rows"]
    assert [(one["version"], one["created_by"]) for one in rows] == [
        (2, "manager@example.org"),
        (1, "manager@example.org"),
    ]
    assert [one["name"] for one in program.get("/templates").json["rows"]] == ["cats"]
    assert program.get("/templates/dogs/versions").status_code == 404
    for wrong in ({"source": ""}, {"language": "php"}, {"note": "x" * 201}, {"more": 1}):
        assert program.send("/templates/cats/versions", {**body, **wrong}).status_code == 422
    assert program.send("/templates/boxes/versions", body).status_code == 422
    assert Program(app, "adjudicator").get("/templates").status_code == 403
