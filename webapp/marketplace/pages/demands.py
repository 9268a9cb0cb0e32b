"""Qualification requirements in a worker's words: what is asked, what they have, does it do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.marketplace.fees import MASTERS_TYPE_IDS
from webapp.marketplace.standing import (
    ADULT,
    LOCALE,
    N_APPROVED,
    PERCENT_APPROVED,
    Locale,
    Standing,
    is_met,
)
from webapp.marketplace.tables.qualifications import QualificationType

_SYSTEM_NAMES = {
    N_APPROVED: "Approved HITs",
    PERCENT_APPROVED: "Approval rate in percent",
    LOCALE: "Location",
    ADULT: "Adult content",
    **dict.fromkeys(MASTERS_TYPE_IDS, "Masters"),
}
_WORDS = {
    "LessThan": "under {}",
    "LessThanOrEqualTo": "at most {}",
    "GreaterThan": "over {}",
    "GreaterThanOrEqualTo": "at least {}",
    "EqualTo": "{}",
    "NotEqualTo": "other than {}",
    "In": "one of {}",
    "NotIn": "none of {}",
    "Exists": "any score",
    "DoesNotExist": "not held",
}


@dataclass(frozen=True)
class Demand:
    """One requirement: its qualification, what is wanted, what the worker has."""

    name: str
    wanted: str
    own: str
    is_met: bool


def demands_of(
    requirements: Iterable[dict[str, Any]], standing: Standing, names: Mapping[str, str]
) -> tuple[Demand, ...]:
    """The requirements in words, in their order."""
    return tuple(
        Demand(
            names[row["QualificationTypeId"]],
            _WORDS[row["Comparator"]].format(_wanted(row)),
            _own(standing.get(row["QualificationTypeId"])),
            is_met(row, standing),
        )
        for row in requirements
    )


def names_of(session: Session, requirements: Iterable[dict[str, Any]]) -> dict[str, str]:
    """The name of every qualification that is required, by its id."""
    ids = {row["QualificationTypeId"] for row in requirements} - _SYSTEM_NAMES.keys()
    rows = session.execute(
        select(QualificationType.qualification_type_id, QualificationType.name).where(
            QualificationType.qualification_type_id.in_(ids)
        )
    )
    return {**_SYSTEM_NAMES, **dict(rows.all())}


def _wanted(requirement: dict[str, Any]) -> str:
    places = [_place(Locale(row["Country"], row.get("Subdivision", "")))
              for row in requirement.get("LocaleValues", [])]  # fmt: skip
    return ", ".join(places or [str(value) for value in requirement.get("IntegerValues", [])])


def _own(value: int | Locale | None) -> str:
    if value is None:
        return "none"
    return _place(value) if isinstance(value, Locale) else str(value)


def _place(place: Locale) -> str:
    return f"{place.country}-{place.subdivision}" if place.subdivision else place.country
