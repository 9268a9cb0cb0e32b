"""HIT types: seven attributes, checked, and found again when they are equal."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.marketplace.encoding import cents_of
from webapp.marketplace.identifiers import new_id
from webapp.marketplace.refusals import (
    Refusal,
    bad_value,
    out_of_range,
    qualification_type_missing,
    qualification_type_state,
)
from webapp.marketplace.standing import COMPARATORS, LOCALE, SYSTEM_TYPE_IDS, guard_level
from webapp.marketplace.tables.people import Requester
from webapp.marketplace.tables.qualifications import QualificationType
from webapp.marketplace.tables.work import HitType

LONGEST_SECONDS = 31_536_000
SHORTEST_SECONDS = 30
_LONGEST_APPROVAL = 2_592_000
_MOST_REWARD_CENTS = 10_000_000
_MOST_REQUIREMENTS = 10
_MOST_INTEGERS = 15
_MOST_LOCALES = 30
_GUARDS = ("Accept", "PreviewAndAccept", "DiscoverPreviewAndAccept")
_ONE_VALUE = (
    "LessThan", "LessThanOrEqualTo", "GreaterThan", "GreaterThanOrEqualTo", "EqualTo", "NotEqualTo",
)  # fmt: skip


def find_or_make(session: Session, requester: Requester, args: dict[str, Any], now: int) -> HitType:
    """The requester's HIT type with these attributes, made if there is none.

    Raises:
        Refusal: ParameterValidationError for a value the service refuses.

    """
    attributes = _attributes(session, args, now)
    fingerprint = hashlib.sha256(json.dumps(attributes, sort_keys=True).encode()).hexdigest()
    same = select(HitType).where(
        HitType.requester_id == requester.id, HitType.fingerprint == fingerprint
    )
    found = session.scalar(same)
    if found is None:
        try:
            with session.begin_nested():
                found = HitType(
                    hit_type_id=new_id(), hit_group_id=new_id(), requester=requester,
                    fingerprint=fingerprint, notification_is_active=False, used_at=now,
                    is_deleted=False, **attributes,
                )  # fmt: skip
                session.add(found)
        except IntegrityError:
            found = session.scalars(same).one()
    found.used_at = now
    found.is_deleted = False
    return found


def checked_text(args: dict[str, Any], name: str, most: int, *, blank: bool = False) -> str:
    """A text parameter within its length; blank only if allowed.

    Raises:
        Refusal: InvalidParameterValue.

    """
    value: str = args.get(name, "")
    too_blank = not value.strip() and not blank
    if len(value) > most or too_blank or any(_is_control(letter) for letter in value):
        raise bad_value(name, value[:200])
    return value


def checked_number(args: dict[str, Any], name: str, low: int, high: int, default: int = 0) -> int:
    """A whole number within its range.

    Raises:
        Refusal: ParameterOutOfRange.

    """
    value: int = args.get(name, default)
    if not low <= value <= high:
        raise out_of_range(name, value, low, high)
    return value


def checked_money(args: dict[str, Any], name: str, *, least: int = 0) -> int:
    """Cents of a money parameter.

    Raises:
        Refusal: InvalidParameterValue when it is absurdly large or too small.

    """
    text: str = args[name]
    cents = cents_of(text) if len(text) < 20 else _MOST_REWARD_CENTS + 1
    if not least <= cents <= _MOST_REWARD_CENTS:
        raise bad_value(name, text[:100])
    return cents


def _attributes(session: Session, args: dict[str, Any], now: int) -> dict[str, Any]:
    return {
        "title": checked_text(args, "Title", 128),
        "description": checked_text(args, "Description", 2000),
        "keywords": checked_text(args, "Keywords", 1000, blank=True),
        "reward_cents": checked_money(args, "Reward"),
        "duration_seconds": checked_number(
            args, "AssignmentDurationInSeconds", SHORTEST_SECONDS, LONGEST_SECONDS
        ),
        "auto_approval_seconds": checked_number(
            args, "AutoApprovalDelayInSeconds", 0, _LONGEST_APPROVAL, _LONGEST_APPROVAL
        ),
        "requirements": _requirements(session, args.get("QualificationRequirements", []), now),
    }


def _requirements(session: Session, rows: list[dict[str, Any]], now: int) -> list[dict[str, Any]]:
    if len(rows) > _MOST_REQUIREMENTS:
        raise bad_value("QualificationRequirements", f"{len(rows)} requirements")
    checked = [_requirement(session, row, now) for row in rows]
    return sorted(checked, key=lambda row: json.dumps(row, sort_keys=True))


def _requirement(session: Session, row: dict[str, Any], now: int) -> dict[str, Any]:
    type_id, comparator = row["QualificationTypeId"], row["Comparator"]
    if comparator not in COMPARATORS:
        raise bad_value("Comparator", comparator)
    if row.get("ActionsGuarded", "Accept") not in _GUARDS:
        raise bad_value("ActionsGuarded", row["ActionsGuarded"])
    if type_id not in SYSTEM_TYPE_IDS:
        _check_custom_type(session, type_id, now)
    if type_id == LOCALE:
        _check_locales(row)
    else:
        _check_integers(row)
    level = guard_level(row)
    return {**row, "RequiredToPreview": level > 0, "ActionsGuarded": _GUARDS[level]}


def _check_custom_type(session: Session, type_id: str, now: int) -> None:
    found = session.scalar(
        select(QualificationType).where(QualificationType.qualification_type_id == type_id)
    )
    if found is None or found.status == "Deleted":
        raise qualification_type_missing(type_id)
    if found.status != "Active":
        raise qualification_type_state("Active", found.status)
    found.used_at = now


def _check_locales(row: dict[str, Any]) -> None:
    comparator, places = row["Comparator"], row.get("LocaleValues", [])
    most = {"EqualTo": 1, "NotEqualTo": 1, "In": _MOST_LOCALES, "NotIn": _MOST_LOCALES}
    if comparator not in most or "IntegerValues" in row or not 1 <= len(places) <= most[comparator]:
        raise _bad_requirement(row)


def _check_integers(row: dict[str, Any]) -> None:
    comparator, values = row["Comparator"], row.get("IntegerValues", [])
    if "LocaleValues" in row:
        raise _bad_requirement(row)
    if comparator in ("Exists", "DoesNotExist"):
        fits = not values
    elif comparator in _ONE_VALUE:
        fits = len(values) == 1
    else:
        fits = 1 <= len(values) <= _MOST_INTEGERS
    if not fits:
        raise _bad_requirement(row)


def _bad_requirement(row: dict[str, Any]) -> Refusal:
    return bad_value("QualificationRequirements", json.dumps(row, sort_keys=True)[:500])


def _is_control(letter: str) -> bool:
    return ord(letter) < 32 and letter not in "\t\n\r"
