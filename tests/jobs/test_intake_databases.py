"""Intake on SQLite and on PostgreSQL: the same rows."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from jobs.db import reading, transaction
from jobs.errors import Conflict
from jobs.gold import import_gold
from jobs.intake.datasets import import_dataset
from jobs.specs.label_schemas import parse_schema, save_schema
from jobs.tables import Dataset, GoldAnswer, Item
from tests.factories import NOW, box
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


def test_photos_and_gold_are_taken_in_once(sessions, blobs, photos):
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
        items = session.scalars(select(Item).order_by(Item.id)).all()
        assert [item.name for item in items] == ["Z.jpg", "a.jpg", "b.jpg", "é.jpg"]


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
