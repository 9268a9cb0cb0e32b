"""May this worker find, see, accept this HIT? Requirements against what the worker holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.marketplace.fees import MASTERS_TYPE_IDS
from webapp.marketplace.tables.people import Worker
from webapp.marketplace.tables.qualifications import Qualification, QualificationType
from webapp.marketplace.tables.work import Assignment

N_APPROVED = "00000000000000000040"
PERCENT_APPROVED = "000000000000000000L0"
LOCALE = "00000000000000000071"
ADULT = "00000000000000000060"
SYSTEM_TYPE_IDS = (N_APPROVED, PERCENT_APPROVED, LOCALE, ADULT, *MASTERS_TYPE_IDS)
_LEAST_FOR_PERCENT = 100
_GUARD_LEVELS = {"Accept": 0, "PreviewAndAccept": 1, "DiscoverPreviewAndAccept": 2}
_ACTION_LEVELS = {"accept": 0, "preview": 1, "discover": 2}

_NUMBER_TESTS: dict[str, Callable[[int, list[int]], bool]] = {
    "LessThan": lambda value, wanted: value < wanted[0],
    "LessThanOrEqualTo": lambda value, wanted: value <= wanted[0],
    "GreaterThan": lambda value, wanted: value > wanted[0],
    "GreaterThanOrEqualTo": lambda value, wanted: value >= wanted[0],
    "EqualTo": lambda value, wanted: value == wanted[0],
    "NotEqualTo": lambda value, wanted: value != wanted[0],
    "In": lambda value, wanted: value in wanted,
    "NotIn": lambda value, wanted: value not in wanted,
}
COMPARATORS = (*_NUMBER_TESTS, "Exists", "DoesNotExist")


@dataclass(frozen=True)
class Locale:
    """A country, and perhaps a part of it."""

    country: str
    subdivision: str = ""

    def lies_in(self, other: Locale) -> bool:
        """Whether this place is ``other`` or a part of it."""
        return self.country == other.country and other.subdivision in ("", self.subdivision)


Standing = Mapping[str, "int | Locale"]


def standing_of(session: Session, worker: Worker) -> Standing:
    """Everything the worker holds, by QualificationTypeId: scores, and a locale."""
    states = dict(
        session.execute(
            select(Assignment.state, func.count())
            .where(Assignment.worker_id == worker.id)
            .group_by(Assignment.state)
        ).all()
    )
    held: dict[str, int | Locale] = dict(_custom_scores(session, worker))
    held[N_APPROVED] = states.get("Approved", 0)
    held[PERCENT_APPROVED] = _percent_approved(states)
    held[LOCALE] = Locale(worker.country, worker.subdivision)
    held[ADULT] = int(worker.is_adult)
    if worker.is_master:
        held.update(dict.fromkeys(MASTERS_TYPE_IDS, 1))
    return held


def standing_for(
    session: Session, worker: Worker, requirements: Sequence[dict[str, Any]]
) -> Standing:
    """What the worker holds, as far as ``requirements`` ask: none of it is read for none."""
    return standing_of(session, worker) if requirements else {}


def unmet(requirements: Iterable[dict[str, Any]], action: str, standing: Standing) -> list[str]:
    """QualificationTypeIds that keep the worker from ``action``: discover, preview or accept."""
    level = _ACTION_LEVELS[action]
    return [
        requirement["QualificationTypeId"]
        for requirement in requirements
        if guard_level(requirement) >= level and not is_met(requirement, standing)
    ]


def guard_level(requirement: dict[str, Any]) -> int:
    """0: guards accepting; 1: previewing too; 2: finding too."""
    if requirement.get("RequiredToPreview") and "ActionsGuarded" not in requirement:
        return 1
    return _GUARD_LEVELS[requirement.get("ActionsGuarded", "Accept")]


def is_met(requirement: dict[str, Any], standing: Standing) -> bool:
    """Whether one requirement holds; what is missing fails every comparator but DoesNotExist."""
    comparator = requirement["Comparator"]
    value = standing.get(requirement["QualificationTypeId"])
    if comparator == "DoesNotExist":
        return value is None
    if value is None:
        return False
    if comparator == "Exists":
        return True
    if isinstance(value, Locale):
        return _locale_is_met(comparator, value, requirement.get("LocaleValues", []))
    return _NUMBER_TESTS[comparator](value, requirement["IntegerValues"])


def _locale_is_met(comparator: str, place: Locale, wanted: list[dict[str, str]]) -> bool:
    inside = any(
        place.lies_in(Locale(one["Country"], one.get("Subdivision", ""))) for one in wanted
    )
    return inside if comparator in ("EqualTo", "In") else not inside


def _custom_scores(session: Session, worker: Worker) -> list[tuple[str, int]]:
    rows = session.execute(
        select(QualificationType.qualification_type_id, Qualification.value)
        .join(QualificationType, Qualification.type_id == QualificationType.id)
        .where(Qualification.worker_id == worker.id, Qualification.status == "Granted")
    )
    return [(type_id, value) for type_id, value in rows.all()]


def _percent_approved(states: Mapping[str, int]) -> int:
    approved, rejected = states.get("Approved", 0), states.get("Rejected", 0)
    submitted = approved + rejected + states.get("Submitted", 0)
    if submitted < _LEAST_FOR_PERCENT or not approved + rejected:
        return 100
    return (200 * approved + approved + rejected) // (2 * (approved + rejected))
