import json

import pytest
from sqlalchemy import select

from jobs.errors import InvalidInput, NotFound
from jobs.gold import import_gold
from jobs.specs.label_schemas import parse_schema
from jobs.tables import GoldAnswer, Item
from tests.factories import NOW
from tests.jobs.coco_files import coco

SCHEMA = parse_schema(
    """
name: pets
classes: [cat, dog]
attributes:
  - {name: colour, kind: one, options: [red, green], unsure: cannot tell}
  - {name: seen, kind: many, options: [ears, tail]}
""",
    "schema",
)


@pytest.fixture
def gold(session, take_in, photos):
    take_in(photos)

    def run(path, form):
        report = import_gold(
            session, dataset_name="photos", path=path, schema=SCHEMA, format=form, now=NOW
        )
        names = {row.id: row.name for row in session.scalars(select(Item))}
        rows = session.scalars(select(GoldAnswer).order_by(GoldAnswer.id))
        return report, {(names[row.item_id], row.kind): row.value for row in rows}

    return run


def test_gold_boxes_come_from_coco(gold, photos):
    report, kept = gold(coco(photos), "coco")
    assert (report.n_rows, report.n_accepted, report.n_refused) == (2, 2, 0)
    assert kept == {
        ("0.jpg", "boxes"): {
            "boxes": [{"label": "cat", "left": 1, "top": 2, "right": 11.5, "bottom": 10}]
        },
        ("1.jpg", "boxes"): {"boxes": []},
    }
    assert gold(coco(photos), "coco")[1] == kept


def test_later_gold_takes_the_place_of_earlier(gold, photos):
    gold(coco(photos), "coco")
    _, kept = gold(coco(photos, annotations=[]), "coco")
    assert kept[("0.jpg", "boxes")] == {"boxes": []}


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        ({"category_id": 8}, "unknown category_id"),
        ({"bbox": [1, 2, 3]}, "four numbers"),
        ({"bbox": [1, 2, 3, "4"]}, "four numbers"),
        ({"bbox": [1, 2, 3, True]}, "four numbers"),
        ({"bbox": [1, 2, 0, 4]}, "area"),
        ({"bbox": None}, "four numbers"),
        ({"bbox": [100, 2, 5, 4]}, "outside the image"),
        ({"iscrowd": 1}, "crowd"),
    ],
)
def test_gold_that_is_not_certain_is_refused_for_its_image_alone(gold, photos, annotation, reason):
    good = {"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 10, 8]}
    report, kept = gold(coco(photos, annotations=[{**good, **annotation}]), "coco")
    assert (report.n_accepted, report.n_refused) == (1, 1)
    assert reason in report.refusals[0].reason
    assert list(kept) == [("1.jpg", "boxes")]


@pytest.mark.parametrize(
    "parts",
    [
        {"images": [{"id": 1}, {"id": 1}]},
        {"images": {}},
        {"images": ["x"]},
        {"images": [{"id": [1]}]},
        {"categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]},
        {"categories": [{"id": 1}]},
        {"annotations": [{"id": 1}]},
        {"annotations": 7},
    ],
)
def test_a_coco_file_that_contradicts_itself_is_refused_whole(gold, photos, parts):
    with pytest.raises(InvalidInput):
        gold(coco(photos, **parts), "coco")


def test_gold_finds_its_item_by_name_or_by_a_file_name_that_is_the_only_one(gold, photos):
    corner = {"left": 1, "top": 2}
    lines = [
        {"item": "turned.png", "boxes": [{"label": "cat", **corner, "width": 5, "height": 5}]},
        {"item": "elsewhere/1.jpg", "boxes": []},
        {"item": "missing.jpg", "boxes": []},
        {"boxes": []},
        {"item": "0.jpg", "tags": {"colour": "red", "seen": ["tail"]}},
        {"item": "0.jpg", "tags": {"colour": "blue"}},
        {"item": "0.jpg", "tags": {"colour": "cannot tell"}},
        {"item": "0.jpg", "tags": {"size": "big"}},
        {"item": "0.jpg", "tags": {}},
        {"item": "0.jpg", "boxes": [{"label": "cat"}]},
        {"item": "0.jpg", "boxes": [7]},
        {"item": "0.jpg", "width": 20, "height": 40, "boxes": []},
    ]  # fmt: skip
    path = photos / "gold.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    report, kept = gold(path, "jsonl")
    assert (report.n_rows, report.n_accepted) == (12, 3)
    assert [refusal.row for refusal in report.refusals] == [3, 4, 6, 7, 8, 9, 10, 11, 12]
    assert kept[("more/turned.png", "boxes")]["boxes"][0]["right"] == 6
    assert kept[("0.jpg", "tags")] == {"tags": {"colour": "red", "seen": ["tail"]}}


def test_gold_tags_come_from_a_table(gold, photos):
    path = photos / "gold.csv"
    path.write_text(
        "item,colour,seen\n0.jpg,red,ears|tail\n1.jpg,green,|\n2.jpg,,tail\nmore/turned.png,pink,\n"
    )
    report, kept = gold(path, "csv_tags")
    assert (report.n_accepted, report.n_refused) == (3, 1)
    assert kept == {
        ("0.jpg", "tags"): {"tags": {"colour": "red", "seen": ["ears", "tail"]}},
        ("1.jpg", "tags"): {"tags": {"colour": "green", "seen": []}},
        ("2.jpg", "tags"): {"tags": {"seen": ["tail"]}},
    }


def test_gold_is_for_a_dataset_that_exists(session, photos):
    with pytest.raises(NotFound):
        import_gold(
            session,
            dataset_name="nothing",
            path=coco(photos),
            schema=SCHEMA,
            format="coco",
            now=NOW,
        )
