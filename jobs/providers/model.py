"""A model as a worker: nothing leaves this machine, and its answers arrive like any other's.

Publishing makes no effect: the HIT's id is the tagger and the marker. Fetching computes the
answers; the same bytes give the same answers, so a repeat is harmless.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any
from xml.sax.saxutils import escape

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.blobs import Blobs
from jobs.errors import InvalidInput
from jobs.input_faults import explain
from jobs.money import format_usd, parse_usd_option
from jobs.providers import Trace
from jobs.records import (
    BOXES,
    Attribute,
    Bonus,
    Environment,
    HitSpec,
    Identity,
    PostedHit,
    Quote,
    Submission,
    TaskSpec,
)
from jobs.settings import Settings
from jobs.taggers import Tagger, check_name, load_tagger

_ANSWERS = (
    "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/"
    "QuestionFormAnswers.xsd"
)


class Options(BaseModel):
    """``tagger`` names a file of ``jobs/taggers``; ``cost_per_item`` is compute in US dollars."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    tagger: Annotated[str, Field(min_length=1, max_length=40)]
    tagger_options: dict[str, Any] = Field(default_factory=dict)
    cost_per_item: Any = "0.0001"


def connect(
    environment: Environment,
    options: dict[str, Any],
    *,
    settings: Settings,
    blobs: Blobs,
    now: Callable[[], datetime],
) -> Model:
    """The tagger of ``options`` as a venue.

    Raises:
        InvalidInput: for an unknown tagger, options it does not take, or a missing library.

    """
    wanted, cost = _read(options)
    tagger = load_tagger(wanted.tagger, wanted.tagger_options, settings.models())
    return Model(wanted.tagger, tagger, cost, environment, blobs, now)


def check_options(options: dict[str, Any]) -> None:
    """Refuse an unknown tagger, or an option that no tagger takes; no network is loaded."""
    wanted, _ = _read(options)
    check_name(wanted.tagger)


def _read(options: dict[str, Any]) -> tuple[Options, int]:
    """The options, and the cost of an item in micro-dollars."""
    try:
        wanted = Options.model_validate(options)
    except ValidationError as error:
        raise InvalidInput(f"model: options: {'; '.join(explain(error, Options))}") from error
    return wanted, parse_usd_option(wanted.cost_per_item, name="model: cost_per_item")


class Model:
    """One tagger that answers every task of a HIT once."""

    name = "model"
    has_pages = False
    people = None

    def __init__(
        self,
        tagger_name: str,
        tagger: Tagger,
        item_micros: int,
        environment: Environment,
        blobs: Blobs,
        now: Callable[[], datetime],
    ) -> None:
        self.worker_id = f"{tagger_name}@{tagger.version}"
        self.trace = Trace()
        self._tagger = tagger
        self._item_micros = item_micros
        self._environment = environment
        self._blobs = blobs
        self._now = now

    def identity(self) -> Identity:
        return Identity(self._environment, "this machine", self.worker_id, None)

    def balance(self) -> int | None:
        return None

    def quote(self, spec: HitSpec) -> Quote:
        """Compute for each task; refuses a question the tagger cannot answer."""
        self._tagger.check(spec.kind, spec.schema, spec.attributes)
        cost = self._item_micros * len(spec.tasks)
        line = (f"{len(spec.tasks)} × compute {format_usd(self._item_micros)}", cost)
        return Quote(cost, 0, cost, (line,))

    def publish(self, spec: HitSpec) -> PostedHit:
        self._tagger.check(spec.kind, spec.schema, spec.attributes)
        return self.get(f"{self.worker_id}:{spec.marker}")

    def find(self, marker: str) -> PostedHit | None:
        return self.get(f"{self.worker_id}:{marker}")

    def get(self, provider_hit_id: str) -> PostedHit:
        return PostedHit(
            provider_hit_id=provider_hit_id,
            marker=provider_hit_id.partition(":")[2],
            state="Reviewable",
            max_assignments=1,
            n_available=0,
            n_pending=0,
            expires_at=None,
        )

    def fetch(self, posted: PostedHit, spec: HitSpec) -> Iterator[Submission]:
        started_at = self._now()
        fields: dict[str, Any] = {}
        for task in spec.tasks:
            image = self._blobs.read(task.image.blob_key)
            value = self._tagger.tag(image, spec.kind, spec.schema, spec.attributes)
            fields.update(_fields(task, value, spec))
        yield Submission(
            provider_assignment_id=posted.provider_hit_id,
            provider_worker_id=self.worker_id,
            provider_hit_id=posted.provider_hit_id,
            raw=answer_xml(fields),
            state="Submitted",
            accepted_at=started_at,
            submitted_at=self._now(),
        )

    def extend(self, provider_hit_id: str, target_assignments: int, token: str) -> PostedHit:
        return self.get(provider_hit_id)

    def prolong(self, provider_hit_id: str, until: datetime) -> PostedHit:
        return self.get(provider_hit_id)

    def expire(self, provider_hit_id: str) -> PostedHit:
        return self.get(provider_hit_id)

    def delete(self, provider_hit_id: str) -> None:
        """Nothing to dispose of."""

    def approve(self, provider_assignment_id: str, feedback: str) -> str:
        return "Approved"

    def reject(self, provider_assignment_id: str, reason: str) -> str:
        return "Rejected"

    def reverse(self, provider_assignment_id: str, feedback: str) -> str:
        return "Approved"

    def bonus(
        self,
        provider_worker_id: str,
        provider_assignment_id: str,
        amount_micros: int,
        reason: str,
        token: str,
    ) -> None:
        raise InvalidInput(f"model: {provider_worker_id} takes no bonus")

    def bonuses(self, provider_assignment_id: str) -> Iterator[Bonus]:
        return iter(())

    def hits(self) -> Iterator[PostedHit]:
        return iter(())

    def cost_of_work(self, spec: HitSpec, submission: Submission) -> int:
        return self._item_micros * len(spec.tasks)

    def fee_of(self, spec: HitSpec, cost_micros: int) -> int:
        return 0


def answer_xml(fields: Mapping[str, Any]) -> str:
    """The fields in the XML of a venue's answers: one ``taskAnswers``, as crowd-form sends."""
    text = escape(json.dumps([fields], sort_keys=True, separators=(",", ":")))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><QuestionFormAnswers xmlns="{_ANSWERS}">'
        "<Answer><QuestionIdentifier>taskAnswers</QuestionIdentifier>"
        f"<FreeText>{text}</FreeText></Answer></QuestionFormAnswers>"
    )


def _fields(task: TaskSpec, value: Mapping[str, Any], spec: HitSpec) -> dict[str, Any]:
    if spec.kind == BOXES:
        return _box_fields(task, value)
    known = {attribute.name: attribute for attribute in spec.schema.attributes}
    return {
        f"t{task.position}-{name}": _tag_field(known[name], value["tags"][name])
        for name in spec.attributes
    }


def _box_fields(task: TaskSpec, value: Mapping[str, Any]) -> dict[str, Any]:
    boxes = [
        {
            "label": box["label"],
            "left": box["left"],
            "top": box["top"],
            "width": box["right"] - box["left"],
            "height": box["bottom"] - box["top"],
            **({"score": box["score"]} if box.get("score") is not None else {}),
        }
        for box in value["boxes"]
    ]
    size = {"width": task.image.width, "height": task.image.height}
    prefix = f"t{task.position}"
    fields: dict[str, Any] = {
        f"{prefix}-boxes": {"boundingBoxes": boxes, "inputImageProperties": size}
    }
    if not boxes:
        fields[f"{prefix}-nothing"] = {"nothing": True}
    return fields


def _tag_field(attribute: Attribute, value: Any) -> Any:
    if attribute.kind == "scale":
        return value
    chosen = value if isinstance(value, list) else [value]
    options = (*attribute.options, attribute.unsure) if attribute.unsure else attribute.options
    return {option: option in chosen for option in options}
