"""Files from outside end inside, under plain names, or not at all."""

from __future__ import annotations

import io
import stat
import warnings
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from jobs import calls
from jobs.errors import InvalidInput
from jobs.intake import archives
from tests.webapp import campaign
from tests.webapp.browsing import sign_in


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


def unpacked(data: io.BytesIO, folder: Path) -> list[str]:
    sent, laid = folder / "x.zip", folder / "laid"
    sent.write_bytes(data.getvalue())
    laid.mkdir()
    archives.unpack(sent, laid)
    return sorted(str(path.relative_to(laid)) for path in laid.rglob("*") if path.is_file())


def patched(data: io.BytesIO, old: bytes, new: bytes) -> io.BytesIO:
    assert len(old) == len(new)
    assert old in data.getvalue()
    return io.BytesIO(data.getvalue().replace(old, new))


def staged(app: Flask) -> list[Path]:
    folder = app.extensions["hitworks"].settings.data_dir / "uploads"
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def post(client: FlaskClient, address: str, data: object = None, **more: object) -> TestResponse:
    headers = {"Accept": "application/json"}
    return client.post(address, data=data, headers=headers, **more)  # type: ignore[arg-type]


def test_an_archive_is_unpacked_without_what_systems_leave_lying_about(tmp_path: Path) -> None:
    data = archive(
        {"photos/a.jpg": b"a", "photos/deep/b.jpg": b"b", "__MACOSX/x": b"", ".DS_Store": b"",
         "photos/Thumbs.db": b"", "photos/.hidden/c.jpg": b""}
    )  # fmt: skip
    assert unpacked(data, tmp_path) == ["photos/a.jpg", "photos/deep/b.jpg"]


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
        unpacked(archive({"good.jpg": b"x", name: b"x"}), tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["x.zip"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    with pytest.raises(InvalidInput, match="no plain file"):
        unpacked(archive({"x.jpg": b"/etc/passwd"}, kind), tmp_path)


def test_a_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="suspiciously"):
        unpacked(archive({"x.jpg": b"\0" * 50_000_000}), tmp_path)


def test_a_bomb_that_lies_about_its_size_is_cut_off(tmp_path: Path) -> None:
    data = archive({"x.jpg": b"\0" * 5_000_000})
    honest = (5_000_000).to_bytes(4, "little")
    with pytest.raises(InvalidInput, match=r"x\.(jpg|zip)"):
        unpacked(patched(data, honest, (900).to_bytes(4, "little")), tmp_path)
    assert sum(path.stat().st_size for path in (tmp_path / "laid").rglob("*.jpg")) < 2_000_000


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    data = archive({"x.jpg": b"x"}).getvalue()
    at = data.index(b"PK\x01\x02") + 8
    with pytest.raises(InvalidInput, match="without a password"):
        unpacked(io.BytesIO(data[:at] + b"\x01" + data[at + 1 :]), tmp_path)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_FILES", 3)
    with pytest.raises(InvalidInput, match="at most 3 files, got 4"):
        unpacked(archive({f"{n}.jpg": b"x" for n in range(4)}), tmp_path)


@pytest.mark.parametrize("name", ["in.zip", "in.tar.gz", "in.7z", "in.RAR"])
def test_an_archive_in_an_archive_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="is an archive itself"):
        unpacked(archive({name: b"x"}), tmp_path)


def test_a_file_twice_in_an_archive_is_refused(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as found, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found.writestr("a.jpg", b"1")
        found.writestr("a.jpg", b"2")
    with pytest.raises(InvalidInput, match="is in it twice"):
        unpacked(data, tmp_path)


@pytest.mark.parametrize("is_marked", [True, False])
def test_names_in_utf_8_are_read_whether_the_archiver_says_so_or_not(
    tmp_path: Path, is_marked: bool
) -> None:
    data = archive({"größe/日本.jpg": b"x"})
    if not is_marked:  # as macOS writes them
        plain = data.getvalue()
        for mark, offset in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
            at = plain.index(mark) + offset
            plain = plain[:at] + bytes([plain[at] & ~0x08]) + plain[at + 1 :]
        data = io.BytesIO(plain)
    assert unpacked(data, tmp_path) == ["größe/日本.jpg"]


def test_names_in_another_encoding_are_taken_as_they_come(tmp_path: Path) -> None:
    data = patched(archive({"gr__e.jpg": b"x"}), b"gr__e", "größe".encode("cp1252"))
    assert len(unpacked(data, tmp_path)) == 1


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04" + b"\0" * 40])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InvalidInput, match="readable zip"):
        unpacked(io.BytesIO(data), tmp_path)


def test_a_full_disk_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "LEAST_FREE_BYTES", 10**18)
    with pytest.raises(InvalidInput, match="do not fit on the server's disk"):
        unpacked(archive({"a.jpg": b"x"}), tmp_path)


def test_an_upload_becomes_a_dataset_whose_counts_add_up(app: Flask) -> None:
    client = sign_in(app)
    shots = campaign.shots()
    members = {shot.name: shot.data for shot in shots[:5]}
    data = archive({**members, "twice.jpg": shots[0].data, "torn.jpg": shots[1].data[:500]})
    form = {"name": "Mine", "licence": "CC0", "files": (data, "x.zip")}
    answer = client.post("/datasets", data=form, content_type="multipart/form-data")
    assert answer.status_code == 302
    page = answer.headers["Location"]
    assert "are here; opening them" in client.get(f"{page}/state").text
    calls.drain(app.extensions["hitworks"])
    state = client.get(f"{page}/state").text
    assert "of 7 found" in state
    assert "The same image as another one" in state
    assert "Damaged or cut off" in state
    lines = client.get(f"{page}/refused.csv").text.splitlines()
    assert lines[0] == "row,file,kind,reason"
    assert {line.split(",")[2] for line in lines[1:]} == {"duplicate", "damaged"}
    assert "New job with it" in client.get("/datasets/2").text
    assert not staged(app)


def test_files_sent_in_parcels_and_pieces_become_a_dataset(app: Flask) -> None:
    client = sign_in(app)
    shots = campaign.shots()
    begun = post(client, "/datasets/imports", {"name": "Sent"}).json
    small = [(io.BytesIO(shot.data), f"in/{shot.name}") for shot in shots[:3]]
    small.append((io.BytesIO(b"x"), "in/.DS_Store"))
    sent = {"files": small}
    assert post(client, begun["files"], sent, content_type="multipart/form-data").json["kept"] == 3
    large = archive({shot.name: shot.data for shot in shots[3:6]}).getvalue()
    half = len(large) // 2
    for offset, piece in ((0, large[:half]), (0, large[:half]), (half, large[half:])):
        answer = post(client, f"{begun['files']}?path=big.zip&offset={offset}", piece)
    assert answer.json["size"] == len(large)
    page = post(client, begun["start"]).json["page"]
    assert post(client, begun["start"]).json["page"] == page
    calls.drain(app.extensions["hitworks"])
    assert "of 6 found" in client.get(f"{page}/state").text
    assert not staged(app)
    assert post(client, f"{begun['files']}?path=a.jpg&offset=0", b"late").status_code == 409
    assert post(client, begun["cancel"]).status_code == 409


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("path=a.jpg&offset=5", 409, "expected the piece from byte 0 on"),
        ("path=../a.jpg&offset=0", 422, "expected a plain relative path"),
        ("path=a.rar&offset=0", 422, "expected a zip archive"),
        ("path=a.jpg&offset=-1", 422, "offset"),
        ("path=&offset=0", 422, "expected a plain relative path"),
    ],
)
def test_a_piece_that_fits_nowhere_is_refused(
    app: Flask, query: str, status: int, told: str
) -> None:
    client = sign_in(app)
    begun = post(client, "/datasets/imports", {"name": "Sent"}).json
    answer = post(client, f"{begun['files']}?{query}", b"123")
    assert answer.status_code == status
    assert told in answer.json["error"]["message"]
    assert not staged(app)


def test_a_hostile_archive_is_refused_at_the_door_and_leaves_nothing(app: Flask) -> None:
    client = sign_in(app)
    begun = post(client, "/datasets/imports", {"name": "Sent"}).json
    data = {"files": [(archive({"../x.jpg": b"x"}), "a.zip")]}
    post(client, begun["files"], data, content_type="multipart/form-data")
    answer = post(client, begun["start"])
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "invalid_input")
    calls.drain(app.extensions["hitworks"])
    assert not staged(app)
    assert client.get(begun["start"].removesuffix("/start")).status_code == 404


def test_a_cancelled_upload_is_gone(app: Flask) -> None:
    client = sign_in(app)
    begun = post(client, "/datasets/imports", {"name": "Sent"}).json
    data = {"files": [(io.BytesIO(b"x"), "a.jpg")]}
    post(client, begun["files"], data, content_type="multipart/form-data")
    assert client.post(begun["cancel"]).status_code == 302
    calls.drain(app.extensions["hitworks"])
    assert not staged(app)
    assert "/datasets/imports/2" not in client.get("/datasets").text


def test_a_place_that_is_not_open_to_imports_is_refused(app: Flask) -> None:
    client = sign_in(app)
    for place in ("/etc", "s3://", "file:///etc/passwd"):
        answer = client.post("/datasets", data={"name": "x", "place": place})
        assert answer.status_code == 422, place
        assert "place" in answer.text or "s3://bucket" in answer.text


@pytest.mark.parametrize(
    ("name", "file"),
    [("", "x.zip"), ("ok", ""), ("x" * 300, "x.zip"), ("a\nb", "x.zip")],
)
def test_an_upload_without_a_name_or_files_is_a_422(app: Flask, name: str, file: str) -> None:
    form = {"name": name, "files": (archive({"a.jpg": campaign.shots()[0].data}), file)}
    answer = sign_in(app).post("/datasets", data=form, content_type="multipart/form-data")
    assert answer.status_code == 422
    calls.drain(app.extensions["hitworks"])
    assert not staged(app)


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
