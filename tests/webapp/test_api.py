"""The API: tokens, shapes, and bodies nobody should send."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from jobs import accounts
from jobs.db import transaction
from tests.webapp import campaign
from tests.webapp.browsing import launched

JOB = {
    "name": "From a program",
    "dataset": "Photos",
    "schema": "desk-and-sky",
    "budget": "20.00",
    "routes": [{"provider": "mturk", "kind": "boxes", "redundancy": 2, "reward": "0.05"}],
}
SCHEMA = {"name": "api-made", "classes": ["dog"], "attributes": []}


class Program:
    """A program that carries a token of somebody with ``role``."""

    def __init__(
        self, app: Flask, role: str = "manager", scopes: tuple[str, ...] = accounts.SCOPES
    ):
        place = app.extensions["hitworks"]
        with transaction(place.sessions) as session:
            person = next(row for row in accounts.people(session) if row.role == role)
            made = accounts.issue_token(
                session, person.id, name="t", scopes=scopes, now=campaign.NOW
            )
        self.client: FlaskClient = app.test_client()
        self.token_id, self.person_id = made.token.id, person.id
        self.headers = {"Authorization": f"Bearer {made.secret}"}

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/api/v1{path}", headers=self.headers)

    def send(self, path: str, body: Any = None, method: str = "POST") -> TestResponse:
        address = f"/api/v1{path}"
        if body is None:
            return self.client.open(address, method=method, headers=self.headers)
        return self.client.open(address, method=method, headers=self.headers, json=body)


def code(answer: TestResponse) -> str:
    error = answer.json["error"]  # type: ignore[index]
    assert set(error) >= {"code", "message", "request_id"}
    return str(error["code"])


def test_the_document_is_openapi_and_names_every_address(app: Flask) -> None:
    document = app.test_client().get("/api/v1/openapi.json").json
    assert document is not None
    assert document["openapi"].startswith("3.1")
    validate(document)
    named = {path.replace("{", "<").replace("}", ">") for path in document["paths"]}
    rules = {
        rule.rule.replace("int:", "")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
    }
    rules = {re.sub(r"any\([^)]*\):", "", rule) for rule in rules}
    assert rules - named == {
        "/api/v1/openapi.json",
        "/api/v1/jobs/<job_id>/exports/<export_id>/file",
    }


def test_the_guide_names_every_address_and_scope(app: Flask) -> None:
    guide = (Path(app.root_path).parent / "docs" / "api.md").read_text(encoding="utf-8")
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("api."):
            last = [part for part in rule.rule.split("/") if part and "<" not in part][-1]
            assert f"/{last}" in guide, rule.rule
    assert all(f"`{scope}`" in guide for scope in accounts.SCOPES)


def test_without_a_token_or_with_a_cookie_nothing_is_told(app: Flask) -> None:
    from tests.webapp.browsing import sign_in

    for client in (app.test_client(), sign_in(app, "admin")):
        answer = client.get("/api/v1/jobs")
        assert answer.status_code == 401
        assert code(answer) == "unauthorized"


@pytest.mark.parametrize("secret", ["", "x", "hwk_", "hwk_" + "a" * 43, "hwk_" + "a" * 9999, "é"])
def test_a_wrong_token_is_refused(app: Flask, secret: str) -> None:
    headers = {"Authorization": f"Bearer {secret}".encode().decode("latin-1")}
    assert app.test_client().get("/api/v1/jobs", headers=headers).status_code == 401


def test_scopes_and_roles_both_bind(app: Flask) -> None:
    reader = Program(app, scopes=("read",))
    assert reader.get("/jobs").status_code == 200
    assert reader.send("/jobs", JOB).status_code == 403
    assert reader.send("/jobs/2/launch").status_code == 403
    assert Program(app, scopes=("write",)).send("/jobs/2/launch").status_code == 403
    assert Program(app, "adjudicator").send("/jobs", JOB).status_code == 403
    assert Program(app, "adjudicator").get("/jobs/1/ledger").status_code == 403
    assert Program(app, "annotator").get("/jobs").status_code == 403


def test_a_revoked_token_and_a_closed_account_end_at_once(app: Flask) -> None:
    program = Program(app)
    place = app.extensions["hitworks"]
    with transaction(place.sessions) as session:
        accounts.revoke_token(session, program.person_id, program.token_id, campaign.NOW)
    assert program.get("/jobs").status_code == 401
    program = Program(app)
    with transaction(place.sessions) as session:
        accounts.change_person(session, program.person_id, role="manager", is_active=False)
    assert program.get("/jobs").status_code == 401


def test_a_program_passes_the_same_gate_as_a_person(app: Flask) -> None:
    """Its production job has its name typed, and nobody can say whose money it is."""
    program = Program(app)
    unconfirmed = program.send("/jobs/3/launch")
    assert unconfirmed.status_code == 422
    assert "'Real money'" in unconfirmed.text
    refused = program.send("/jobs/3/launch", {"confirm": "Real money"})
    assert (refused.status_code, code(refused)) == (422, "budget_exceeded")
    assert "nobody could say who pays" in refused.text
    assert program.get("/jobs/3").json["summary"]["state"] == "draft"  # type: ignore[index]


def test_a_job_goes_from_draft_to_launch(app: Flask) -> None:
    program = Program(app)
    made = program.send("/jobs", JOB)
    assert made.status_code == 201, made.text
    job_id = made.json["summary"]["id"]  # type: ignore[index]
    assert code(program.send("/jobs", JOB)) == "conflict"
    cost = program.get(f"/jobs/{job_id}/estimate").json
    assert cost is not None
    assert 0 < cost["likely_micros"] <= cost["worst_micros"]
    small = program.send(f"/jobs/{job_id}/budget", {"budget": "0.10", "key": "a"}, "PUT")
    assert small.status_code == 200
    refused = program.send(f"/jobs/{job_id}/launch")
    assert refused.status_code == 422
    assert refused.json["error"]["missing_micros"] > 0  # type: ignore[index]
    program.send(f"/jobs/{job_id}/budget", {"budget": "20", "key": "b"}, "PUT")
    asked = program.send(f"/jobs/{job_id}/launch")
    assert (asked.status_code, asked.json["summary"]["state"]) == (202, "launching")  # type: ignore[index]
    assert asked.json["launch"]["state"] == "waiting"  # type: ignore[index]
    assert program.send(f"/jobs/{job_id}/launch").status_code == 409
    assert launched(app, job_id) == "running"
    assert program.get(f"/jobs/{job_id}").json["launch"] is None  # type: ignore[index]
    assert program.send(f"/jobs/{job_id}/pause").json["summary"]["state"] == "paused"  # type: ignore[index]
    assert program.send(f"/jobs/{job_id}/pause").status_code == 409
    assert program.send(f"/jobs/{job_id}/resume").status_code == 200
    assert program.send(f"/jobs/{job_id}/stop").json["summary"]["state"] == "cancelled"  # type: ignore[index]
    assert program.send(f"/jobs/{job_id}/stop").status_code == 409
    changes = program.get(f"/jobs/{job_id}/changes").json
    assert changes is not None
    states = [(row["before"], row["after"]) for row in changes["rows"] if row["what"] == "state"]
    assert states == [("running", "paused"), ("paused", "running"), ("running", "cancelled")]
    assert len({row["actor"] for row in changes["rows"]}) == 1


def test_the_same_budget_key_counts_once(app: Flask) -> None:
    program = Program(app)
    for budget in ("30.00", "40.00"):
        program.send("/jobs/2/budget", {"budget": budget, "key": "once"}, "PUT")
    assert program.get("/jobs/2").json["summary"]["budget_micros"] == 30_000_000  # type: ignore[index]


@pytest.mark.parametrize("path", ["/jobs", "/jobs/1/items", "/jobs/1/labels", "/jobs/1/ledger"])
def test_pages_go_on_to_the_end_without_gaps_or_repeats(app: Flask, path: str) -> None:
    program = Program(app)
    whole = program.get(f"{path}?limit=500").json
    assert whole is not None
    seen: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = program.get(f"{path}?limit=3&after={after}").json
        assert page is not None
        seen += page["rows"]
        after = page["next"]
    assert seen == whole["rows"]
    assert len(seen) > 2


def test_a_decision_over_the_api_is_checked_and_happens_once(app: Flask) -> None:
    program = Program(app, "adjudicator")
    item = next(
        row["item_id"]
        for row in program.get("/jobs/1/items?state=conflict&kind=boxes").json["rows"]  # type: ignore[index]
    )
    path = f"/jobs/1/items/{item}/labels/boxes"
    box = {"label": "eye", "left": 1, "top": 2, "right": 30, "bottom": 40}
    body = {"value": {"boxes": [box]}, "reason": "agreed", "expected_version": 0}
    wrong = {**body, "value": {"boxes": [{**box, "label": "dragon"}]}}
    assert program.send(path, wrong).status_code == 422
    assert program.send(path, body).status_code == 201
    assert program.send(path, body).status_code == 409
    view = program.get(f"/jobs/1/items/{item}").json
    assert view is not None
    assert [label["origin"] for label in view["labels"]] == ["adjudication"]


def test_a_schema_saved_twice_is_one_version(app: Flask) -> None:
    program = Program(app)
    first, second = program.send("/schemas", SCHEMA), program.send("/schemas", SCHEMA)
    assert first.status_code == second.status_code == 201, first.text
    assert first.json == second.json
    assert "api-made" in program.get("/schemas").text


ODD_BODIES = (
    b"", b"null", b"[1]", b'"x"', b"1", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"{}",
    b'{"budget": NaN, "key": "k"}', b'{"budget": 1e999, "key": "k"}',
    b'{"budget": "1", "budget": "2", "key": "k"}', b'{"budget": "\\ud800", "key": "k"}',
    b'{"budget": "a\\u0000b", "key": "k"}', b'{"budget": {"a": 1}, "key": "k"}',
    b'{"budget": ["5"], "key": "k"}', b'{"budget": true, "key": "k"}',
    b'{"budget": ' + b"9" * 5000 + b', "key": "k"}',
    b'{"budget": 99999999999999999999, "key": "k"}',
    b'{"budget": "5", "key": "k", "role": "admin"}', b'{"budget": "5", "key": "../k"}',
    b'{"budget": "-5", "key": "k"}', b"\xff\xfe{\x00}\x00", b'{"budget": "\xff", "key": "k"}',
)  # fmt: skip


@pytest.mark.parametrize("body", ODD_BODIES, ids=range(len(ODD_BODIES)))
def test_an_odd_body_is_refused_in_the_one_envelope_everywhere(app: Flask, body: bytes) -> None:
    program = Program(app)
    targets = (
        ("PUT", "/jobs/2/budget"), ("POST", "/jobs"), ("POST", "/schemas"),
        ("POST", "/jobs/1/exports"),
        ("POST", "/jobs/1/items/1/labels/boxes"),
    )  # fmt: skip
    before = program.get("/jobs/2").json
    for method, path in targets:
        answer = program.client.open(
            f"/api/v1{path}",
            method=method,
            data=body,
            headers=program.headers,
            content_type="application/json",
        )
        assert answer.status_code in (400, 422), (path, answer.status_code, body[:60])
        assert code(answer) in ("bad_request", "invalid_input")
    assert program.get("/jobs/2").json == before


@pytest.mark.parametrize("value", [
    {}, {"boxes": {}}, {"boxes": [None]}, {"boxes": [[]]}, {"boxes": [{}]}, {"tags": {}},
    {"boxes": "x"},
    {"boxes": [{"label": "eye", "left": 10**400, "top": 1, "right": 9, "bottom": 9}]},
    {"boxes": [{"label": "eye", "left": "1", "top": 1, "right": 9, "bottom": 9}]},
    {"boxes": [{"label": "eye", "left": -9e307, "top": 1, "right": 9e307, "bottom": 9}]},
    {"boxes": [{"label": ["eye"], "left": 1, "top": 1, "right": 9, "bottom": 9}]},
    {"boxes": [{"label": "__proto__", "left": 1, "top": 1, "right": 9, "bottom": 9}]},
])  # fmt: skip
def test_a_value_that_is_no_answer_is_a_422(app: Flask, value: Any) -> None:
    body = {"value": value, "reason": "agreed", "expected_version": 0}
    answer = Program(app).send("/jobs/1/items/2/labels/boxes", body)
    assert answer.status_code in (400, 422), answer.text


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=501", "limit=x", "after=-1", "after=" + "9" * 30, "sort=id;drop",
        "limit=1.5",
        "state=gone", "most_confidence=nan", "most_confidence=inf", "worker_id=0", "kind=%00",
        "owner__password_hash=a", "after=%ED%A0%80",
    ],
)  # fmt: skip
def test_an_odd_query_is_refused(app: Flask, query: str) -> None:
    answer = Program(app).get(f"/jobs/1/items?{query}")
    assert answer.status_code == 422
    assert code(answer) == "invalid_input"


def test_another_method_or_type_is_refused_without_echo(app: Flask) -> None:
    program = Program(app)
    answer = program.send("/jobs", method="DELETE")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    odd = program.client.post(
        "/api/v1/jobs", data="x", headers=program.headers, content_type="text/<script>"
    )
    assert odd.status_code == 415
    assert "<script>" not in odd.text
    assert json.loads(odd.text)["error"]["code"] == "unsupported_media_type"
