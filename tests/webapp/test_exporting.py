"""Exports on the pages and over the API: chosen, counted, polled, fetched, made again."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from jobs import accounts, calls
from jobs.db import transaction
from jobs.exporting.files import exports_folder
from jobs.tables import Export, Job
from tests.webapp.browsing import close, open_app, seed, sign_in
from tests.webapp.test_api import Program, code
from webapp.auth import limiter


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    """The seeded installation on both databases in turn."""
    seed(tmp_path / "data", database_url=database_url)
    app = open_app(tmp_path / "data", database_url=database_url)
    limiter.enabled = False
    draw_boxes(app)
    yield app
    limiter.enabled = True
    close(app)


def draw_boxes(app: Flask) -> None:
    """A person decides the boxes of a few photos: a cup, and now and then a spoon."""
    program = Program(app)
    rows: Any = program.get("/jobs/1/items?kind=boxes&limit=6").json
    for number, row in enumerate(rows["rows"]):
        named = ("cup", "spoon") if number % 2 else ("cup",)
        boxes = [
            {"label": name, "left": 10, "top": 20, "width": 90, "height": 80} for name in named
        ]
        body = {"value": {"boxes": boxes}, "reason": "agreed", "expected_version": 0}
        made = program.send(f"/jobs/1/items/{row['item_id']}/labels/boxes", body)
        assert made.status_code == 201, made.text


def work_off(app: Flask) -> None:
    """What the background does."""
    calls.drain(app.extensions["hitworks"])


def test_an_export_is_asked_for_polled_and_fetched(place: Flask) -> None:
    program = Program(place)
    body = {"format": "jsonl", "name": "first", "kind": "boxes", "min_confidence": 0.5}
    made = program.send("/jobs/1/exports", body)
    assert made.status_code == 202, made.text
    assert made.json is not None
    number, n_labels = made.json["id"], made.json["n_labels"]
    assert (made.json["state"], made.json["name"], made.json["sha256"]) == ("waiting", "first", "")
    with program.get(f"/jobs/1/exports/{number}/file") as early:
        assert early.status_code == 404
        assert "not written yet" in early.text
    work_off(place)
    done: Any = program.get(f"/jobs/1/exports/{number}").json
    assert (done["state"], done["n_labels"], done["problem"]) == ("done", n_labels, "")
    assert done["filters"]["kind"] == "boxes"
    assert done["included"] == ["confidence", "provenance", "licence"]
    with program.get(f"/jobs/1/exports/{number}/file") as answer:
        assert len(answer.data.splitlines()) == n_labels
        assert len(answer.data) == done["n_bytes"]
        assert not re.search(rb"A1MAYA|A2IVAN|A3LENA|A4OMAR|A5ZOE|example\.org", answer.data)
    assert program.get(f"/jobs/2/exports/{number}").status_code == 404


def test_a_count_is_what_an_export_then_holds(place: Flask) -> None:
    program = Program(place)
    for filters in ({}, {"classes": ["spoon", "eye"]}, {"tags": ["colour=red"]}, {"kind": "tags"}):
        body = {"format": "coco", **filters}
        counted: Any = program.send("/jobs/1/exports/count", body).json
        made: Any = program.send("/jobs/1/exports", body).json
        assert made["n_labels"] == counted["n_labels"] <= counted["n_final"], filters
        assert counted["n_labels"] < counted["n_final"] or not filters


def test_a_snapshot_made_again_is_checked_and_its_lost_file_comes_back(place: Flask) -> None:
    program = Program(place)
    made: Any = program.send("/jobs/1/exports", {"format": "voc"}).json
    address = f"/jobs/1/exports/{made['id']}"
    work_off(place)
    first: Any = program.get(address).json
    (exports_folder(place.extensions["hitworks"].settings) / first["file_name"]).unlink()
    with program.get(f"{address}/file") as gone:
        assert gone.status_code == 404
        assert "make it again" in gone.text
    assert program.send(f"{address}/again").status_code == 202
    work_off(place)
    later: Any = program.get(address).json
    assert later["sha256"] == first["sha256"]
    assert later["checked_at"]
    with program.get(f"{address}/file") as answer:
        assert zipfile.ZipFile(io.BytesIO(answer.data)).testzip() is None
    assert program.send(f"/jobs/2/exports/{made['id']}/again").status_code == 404


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"format": "exe"}, "format 'exe': expected one of coco"),
        ({"format": "coco", "classes": ["unicorn"]}, "class 'unicorn': expected one of cup"),
        ({"format": "coco", "tags": ["colour=pink"]}, "tag 'colour=pink': expected one of"),
        ({"format": "voc", "kind": "tags"}, "kind: expected boxes, which voc holds"),
        ({"format": "voc", "kind": "masks"}, "kind: expected '', 'boxes' or 'tags'"),
        ({"format": "coco", "min_confidence": 2}, "min_confidence: expected at most 1"),
        ({"format": "coco", "with_images": True}, "images: format coco has no room for it"),
        ({"format": "jsonl", "only_decided": True}, "the filters leave no labels"),
        ({"format": "coco", "colour": "red"}, "colour: no such key: expected one of format, kind"),
        ({"format": "coco", "name": "a\tb"}, "name: expected at most 100 printable"),
    ],
)
def test_what_cannot_be_exported_is_a_422_that_says_why(
    app: Flask, body: dict[str, Any], told: str
) -> None:
    answer = Program(app).send("/jobs/1/exports", body)
    assert answer.status_code == 422
    assert told in answer.json["error"]["message"]  # type: ignore[index]
    assert Program(app).get("/jobs/1/exports").json == {"rows": [], "next": None}


def test_a_name_taken_is_a_conflict_and_a_key_makes_one_export(app: Flask) -> None:
    program = Program(app)
    headers = {**program.headers, "Idempotency-Key": "once"}
    body = {"format": "jsonl", "name": "same"}
    first, again = (
        program.client.post("/api/v1/jobs/1/exports", headers=headers, json=body) for _ in range(2)
    )
    assert first.status_code == again.status_code == 202
    assert first.data == again.data
    assert code(program.send("/jobs/1/exports", body)) == "conflict"
    page = sign_in(app).post("/jobs/1/exports", data=body)
    assert page.status_code == 409
    assert "choose another name" in page.text


@pytest.mark.parametrize("name", [
    'a"; filename="x.html', "a\r\nSet-Cookie: b=1", "../../x", "CON", "größe 日本 😀", "\u202egpj",
    "x" * 200, "a;b'c%0d%0aX: y", "\n",
], ids=range(9))  # fmt: skip
def test_a_download_of_a_hostile_job_has_one_plain_file_name(place: Flask, name: str) -> None:
    with transaction(place.extensions["hitworks"].sessions) as session:
        session.get_one(Job, 1).name = name
    program = Program(place)
    number = program.send("/jobs/1/exports", {"format": "jsonl"}).json["id"]  # type: ignore[index]
    work_off(place)
    with program.get(f"/jobs/1/exports/{number}/file") as answer:
        assert answer.status_code == 200
        told = answer.headers["Content-Disposition"]
        assert re.fullmatch(r"attachment; filename=[A-Za-z0-9._-]{1,200}", told), told
        assert not re.match(r"(?i)(con|nul|aux|prn)[.-]?$", told.partition("=")[2])
        assert answer.mimetype == "application/octet-stream"
        assert "Set-Cookie" not in answer.headers


def test_the_list_goes_on_from_page_to_page(app: Flask) -> None:
    program = Program(app)
    numbers = [program.send("/jobs/1/exports", {"format": "jsonl"}).json["id"] for _ in range(3)]  # type: ignore[index]
    first: Any = program.get("/jobs/1/exports?limit=2").json
    rest: Any = program.get(f"/jobs/1/exports?limit=2&after={first['next']}").json
    found = [row["id"] for row in (*first["rows"], *rest["rows"])]
    assert found == numbers[::-1]
    assert rest["next"] is None


@pytest.mark.parametrize("role", accounts.ROLES)
def test_managers_export_and_nobody_below(app: Flask, role: str) -> None:
    client, program = sign_in(app, role), Program(app, role)
    may = role in ("manager", "admin")
    assert (client.post("/jobs/1/exports", data={"format": "coco"}).status_code == 302) is may
    assert (client.get("/jobs/1/exports/count?format=coco").status_code == 200) is may
    assert (program.send("/jobs/1/exports", {"format": "coco"}).status_code == 202) is may
    assert (program.send("/jobs/1/exports/count", {"format": "coco"}).status_code == 200) is may
    reader = Program(app, role, ("read",))
    assert reader.send("/jobs/1/exports", {"format": "coco"}).status_code == 403


def test_the_page_exports_what_was_ticked_and_lists_it(place: Flask) -> None:
    client = sign_in(place)
    ticked = {"format": "coco", "name": "<b>June</b>", "class": ["cup"], "with": ["licence"],
              "min_confidence": "50"}  # fmt: skip
    shown = client.get("/jobs/1/exports/count", query_string=ticked).text
    n_labels = int(re.search(r"<strong>(\d+)</strong>", shown)[1])  # type: ignore[index]
    assert client.post("/jobs/1/exports", data=ticked).status_code == 302
    assert "every 1s" in client.get("/jobs/1/exports/list").text
    work_off(place)
    part = client.get("/jobs/1/exports/list").text
    assert "every 1s" not in part
    assert "&lt;b&gt;June&lt;/b&gt;" in part
    assert "confidence at least 0.5" in part
    assert "with licence" in part
    with client.get("/jobs/1/exports/1/file") as answer:
        assert "attachment" in answer.headers["Content-Disposition"]
        assert answer.mimetype == "application/octet-stream"
        document = json.loads(answer.data)
    assert [each["name"] for each in document["categories"]] == ["cup"]
    assert document["info"]["hitworks"]["n_labels"] == n_labels
    assert "score" not in document["annotations"][0]
    assert client.post("/jobs/1/exports/1/again").status_code == 302
    work_off(place)
    assert "the same bytes" in client.get("/jobs/1/exports").text
    assert client.get("/jobs/2/exports/1/file").status_code == 404


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"format": "../../etc/passwd"}, "expected one of coco"),
        ({"format": "coco", "class": "unicorn"}, "class &#39;unicorn&#39;: expected one of"),
        ({"format": "coco", "tag": "colour=pink"}, "tag &#39;colour=pink&#39;"),
        ({"format": "coco", "min_confidence": "NaN"}, "expected 0 to 100 percent"),
        ({"format": "coco", "min_confidence": "101"}, "expected 0 to 100 percent"),
        ({"format": "coco", "with": "secrets"}, "with: expected some of confidence"),
        ({"format": "csv_tags", "with": "images"}, "images: format csv_tags has no room"),
    ],
)
def test_a_form_nobody_ticked_is_refused_and_kept(
    app: Flask, form: dict[str, str], told: str
) -> None:
    client = sign_in(app)
    refused = client.post("/jobs/1/exports", data={**form, "name": "kept as typed"})
    assert refused.status_code == 422
    assert told in refused.text
    assert "kept as typed" in refused.text
    assert client.get("/jobs/1/exports/count", query_string=form).status_code == 422


def test_a_failed_export_says_why_on_its_page_and_offers_another_try(app: Flask) -> None:
    client = sign_in(app)
    client.post("/jobs/1/exports", data={"format": "coco", "name": "unlucky"})
    with transaction(app.extensions["hitworks"].sessions) as session:
        row = session.get_one(Export, 1)
        row.state, row.problem = "failed", "blob aa/bb: <no such image>"
    page = client.get("/jobs/1/exports").text
    assert "blob aa/bb: &lt;no such image&gt;" in page
    assert "Try unlucky again" in page
    client.post("/jobs/1/exports/1/again")
    work_off(app)
    assert "Download unlucky" in client.get("/jobs/1/exports").text
