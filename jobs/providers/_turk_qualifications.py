"""Qualification types of an account: found by name, and used to keep workers from a HIT."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jobs.errors import ProviderError
from jobs.records import HitSpec

EXISTS_ALREADY = "AWS.MechanicalTurk.QualificationTypeAlreadyExists"
_DESCRIPTION = "You have answered the question of this HIT before; each worker answers it once."

Caller = Callable[..., dict[str, Any]]
Pages = Callable[..., Iterator[dict[str, Any]]]


def find(pages: Pages, name: str) -> str | None:
    """The id of the account's own qualification type ``name``; None when there is none."""
    for row in pages(
        "list_qualification_types",
        "QualificationTypes",
        Query=name,
        MustBeRequestable=False,
        MustBeOwnedByCaller=True,
    ):
        if row["Name"] == name:
            return str(row["QualificationTypeId"])
    return None


def shut_out(call: Caller, pages: Pages, name: str, worker_ids: Iterable[str]) -> dict[str, Any]:
    """The requirement that keeps ``worker_ids`` from a HIT: not to hold the qualification ``name``.

    A name is unique in an account and a worker holds a qualification once, so a repeat
    changes nothing. Nobody is written to.
    """
    type_id = find_or_make(call, pages, name, _DESCRIPTION)
    for worker_id in worker_ids:
        call(
            "associate_qualification_with_worker",
            QualificationTypeId=type_id,
            WorkerId=worker_id,
            IntegerValue=1,
            SendNotification=False,
        )
    return _not_held(type_id)


def required(spec: HitSpec) -> list[dict[str, Any]]:
    """The requirements of the HIT's type; who is on the account's exclusion list is kept out."""
    asked = [dict(one) for one in spec.qualification_requirements]
    return [*asked, _not_held(spec.exclusion_type_id)] if spec.exclusion_type_id else asked


def _not_held(type_id: str) -> dict[str, Any]:
    return {
        "QualificationTypeId": type_id,
        "Comparator": "DoesNotExist",
        "ActionsGuarded": "DiscoverPreviewAndAccept",
    }


def find_or_make(call: Caller, pages: Pages, name: str, description: str) -> str:
    """The id of the account's own type: made first and looked for second.

    A list may lag behind, a refusal does not.
    """
    try:
        made = call(
            "create_qualification_type",
            Name=name,
            Description=description,
            QualificationTypeStatus="Active",
        )
        return str(made["QualificationType"]["QualificationTypeId"])
    except ProviderError as error:
        if error.code != EXISTS_ALREADY:
            raise
        found = find(pages, name)
        if found is None:
            raise ProviderError(
                f"{name}: the venue has this qualification and does not list it yet",
                permanent=False,
            ) from error
        return found
