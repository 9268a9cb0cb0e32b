"""Signed-in staff on our own marketplace: no reward and no fee there, a wage by the hour here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from jobs.blobs import Blobs
from jobs.errors import InvalidInput
from jobs.input_faults import explain
from jobs.money import format_usd, parse_usd_option
from jobs.providers._turk_terms import QualificationBook
from jobs.providers.mturk import Mturk
from jobs.records import Environment, HitSpec, Quote, Submission
from jobs.settings import Settings

ACCOUNT = "inhouse"
STAFF_QUALIFICATION = "In-house staff"
_HOUR = 3600


class Options(BaseModel):
    """``wage``: US dollars an hour."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    wage: Any = "18.00"


def connect(
    environment: Environment,
    options: dict[str, Any],
    *,
    settings: Settings,
    blobs: Blobs,
    now: Callable[[], datetime],
) -> Mturk:
    """Our marketplace's account ``inhouse``, whatever the environment of the job's crowd.

    Raises:
        InvalidInput: for a wage that is no amount of money, or an option it does not take.

    """
    return Mturk("inhouse", "local", settings, StaffTerms(_hourly_micros(options)), ACCOUNT)


def check_options(options: dict[str, Any]) -> None:
    """Refuse a wage that is no amount of money, or an option it does not take."""
    _hourly_micros(options)


def _hourly_micros(options: dict[str, Any]) -> int:
    try:
        wage = Options.model_validate(options).wage
    except ValidationError as error:
        raise InvalidInput(f"inhouse: options: {'; '.join(explain(error, Options))}") from error
    return parse_usd_option(wage, name="inhouse: wage")


class StaffTerms:
    """Only staff see these HITs, and time worked is what they cost."""

    def __init__(self, hourly_micros: int) -> None:
        self._hourly_micros = hourly_micros

    def quote(self, spec: HitSpec) -> Quote:
        """The most that can be owed: every assignment worked on to its deadline."""
        worst = self._wage(spec.assignment_duration_seconds) * spec.max_assignments
        text = (
            f"{spec.max_assignments} × up to {spec.assignment_duration_seconds} s "
            f"at {format_usd(self._hourly_micros)} an hour"
        )
        return Quote(worst, 0, worst, ((text, worst),))

    def cost_of_work(self, spec: HitSpec, submission: Submission) -> int:
        worked = (submission.submitted_at - submission.accepted_at).total_seconds()
        return self._wage(min(max(0.0, worked), spec.assignment_duration_seconds))

    def fee_of(self, spec: HitSpec, cost_micros: int) -> int:
        return 0

    def as_published(self, spec: HitSpec, venue: QualificationBook) -> HitSpec:
        requirement = {
            "QualificationTypeId": venue.qualification_type(STAFF_QUALIFICATION),
            "Comparator": "Exists",
            "ActionsGuarded": "DiscoverPreviewAndAccept",
        }
        return replace(spec, reward_micros=0, qualification_requirements=(requirement,))

    def _wage(self, seconds: float) -> int:
        """Micro-dollars for a time, counted in whole milliseconds and rounded half up."""
        parts = _HOUR * 1000
        return (2 * self._hourly_micros * round(seconds * 1000) + parts) // (2 * parts)
