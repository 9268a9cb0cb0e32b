"""Boxes from any ONNX detector: a model file and the names of its classes.

Options::

    model: coco.onnx                       # its path in the server's folder of models
    classes: [person, bicycle, ...]        # in the order of the model's class numbers
    rename: {cup: mug}                     # model class: schema class, where they differ
    at_least: 0.3                          # lowest score of a box that is kept
    outputs: [detections]                  # one: rows of left, top, right, bottom, score, class
                                           # three: boxes (n, 4), scores (n), classes (n)
    coordinates: input_pixels              # or fractions (0 to 1), or image_pixels
    mean: [0, 0, 0]                        # the input is (pixel - mean) / scale, RGB, 0 to 255
    scale: [1, 1, 1]
    overlap: 0.6                           # of two boxes of a class that overlap by more, one stays

The input may be (1, 3, height, width) or (1, height, width, 3); the picture is stretched to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import Any, Literal

import numpy as np
import onnxruntime
import onnxruntime.capi.onnxruntime_pybind11_state as runtime_errors
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from jobs.errors import InvalidInput
from jobs.images import open_upright
from jobs.records import BOXES, LabelSchema, QuestionKind
from jobs.taggers._model_files import find_model, no_model
from jobs.taggers._reading import Options, read_options
from quality.boxes import iou_matrix

NAME = "onnx_boxes"
VERSION = "1"
LARGEST_BYTES = 2**31  # no ONNX file is larger: its format cannot say so

NOT_ONNX = (runtime_errors.InvalidProtobuf, runtime_errors.InvalidArgument)
LOAD_ERRORS = (
    runtime_errors.Fail,
    runtime_errors.InvalidGraph,
    runtime_errors.NotImplemented,
    runtime_errors.RuntimeException,
)

Floats = NDArray[np.float64]
Triple = tuple[float, float, float]


class DetectorOptions(Options):
    """See the module's first lines."""

    model: Path
    classes: tuple[str, ...] = Field(min_length=1)
    rename: dict[str, str] = Field(default_factory=dict)
    at_least: float = Field(0.3, ge=0, le=1)
    outputs: tuple[str, ...] = ("detections",)
    coordinates: Literal["input_pixels", "fractions", "image_pixels"] = "input_pixels"
    mean: Triple = (0.0, 0.0, 0.0)
    scale: Triple = (1.0, 1.0, 1.0)
    overlap: float = Field(0.6, gt=0, le=1)


class Detector:
    """Answers box questions; the model's file is part of the version."""

    def __init__(self, options: DetectorOptions, models: Path | None) -> None:
        self._options = options
        if len(options.outputs) not in (1, 3):
            raise InvalidInput(
                f"tagger onnx_boxes: expected one or three outputs, got {list(options.outputs)}"
            )
        self._session, digest = _open(models, options.model)
        self.version = f"{VERSION}+{digest[:12]}"
        shape = self._session.get_inputs()[0].shape
        self._channels_last = len(shape) == 4 and shape[3] == 3
        sides = shape[1:3] if self._channels_last else shape[2:4]
        if len(shape) != 4 or not all(isinstance(side, int) for side in sides):
            raise InvalidInput(
                f"tagger onnx_boxes: {options.model.name}: expected an input of fixed size, "
                f"(1, 3, height, width) or (1, height, width, 3), got {shape}"
            )
        self._height, self._width = sides
        self._check_outputs()

    def check(self, kind: QuestionKind, schema: LabelSchema, attributes: tuple[str, ...]) -> None:
        if kind != BOXES:
            raise InvalidInput("tagger onnx_boxes: answers boxes, not tags")
        if not self._wanted(schema):
            raise InvalidInput(
                f"tagger onnx_boxes: the model knows none of the classes "
                f"{', '.join(schema.classes)}; use ``rename``"
            )

    def tag(
        self, image: bytes, kind: QuestionKind, schema: LabelSchema, attributes: tuple[str, ...]
    ) -> dict[str, Any]:
        self.check(kind, schema, attributes)
        picture = open_upright(image)
        xyxy, score, number = self._detect(picture)
        wanted = self._wanted(schema)
        names = np.array([wanted.get(int(one), "") for one in number], dtype=object)
        sizes = xyxy[:, 2:] - xyxy[:, :2]
        is_kept = (score >= self._options.at_least) & (names != "") & (sizes >= 1).all(axis=1)
        kept = _without_overlaps(xyxy, score, names, np.flatnonzero(is_kept), self._options.overlap)
        return {"boxes": [_box(str(names[i]), xyxy[i], float(score[i])) for i in kept]}

    def _wanted(self, schema: LabelSchema) -> dict[int, str]:
        renamed = (
            (n, self._options.rename.get(name, name))
            for n, name in enumerate(self._options.classes)
        )
        return {number: name for number, name in renamed if name in schema.classes}

    def _detect(self, picture: Image.Image) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Boxes in pixels of the picture, clipped to it, with score and class number."""
        outputs = self._session.run(list(self._options.outputs), self._input(picture))
        flat = [np.asarray(output, dtype=np.float64) for output in outputs]
        if len(flat) == 1:
            rows = flat[0].reshape(-1, flat[0].shape[-1])
            xyxy, score, number = rows[:, :4], rows[:, 4], rows[:, 5]
        else:
            xyxy, score, number = flat[0].reshape(-1, 4), flat[1].ravel(), flat[2].ravel()
        size = np.array(picture.size * 2, dtype=np.float64)
        divisor = {
            "input_pixels": np.array([self._width, self._height] * 2, dtype=np.float64),
            "fractions": np.ones(4),
            "image_pixels": size,
        }[self._options.coordinates]
        return np.clip(xyxy / divisor * size, 0, size), score, number.astype(np.int64)

    def _input(self, picture: Image.Image) -> dict[str, NDArray[np.float32]]:
        small = picture.resize((self._width, self._height), Image.Resampling.BILINEAR)
        mean = np.array(self._options.mean, dtype=np.float32)
        scale = np.array(self._options.scale, dtype=np.float32)
        pixels = (np.asarray(small, dtype=np.float32) - mean) / scale
        batch = (pixels if self._channels_last else pixels.transpose(2, 0, 1))[None]
        return {self._session.get_inputs()[0].name: np.ascontiguousarray(batch)}

    def _check_outputs(self) -> None:
        known = [output.name for output in self._session.get_outputs()]
        for name in self._options.outputs:
            if name not in known:
                raise InvalidInput(
                    f"tagger onnx_boxes: the model has no output {name!r}; "
                    f"it has {', '.join(known)}"
                )


def connect(options: Mapping[str, Any], models: Path | None) -> Detector:
    """The detector with these options; its model is read once a process."""
    return Detector(read_options(DetectorOptions, options, NAME), models)


def _open(models: Path | None, named: Path) -> tuple[onnxruntime.InferenceSession, str]:
    model = find_model(models, named, NAME)
    try:
        stat = model.stat()
        if not S_ISREG(stat.st_mode) or stat.st_size > LARGEST_BYTES:
            raise no_model(named, NAME)
        return _load(model, stat.st_mtime_ns, stat.st_size)
    except (OSError, ValueError, *NOT_ONNX) as error:
        raise no_model(named, NAME) from error
    except LOAD_ERRORS as error:
        raise InvalidInput(f"tagger {NAME}: {named}: cannot be loaded: {error}") from error


@lru_cache(maxsize=4)
def _load(model: Path, _changed: int, _size: int) -> tuple[onnxruntime.InferenceSession, str]:
    data = model.read_bytes()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # background workers run side by side
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session, hashlib.sha256(data).hexdigest()


def _without_overlaps(
    xyxy: Floats, score: Floats, names: NDArray[np.object_], among: NDArray[np.int64], most: float
) -> list[int]:
    """Rows of ``among`` by falling score, each overlapping no kept one of its class too much."""
    kept: list[int] = []
    for row in among[np.lexsort((among, -score[among]))]:
        same = [one for one in kept if names[one] == names[row]]
        if not same or iou_matrix(xyxy[row][None], xyxy[same]).max() <= most:
            kept.append(int(row))
    return kept


def _box(label: str, xyxy: Floats, score: float) -> dict[str, Any]:
    left, top, right, bottom = (round(float(side), 2) for side in xyxy)
    return {
        "label": label,
        "left": left,
        "top": top,
        "right": right,
        "bottom": bottom,
        "score": round(min(max(score, 0.0), 1.0), 6),
    }
