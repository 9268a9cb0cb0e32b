"""The demo's photos are what the list says, and its hand-drawn answers fit them."""

from __future__ import annotations

import json
from pathlib import Path

import demo_photos
import demo_score
import demo_steps
import pytest
import yaml
from PIL import Image, ImageOps

from jobs.formats import coco, csv_tags
from jobs.specs.job_specs import parse_job_spec
from jobs.specs.label_schemas import parse_schema

SCHEMA = parse_schema((demo_steps.DATA / "schema.yaml").read_text(), "schema.yaml")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    demo_photos.build(folder)
    return folder


def test_every_view_is_built_with_its_licence_and_credit(photos: Path) -> None:
    lines = [json.loads(line) for line in (photos / "manifest.jsonl").read_text().splitlines()]
    assert len(lines) >= 24
    assert all(line["licence"] and line["source"] for line in lines)
    assert all((photos / line["path"]).is_file() for line in lines)


def test_building_twice_gives_the_same_bytes(photos: Path, tmp_path: Path) -> None:
    demo_photos.build(tmp_path)
    for path in photos.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_a_photo_with_other_bytes_is_refused() -> None:
    source = {"python": "skimage", "file": "data/coins.png", "sha256": "0" * 64}
    with pytest.raises(SystemExit, match="SHA-256"):
        demo_photos.read_photo(source)


def test_hand_drawn_boxes_lie_in_the_upright_views(photos: Path) -> None:
    described = json.loads((demo_steps.DATA / "boxes.json").read_text())
    for image in described["images"]:
        with Image.open(photos / image["file_name"]) as view:
            size = ImageOps.exif_transpose(view).size
        assert size == (image["width"], image["height"])
    sizes = {image["id"]: (image["width"], image["height"]) for image in described["images"]}
    for one in described["annotations"]:
        left, top, width, height = one["bbox"]
        assert 0 <= left < left + width <= sizes[one["image_id"]][0]
        assert 0 <= top < top + height <= sizes[one["image_id"]][1]


def test_every_view_has_an_answer_to_every_question() -> None:
    boxes = coco.read(demo_steps.DATA / "boxes.json").records
    tags = csv_tags.read(demo_steps.DATA / "tags.csv").records
    assert {one.item for one in boxes} == {one.item for one in tags}
    assert set(demo_steps.GOLD) < {one.item for one in tags}
    known = {attribute.name: attribute for attribute in SCHEMA.attributes}
    for record in tags:
        assert set(record.value["tags"]) == set(known)
        for name, answer in record.value["tags"].items():
            answers = answer if isinstance(answer, list) else [answer]
            assert set(answers) <= set(known[name].options)
    counts = {one.item: str(len(one.value["boxes"])) for one in boxes}
    assert counts == {one.item: one.value["tags"]["count"] for one in tags}
    labels = {box["label"] for one in boxes for box in one.value["boxes"]}
    assert labels == set(SCHEMA.classes)


def test_the_job_file_is_valid_and_has_all_three_routes(tmp_path: Path) -> None:
    demo_steps.write_job(tmp_path / "job.yaml")
    spec = parse_job_spec((tmp_path / "job.yaml").read_text(), "job.yaml")
    assert {route.provider for route in spec.routes} == {"model", "inhouse", "mturk"}
    detector = yaml.safe_load((tmp_path / "job.yaml").read_text())["routes"][0]["options"]
    assert len(detector["tagger_options"]["classes"]) == 80


def test_gold_told_to_the_product_is_only_the_chosen_views(tmp_path: Path) -> None:
    box_file, tag_file = demo_steps.write_gold(tmp_path)
    assert {one.item for one in coco.read(box_file).records} == set(demo_steps.GOLD)
    assert {one.item for one in csv_tags.read(tag_file).records} == set(demo_steps.GOLD)


def test_perfect_exports_score_one_on_the_views_held_back() -> None:
    boxes, tags = demo_score.scores(demo_steps.DATA / "boxes.json", demo_steps.DATA / "tags.csv")
    assert (boxes.value, boxes.mean_iou, tags.value) == (1.0, 1.0, 1.0)
    assert boxes.n_items == tags.n_items == 29 - len(demo_steps.GOLD)


def test_a_folder_that_is_not_the_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").touch()
    with pytest.raises(SystemExit, match="remove it yourself"):
        demo_steps.fresh_folder(tmp_path)
    assert (tmp_path / "precious.txt").exists()
