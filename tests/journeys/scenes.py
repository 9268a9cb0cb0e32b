"""Drawn pictures whose objects and light are known exactly."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from jobs.blobs import Blobs
from jobs.records import Box
from jobs.rehearsals.answers import Truth

WIDTH, HEIGHT = 320, 240
CLASSES = ("square", "disc")
COLOURS = {"square": (214, 69, 65), "disc": (38, 120, 178)}
SCHEMA = """
name: shapes
title: Shapes
instructions: Mark every square and every disc.
classes: [square, disc]
attributes:
  - {name: light, kind: one, title: Light, options: [dark, bright], unsure: cannot tell}
  - {name: kinds, kind: many, title: 'Which shapes are there?', options: [square, disc]}
  - {name: crowded, kind: yes_no, title: 'Are there three shapes?'}
  - {name: count, kind: scale, title: 'How many shapes?', low: 0, high: 3}
"""


@dataclass(frozen=True)
class Scene:
    name: str
    light: str
    boxes: tuple[Box, ...]

    @property
    def tags(self) -> dict[str, str | list[str]]:
        shown = {box.label for box in self.boxes}
        return {
            "light": self.light,
            "kinds": [name for name in CLASSES if name in shown],
            "crowded": "yes" if len(self.boxes) == 3 else "no",
            "count": str(len(self.boxes)),
        }


def scene(number: int) -> Scene:
    """Picture ``number``: none to three shapes, each in a column of its own."""
    boxes = []
    for column in range(number % 4):
        left = 10 + 105 * column + (number * 7) % 12
        top = 20 + (number * 31 + column * 47) % 100
        side = 50 + (number * 13 + column * 5) % 35
        boxes.append(Box(CLASSES[(number + column) % 2], left, top, left + side, top + side))
    return Scene(f"scene-{number:02}.png", ("dark", "bright")[number // 2 % 2], tuple(boxes))


def draw(one: Scene, path: Path) -> None:
    shade = 30 if one.light == "dark" else 220
    blue = shade + int(one.name[6:8])  # no two empty pictures are the same file
    image = Image.new("RGB", (WIDTH, HEIGHT), (shade, shade, blue))
    pen = ImageDraw.Draw(image)
    for box in one.boxes:
        sides = (box.left, box.top, box.right - 1, box.bottom - 1)
        shape = pen.rectangle if box.label == "square" else pen.ellipse
        shape(sides, fill=COLOURS[box.label])
    image.save(path)


def write_folder(folder: Path, n: int) -> list[Scene]:
    """``n`` pictures in ``folder``."""
    folder.mkdir(parents=True)
    scenes = [scene(number) for number in range(n)]
    for one in scenes:
        draw(one, folder / one.name)
    return scenes


def write_box_gold(path: Path, scenes: list[Scene]) -> None:
    """The scenes' boxes as a COCO file."""
    images = [
        {"id": number, "file_name": one.name, "width": WIDTH, "height": HEIGHT}
        for number, one in enumerate(scenes, 1)
    ]
    annotations = [
        {
            "image_id": number,
            "category_id": CLASSES.index(box.label) + 1,
            "bbox": [box.left, box.top, box.right - box.left, box.bottom - box.top],
        }
        for number, one in enumerate(scenes, 1)
        for box in one.boxes
    ]
    for number, annotation in enumerate(annotations, 1):
        annotation["id"] = number
    categories = [{"id": number, "name": name} for number, name in enumerate(CLASSES, 1)]
    body = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(body), encoding="utf-8")


def write_tag_gold(path: Path, scenes: list[Scene]) -> None:
    """The scenes' tags as a CSV table; many choices are separated by a bar."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        names = [f"tags:{name}" if name == "kinds" else name for name in scenes[0].tags]
        writer.writerow(["item", *names])
        for one in scenes:
            cells = (
                value if isinstance(value, str) else "|".join(value) for value in one.tags.values()
            )
            writer.writerow([one.name, *cells])


def truths(blobs: Blobs, folder: Path, scenes: list[Scene]) -> dict[str, Truth]:
    """What robots know of each scene, by the name under which pages show it."""
    return {
        Path(blobs.put((folder / one.name).read_bytes(), "image/png")).name: Truth(
            WIDTH, HEIGHT, boxes=one.boxes, tags=one.tags
        )
        for one in scenes
    }
