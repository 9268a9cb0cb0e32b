"""Webhooks over the API and the command line: the secret once, and never again."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from jobs.db import transaction
from jobs.tables import Hook, HookDelivery
from tests.webapp.browsing import sign_in
from tests.webapp.campaign import NOW
from tests.webapp.test_api import Program, code
from tests.webapp.test_auth import addresses
from webapp.cli import main

HOOK = {"url": "https://example.org/hear", "events": ["job.finished"]}


def add_delivery(app: Flask, hook_id: int) -> int:
    with transaction(app.extensions["hitworks"].sessions) as session:
        row = HookDelivery(
            hook_id=hook_id, key="k", event="job.finished", event_id="evt_1", body="{}",
            state="failed", created_at=NOW,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id


def test_a_secret_is_told_once_and_on_no_page_or_reply_after_it(app: Flask) -> None:
    program = Program(app, "admin")
    headers = {**program.headers, "Idempotency-Key": "k"}
    first, again = (
        program.client.post("/api/v1/hooks", headers=headers, json=HOOK) for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (201, 201)
    secret = first.json["secret"]  # type: ignore[index]
    assert secret.startswith("whsec_")
    assert again.json == {**first.json, "secret": None}  # type: ignore[dict-item]
    browser = sign_in(app, "admin")
    for method, address, endpoint in addresses(app):
        if method != "GET":
            continue
        client = program.client if endpoint.startswith("api.") else browser
        sent = program.headers if endpoint.startswith("api.") else {}
        with client.open(address, method=method, headers=sent) as answer:
            assert secret.encode() not in answer.data, address
    assert secret not in program.get("/hooks").text


def test_a_hook_is_listed_and_ended(app: Flask) -> None:
    program = Program(app)
    made = program.send("/hooks", HOOK).json["hook"]  # type: ignore[index]
    assert program.get("/hooks").json == {"rows": [made]}
    assert program.send(f"/hooks/{made['id']}", method="DELETE").status_code == 200
    assert program.send(f"/hooks/{made['id']}", method="DELETE").status_code == 404
    assert program.get("/hooks").json == {"rows": []}
    with transaction(app.extensions["hitworks"].sessions) as session:
        assert session.get_one(Hook, made["id"]).secret == ""


@pytest.mark.parametrize("body", [
    {**HOOK, "url": "http://127.0.0.1:9/"}, {**HOOK, "url": "http://[::ffff:10.0.0.1]/"},
    {**HOOK, "url": "file:///etc/passwd"}, {**HOOK, "events": ["job.exploded"]},
    {**HOOK, "secret": "mine"}, {"events": []},
])  # fmt: skip
def test_a_hook_that_will_not_do_is_refused(app: Flask, body: dict[str, object]) -> None:
    answer = Program(app).send("/hooks", body)
    assert (answer.status_code, code(answer)) == (422, "invalid_input")


def test_a_delivery_is_sent_again_only_through_its_own_hook(app: Flask) -> None:
    program = Program(app)
    one, other = (program.send("/hooks", HOOK).json["hook"]["id"] for _ in range(2))  # type: ignore[index]
    delivery = add_delivery(app, one)
    assert program.send(f"/hooks/{other}/deliveries/{delivery}/send").status_code == 404
    assert program.get(f"/hooks/{other}/deliveries").json == {"rows": [], "next": None}
    assert program.send(f"/hooks/{one}/deliveries/{delivery}/send").status_code == 200
    assert program.send(f"/hooks/{one}/deliveries/{delivery}/send").status_code == 409
    rows = program.get(f"/hooks/{one}/deliveries").json["rows"]  # type: ignore[index]
    assert [row["state"] for row in rows] == ["waiting"]
    assert program.get("/hooks/99/deliveries").status_code == 404


def test_the_command_line_does_the_same(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(app.extensions["hitworks"].settings.data_dir)

    def run(*arguments: str) -> str:
        main(["--data-dir", folder, "hook", *arguments])
        return capsys.readouterr().out

    made = json.loads(run("add", HOOK["url"], "--event", "job.finished", "--json"))  # type: ignore[arg-type]
    assert made["secret"].startswith("whsec_")
    delivery = add_delivery(app, made["id"])
    assert made["secret"] not in run("list", "--json") + run("deliveries", str(made["id"]))
    assert "waiting" in run("send", str(made["id"]), str(delivery))
    assert "ended" in run("end", str(made["id"]))
