"""What an export holds, whatever the database."""

import hashlib
import json
import zipfile
from io import BytesIO

import pytest
from sqlalchemy import select

from jobs import formats
from jobs.combining.consensus import combine_job
from jobs.combining.labels import finish_job
from jobs.db import reading, transaction
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.exporting.files import exports_folder
from jobs.formats import EXTRAS
from jobs.settings import Settings
from jobs.specs.job_specs import Policy, QualityPolicy
from jobs.specs.label_schemas import parse_schema, save_schema
from jobs.tables import Export, Item, Job
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
from tests.jobs.exporting_bench import RED, add_label, lines
from tests.jobs.pictures import picture

SIMPLE = Policy(quality=QualityPolicy(tag_method="majority", box_method="iou_clusters"))


@pytest.mark.parametrize("form", formats.names_with("write"))
def test_an_export_repeated_is_the_same_file(exporting, form):
    job_id = exporting.job()
    first, data = exporting.export(job_id, form)
    second, again = exporting.export(job_id, form)
    assert data == again
    assert first.file_name == second.file_name
    assert first.name != second.name
    assert first.sha256 == hashlib.sha256(data).hexdigest()
    assert first.n_labels == {"jsonl": 6, "coco": 6}.get(form, 3)
    assert first.n_bytes == len(data)
    assert [path.name for path in exporting.folder.iterdir()] == [first.file_name]
    assert b"2026" not in data.replace(b"label pets", b"")


def test_labels_come_in_the_order_of_import(exporting):
    _, data = exporting.export(exporting.job(), "jsonl")
    assert [(each["item"], each["kind"]) for each in lines(data)] == [
        (f"photo-{number}.jpg", kind) for number in range(3) for kind in ("boxes", "tags")
    ]


def test_only_the_newest_version_of_a_settled_label_of_this_job_counts(exporting):
    job_id, other = exporting.job(), exporting.job(name="other")
    exporting.change(job_id, "photo-0.jpg", "tags", {"tags": {"colour": "blue"}}, 2)
    exporting.change(job_id, "photo-0.jpg", "tags", {"tags": {"colour": "green"}}, 3)
    exporting.change(other, "photo-0.jpg", "tags", {"tags": {"colour": "blue"}}, 9)
    with transaction(exporting.resources.sessions) as session:
        job = session.get_one(Job, job_id)
        settle(session, job, exporting.item(session, job, "photo-2.jpg"), "tags", "conflict")
    found = [each for each in lines(exporting.export(job_id, "jsonl")[1]) if each["kind"] == "tags"]
    assert [each["value"] for each in found] == [{"tags": {"colour": "green"}}, RED]


def test_pages_follow_each_other_without_gap_or_overlap(exporting):
    row, data = exporting.export(exporting.job(1203, "many"), "csv_tags")
    assert row.n_labels == 1203
    names = [line.split(",")[0] for line in data.decode().splitlines()[1:]]
    assert names == [f"photo-{number}.jpg" for number in range(1203)]


def test_workers_appear_under_a_name_of_this_job_only(exporting):
    found = []
    with transaction(exporting.resources.sessions) as session:
        items = make_dataset(session, 2)
        cast = [make_worker(session, name) for name in ("ben", "cho", "dan")]
        numbers = []
        for name in ("first", "second"):
            made = make_job(session, items, name=name, policy=SIMPLE)
            for hit in make_hits(session, make_route(session, made, kind="boxes"), items):
                for worker in cast:
                    make_answer(session, hit, worker, {"boxes": [box(10, 10, 90, 80)]})
            combine_job(session, made.id, NOW)
            finish_job(session, made.id, NOW)
            numbers.append(made.id)
    for number in numbers:
        for form in ("jsonl", "coco", "voc", "yolo"):
            _, data = exporting.export(number, form)
            assert not any(worker.provider_worker_id.encode() in data for worker in cast)
        found.append(lines(exporting.export(number, "jsonl")[1]))
    for exported in found:
        first, second = exported
        voters = [voter["worker"] for voter in first["provenance"]["voters"]]
        assert len(set(voters)) == 3
        assert voters == sorted(voters)
        assert [voter["worker"] for voter in second["provenance"]["voters"]] == voters
        assert set(first["provenance"]["voters"][0]) == {"worker", "provider", "weight"}
        assert first["provenance"]["boxes"][0]["workers"] == voters
        assert "answers" not in first["provenance"]["boxes"][0]
        assert first["provenance"]["method"] == "iou_clusters@1"
        assert first["agreement"] == 1.0
    ours, theirs = (
        {voter["worker"] for voter in exported[0]["provenance"]["voters"]} for exported in found
    )
    assert not ours & theirs


def test_what_nobody_has_cleared_for_export_stays_in_the_house(exporting):
    job_id = exporting.job()
    secret = {"reason": "seen twice", "second_look_by": "ada@example.org", "answers_sha256": "0"}
    exporting.change(job_id, "photo-0.jpg", "tags", RED, 2, provenance=secret)
    for form in ("jsonl", "coco"):
        data = exporting.export(job_id, form)[1]
        assert b"seen twice" in data
        assert b"example.org" not in data


BY_FILTER = [
    ({}, "jsonl", ["0 boxes", "0 tags", "1 boxes", "1 tags", "2 boxes", "2 tags"]),
    ({"kind": "tags"}, "jsonl", ["0 tags", "1 tags", "2 tags"]),
    ({"classes": ("dog",)}, "jsonl", ["0 boxes", "0 tags"]),
    ({"classes": ("dog", "cat")}, "coco", ["0 boxes", "0 tags", "1 boxes", "1 tags"]),
    ({"classes": ("dog",)}, "csv_tags", ["0 tags"]),
    ({"tags": ("colour=red",)}, "jsonl", ["0 boxes", "0 tags"]),
    ({"tags": ("colour=blue",)}, "voc", ["1 boxes"]),
    ({"tags": ("colour=red", "colour=blue")}, "csv_tags", ["0 tags", "1 tags"]),
    ({"tags": ("colour=red",), "classes": ("cat",)}, "yolo", ["0 boxes"]),
    ({"min_confidence": 0.95}, "jsonl", ["1 tags", "2 boxes"]),
    ({"only_decided": True}, "jsonl", ["1 tags"]),
    ({"only_decided": True, "kind": "boxes"}, "jsonl", []),
]


def mixed_job(exporting):
    """Photo 0: cat and dog, red. Photo 1: cat, decided blue. Photo 2: surely nothing, green."""
    job_id = exporting.job()
    exporting.change(job_id, "photo-1.jpg", "boxes", {"boxes": [box(1, 1, 9, 9)]}, 2)
    exporting.change(job_id, "photo-2.jpg", "boxes", {"boxes": []}, 2, confidence=0.97)
    blue, green = ({"tags": {"colour": colour}} for colour in ("blue", "green"))
    person = {"confidence": 1.0, "origin": "adjudication"}
    exporting.change(job_id, "photo-1.jpg", "tags", blue, 2, **person)
    exporting.change(job_id, "photo-2.jpg", "tags", green, 2)
    return job_id


@pytest.mark.parametrize(("filters", "form", "expected"), BY_FILTER)
def test_filters_leave_the_labels_they_say_and_the_count_agrees(
    exporting, tmp_path, filters, form, expected
):
    job_id = mixed_job(exporting)
    assert exporting.count(job_id, form, **filters) == (len(expected), 6)
    if not expected:
        with pytest.raises(InvalidInput, match=r"the filters leave no labels of boxes \(of 6"):
            exporting.plan(job_id, form, **filters)
        return
    row, data = exporting.export(job_id, form, **filters)
    path = tmp_path / f"read{formats.label_writer(form)[1]}"
    path.write_bytes(data)
    records = formats.label_reader(form)(path).records
    assert [f"{each.item[6]} {each.kind}" for each in records] == expected
    assert row.n_labels == len(expected)


WEATHER = """
name: weather
attributes:
  - {name: seen, kind: many, options: [rain, snow, "5 %"]}
  - {name: warm, kind: yes_no}
  - {name: wind, kind: scale, low: 0, high: 9}
"""


def test_tags_of_many_choices_and_of_several_attributes_are_found(exporting):
    answers = (
        {"seen": ["rain", "5 %"], "warm": "yes", "wind": "3"},
        {"seen": ["snow"], "warm": "yes", "wind": "9"},
        {"seen": [], "warm": "no"},
        {"warm": "yes", "wind": "3"},
    )
    with transaction(exporting.resources.sessions) as session:
        items = make_dataset(session, len(answers))
        made = make_job(session, items)
        made.schema_id = save_schema(session, parse_schema(WEATHER, "schema"), NOW).id
        for item, tags in zip(items, answers, strict=True):
            add_label(session, made, item, "tags", {"tags": tags})
        job_id = made.id
    for tags, expected in (
        (("seen=rain",), "0"), (("seen=5 %", "seen=snow"), "01"), (("warm=yes",), "013"),
        (("wind=3", "warm=yes"), "03"), (("wind=3", "seen=rain", "warm=yes"), "0"),
    ):  # fmt: skip
        _, data = exporting.export(job_id, "jsonl", tags=tags)
        assert "".join(each["item"][6] for each in lines(data)) == expected, tags


def test_a_chosen_class_leaves_its_boxes_alone_and_what_is_known_of_them(exporting):
    job_id = exporting.job(1)
    about = {
        "boxes": [{"votes": 3, "answers": []}, {"votes": 2, "answers": []}],
        "doubted": [{"box": box(1, 1, 2, 2)}, {"box": box(1, 1, 2, 2, "dog")}],
    }
    exporting.change(
        job_id, "photo-0.jpg", "boxes",
        {"boxes": [box(1, 2, 30, 40), box(5, 6, 7, 8, "dog")]}, 2, provenance=about,
    )  # fmt: skip
    _, data = exporting.export(job_id, "jsonl", classes=("dog",), kind="boxes")
    (found,) = lines(data)
    assert [each["label"] for each in found["value"]["boxes"]] == ["dog"]
    assert [each["votes"] for each in found["provenance"]["boxes"]] == [2]
    assert [each["box"]["label"] for each in found["provenance"]["doubted"]] == ["dog"]
    document = json.loads(exporting.export(job_id, "coco", classes=("dog",))[1])
    assert document["categories"] == [{"id": 1, "name": "dog"}]
    assert document["info"]["hitworks"]["boxes_by_class"] == {"dog": 1}
    assert document["info"]["hitworks"]["filters"]["classes"] == ["dog"]


@pytest.mark.parametrize(
    ("filters", "wanted", "form", "told"),
    [
        ({"classes": ("unicorn",)}, {}, "coco", "class 'unicorn': expected one of cat, dog"),
        ({"tags": ("colour=pink",)}, {}, "coco", "tag 'colour=pink': expected one of colour=red"),
        ({"tags": ("colour",)}, {}, "coco", "tag 'colour': expected one of"),
        ({"tags": ("colour=cannot tell",)}, {}, "coco", "expected one of colour=red"),
        ({"kind": "tags"}, {}, "voc", "kind: expected boxes, which voc holds, got 'tags'"),
        ({"kind": "masks"}, {}, "jsonl", "kind: expected boxes or tags"),
        ({"min_confidence": 1.5}, {}, "jsonl", "min_confidence: expected a number from 0 to 1"),
        ({"min_confidence": float("nan")}, {}, "jsonl", "min_confidence: expected a number"),
        ({}, {"images": True}, "coco", "images: format coco has no room for it; voc, yolo can"),
        ({}, {"provenance": True}, "csv_tags", "provenance: format csv_tags has no room"),
        ({}, {}, "manifest", "expected one of coco, csv_spreadsheet"),
    ],
)
def test_what_the_question_or_the_format_does_not_know_is_refused(
    exporting, filters, wanted, form, told
):
    job_id = exporting.job()
    with pytest.raises(InvalidInput) as refused:
        exporting.plan(job_id, form, wanted, **filters)
    assert told in str(refused.value)
    with reading(exporting.resources.sessions) as session:
        assert session.scalars(select(Export)).all() == []


def test_what_goes_with_the_labels_can_be_left_out(exporting):
    job_id = exporting.job()
    about = {"method": "majority@1", "reason": "because"}
    exporting.change(job_id, "photo-0.jpg", "boxes", RED | {"boxes": []}, 2, provenance=about)
    exporting.change(job_id, "photo-0.jpg", "tags", RED, 2, provenance=about)
    marks = {
        "confidence": (b'"confidence":', b"confidence,"),
        "provenance": (b"because",),
        "licence": (b"CC0-1.0",),
    }
    for form in formats.names_with("write"):
        held = formats.held_by(form)
        whole = exporting.export(job_id, form)[1]
        bare = exporting.export(job_id, form, dict.fromkeys(EXTRAS, False))[1]
        for extra, signs in marks.items():
            assert any(sign in whole for sign in signs) is (extra in held), (form, extra)
            assert not any(sign in bare for sign in signs), (form, extra)


def test_images_travel_in_archives_when_asked(exporting):
    job_id = exporting.job(1)
    with transaction(exporting.resources.sessions) as session:
        item = session.scalars(select(Item)).one()
        item.blob_key = exporting.resources.blobs.put(picture(), "image/jpeg")
    for form, folder in (("yolo", "images"), ("voc", "JPEGImages")):
        row, data = exporting.export(job_id, form, {"images": True})
        assert picture() in data
        assert row.file_name.startswith(f"label_pets-{form}-")
        assert f"{folder}/photo-0.jpg".encode() in data


@pytest.mark.parametrize("form", ["voc", "yolo"])
def test_an_archive_says_what_it_is_and_invents_no_licence(exporting, form):
    job_id = exporting.job()
    with transaction(exporting.resources.sessions) as session:
        one, other, _ = session.scalars(select(Item).order_by(Item.id))
        one.licence, one.source = "", ""
        other.source = "=a\nsecond line"
    data = exporting.export(job_id, form, name="of today", min_confidence=0.5)[1]
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert archive.namelist()[-3:] == ["LICENCES.txt", "export.json", "README.txt"]
        readme = archive.read("README.txt").decode()
        licences = archive.read("LICENCES.txt").decode()
        facts = json.loads(archive.read("export.json"))
    assert "confidence at least 0.5" in readme
    assert "Label schema: pets version 1" in readme
    assert "No licence stated: 1 pictures\n  source: not stated (1)\n" in licences
    assert "CC0-1.0: 2 pictures\n  source: =a second line (1)\n" in licences
    assert (facts["n_labels"], facts["n_pictures"]) == (3, 3)
    assert facts["boxes_by_class"] == {"cat": 3, "dog": 3}
    assert facts["schema"]["version"] == 1
    assert "of today" not in str(facts)


def test_a_job_without_labels_of_the_kind_is_refused(exporting):
    with transaction(exporting.resources.sessions) as session:
        items = make_dataset(session, 1)
        made = make_job(session, items)
        add_label(session, made, items[0], "tags", RED)
        job_id = made.id
    assert exporting.export(job_id, "csv_tags")
    with pytest.raises(InvalidInput, match="no labels of boxes yet"):
        exporting.plan(job_id, "voc")
    assert len(list(exporting.folder.iterdir())) == 1
    with pytest.raises(NotFound):
        exporting.plan(99, "coco")


def test_a_hostile_job_name_stays_a_file_name(exporting):
    row, _ = exporting.export(exporting.job(1, "../../etc/cron.d/x"), "coco")
    assert row.file_name.startswith("etc__cron.d__x-coco-")


def test_a_snapshot_is_named_once_in_a_job(exporting):
    job_id, other = exporting.job(), exporting.job(name="other")
    numbers = [exporting.plan(job_id, "coco") for _ in range(2)]
    assert [exporting.row(n).name for n in numbers] == ["coco 2026-03-01", "coco 2026-03-01 (2)"]
    exporting.plan(job_id, "coco", name="  for training ")
    exporting.plan(other, "coco", name="for training")
    with pytest.raises(Conflict, match="named 'for training': choose another"):
        exporting.plan(job_id, "voc", name="for training")
    for name in ("x" * 101, "a\nb", "a\u202eb"):
        with pytest.raises(InvalidInput, match="name: expected at most 100 printable"):
            exporting.plan(job_id, "voc", name=name)


def test_a_box_export_holds_the_label_to_a_hundredth(exporting):
    _, data = exporting.export(exporting.job(), "voc")
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert archive.namelist()[:3] == [f"Annotations/photo-{n}.xml" for n in range(3)]
        assert "<xmin>5.25</xmin>" in archive.read("Annotations/photo-0.xml").decode()


def test_exports_lie_in_the_data_folder(tmp_path):
    assert exports_folder(Settings(data_dir=tmp_path)) == tmp_path / "exports"
