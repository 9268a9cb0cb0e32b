import hashlib
import json
import zipfile

import pytest
from sqlalchemy import select

from jobs import formats
from jobs.blobs import LocalBlobs
from jobs.consensus import combine_job
from jobs.errors import InvalidInput, NotFound
from jobs.exports import exports_folder, write_export, write_file
from jobs.job_specs import Policy, QualityPolicy
from jobs.labels import finish_job
from jobs.settings import Settings
from jobs.tables import Export, Item, Label
from tests.factories import (
    NOW,
    box,
    make_answer,
    make_dataset,
    make_hits,
    make_job,
    make_route,
    make_worker,
    settle,
)
from tests.jobs.pictures import picture

BOXES = {"boxes": [box(1, 2, 30, 40), box(5.25, 6, 7, 8.5, "dog")]}
SIMPLE = Policy(quality=QualityPolicy(tag_method="majority", box_method="iou_clusters"))
RED = {"tags": {"colour": "red"}}


def label(session, job, item, kind="boxes", value=BOXES, version=1, **more):
    row = Label(
        job_id=job.id,
        item_id=item.id,
        kind=kind,
        version=version,
        value=value,
        confidence=more.pop("confidence", 0.9),
        origin="consensus",
        provenance=more.pop("provenance", {}),
        actor="system",
        created_at=NOW,
    )
    session.add(row)
    settle(session, job, item, kind)
    return row


@pytest.fixture
def job(session):
    items = make_dataset(session, 3)
    made = make_job(session, items)
    for item in reversed(items):
        label(session, made, item, "tags", RED)
        label(session, made, item)
    return made


@pytest.fixture
def export(session, blobs, tmp_path):
    def run(job, form, **more):
        row = write_export(
            session, blobs, job.id, form, tmp_path / "out", actor="ada", now=NOW, **more
        )
        return row, (tmp_path / "out" / row.file_name).read_bytes()

    return run


def lines(data):
    return [json.loads(line) for line in data.splitlines()]


@pytest.mark.parametrize("form", formats.names_with("write"))
def test_an_export_repeated_is_the_same_file(export, job, session, tmp_path, form):
    first, data = export(job, form)
    second, again = export(job, form)
    assert data == again
    assert first.file_name == second.file_name
    assert first.sha256 == hashlib.sha256(data).hexdigest()
    assert first.n_labels == {"jsonl": 6, "coco": 6}.get(form, 3)
    assert first.state == "done"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [first.file_name]
    assert len(session.scalars(select(Export)).all()) == 2


def test_labels_come_in_the_order_of_import(export, job):
    _, data = export(job, "jsonl")
    assert [(each["item"], each["kind"]) for each in lines(data)] == [
        (f"photo-{number}.jpg", kind) for number in range(3) for kind in ("boxes", "tags")
    ]


def test_only_the_newest_version_counts(export, job, session):
    item = session.scalars(select(Item)).first()
    label(session, job, item, "tags", {"tags": {"colour": "blue"}}, version=2)
    label(session, job, item, "tags", {"tags": {"colour": "green"}}, version=3, confidence=1.0)
    _, data = export(job, "jsonl")
    found = [each for each in lines(data) if each["item"] == item.name and each["kind"] == "tags"]
    assert [(each["value"], each["confidence"]) for each in found] == [
        ({"tags": {"colour": "green"}}, 1.0)
    ]


def test_another_job_of_the_same_items_keeps_its_labels(export, job, session):
    items = session.scalars(select(Item)).all()
    other = make_job(session, items, name="other")
    label(session, other, items[0], "tags", {"tags": {"colour": "blue"}}, version=9)
    assert len(lines(export(other, "jsonl")[1])) == 1
    assert len(lines(export(job, "jsonl")[1])) == 6


def test_a_label_in_doubt_is_not_exported(export, session, job):
    before = export(job, "jsonl")[0].n_labels
    settle(session, job, session.scalars(select(Item)).first(), "tags", "conflict")
    assert export(job, "jsonl")[0].n_labels == before - 1


def test_pages_follow_each_other_without_gap_or_overlap(export, session):
    items = make_dataset(session, 1203, "many")
    made = make_job(session, items, name="many")
    for item in items:
        label(session, made, item, "tags", RED)
    row, data = export(made, "csv_tags")
    assert row.n_labels == 1203
    names = [line.split(",")[0] for line in data.decode().splitlines()[1:]]
    assert names == [item.name for item in items]


def test_workers_appear_under_a_name_of_this_job_only(export, session):
    items = make_dataset(session, 2)
    cast = [make_worker(session, name) for name in ("ben", "cho", "dan")]
    found = []
    for name in ("first", "second"):
        made = make_job(session, items, name=name, policy=SIMPLE)
        for hit in make_hits(session, make_route(session, made, kind="boxes"), items):
            for worker in cast:
                make_answer(session, hit, worker, {"boxes": [box(10, 10, 90, 80)]})
        combine_job(session, made.id, NOW)
        finish_job(session, made.id, NOW)
        _, data = export(made, "jsonl")
        assert not any(worker.provider_worker_id.encode() in data for worker in cast)
        found.append(lines(data))
    for exported in found:
        first, second = exported
        voters = [voter["worker"] for voter in first["provenance"]["voters"]]
        assert len(set(voters)) == 3
        assert voters == sorted(voters)
        assert [voter["worker"] for voter in second["provenance"]["voters"]] == voters
        assert set(first["provenance"]["voters"][0]) == {"worker", "provider", "weight"}
        assert first["provenance"]["boxes"][0]["workers"] == voters
        assert "answers" not in first["provenance"]["boxes"][0]
        assert first["provenance"]["method"]
    ours, theirs = (
        {voter["worker"] for voter in exported[0]["provenance"]["voters"]} for exported in found
    )
    assert not ours & theirs


def test_images_travel_in_archives_when_asked(export, session, blobs):
    items = make_dataset(session, 1)
    items[0].blob_key = blobs.put(picture(), "image/jpeg")
    made = make_job(session, items)
    label(session, made, items[0])
    for form, folder in (("yolo", "images"), ("voc", "JPEGImages")):
        row, data = export(made, form, with_images=True)
        assert isinstance(blobs, LocalBlobs)
        assert picture() in data
        assert row.file_name.startswith(f"label_pets-{form}-")
        assert f"{folder}/photo-0.jpg".encode() in data
    with pytest.raises(InvalidInput, match="archives only"):
        export(made, "coco", with_images=True)


def test_a_failed_export_leaves_no_file(session, blobs, tmp_path, job):
    with pytest.raises(NotFound):
        write_file(session, blobs, job.id, "yolo", tmp_path / "out", with_images=True)
    assert list((tmp_path / "out").iterdir()) == []
    assert not session.scalars(select(Export)).all()


def test_a_job_without_labels_of_the_kind_is_refused(export, session, tmp_path):
    items = make_dataset(session, 1)
    made = make_job(session, items)
    label(session, made, items[0], "tags", RED)
    assert export(made, "csv_tags")
    with pytest.raises(InvalidInput, match="no labels of boxes yet"):
        export(made, "voc")
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_an_unknown_job_or_format_is_refused(export, job, session, blobs, tmp_path):
    with pytest.raises(InvalidInput, match="coco, csv_spreadsheet"):
        export(job, "manifest")
    with pytest.raises(NotFound):
        write_export(session, blobs, 99, "coco", tmp_path, actor="ada", now=NOW)


def test_a_hostile_job_name_stays_a_file_name(export, session):
    items = make_dataset(session, 1)
    made = make_job(session, items, name="../../etc/cron.d/x")
    label(session, made, items[0])
    row, _ = export(made, "coco")
    assert row.file_name.startswith("etc__cron.d__x-coco-")


def test_a_box_export_holds_the_label_to_a_hundredth(export, job, tmp_path):
    row, _ = export(job, "voc")
    with zipfile.ZipFile(tmp_path / "out" / row.file_name) as archive:
        assert archive.namelist()[:3] == [f"Annotations/photo-{n}.xml" for n in range(3)]
        assert "<xmin>5.25</xmin>" in archive.read("Annotations/photo-0.xml").decode()


def test_exports_lie_in_the_data_folder(tmp_path):
    assert exports_folder(Settings(data_dir=tmp_path)) == tmp_path / "exports"
