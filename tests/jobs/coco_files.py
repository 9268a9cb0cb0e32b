"""COCO files for tests."""

from __future__ import annotations

import json


def coco(folder, **parts):
    document = {
        "images": [
            {"id": 1, "file_name": "0.jpg", "width": 40, "height": 20, "license": 4},
            {"id": 2, "file_name": "1.jpg", "width": 41, "height": 20},
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 10.5, 8], "iscrowd": 0}
        ],
        "categories": [{"id": 7, "name": "cat"}, {"id": 9, "name": "dog"}],
        "licenses": [{"id": 4, "name": "CC-BY-4.0"}],
        **parts,
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(document))
    return path
