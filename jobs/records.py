"""Values that pass between rooms: frozen, no database, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Environment = Literal["production", "sandbox", "local"]
QuestionKind = Literal["boxes", "tags"]
PageLanguage = Literal["fields", "jinja"]
AttributeKind = Literal["one", "many", "yes_no", "scale"]

BOXES: QuestionKind = "boxes"
TAGS: QuestionKind = "tags"

SETTLED = ("sure", "adjudicated")
"""Consensus states in which a question's newest label counts; in others it waits or is doubted."""

SECOND_LOOK, DISPUTED = "second_look", "disputed"
WAITING = ("conflict", SECOND_LOOK, DISPUTED)
"""Consensus states in which a question wants a person."""

HELD = ("adjudicated", "set_aside", SECOND_LOOK, DISPUTED)
"""Consensus states that a person brought about: later answers do not change them."""


@dataclass(frozen=True)
class PageSource:
    """A HIT page that a user wrote: with ``${fields}``, or in Jinja. ``name`` is for messages."""

    text: str
    language: PageLanguage
    name: str = "template"


@dataclass(frozen=True)
class Attribute:
    """One attribute of a label schema.

    ``options`` are the choices of ``one`` and ``many``; yes/no has ("yes", "no"); a
    scale has its whole numbers from ``low`` to ``high`` as text. ``unsure`` is an extra
    answer that is never a truth ("" for none).
    """

    name: str
    kind: AttributeKind
    title: str
    options: tuple[str, ...]
    low: int = 0
    high: int = 0
    unsure: str = ""


@dataclass(frozen=True)
class LabelSchema:
    """What is asked: box classes, attributes, or both, with instructions."""

    name: str
    classes: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    title: str = ""
    instructions: str = ""
    short_instructions: str = ""
    examples: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Box:
    """A box in pixels of the EXIF-upright image; left < right, top < bottom."""

    label: str
    left: float
    top: float
    right: float
    bottom: float
    score: float | None = None


@dataclass(frozen=True)
class ImageRef:
    """An item's picture as a provider or page sees it; ``url`` is what a browser loads.

    ``offset_x`` and ``offset_y`` place a tile within its item (0 for a whole image).
    """

    item_id: int
    blob_key: str
    url: str
    width: int
    height: int
    offset_x: int = 0
    offset_y: int = 0


@dataclass(frozen=True)
class TaskSpec:
    """One task within a HIT, at its ``position`` (the ``t<position>`` of its field names)."""

    task_id: int
    position: int
    image: ImageRef
    proposals: tuple[Box, ...] = ()


@dataclass(frozen=True)
class HitSpec:
    """All a venue needs to publish one HIT. ``marker`` finds it again for life.

    ``excluded_worker_ids`` are the venue's ids of workers who must not take it, and
    ``exclusion_type_id`` the qualification of those whom this account does not invite.
    """

    marker: str
    token: str
    kind: QuestionKind
    schema: LabelSchema
    attributes: tuple[str, ...]
    tasks: tuple[TaskSpec, ...]
    html: str
    title: str
    description: str
    keywords: str
    reward_micros: int
    max_assignments: int
    lifetime_seconds: int
    assignment_duration_seconds: int
    auto_approval_delay_seconds: int
    qualification_requirements: tuple[Mapping[str, Any], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    excluded_worker_ids: tuple[str, ...] = ()
    exclusion_type_id: str = ""


@dataclass(frozen=True)
class PostedHit:
    """A HIT as the venue knows it. ``question`` is its page, where one HIT was asked for."""

    provider_hit_id: str
    marker: str
    state: str
    max_assignments: int
    n_available: int
    n_pending: int
    expires_at: datetime | None
    provider_hit_type_id: str = ""
    reward_micros: int = 0
    question: str = ""


@dataclass(frozen=True)
class Submission:
    """One worker's raw arrival. ``raw`` is kept for ever, byte for byte."""

    provider_assignment_id: str
    provider_worker_id: str
    provider_hit_id: str
    raw: str
    state: Literal["Submitted", "Approved", "Rejected"]
    accepted_at: datetime
    submitted_at: datetime
    auto_approval_at: datetime | None = None


@dataclass(frozen=True)
class Bonus:
    """A bonus as the venue lists it."""

    provider_worker_id: str
    provider_assignment_id: str
    amount_micros: int
    reason: str
    granted_at: datetime | None = None


@dataclass(frozen=True)
class Quote:
    """Cost of ``n_assignments`` at a venue: what is likely, and what it can be at most."""

    reward_micros: int
    fee_micros: int
    worst_micros: int
    lines: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Identity:
    """Who pays where: shown before the first paid call.

    ``account`` is an AWS account's number, or the name of an account of our marketplace.
    """

    environment: str
    endpoint: str
    account: str
    balance_micros: int | None
    arn: str = ""
