"""Files and names from outside: what they are served as, and what an archive is given of them."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from jobs import calls
from jobs.db import reading, transaction
from jobs.formats import names_with
from jobs.tables import Dataset, Item, Job, Worker
from tests.webapp.browsing import sign_in
from tests.webapp.test_api import Program
from tests.webapp.test_exporting import draw_boxes

SCRIPT = b"<script>alert(1)</script>"
HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
XHTML = b'<html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>'
XSLT = (
    b'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#s"?><r><xsl:stylesheet id="s" '
    b'xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"/></r>'
)
NO_PICTURES = {"html": HTML, "svg": SVG, "xhtml": XHTML, "xslt": XSLT, "js": b"alert(1)//"}
NAMES = ("x.html", "x.svg", "x.jpg.html", "x.xhtml", "x.js", "x.jpg;.html")
TYPES = ("text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "x/<script>")


def commented() -> bytes:
    """A JPEG in whose EXIF a script stands."""
    image, data = Image.new("RGB", (80, 60), "teal"), io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = SCRIPT.decode()
    image.save(data, "JPEG", exif=exif, comment=HTML)
    return data.getvalue()


def polyglot() -> bytes:
    """A GIF that a lax reader takes for a script: ``GIF89a/*...*/=1;alert(1)``."""
    data = io.BytesIO()
    Image.new("P", (0x2F, 0x2A), 3).save(data, "GIF")
    return data.getvalue() + b"*/=1;alert(1)//" + HTML


def send(client: FlaskClient, name: str, *files: tuple[bytes, str, str]) -> str:
    """The page of the import that these files begin."""
    parts = [(io.BytesIO(data), file, kind) for data, file, kind in files]
    form = {"name": name, "files": parts}
    answer = client.post("/datasets", data=form, content_type="multipart/form-data")
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def keys(app: Flask, name: str) -> list[str]:
    with reading(app.extensions["hitworks"].sessions) as session:
        of_it = select(Item.blob_key).join(Dataset).where(Dataset.name == name)
        return list(session.scalars(of_it))


@pytest.mark.parametrize("kind", ["image/jpeg", "image/gif"])
def test_a_picture_is_served_as_what_it_is_whatever_it_was_called(app: Flask, kind: str) -> None:
    """Its bytes decide, not its name nor the type its part declares."""
    client, place = sign_in(app), app.extensions["hitworks"]
    hostile = commented() if kind == "image/jpeg" else polyglot()
    called = [(name, "image/jpeg") for name in NAMES] + [("x.jpg", declared) for declared in TYPES]
    called += list(zip(NAMES, TYPES, strict=False))
    sent = [
        (hostile + b"%d" % number, f"{number}{name}", declared)
        for number, (name, declared) in enumerate(called)
    ]
    send(client, "Named", *sent)
    calls.drain(place)
    served = keys(app, "Named")
    assert len(served) == len(called)
    for key in served:
        where = place.blobs.url(key).removeprefix(place.settings.web_url())
        for address in (where, f"/images/{key}", f"/thumbnails/320/{key}"):
            answer = client.get(address)
            assert answer.status_code == 200
            assert answer.mimetype == ("image/jpeg" if "thumb" in address else kind)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize("kind", NO_PICTURES)
@pytest.mark.parametrize("declared", ["image/jpeg", "image/svg+xml"])
def test_what_is_no_picture_is_never_kept(app: Flask, kind: str, declared: str) -> None:
    client = sign_in(app)
    names = (f"x.{kind}", "x.jpg", f"x.jpg.{kind}", "x.svg")
    page = send(client, "None", *((NO_PICTURES[kind], n, declared) for n in dict.fromkeys(names)))
    calls.drain(app.extensions["hitworks"])
    assert keys(app, "None") == []
    assert "<script>alert" not in client.get(page).text
    blobs = app.extensions["hitworks"].settings.data_dir / "blobs"
    assert not [one for one in blobs.rglob("*") if one.suffix in (".html", ".svg", ".js", ".xml")]
    example = {"name": "q", "classes": "mug", "example-good": (io.BytesIO(SVG), "x.jpg", declared)}
    answer = client.post(
        "/jobs/new/question?dataset=1", data=example, content_type="multipart/form-data"
    )
    assert answer.status_code == 422


CLIMBING = (
    "../../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "..%2f..%2fetc%2fpasswd",
    "....//....//etc/passwd", "..\\..\\etc\\passwd", "C:\\Windows\\win.ini", "CON", "aux.txt",
    "dot.", "../web-secret-key", "a/../../../web-secret-key", "line\nbreak",
    "\u202egpj.exe", "~root/.ssh/id", "x" * 300, "👁️/👁️", "https://127.0.0.1/x", "-rf",
)  # fmt: skip


@pytest.mark.parametrize("form", names_with("write"))
def test_no_name_brings_a_file_of_the_server_into_an_export(app: Flask, form: str) -> None:
    """Names as hostile as a database holds, past every check at the door."""
    place, program = app.extensions["hitworks"], Program(app)
    draw_boxes(app)
    secret = (place.settings.data_dir / "web-secret-key").read_bytes().strip()
    with transaction(place.sessions) as session:
        session.get_one(Job, 1).name = "../../etc/cron.d/x"
        session.get_one(Dataset, 1).name = "../../y"
        for worker in session.query(Worker):
            worker.provider_worker_id = f"../{worker.id}"
        items = session.query(Item).filter_by(dataset_id=1).order_by(Item.id).all()
        for item, name in zip(items, CLIMBING, strict=False):
            item.name, item.source = (
                name.replace("\0", "\\0"),
                f"file://{name[:90]}".replace("\0", ""),
            )
    body: dict[str, Any] = {"format": form, "name": "x"}
    archived = program.send("/jobs/1/exports", {**body, "with_images": True})
    if archived.status_code == 422:  # not an archive
        archived = program.send("/jobs/1/exports", body)
    assert archived.status_code == 202, archived.text
    calls.drain(place)
    number = archived.json["id"]  # type: ignore[index]
    done: Any = program.get(f"/jobs/1/exports/{number}").json
    assert done["state"] == "done", done
    assert "/" not in done["file_name"]
    with program.get(f"/jobs/1/exports/{number}/file") as answer:
        data = answer.data
        disposition = answer.headers["Content-Disposition"]
    assert ".." not in disposition
    assert "/" not in disposition.replace("filename*=UTF-8''", "")
    assert b"root:" not in data
    assert secret not in data
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as found:
            members = found.namelist()
            assert b"root:" not in b"".join(map(found.read, members))
            assert not any(secret in found.read(name) for name in members)
        for member in members:
            assert member.isascii()
            assert ".." not in member.split("/")
            assert not member.startswith(("/", "-", "~"))
            assert not {"\\", ":"} & set(member)
    folder = place.settings.data_dir / "exports"
    assert {path.parent for path in folder.rglob("*") if path.is_file()} == {folder}
