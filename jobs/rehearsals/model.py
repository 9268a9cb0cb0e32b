"""A model of stated skill for rehearsals: it knows what pictures show, and errs like a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jobs.blobs import Blobs
from jobs.records import BOXES, Attribute, LabelSchema, QuestionKind
from jobs.rehearsals.answers import Question, Truth, answer, picture_name
from quality.simulate import WorkerProfile


@dataclass(frozen=True)
class PictureNames:
    """Blobs for the simulated model alone: a picture's name stands for its bytes."""

    blobs: Blobs

    def put(self, data: bytes, media_type: str) -> str:
        return self.blobs.put(data, media_type)

    def read(self, key: str) -> bytes:
        return picture_name(key).encode()

    def url(self, key: str) -> str:
        return self.blobs.url(key)

    def verify(self, signature: str, key: str) -> bool:
        return self.blobs.verify(signature, key)

    def thumbnail(self, key: str, width: int) -> bytes:
        return self.blobs.thumbnail(key, width)

    def fetch(self, uri: str) -> bytes:
        return self.blobs.fetch(uri)


class SimulatedTagger:
    """Stands where the route's own tagger would; ``truths`` go by the picture's name."""

    version = "rehearsal"

    def __init__(
        self, truths: Mapping[str, Truth], profile: WorkerProfile, rng: np.random.Generator
    ) -> None:
        self._truths = truths
        self._profile = profile
        self._rng = rng

    def check(self, kind: QuestionKind, schema: LabelSchema, attributes: tuple[str, ...]) -> None:
        """Any question can be rehearsed."""

    def tag(
        self, image: bytes, kind: QuestionKind, schema: LabelSchema, attributes: tuple[str, ...]
    ) -> dict[str, Any]:
        name = image.decode()
        if kind == BOXES:
            question = Question("t0-boxes", "boxes", schema.classes, name)
            given = answer([question], self._truths, self._profile, self._rng)["t0-boxes"]
            return {"boxes": [_corners(box) for box in given["boundingBoxes"]]}
        known = {one.name: one for one in schema.attributes}
        questions = [_question(known[one], name) for one in attributes]
        fields = answer(questions, self._truths, self._profile, self._rng)
        return {
            "tags": {
                one.attribute: _chosen(known[one.attribute], fields[one.name]) for one in questions
            }
        }


def _question(attribute: Attribute, picture: str) -> Question:
    kind = "one" if attribute.kind == "yes_no" else attribute.kind
    return Question(f"t0-{attribute.name}", kind, attribute.options, picture)


def _chosen(attribute: Attribute, given: Any) -> Any:
    """A page's field as an answer's value."""
    if attribute.kind == "scale":
        return given
    chosen = [option for option, is_on in given.items() if is_on]
    return chosen if attribute.kind == "many" else chosen[0]


def _corners(box: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "label": box["label"],
        "left": box["left"],
        "top": box["top"],
        "right": box["left"] + box["width"],
        "bottom": box["top"] + box["height"],
        "score": 0.5,
    }
