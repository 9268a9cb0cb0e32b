"""The desk over pages, over the API and on the command line: the same acts, the same refusals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select

from jobs.db import reading, transaction
from jobs.reports.conflicts import Queue, conflicts
from jobs.tables import Decision, Job, Label
from tests.webapp.browsing import sign_in
from tests.webapp.test_api import Program
from webapp import cli

BOX = {"label": "eye", "left": 10, "top": 10, "right": 60, "bottom": 50}


def first(app: Flask, kind: str = "boxes") -> int:
    with reading(app.extensions["hitworks"].sessions) as session:
        return conflicts(session, Queue(1, kind), limit=1)[0].item_id


def written(app: Flask) -> tuple[int, int]:
    """How many label versions and acts there are."""
    with reading(app.extensions["hitworks"].sessions) as session:
        counts = [session.scalar(select(func.count(table.id))) for table in (Label, Decision)]
    return counts[0] or 0, counts[1] or 0


def form(**more: str) -> dict[str, str]:
    return {
        "version": "0",
        "reason": "corrected",
        "act": "decide",
        "boxes": json.dumps([BOX]),
        **more,
    }


def test_each_act_is_possible_over_the_api_and_happens_once(app: Flask) -> None:
    ana, ben = Program(app, "adjudicator"), Program(app, "manager")
    taken = ana.send("/conflicts/next", {"job_id": 1, "kind": "boxes"}).json["question"]  # type: ignore[index]
    where = f"/jobs/1/items/{taken['item_id']}"
    assert ben.send(f"{where}/reservation/boxes", {}).json["look"]["name"] == "Ada Adjudicator"  # type: ignore[index]
    asked = {"note": "Which one?", "expected_version": 0}
    made = ana.send(f"{where}/second-look/boxes", asked)
    assert (made.status_code, made.json["state"]) == (201, "second_look")  # type: ignore[index]
    body = {"value": {"boxes": [BOX]}, "reason": "corrected", "expected_version": 1}
    refused = ana.send(f"{where}/labels/boxes", body)
    assert refused.status_code == 409
    assert "another person" in refused.text
    decided = ben.send(f"{where}/labels/boxes", {**body, "note": "Both."})
    assert (decided.status_code, decided.json["state"]) == (201, "adjudicated")  # type: ignore[index]
    assert ben.send(f"{where}/labels/boxes", body).status_code == 409
    undone = ben.send(f"{where}/undo/boxes", {"expected_version": 2})
    assert undone.json["state"] == "second_look"  # type: ignore[index]
    assert ben.send(f"{where}/undo/boxes", {"expected_version": 2}).status_code == 409
    aside = {"reason": "ambiguous", "expected_version": 3}
    assert ben.send(f"{where}/set-aside/boxes", aside).json["origin"] == "set_aside"  # type: ignore[index]
    page = ben.get("/jobs/1/set-asides?reason=ambiguous").json
    assert page is not None
    assert (page["by_reason"], len(page["rows"])) == ({"ambiguous": 1}, 1)
    back = {"version": 2, "expected_version": 4}
    assert ben.send(f"{where}/revert/boxes", back).json["origin"] == "reverted"  # type: ignore[index]
    assert ben.send(f"{where}/revert/boxes", back).status_code == 409
    acts = [row["act"] for row in ben.get(f"{where}/decisions").json["rows"]]  # type: ignore[index]
    assert acts == ["label", "no_label", "undo", "label", "ask"]


def test_conflicts_come_by_page_worst_first_and_filtered(app: Flask) -> None:
    program = Program(app, "adjudicator")
    whole = program.get("/conflicts?job_id=1").json["rows"]  # type: ignore[index]
    assert [row["confidence"] for row in whole] == sorted(row["confidence"] for row in whole)
    seen: list[Any] = []
    after = ""
    while after is not None:
        page = program.get(f"/conflicts?job_id=1&limit=4&after={after}").json
        assert page is not None
        seen, after = seen + page["rows"], page["next"]
    assert seen == whole
    for query in ("kind=tags", "state=second_look", "about=class:dragon"):
        assert len(program.get(f"/conflicts?job_id=1&{query}").json["rows"]) < len(whole)  # type: ignore[index]
    assert program.get("/conflicts?job_id=999").status_code == 404
    for query in (
        "kind=x",
        "state=sure",
        "after=zzz",
        "limit=0",
        "limit=501",
        "about=" + "x" * 401,
    ):
        assert program.get(f"/conflicts?{query}").status_code == 422, query


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "agreed"}, {"reason": "instructions-unclear"}, {"note": "x" * 501},
        {"sources": [{}]}, {"sources": [{"how": "taken", "answers": [999]}]},
        {"sources": [{"how": "stolen", "answers": []}]}, {"sources": []},
        {"sources": [{"how": "drawn", "answers": []}] * 2}, {"expected_version": -1},
        {"value": {"boxes": [BOX] * 2001}}, {"value": {"boxes": [{**BOX, "rotation": 4}]}},
        {"value": {"boxes": [{**BOX, "left": 1e8, "right": 2e8}]}}, {"value": None},
        {"value": {"boxes": [{**BOX, "left": 5000, "right": 6000}]}}, {"more": 1},
        {"value": {"boxes": [{**BOX, "right": 10}]}}, {"value": {"boxes": [{**BOX, "x": 1}]}},
    ],
)  # fmt: skip
def test_a_decision_that_is_none_is_a_422_and_half_of_it_is_never_kept(
    app: Flask, body: dict[str, Any]
) -> None:
    good = {"value": {"boxes": [BOX]}, "reason": "corrected", "expected_version": 0}
    is_odd = body != {"reason": "agreed"}
    before = written(app)
    answer = Program(app).send(f"/jobs/1/items/{first(app)}/labels/boxes", {**good, **body})
    assert answer.status_code == (422 if is_odd else 201), answer.text
    assert written(app) == (before if is_odd else (before[0] + 1, before[1] + 1))


HOSTILE = (
    {"boxes": "["}, {"boxes": "{}"}, {"boxes": "null"}, {"boxes": "[" * 100_000},
    {"boxes": '[{"label": "eye", "left": 9' + "9" * 5000 + "}]"}, {"boxes": "[1, null, [], {}]"},
    {"boxes": '[{"label": "eye", "left": NaN, "top": 1, "right": 9, "bottom": 9}]'},
    {"boxes": '[{"label": "eye", "label": "cup", "left": 1, "top": 1, "right": 9, "bottom": 9}]'},
    {"boxes": json.dumps([{**BOX, "label": '"><script>alert(1)</script>'}])},
    {"boxes": json.dumps([{**BOX, "left": -1e9, "right": 1e9}])},
    {"boxes": json.dumps([{**BOX, "left": True}])}, {"sources": "nonsense"},
    {"sources": '[{"how": "taken", "answers": [999999]}]'}, {"reason": "because"},
    {"reason": "other", "note": ""}, {"act": "ask", "note": " "}, {"note": "x" * 501},
    {"version": "1.5"}, {"version": ""},
)  # fmt: skip


@pytest.mark.parametrize("odd", HOSTILE, ids=range(len(HOSTILE)))
def test_a_form_that_is_none_comes_back_with_the_reason(app: Flask, odd: dict[str, str]) -> None:
    before = written(app)
    address = f"/jobs/1/items/{first(app)}/decide/boxes"
    answer = sign_in(app, "adjudicator").post(address, data=form(**odd))
    assert answer.status_code == 422, answer.text
    assert "Not decided." in answer.text
    assert "<script>alert" not in answer.text
    assert written(app) == before


def test_what_was_sent_too_late_is_on_the_page_again(app: Flask) -> None:
    client, item = sign_in(app, "adjudicator"), first(app)
    address = f"/jobs/1/items/{item}/decide/boxes"
    assert client.post(address, data=form()).status_code == 302
    mine = json.dumps([{**BOX, "left": 33}])
    late = client.post(address, data=form(boxes=mine, note="Look <here>", reason="hard-picture"))
    assert late.status_code == 409
    assert "version 1 has been written by adjudicator@example.org" in late.text
    assert "&#34;left&#34;: 33" in late.text or "&#34;left&#34;:33" in late.text
    assert 'value="Look &lt;here&gt;"' in late.text
    assert 'value="hard-picture" selected' in late.text


def test_skipping_goes_through_the_queue_and_round_again(app: Flask) -> None:
    client = sign_in(app, "adjudicator")
    with reading(app.extensions["hitworks"].sessions) as session:
        rows = conflicts(session, Queue(1))
    seen = []
    answer = client.post("/adjudicate/next", data={"job": "1"})
    for row in [*rows, rows[0]]:
        assert answer.status_code == 302
        assert f"/items/{row.item_id}/decide/{row.kind}" in answer.location
        seen.append(row.item_id)
        skip = f"/jobs/1/items/{row.item_id}/skip/{row.kind}"
        answer = client.post(skip, data={"job": "1", "after": row.place})
    assert client.post("/adjudicate/next", data={"job": "9" * 30}).status_code == 422
    assert client.post("/adjudicate/next", data={"only": "polygons"}).status_code == 422


def test_a_job_that_asks_two_people_says_so_and_hides_the_first_decision(app: Flask) -> None:
    item = first(app)
    with transaction(app.extensions["hitworks"].sessions) as session:
        job = session.get_one(Job, 1)
        job.policy = {**job.policy, "adjudication": {"second_look": "always"}}
    ana, ben = sign_in(app, "adjudicator"), sign_in(app, "manager")
    address = f"/jobs/1/items/{item}/decide/boxes"
    assert "Two people must agree on this question" in ana.get(address).text
    ana.post(address, data=form(boxes=json.dumps([{**BOX, "left": 11.25}])))
    page = ben.get(address).text
    assert "A second person decides this too." in page
    assert "11.25" not in page
    ben.post(address, data=form(version="1", boxes="[]"))
    with reading(app.extensions["hitworks"].sessions) as session:
        assert [row.state for row in conflicts(session, Queue(1, state="disputed"))] == ["disputed"]
    third = sign_in(app, "admin").get(address).text
    assert "Ada Adjudicator and Ada Manager disagree." in third
    assert "11.25" in third


def test_the_command_line_does_the_same(
    seeded_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    monkeypatch.setenv("HITWORKS_DATA_DIR", str(folder))
    told = _teller()
    question = told("label", "next", "1", "--kind", "boxes")
    item = str(question["item_id"])
    here = (item, "--kind", "boxes")
    value = tmp_path / "value.json"
    value.write_text(json.dumps({"boxes": [BOX]}))
    decide = ("label", "adjudicate", "1", *here, "--value", str(value), "--reason", "corrected")
    assert told(*decide, "--version", "0")["version"] == 1
    assert "version 1 has been written" in told(*decide, "--version", "0", fails=True)
    assert told("label", "undo", "1", *here, "--version", "1")["version"] == 2
    assert (
        told("label", "ask", "1", *here, "--note", "Is it?", "--version", "2")["origin"] == "asked"
    )
    assert "another person" in told(*decide, "--version", "3", fails=True)
    assert told("label", "undo", "1", *here, "--version", "3")["version"] == 4
    aside = ("label", "set-aside", "1", *here, "--reason", "private", "--version", "4")
    assert told(*aside)["origin"] == "set_aside"
    assert told("label", "set-asides", "1")["by_reason"] == {"private": 1}
    assert len(told("label", "decisions", "1", item)) == 5
    assert told("label", "release", "1", *here)["kind"] == "boxes"
    value.write_text("[1]")
    assert "expected an object" in told(*decide, "--version", "5", fails=True)
    states = {row["state"] for row in told("label", "conflicts", "1", "--kind", "boxes")}
    assert states == {"conflict"}


def _teller() -> Callable[..., Any]:
    """Runs a command: what it prints as JSON, or its refusal."""

    def told(*arguments: str, fails: bool = False) -> Any:
        result = CliRunner().invoke(cli.hitworks, [*arguments, "--json"])
        if fails:
            assert result.exit_code != 0
            return f"{result.output} {result.exception}"
        assert result.exit_code == 0, (result.output, result.exception)
        return json.loads(result.stdout)

    return told


def test_the_history_of_an_item_tells_who_did_what(app: Flask) -> None:
    item = first(app)
    ana, ben = sign_in(app, "adjudicator"), sign_in(app, "manager")
    address = f"/jobs/1/items/{item}/decide/boxes"
    ana.post(address, data=form(act="ask", note="Is the left one in?"))
    page = ana.get(f"/jobs/1/items/{item}").text
    assert "left to another person" in page
    assert "Is the left one in?" in page
    ben.post(address, data=form(version="1"))
    ben.post(f"/jobs/1/items/{item}/undo/boxes", data={"version": "2"})
    ben.post(address, data=form(version="3", reason="bad-image"))
    page = ana.get(f"/jobs/1/items/{item}").text
    for words in ("after a request for a second look", "taken back", "set aside",
                  "The picture is broken or unusable", "Ada Manager"):  # fmt: skip
        assert words in page


def test_the_first_opinion_is_seen_through_no_door_before_the_second(app: Flask) -> None:
    with transaction(app.extensions["hitworks"].sessions) as session:
        job = session.get_one(Job, 1)
        job.policy = {**job.policy, "adjudication": {"second_look": "always"}}
    ana, ben, item = Program(app, "adjudicator"), Program(app, "manager"), first(app)
    where = f"/jobs/1/items/{item}"
    secret = {**BOX, "left": 12.25}
    body = {"value": {"boxes": [secret]}, "reason": "corrected", "note": "the grey one"}
    made = ana.send(f"{where}/labels/boxes", {**body, "expected_version": 0})
    assert made.json["state"] == "second_look"  # type: ignore[index]
    client = sign_in(app)
    folder = app.extensions["hitworks"].settings.data_dir

    def seen_by_others() -> str:
        commands = (["label", "show", "1", str(item), "--json"],
                    ["label", "decisions", "1", str(item), "--json"])  # fmt: skip
        said = [ben.get(where).text, ben.get(f"{where}/decisions").text]
        said += [client.get(f"{where}{page}").text for page in ("", "/decide/boxes")]
        environment = {"HITWORKS_DATA_DIR": str(folder)}
        said += [CliRunner().invoke(cli.hitworks, one, env=environment).output for one in commands]
        assert all(len(one) > 100 for one in said)
        return "".join(said)

    for told in ("12.25", "the grey one"):
        assert told not in seen_by_others()
    assert ben.get(f"{where}/decisions").json["rows"][0]["reason"] == ""  # type: ignore[index]
    assert "12.25" in ana.get(where).text
    refused = ben.send(f"{where}/revert/boxes", {"version": 1, "expected_version": 1})
    assert (refused.status_code, "waits for a second look" in refused.text) == (409, True)
    ben.send(f"{where}/labels/boxes", {**body, "expected_version": 1})
    assert "12.25" in seen_by_others()
