"""Too much of anything, sent to the web app: refused early, and the next request is served."""

from __future__ import annotations

import io
import json

import pytest
from flask import Flask

from tests.webapp import campaign
from tests.webapp.browsing import sign_in
from tests.webapp.test_api import Program

LINE = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'
BOX = {"label": "eye", "left": 1, "top": 2, "right": 30, "bottom": 40}


@pytest.mark.parametrize("address", ["/datasets", "/account/password", "/sign-in"])
def test_a_hundred_thousand_parts_are_refused(app: Flask, address: str) -> None:
    client = sign_in(app)
    flood = PART * 100_000 + b"--b--\r\n"
    answer = client.post(address, data=flood, content_type=LINE)
    assert answer.status_code == 413
    assert client.get("/jobs").status_code == 200


def test_a_file_of_line_breaks_and_megabytes_is_read_in_one_pass(app: Flask) -> None:
    client = sign_in(app)
    file = PART.partition(b"\r\n\r\n")[0].replace(b'"a"', b'"files"; filename="a.jpg"')
    breaks = b"\r" + b"\n" * 3 + b"\r" * 8_000_000
    data = file + b"\r\n\r\n" + breaks + b"\r\n--b--\r\n"
    with client.post("/datasets", data=data, content_type=LINE) as answer:
        assert answer.status_code == 422  # a dataset without a name
    assert client.post("/account/password", data=data, content_type=LINE).status_code == 413


@pytest.mark.parametrize("address", ["/api/v1/schemas", "/account/password"])
def test_a_body_that_says_it_is_endless_is_not_waited_for(app: Flask, address: str) -> None:
    program, client = Program(app), sign_in(app)
    by = program.client if address.startswith("/api") else client
    answer = by.post(
        address,
        headers=program.headers,
        input_stream=io.BytesIO(b"{"),
        content_type="application/json" if by is program.client else LINE,
        environ_overrides={"CONTENT_LENGTH": str(2**31)},
    )
    assert answer.status_code == 413


def test_a_million_boxes_are_no_decision(app: Flask) -> None:
    program, client = Program(app), sign_in(app)
    before = program.get("/jobs/1/items/5").json
    path = "/jobs/1/items/5/labels/boxes"
    for n_boxes, status in ((20_000, 422), (1_000_000, 413)):
        boxes = [BOX] * n_boxes
        body = {"value": {"boxes": boxes}, "reason": "agreed", "expected_version": 0}
        assert program.send(path, body).status_code == status
        form = {"version": "0", "reason": "agreed", "boxes": json.dumps(boxes)}
        assert client.post("/jobs/1/items/5/decide/boxes", data=form).status_code == status
    assert program.get("/jobs/1/items/5").json == before


def test_asking_for_one_part_a_million_times_sends_the_picture_once(app: Flask) -> None:
    place = app.extensions["hitworks"]
    shot = campaign.shots()[0].data
    address = place.blobs.url(place.blobs.put(shot, "image/jpeg"))
    stranger = app.test_client()
    for parts in ("0-", ",".join(["0-"] * 5_000), "0-,1-,2-", "-1", "9999999-", "x"):
        headers = {"Range": f"bytes={parts}"}
        with stranger.get(address.removeprefix(place.settings.web_url()), headers=headers) as told:
            assert told.status_code in (200, 206, 416)
            assert len(told.data) <= len(shot) + 1000
        with stranger.get("/static/app.css", headers=headers) as told:
            assert told.status_code in (200, 206, 416)
            assert len(told.data) <= 200_000
