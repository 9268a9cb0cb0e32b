"""Intake and export on SQLite and on PostgreSQL: the same rows, the same bytes."""

import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from jobs import formats
from jobs.datasets import import_dataset
from jobs.db import reading, transaction
from jobs.errors import Conflict
from jobs.exports import record_export, write_file
from jobs.formats import ExportInfo, LabelRecord
from jobs.gold import import_gold
from jobs.label_schemas import parse_schema, save_schema
from jobs.tables import Dataset, GoldAnswer, Item, Job, Label
from tests.factories import NOW, box, settle
from tests.jobs.pictures import picture

SCHEMA = parse_schema("name: pets\nclasses: [cat, dog]", "schema")
VALUE = {"boxes": [box(1.5, 2, 30, 18.25), box(0, 0, 5, 5, "dog")]}


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("b.jpg", "a.jpg", "Z.jpg", "é.jpg"):
        (folder / name).write_bytes(picture(100 + sum(name.encode()), 50))
    (folder / "gold.jsonl").write_text(json.dumps({"item": "é.jpg", **VALUE}))
    return folder


def take_in(sessions, blobs, photos):
    with transaction(sessions) as session:
        return import_dataset(session, blobs, name="pets", source=photos, format="folder", now=NOW)


def a_job(session):
    schema = save_schema(session, SCHEMA, NOW)
    job = Job(
        name="pets",
        dataset_id=session.scalars(select(Dataset.id)).one(),
        schema_id=schema.id,
        environment="local",
        state="running",
        seed=1,
        policy={},
        budget_micros=1,
        created_at=NOW,
    )
    session.add(job)
    session.flush()
    return job


def test_photos_become_labels_in_a_file(sessions, blobs, photos, tmp_path):
    assert take_in(sessions, blobs, photos).n_accepted == 4
    assert take_in(sessions, blobs, photos).n_accepted == 0
    with transaction(sessions) as session:
        golds = import_gold(
            session,
            dataset_name="pets",
            path=photos / "gold.jsonl",
            schema=SCHEMA,
            format="jsonl",
            now=NOW,
        )
        assert golds.n_accepted == 1
        assert session.scalars(select(GoldAnswer)).one().value == VALUE
        job_id = a_job(session).id
        items = session.scalars(select(Item).order_by(Item.id)).all()
        assert [item.name for item in items] == ["Z.jpg", "a.jpg", "b.jpg", "é.jpg"]
        session.add_all(
            Label(
                job_id=job_id,
                item_id=item.id,
                kind="boxes",
                version=version,
                value=VALUE if version == 2 else {"boxes": []},
                confidence=0.75,
                origin="consensus",
                provenance={"reason": "π"},
                actor="ada",
                created_at=NOW,
            )
            for item in reversed(items)
            for version in (2, 1)
        )
        for item in items:
            settle(session, session.get_one(Job, job_id), item, "boxes")
    expected = [
        LabelRecord(
            item=item.name,
            sha256=item.sha256,
            width=item.width,
            height=item.height,
            licence="",
            source="",
            kind="boxes",
            value=VALUE,
            confidence=0.75,
            origin="consensus",
            provenance={"reason": "π"},
        )
        for item in items
    ]
    for form in ("coco", "jsonl", "voc", "yolo"):
        with reading(sessions) as session:
            file = write_file(session, blobs, job_id, form, tmp_path / "out")
        with transaction(sessions) as session:
            assert record_export(session, job_id, form, file, actor="ada", now=NOW).id
        out = io.BytesIO()
        formats.label_writer(form)[0](expected, out, ExportInfo("pets", SCHEMA.classes, ()))
        assert (tmp_path / "out" / file.file_name).read_bytes() == out.getvalue()


def test_two_imports_at_once_take_each_photo_once(sessions, blobs, photos):
    def attempt(_):
        try:
            return take_in(sessions, blobs, photos).n_accepted
        except Conflict:
            return 0

    with ThreadPoolExecutor(4) as pool:
        accepted = list(pool.map(attempt, range(4)))
    assert sum(accepted) == 4
    with reading(sessions) as session:
        assert session.scalar(select(func.count()).select_from(Item)) == 4
        assert session.scalar(select(func.count()).select_from(Dataset)) == 1


def test_two_people_save_a_schema_at_once(sessions):
    def attempt(number):
        schema = parse_schema(f"name: pets\nclasses: [cat, dog{number % 2}]", "schema")
        try:
            with transaction(sessions) as session:
                return save_schema(session, schema, NOW).version
        except Conflict:
            return None

    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(attempt, range(4)))
    assert {*versions} - {None} <= {1, 2}
    assert attempt(0) != attempt(1)
