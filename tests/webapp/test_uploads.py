"""Files from outside end inside, under plain names, or not at all."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage

from jobs.errors import InvalidInput
from tests.webapp import campaign
from tests.webapp.browsing import sign_in
from webapp import uploads


def archive(members: dict[str, bytes], kind: int = 0) -> io.BytesIO:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as found:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (kind | 0o644) << 16
            found.writestr(info, content)
    data.seek(0)
    return data


def send(data: io.BytesIO, name: str, folder: Path) -> list[str]:
    with uploads.received([FileStorage(data, name)], folder) as sent:
        top = sent.source if sent.source.is_dir() else sent.source.parent
        return sorted(str(p.relative_to(top)) for p in top.rglob("*") if p.is_file())


def test_an_archive_lies_in_its_folder_and_is_gone_afterwards(tmp_path: Path) -> None:
    data = archive(
        {"photos/a.jpg": b"a", "photos/deep/b.jpg": b"b", "__MACOSX/x": b"", ".DS_Store": b""}
    )
    assert send(data, "photos.zip", tmp_path) == ["a.jpg", "deep/b.jpg"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name",
    [
        "../x.jpg", "a/../../x.jpg", "/etc/x.jpg", "..\\x.jpg", "C:\\x.jpg", "C:x.jpg", "CON",
        "aux.jpg",
        "a/nul", "x.jpg.", "x ", "a/" * 30 + "x", "x" * 300, "a\x01.jpg", "a:b.jpg", "a|b", "..",
        "\u202egpj.exe",
    ],
)  # fmt: skip
def test_a_name_that_climbs_or_confuses_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="expected a plain relative path"):
        send(archive({name: b"x"}), "x.zip", tmp_path)
    assert not list(tmp_path.rglob("x.jpg"))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    with pytest.raises(InvalidInput, match="no plain file"):
        send(archive({"x.jpg": b"/etc/passwd"}, kind), "x.zip", tmp_path)


def test_a_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="suspiciously"):
        send(archive({"x.jpg": b"\0" * 50_000_000}), "x.zip", tmp_path)


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    files = [FileStorage(io.BytesIO(b"1"), "a.jpg"), FileStorage(io.BytesIO(b"2"), "a.jpg")]
    with pytest.raises(InvalidInput, match="sent twice"), uploads.received(files, tmp_path):
        pass


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04" + b"\0" * 40])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InvalidInput):
        send(io.BytesIO(data), "x.zip", tmp_path)


def test_an_upload_becomes_a_dataset_whose_counts_add_up(app: Flask) -> None:
    client = sign_in(app)
    shots = campaign.shots()
    members = {shot.name: shot.data for shot in shots[:5]}
    data = archive({**members, "twice.jpg": shots[0].data, "torn.jpg": shots[1].data[:500]})
    form = {"name": "Mine", "licence": "CC0", "files": (data, "x.zip"), "then": "new-job"}
    answer = client.post("/datasets", data=form, content_type="multipart/form-data")
    assert answer.status_code == 302
    assert "dataset=" in answer.headers["Location"]
    page = client.get("/datasets/2").text
    assert "7 rows = 5 taken in + 2 refused" in page
    assert "duplicate" in page


@pytest.mark.parametrize(
    ("name", "file"),
    [("", "x.zip"), ("ok", ""), ("x" * 300, "x.zip"), ("a\nb", "x.zip")],
)
def test_an_upload_without_a_name_or_files_is_a_422(app: Flask, name: str, file: str) -> None:
    form = {"name": name, "files": (archive({"a.jpg": campaign.shots()[0].data}), file)}
    answer = sign_in(app).post("/datasets", data=form, content_type="multipart/form-data")
    assert answer.status_code == 422


def test_a_form_with_too_many_parts_or_bytes_is_cut_off(app: Flask) -> None:
    client = sign_in(app)
    many = {f"field{number}": "x" for number in range(3000)}
    assert client.post("/people", data=many, content_type="multipart/form-data").status_code in (
        403,
        413,
    )
    assert (
        client.post("/account/password", data=many, content_type="multipart/form-data").status_code
        == 413
    )
    assert client.post("/account/password", data=b"x" * 3_000_000).status_code == 413
