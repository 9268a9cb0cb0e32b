"""The steps of the demo: photos, questions, known answers, the job, the robots."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import demo_photos
import yaml

from jobs.blobs import open_blobs
from jobs.formats import LabelRecord, coco, csv_tags
from jobs.marketplace_accounts import read_admin_token
from jobs.records import Box
from jobs.rehearsals.answers import Truth
from jobs.rehearsals.robots import Robot, open_account
from jobs.settings import Settings
from quality.simulate import profile

DATA = demo_photos.DATA
ROOT = demo_photos.ROOT
DETECTOR = ROOT / "var/models/coco.onnx"
PASSWORD = "robots need no secret"  # noqa: S105 - of accounts on this machine alone
CROWD = ("careful", "average", "average", "average", "sloppy", "lazy", "spam_random")
STAFF = ("careful", "careful")
# Views whose answers are told to the product as gold; the rest are held back for the score.
GOLD = (
    "astronaut.jpg", "cat_face.jpg", "espresso.jpg", "motorcycle.jpg", "coins_left.jpg",
    "boats.jpg", "alps.jpg", "running_cats_1.jpg",
)  # fmt: skip


def fresh_folder(folder: Path) -> None:
    """An empty data folder; an older one of the demo is thrown away."""
    if folder.exists():
        if not (folder / "made-by-the-demo").exists():
            raise SystemExit(f"{folder} was not made by the demo: remove it yourself")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, mode=0o700)
    (folder / "made-by-the-demo").touch()


def make_detector(models: Path) -> None:
    """The COCO detector as ONNX in the folder of models; converted once from its npm package."""
    if not DETECTOR.exists():
        script = ROOT / "scripts/convert_centernet.py"
        subprocess.run([sys.executable, str(script), str(DETECTOR)], cwd=ROOT, check=True)
    models.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DETECTOR, models / DETECTOR.name)


def write_job(path: Path) -> None:
    """The job file with the detector's name and its classes filled in."""
    job = yaml.safe_load((DATA / "job.yaml").read_text(encoding="utf-8"))
    names = (DATA / "coco_classes.txt").read_text(encoding="utf-8").split("\n")[:80]
    for route in job["routes"]:
        options = route.get("options", {})
        if options.get("tagger") == "onnx_boxes":
            options["tagger_options"] |= {"model": DETECTOR.name, "classes": names}
    path.write_text(yaml.safe_dump(job, sort_keys=False), encoding="utf-8")


def write_gold(folder: Path) -> tuple[Path, Path]:
    """The known answers that the product is told: boxes as COCO, tags as CSV."""
    boxes = json.loads((DATA / "boxes.json").read_text(encoding="utf-8"))
    boxes["images"] = [image for image in boxes["images"] if image["file_name"] in GOLD]
    ids = {image["id"] for image in boxes["images"]}
    boxes["annotations"] = [one for one in boxes["annotations"] if one["image_id"] in ids]
    with (DATA / "tags.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row[0] in ("item", *GOLD)]
    box_file, tag_file = folder / "gold_boxes.json", folder / "gold_tags.csv"
    box_file.write_text(json.dumps(boxes), encoding="utf-8")
    with tag_file.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return box_file, tag_file


def truth_records() -> Iterator[LabelRecord]:
    """Every view's boxes and tags, drawn by looking at the photos."""
    yield from coco.read(DATA / "boxes.json").records
    yield from csv_tags.read(DATA / "tags.csv").records


def truths(settings: Settings, photos: Path) -> dict[str, Truth]:
    """What the robots know, by the name under which pages show each picture."""
    blobs = open_blobs(settings)
    known: dict[str, dict[str, Any]] = {}
    for record in truth_records():
        entry = known.setdefault(record.item, {"boxes": (), "tags": {}})
        if record.kind == "boxes":
            entry["size"] = (record.width, record.height)
            entry["boxes"] = tuple(Box(**box) for box in record.value["boxes"])
        else:
            entry["tags"] = dict(record.value["tags"])
    return {
        Path(blobs.put((photos / name).read_bytes(), "image/jpeg")).name: Truth(
            *entry["size"], boxes=entry["boxes"], tags=entry["tags"]
        )
        for name, entry in known.items()
    }


def make_robots(settings: Settings, hurry: float) -> list[Robot]:
    """The crowd and the staff, each with an account on the marketplace."""
    crowd = [
        Robot(f"crowd-{number}-{name}", PASSWORD, profile(name), number, hurry=hurry)
        for number, name in enumerate(CROWD, 1)
    ]
    # Staff keep to their own HITs; the crowd cannot see those.
    staff = [
        Robot(f"staff-{number}-{name}", PASSWORD, profile(name), 100 + number, True, hurry, "staff")
        for number, name in enumerate(STAFF, 1)
    ]
    robots = [*crowd, *staff]
    token = read_admin_token(settings.data_dir)
    for robot in robots:
        open_account(settings.local_mturk(), token, robot)
    return robots
