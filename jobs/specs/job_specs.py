"""What a job file says: dataset, question, routes, policies and budget, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from jobs.errors import InvalidInput
from jobs.input_faults import explain
from jobs.money import MICROS_PER_CENT, MICROS_PER_DOLLAR, format_usd, parse_usd
from jobs.strict_yaml import read_mapping

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
# Python's own readers would also take other scripts' digits, underscores and spaces.
_DIGITS = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
_DAY = 86_400
_LARGEST_REWARD = 10_000 * MICROS_PER_DOLLAR  # more for one answer is a slip
_PAYS_THE_CROWD = "mturk"


def _usd(value: object) -> int:
    try:
        return parse_usd(str(value) if isinstance(value, Decimal) else value)
    except InvalidInput as error:
        raise ValueError(str(error).removeprefix("amount: ")) from error


def _usd_cents(value: object) -> int:
    micros = _usd(value)
    if micros % MICROS_PER_CENT:
        raise ValueError("expected whole cents")
    if micros > _LARGEST_REWARD:
        raise ValueError(f"expected at most {format_usd(_LARGEST_REWARD)}")
    return micros


def _whole(value: object) -> object:
    if isinstance(value, bool) or (isinstance(value, str) and not _DIGITS.fullmatch(value)):
        raise ValueError("expected a whole number")
    return value


def _share(value: object) -> object:
    if isinstance(value, bool) or (isinstance(value, str) and not _DECIMAL.fullmatch(value)):
        raise ValueError("expected a share from 0 to 1")
    return value


def _plain_numbers(value: object) -> object:
    """``value`` with decimals as floats: options are kept as JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain_numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(part) for part in value]
    return float(value) if isinstance(value, Decimal) else value


def _plain(value: object) -> object:
    if isinstance(value, str) and _CONTROL.search(value):
        raise ValueError("no control characters expected")
    return value


Usd = Annotated[int, BeforeValidator(_usd)]
UsdCents = Annotated[int, BeforeValidator(_usd_cents)]
Whole = Annotated[int, BeforeValidator(_whole)]
Options = Annotated[dict[str, Any], BeforeValidator(_plain_numbers)]
Line = Annotated[str, BeforeValidator(_plain)]
Rate = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1, allow_inf_nan=False)]
HalfRate = Annotated[float, BeforeValidator(_share), Field(ge=0, le=0.5, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SlicingPolicy(_Strict):
    """How items become HITs."""

    gold_rate: HalfRate = 0.1
    repeat_rate: HalfRate = 0.0
    tile: Annotated[Whole, Field(ge=0, le=20_000)] = 0
    overlap: Annotated[Whole, Field(ge=0, le=10_000)] = 64

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.tile and self.overlap > self.tile // 2:
            raise ValueError(
                f"overlap: expected 0 to half of the tile ({self.tile}), got {self.overlap}"
            )
        if self.gold_rate + self.repeat_rate > 0.5:
            raise ValueError(
                "gold_rate and repeat_rate: expected at most 0.5 in all, "
                f"got {self.gold_rate + self.repeat_rate:g}"
            )
        return self


class QualityPolicy(_Strict):
    """How answers become labels; ``max_extra_answers`` a task is the adaptive ceiling."""

    tag_method: Annotated[str, Field(max_length=40)] = "auto"
    box_method: Annotated[str, Field(max_length=40)] = "probabilistic"
    sure_at: Rate = 0.8
    max_extra_answers: Annotated[Whole, Field(ge=0, le=20)] = 0


class ReviewPolicy(_Strict):
    """How submitted work is decided.

    ``approve`` pays all work that is an answer. ``screen`` rejects work of a worker who is
    surely bad by gold *and* by agreement with the others (the upper ends of both intervals
    lie under the bounds, from enough answers each), and pays the rest.
    """

    mode: Literal["approve", "screen"] = "approve"
    gold_below: Rate = 0.5
    agreement_below: Rate = 0.5
    min_gold: Annotated[Whole, Field(ge=1, le=1000)] = 4
    min_answers: Annotated[Whole, Field(ge=1, le=1000)] = 8


class AdjudicationPolicy(_Strict):
    """Which decisions of adjudicators count only once a second person has agreed.

    ``asked``: where somebody asks for it; ``sampled``: a ``share`` of all questions beside
    that; ``always``: every one. ``disputes`` says who decides where two people disagree:
    any third person, or a manager.
    """

    second_look: Literal["asked", "sampled", "always"] = "asked"
    share: Rate = 0.1
    disputes: Literal["anyone", "manager"] = "anyone"


class Policy(_Strict):
    """What the job row keeps beside its budget and seed; ``bonuses`` in micro-dollars."""

    slicing: SlicingPolicy = SlicingPolicy()
    quality: QualityPolicy = QualityPolicy()
    review: ReviewPolicy = ReviewPolicy()
    adjudication: AdjudicationPolicy = AdjudicationPolicy()
    bonuses: Annotated[int, Field(ge=0)] = 0


class HitSettings(_Strict):
    """The face of a route's HITs and their times."""

    title: Annotated[Line, Field(max_length=128)] = ""
    description: Annotated[Line, Field(max_length=2000)] = ""
    keywords: Annotated[Line, Field(max_length=1000)] = "image, labeling"
    template: Annotated[str, Field(max_length=60)] = ""
    lifetime_seconds: Annotated[Whole, Field(ge=30, le=365 * _DAY)] = 7 * _DAY
    assignment_duration_seconds: Annotated[Whole, Field(ge=30, le=365 * _DAY)] = 600
    auto_approval_delay_seconds: Annotated[Whole, Field(ge=0, le=30 * _DAY)] = 3 * _DAY
    qualification_requirements: tuple[Options, ...] = ()


class RouteSpec(_Strict):
    """One route: who is asked, what, how many times and at what price.

    ``when`` is ``always``, or ``unsure``: only for items the routes before left unsure.
    ``options`` are the provider's own (a wage, a tagger); the provider checks them.
    """

    provider: Annotated[str, Field(max_length=40)]
    kind: Literal["boxes", "tags"]
    attributes: tuple[str, ...] = ()
    redundancy: Annotated[Whole, Field(ge=1, le=100)] = 1
    reward: UsdCents = 0
    tasks_per_hit: Annotated[Whole, Field(ge=1, le=100)] = 1
    when: Literal["always", "unsure"] = "always"
    hit: HitSettings = HitSettings()
    options: Options = Field(default_factory=dict)


def _some_routes(routes: tuple[RouteSpec, ...]) -> tuple[RouteSpec, ...]:
    if not 1 <= len(routes) <= 20:
        raise ValueError(f"expected 1 to 20 routes, got {len(routes)}")
    return routes


class JobSpec(_Strict):
    """A whole job, as a requester writes it.

    ``bonuses`` is the part of the budget that a launch keeps free for bonuses and their fees.
    """

    name: Annotated[Line, Field(min_length=1, max_length=200)]
    dataset: Annotated[str, Field(min_length=1, max_length=200)]
    schema_name: Annotated[str, Field(alias="schema", min_length=1, max_length=210)]
    environment: Literal["production", "sandbox", "local"] = "local"
    budget: Usd
    bonuses: Usd = 0
    seed: Annotated[Whole, Field(ge=0, lt=2**31)] = 0
    routes: Annotated[tuple[RouteSpec, ...], AfterValidator(_some_routes)]
    slicing: SlicingPolicy = SlicingPolicy()
    quality: QualityPolicy = QualityPolicy()
    review: ReviewPolicy = ReviewPolicy()
    adjudication: AdjudicationPolicy = AdjudicationPolicy()

    @model_validator(mode="after")
    def _pays(self) -> Self:
        """Volunteers may come to the local marketplace; on MTurk a reward of 0 is a slip."""
        for position, route in enumerate(self.routes):
            is_at_mturk = route.provider == _PAYS_THE_CROWD and self.environment != "local"
            if is_at_mturk and not route.reward:
                raise ValueError(f"routes.{position}.reward: expected at least $0.01, got $0.00")
        return self

    def policy(self) -> Policy:
        """The part that the job row keeps as one value."""
        return Policy(
            slicing=self.slicing,
            quality=self.quality,
            review=self.review,
            adjudication=self.adjudication,
            bonuses=self.bonuses,
        )


def parse_job_spec(text: str, where: str) -> JobSpec:
    """The job a YAML or JSON text describes; ``where`` names the source in messages.

    Decimal numbers are read exactly, so that ``reward: 0.05`` is five cents and never a
    binary fraction.

    Raises:
        InvalidInput: naming each wrong field, what was expected and what came.

    """
    return read_job_spec(read_mapping(text, where, exact=True), where)


def read_job_spec(document: object, where: str) -> JobSpec:
    """The job a mapping describes; for forms and API bodies, with money as text.

    Raises:
        InvalidInput: as ``parse_job_spec``.

    """
    if not isinstance(document, Mapping):
        raise InvalidInput(
            f"{where}: expected a mapping of settings, got {type(document).__name__}"
        )
    try:
        return JobSpec.model_validate(document)
    except ValidationError as error:
        faults = (f"{where}: {fault}" for fault in explain(error, JobSpec))
        raise InvalidInput("\n".join(faults)) from error
