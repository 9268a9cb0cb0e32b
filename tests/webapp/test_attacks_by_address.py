"""Addresses from outside that lead within: other hosts, files of the server, endpoints."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from flask import Flask
from moto.server import ThreadedMotoServer

from jobs import calls
from jobs.db import transaction
from jobs.findings import report
from jobs.hook_addresses import NOT_PUBLIC
from tests.canary import SECRET, Canary, listening
from tests.jobs.onnx_models import SEES_NOTHING, constant_model
from tests.jobs.pictures import picture
from tests.webapp import campaign
from tests.webapp.browsing import close, open_app, sign_in
from tests.webapp.test_api import JOB, SCHEMA, Program
from tests.webapp.test_uploads import archive
from webapp.auth import limiter

WITHIN = (
    "http://127.0.0.1:{port}/x", "https://127.0.0.1:{port}/x", "http://localhost:{port}/x",
    "http://[::1]:{port}/x", "http://0:{port}/x", "http://2130706433:{port}/x",
    "http://0x7f.1:{port}/x", "http://[::ffff:127.0.0.1]:{port}/x",
    "http://user@127.0.0.1:{port}/x", "http://127.0.0.1:{port}#@example.org/",
    "http://169.254.169.254/latest/meta-data/", "gopher://127.0.0.1:{port}/_x",
    "file:///etc/passwd", "file://localhost/etc/passwd", "FILE:/etc/passwd",
    "http:///#/../../../../etc/passwd", "file:///#/../../../../etc/passwd",
    "http:///?/../../../../etc/passwd", "s3:///etc/passwd", "s3://#/../../etc/passwd",
    "s3://127.0.0.1:{port}/x", "s3://x@127.0.0.1:{port}/x", "s3://..%2f..%2fetc/passwd",
    "/etc/passwd", "//etc/passwd", "../../../../etc/passwd", "..\\..\\etc\\passwd",
    "..%2f..%2f..%2fetc%2fpasswd", "....//....//etc/passwd", "/proc/self/environ",
)  # fmt: skip
MODELS = (
    "/etc", "/etc/passwd", "/etc/shadow", "/not/there/at/all", "/dev/zero", "/dev/null",
    "{folder}/beside.onnx", "../beside.onnx", "out.onnx", "missing.onnx",
)  # fmt: skip


@pytest.fixture
def canary() -> Iterator[Canary]:
    with listening() as made:
        yield made


@pytest.fixture
def unlimited() -> Iterator[None]:
    """Sign in however often others did before."""
    limiter.enabled = False
    yield
    limiter.enabled = True


def places(canary: Canary) -> list[str]:
    return [address.format(port=canary.port) for address in WITHIN]


def work_off(app: Flask) -> None:
    calls.drain(app.extensions["hitworks"])


def listed(name: str, rows: list[dict[str, str]]) -> tuple[io.BytesIO, str]:
    """A manifest as JSON lines, with one picture beside it."""
    lines = "\n".join(json.dumps(row) for row in rows)
    return archive({"list.jsonl": lines.encode(), "own.jpg": picture()}), name


def test_no_address_within_is_a_place_to_import_from(app: Flask, canary: Canary) -> None:
    client, program = sign_in(app), Program(app)
    for number, place in enumerate(places(canary)):
        name = f"n{number}"
        answer = client.post("/datasets", data={"name": name, "place": place})
        assert answer.status_code == 422, place
        assert "root:" not in answer.text
        sent = program.send("/imports", {"name": name, "place": place})
        assert sent.status_code == 422, place
    work_off(app)
    assert canary.heard == []


@pytest.mark.parametrize("column", ["uri", "path"])
def test_no_row_of_a_list_reaches_within(app: Flask, canary: Canary, column: str) -> None:
    """The one row that is what it says is taken; the others are refused with a reason."""
    rows = [{"path": "own.jpg"}] if column == "path" else []
    rows += [{column: place} for place in places(canary)]
    form = {"name": "Listed", "files": listed("x.zip", rows)}
    answer = sign_in(app).post("/datasets", data=form, content_type="multipart/form-data")
    assert answer.status_code == 302, answer.text
    work_off(app)
    number = answer.headers["Location"].rpartition("/")[2]
    program = Program(app)
    found: Any = program.get(f"/imports/{number}").json
    assert (found["n_accepted"], found["n_refused"]) == (len(rows) - len(WITHIN), len(WITHIN))
    refused: Any = program.get(f"/imports/{number}/refused?limit=500").json
    assert all("root:" not in row["reason"] for row in refused["rows"])
    assert canary.heard == []


def test_no_hook_reaches_within(app: Flask, canary: Canary) -> None:
    program, place = Program(app), app.extensions["hitworks"]
    taken = []
    for address in places(canary):
        answer = program.send("/hooks", {"url": address})
        assert answer.status_code in (201, 422), address
        if answer.status_code == 201:
            taken.append(answer.json["hook"]["id"])  # type: ignore[index]
    with transaction(place.sessions) as session:
        report(session, "k", "something to tell", campaign.NOW, None)
    work_off(app)
    for hook_id in taken:
        rows: Any = program.get(f"/hooks/{hook_id}/deliveries").json
        assert rows["rows"]
        for told in rows["rows"]:
            assert told["status"] is None
            assert told["problem"] == NOT_PUBLIC
    assert canary.heard == []


def test_no_example_picture_is_a_file_of_the_server(app: Flask, canary: Canary) -> None:
    program = Program(app)
    for place in places(canary):
        if place.startswith(("http://", "https://")):
            continue  # a worker's browser asks for it, this server never does
        answer = program.send("/schemas", {**SCHEMA, "examples": [{"image": place}]})
        assert answer.status_code == 422, place
        assert "root:" not in answer.text
    named = [{"image": place} for place in places(canary) if place.startswith("http")]
    assert program.send("/schemas", {**SCHEMA, "examples": named}).status_code in (201, 422)
    assert canary.heard == []


def test_a_model_s_path_tells_nothing_of_the_server_s_files(app: Flask) -> None:
    """A folder was a server error, a device without end was read, and absence had its own words.

    A model that lies beside the folder of models is as good as none, by its name or by a link.
    """
    program = Program(app)
    models = app.extensions["hitworks"].settings.models()
    models.mkdir()
    constant_model(models.parent / "beside.onnx", SEES_NOTHING)
    (models / "out.onnx").symlink_to(models.parent / "beside.onnx")
    told = set()
    for number, named in enumerate(MODELS):
        model = named.format(folder=models.parent)
        options = {
            "tagger": "onnx_boxes",
            "tagger_options": {"model": model, "classes": ["cup"]},
        }
        route = {"provider": "model", "kind": "boxes", "redundancy": 1, "options": options}
        made: Any = program.send("/jobs", {**JOB, "name": f"m{number}", "routes": [route]}).json
        answer = program.send(f"/jobs/{made['summary']['id']}/estimate", None, "GET")
        assert answer.status_code == 422, (model, answer.text)
        assert program.get(f"/jobs/{made['summary']['id']}").status_code == 200
        told.add(answer.json["error"]["message"].replace(model, "FILE"))  # type: ignore[index]
    assert len(told) == 1, told
    assert "HITWORKS_MODELS_DIR" in told.pop()


def test_nobody_sets_an_endpoint(app: Flask, canary: Canary) -> None:
    """Of S3 or of a venue: both are settings of whoever runs the server."""
    program = Program(app, "admin")
    named = {"endpoint_url": canary.url, "s3_endpoint_url": canary.url}
    route = JOB["routes"][0]  # type: ignore[index]
    for name in named:
        one = {name: canary.url}
        for path, body in (
            ("/jobs", {**JOB, **one}),
            ("/jobs", {**JOB, "environment": canary.url}),
            ("/jobs", {**JOB, "routes": [{**route, **one}]}),  # type: ignore[dict-item]
            ("/imports", {"name": "x", "place": "s3://photos/in/", **one}),
            ("/hooks", {"url": "https://example.org/", **one}),
            ("/schemas", {**SCHEMA, **one}),
        ):
            assert program.send(path, body).status_code == 422, (path, body)
    options = {**route, "options": named}  # type: ignore[dict-item]
    made = program.send("/jobs", {**JOB, "routes": [options]})
    if made.status_code == 201:
        job_id = made.json["summary"]["id"]  # type: ignore[index]
        assert program.send(f"/jobs/{job_id}/launch").status_code == 422
    work_off(app)
    assert canary.heard == []


@pytest.mark.usefixtures("unlimited")
def test_what_an_endpoint_says_is_on_no_page(tmp_path: Path, canary: Canary) -> None:
    """Were the setting wrong, what answers there would still not be shown to a manager."""
    app = open_app(tmp_path / "data", s3_endpoint_url=canary.url)
    app.config["WTF_CSRF_ENABLED"] = False
    with transaction(app.extensions["hitworks"].sessions) as session:
        campaign.add_people(session)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client, program = sign_in(app, "admin"), Program(app, "admin")
        begun: Any = program.send("/imports", {"name": "x", "place": "s3://photos/in/"}).json
        rows = [{"uri": "s3://photos/a.jpg"}]
        form = {"name": "y", "files": listed("x.zip", rows)}
        client.post("/datasets", data=form, content_type="multipart/form-data")
        work_off(app)
    assert canary.heard
    seen = [program.get(f"/imports/{begun['id']}").text]
    seen += [program.get(f"/imports/{begun['id'] + 1}{end}").text for end in ("", "/refused")]
    for page in ("/health", "/datasets", "/findings", "/", f"/datasets/imports/{begun['id']}/state",
                 f"/datasets/imports/{begun['id'] + 1}/state"):  # fmt: skip
        seen.append(client.get(page).text)
    assert not [text for text in seen if SECRET in text]
    close(app)


KEYS = (
    "../../x.jpg", "../../../../../../var/climbed.jpg", "/abs.jpg", "in/../../b.jpg",
    "..\\..\\c.jpg", "k" * 1000 + ".jpg", "in//d.jpg", "in/./e.jpg", "CON.jpg", "in/~root.jpg",
)  # fmt: skip


def test_no_key_of_a_bucket_becomes_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="climbing")
    for number, key in enumerate(KEYS):
        client.put_object(Bucket="climbing", Key=key, Body=picture(60 + number))
    app = open_app(tmp_path / "in" / "deep" / "data", s3_endpoint_url=endpoint)
    with transaction(app.extensions["hitworks"].sessions) as session:
        campaign.add_people(session)
    program = Program(app)
    begun: Any = program.send("/imports", {"name": "x", "place": "s3://climbing/"}).json
    work_off(app)
    found: Any = program.get(f"/imports/{begun['id']}").json
    close(app)
    client.close()
    server.stop()
    assert found["state"] == "done"
    assert found["n_accepted"] + found["n_refused"] == len(KEYS)
    assert found["n_accepted"] >= 5
    written = [path for path in tmp_path.rglob("*") if path.suffix == ".jpg"]
    assert len(written) == found["n_accepted"]
    blobs = tmp_path / "in" / "deep" / "data" / "blobs"
    assert all(path.parent.parent == blobs and len(path.stem) == 64 for path in written)
