"""Imports over the API: pieces, start, progress, report."""

from __future__ import annotations

from flask import Flask

from jobs import calls
from tests.webapp import campaign
from tests.webapp.test_api import Program


def test_an_import_by_program_goes_from_pieces_to_a_report(app: Flask) -> None:
    program = Program(app)
    begun = program.send("/imports", {"name": "By program", "licence": "CC0"}).json
    assert (begun["state"], begun["n_files"]) == ("receiving", 0)
    address = f"/api/v1/imports/{begun['id']}"
    shots = campaign.shots()
    for name, data in (("a.jpg", shots[0].data), ("b.jpg", shots[0].data), ("c.jpg", b"x")):
        half = len(data) // 2
        for offset, piece in ((0, data[:half]), (half, data[half:])):
            sent = program.client.put(
                f"{address}/files?path={name}&offset={offset}", data=piece, headers=program.headers
            )
            assert sent.status_code == 200, sent.text
    for _ in range(2):
        assert program.send(f"/imports/{begun['id']}/start", {}).json["state"] == "planned"
    calls.drain(app.extensions["hitworks"])
    report = program.get(f"/imports/{begun['id']}").json
    assert (report["state"], report["n_accepted"], report["n_refused"]) == ("done", 1, 2)
    assert report["facts"]["faults"] == {"duplicate": 1, "no_image": 1}
    refused = program.get(f"/imports/{begun['id']}/refused?limit=1").json
    assert (refused["rows"][0]["name"], refused["next"]) == ("b.jpg", 2)
    listed = program.get(f"/datasets/{report['dataset_id']}/imports")
    assert [one["id"] for one in listed.json["rows"]] == [begun["id"]]
    assert program.send(f"/imports/{begun['id']}/cancel", {}).status_code == 409


def test_an_import_by_program_is_cancelled_or_refused(app: Flask) -> None:
    program = Program(app)
    begun = program.send("/imports", {"name": "By program"}).json
    assert program.send(f"/imports/{begun['id']}/cancel", {}).json["state"] == "cancelled"
    calls.drain(app.extensions["hitworks"])
    assert program.get(f"/imports/{begun['id']}").status_code == 404
    for body in ({"name": "x", "place": "/etc"}, {"name": ""}, {"place": "s3://b/k"}):
        assert program.send("/imports", body).status_code == 422
