import json
import os

import pytest
from sqlalchemy import select

from jobs import formats
from jobs.errors import InvalidInput
from jobs.intake.datasets import import_dataset
from jobs.tables import Dataset, Intake, Item
from tests.factories import NOW
from tests.jobs.coco_files import coco
from tests.jobs.pictures import bomb, picture


def items(session):
    return session.scalars(select(Item).order_by(Item.id)).all()


def reasons(report):
    return {refusal.name: refusal.reason for refusal in report.refusals}


def test_a_folder_becomes_items_in_order(take_in, session, blobs, photos):
    seen = []
    report = take_in(
        photos, licence="CC0-1.0", progress=lambda done, all_: seen.append((done, all_))
    )
    assert (report.n_rows, report.n_accepted, report.n_refused) == (4, 4, 0)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    rows = items(session)
    assert [row.name for row in rows] == ["0.jpg", "1.jpg", "2.jpg", "more/turned.png"]
    assert [(row.width, row.height) for row in rows] == [(40, 20), (41, 20), (42, 20), (30, 60)]
    assert {row.licence for row in rows} == {"CC0-1.0"}
    assert blobs.read(rows[0].blob_key) == picture(40, 20)


def test_importing_twice_adds_nothing(take_in, session, photos):
    take_in(photos)
    again = take_in(photos)
    assert (again.n_rows, again.n_accepted, again.n_refused) == (4, 0, 4)
    assert all("duplicate: the same image as" in refusal.reason for refusal in again.refusals)
    assert len(items(session)) == 4
    assert len(session.scalars(select(Intake)).all()) == 2
    assert len(session.scalars(select(Dataset)).all()) == 1


def test_rows_in_are_rows_accepted_and_refused(take_in, session, photos):
    (photos / "copy.jpg").write_bytes(picture(40, 20))
    (photos / "cut.jpg").write_bytes(picture(40, 20)[:200])
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "bomb.png").write_bytes(bomb(50_000, 50_000))
    (photos / "page.jpg").write_bytes(b"<html><script>alert(1)</script>")
    (photos / "notes.txt").write_text("hello")
    (photos / ".hidden.jpg").write_bytes(picture())
    report = take_in(photos)
    assert (report.n_rows, report.n_accepted, report.n_refused) == (10, 4, 6)
    assert "duplicate" in reasons(report)["copy.jpg"]
    assert "truncated" in reasons(report)["cut.jpg"]
    assert "pixels" in reasons(report)["bomb.png"]
    assert all("expected a JPEG" in reasons(report)[name] for name in ("page.jpg", "notes.txt"))
    intake = session.scalars(select(Intake)).one()
    assert (intake.n_rows, intake.n_accepted, intake.n_refused) == (10, 4, 6)
    assert [refusal["name"] for refusal in intake.refusals] == sorted(reasons(report))


def test_links_that_lead_out_and_things_that_are_no_files_are_refused(take_in, photos, tmp_path):
    (tmp_path / "outside.jpg").write_bytes(picture(90, 90))
    (photos / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    (photos / "loop.jpg").symlink_to(photos / "loop.jpg")
    (photos / "zero.jpg").symlink_to("/dev/zero")
    os.mkfifo(photos / "pipe.jpg")
    (photos / "folder.jpg").symlink_to(photos / "more")
    report = take_in(photos)
    assert report.n_accepted == 4
    assert set(reasons(report)) >= {"link.jpg", "loop.jpg", "zero.jpg", "pipe.jpg"}


@pytest.mark.parametrize("name", ["a\nb.jpg", "a\u202eb.jpg", b"a\xffb.jpg"])
def test_a_file_with_an_unprintable_name_is_refused(take_in, photos, name):
    (photos / os.fsdecode(name)).write_bytes(picture(77, 20))
    report = take_in(photos)
    assert (report.n_accepted, report.n_refused) == (4, 1)
    assert report.refusals[0].name.isprintable()
    assert report.refusals[0].reason.isprintable()


def test_nothing_is_written_for_a_source_that_cannot_be_read(take_in, session, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.json").write_text("{")
    for source, form in [
        (tmp_path / "missing", "folder"),
        (tmp_path / "empty", "folder"),
        (tmp_path / "missing.csv", "manifest"),
        (tmp_path / "bad.json", "coco"),
        (tmp_path, "nonsense"),
        (tmp_path, "voc"),
    ]:
        with pytest.raises(InvalidInput):
            take_in(source, form)
    assert not session.scalars(select(Dataset)).all()


@pytest.mark.parametrize("name", ["", " ", "a" * 201, "a\nb"])
def test_a_dataset_has_a_name(session, blobs, photos, name):
    with pytest.raises(InvalidInput, match="dataset name"):
        import_dataset(session, blobs, name=name, source=photos, format="folder", now=NOW)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_manifest_carries_facts_about_each_image(take_in, session, photos, suffix):
    manifest = photos / f"list.{suffix}"
    rows = [
        {"path": "0.jpg", "name": "first", "licence": "CC-BY-4.0", "source": "Ada", "camera": "K1"},
        {"path": "more/turned.png", "camera": "K2"},
    ]
    if suffix == "csv":
        manifest.write_text(
            "path,name,licence,source,camera\n0.jpg,first,CC-BY-4.0,Ada,K1\n"
            "more/turned.png,,,,K2\n",
            encoding="utf-8-sig",
        )
    else:
        manifest.write_text("\n".join(map(json.dumps, rows)))
    report = take_in(manifest, "manifest", licence="CC0-1.0", item_source="archive")
    assert report.n_accepted == 2
    first, second = items(session)
    assert (first.name, first.licence, first.source) == ("first", "CC-BY-4.0", "Ada")
    assert (second.name, second.licence, second.source) == (
        "more/turned.png", "CC0-1.0", "archive",
    )  # fmt: skip
    assert [row.attributes for row in (first, second)] == [{"camera": "K1"}, {"camera": "K2"}]


@pytest.mark.parametrize(
    "path",
    [
        "../outside.jpg", "/etc/hostname", "more/../../outside.jpg", "..\\outside.jpg",
        "C:\\x.jpg", "file:///etc/passwd", "http://127.0.0.1/x.jpg", "http://169.254.169.254/",
        "gopher://x/y", "//host/share", "missing.jpg", "a" * 300, "more",
        ".", "", "a\0b.jpg", "link.jpg",
        "linked/outside.jpg",
    ],
)  # fmt: skip
def test_a_manifest_stays_in_its_folder(take_in, session, photos, tmp_path, path):
    (tmp_path / "outside.jpg").write_bytes(picture(90, 90))
    (photos / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    (photos / "linked").symlink_to(tmp_path)
    manifest = photos / "list.jsonl"
    manifest.write_text(json.dumps({"path": path}) + "\n" + json.dumps({"path": "0.jpg"}))
    report = take_in(manifest, "manifest")
    assert (report.n_rows, report.n_accepted, report.n_refused) == (2, 1, 1)
    assert [row.name for row in items(session)] == ["0.jpg"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "header"),
        (b"path;name\n0.jpg;x\n", "commas"),
        (b"path,path\n0.jpg,x\n", "twice"),
        ("path\n0.jpg\n".encode("utf-16"), "UTF-8"),
        (b"path\n\xff.jpg\n", "UTF-8"),
        (b'path\n"0.jpg\n', "line 2"),
        (b"path\n" + b"x" * 200_000, "line 2"),
        (b"path\n", "no rows"),
    ],
)
def test_a_manifest_that_is_no_table_is_refused_whole(take_in, session, photos, text, reason):
    manifest = photos / "list.csv"
    manifest.write_bytes(text)
    with pytest.raises(InvalidInput, match=reason):
        take_in(manifest, "manifest")
    assert not items(session)


@pytest.mark.parametrize(
    "row",
    [
        b"0.jpg,x,y,z", b"0.jpg", b",", b"0.jpg,s3://b/k",
    ],
)  # fmt: skip
def test_a_faulty_row_of_a_manifest_is_refused_alone(take_in, photos, row):
    manifest = photos / "list.csv"
    manifest.write_bytes(b"path,uri\n" + row + b"\n1.jpg,\n")
    report = take_in(manifest, "manifest")
    assert (report.n_rows, report.n_accepted, report.n_refused) == (2, 1, 1)


@pytest.mark.parametrize(
    "row",
    ["[1]", "{", '{"path": 7}', '{"path": "0.jpg", "path": "1.jpg"}', '{"a": NaN}', "[" * 9999],
)
def test_a_faulty_line_of_a_manifest_is_refused_alone(take_in, photos, row):
    manifest = photos / "list.jsonl"
    manifest.write_text(row + '\n\n{"path": "1.jpg"}\n')
    report = take_in(manifest, "manifest")
    assert (report.n_rows, report.n_accepted, report.n_refused) == (2, 1, 1)


@pytest.mark.parametrize(
    "value", ['"\\ud800"', '"\\u0000"', '"' + "x" * 70_000 + '"', "[" * 900 + "]" * 900]
)
def test_a_column_that_no_database_can_hold_is_refused(take_in, session, photos, value):
    manifest = photos / "list.jsonl"
    manifest.write_text(f'{{"path": "0.jpg", "note": {value}}}\n{{"path": "1.jpg", "note": "é"}}\n')
    report = take_in(manifest, "manifest")
    assert report.n_rows == 2
    assert items(session)[-1].attributes == {"note": "é"}
    session.refresh(items(session)[0])


def test_a_coco_file_brings_its_images(take_in, session, photos):
    images = [
        {"id": 1, "file_name": "0.jpg", "license": 4, "coco_url": "https://example.com/0"},
        {"id": 2, "file_name": "../x.jpg"},
        {"id": 3},
        {"id": 4, "file_name": "1.jpg"},
    ]
    report = take_in(coco(photos, images=images), "coco")
    assert (report.n_rows, report.n_accepted, report.n_refused) == (4, 2, 2)
    first, second = items(session)
    assert (first.licence, first.source) == ("CC-BY-4.0", "https://example.com/0")
    assert (second.licence, second.source) == ("", "")


def test_a_coco_file_may_keep_its_images_beside_it(take_in, session, tmp_path):
    (tmp_path / "set" / "images").mkdir(parents=True)
    (tmp_path / "set" / "images" / "0.jpg").write_bytes(picture())
    images = [{"id": 1, "file_name": "0.jpg"}]
    assert take_in(coco(tmp_path / "set", images=images), "coco").n_accepted == 1


def test_the_formats_say_what_they_can_do():
    assert formats.names_with("read_items") == ("coco", "folder", "manifest")
    assert formats.names_with("write") == formats.names_with("read")
    with pytest.raises(InvalidInput, match="coco, folder, manifest"):
        formats.item_reader("nonsense")
