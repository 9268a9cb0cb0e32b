"""Letters, qualifications, blocks and event subscriptions of an account that speaks MTurk's API.

Setting a qualification or a block to what it is already changes nothing, so each of these may
be repeated, except ``notify``: that is for the caller to make once.
"""

from __future__ import annotations

from collections.abc import Sequence

from jobs.errors import ProviderError
from jobs.providers import _turk_qualifications as qualifications
from jobs.providers._turk_notifications import is_this_machine
from jobs.providers._turk_qualifications import Caller, Pages

_NOT_HELD = (
    "AWS.MechanicalTurk.QualificationDoesNotExist",
    "AWS.MechanicalTurk.InvalidQualificationState",
)
_EVENTS = ["AssignmentSubmitted", "HITReviewable", "HITExpired"]


class TurkPeople:
    """The people of one account."""

    def __init__(self, call: Caller, pages: Pages, *, is_local: bool) -> None:
        self._call = call
        self._pages = pages
        self._is_local = is_local

    def own_qualification(self, name: str, description: str) -> str:
        return qualifications.find_or_make(self._call, self._pages, name, description)

    def qualify(self, qualification: str, provider_worker_id: str, value: int) -> None:
        self._call(
            "associate_qualification_with_worker",
            QualificationTypeId=qualification,
            WorkerId=provider_worker_id,
            IntegerValue=value,
            SendNotification=False,
        )

    def disqualify(self, qualification: str, provider_worker_id: str) -> None:
        try:
            self._call(
                "disassociate_qualification_from_worker",
                QualificationTypeId=qualification,
                WorkerId=provider_worker_id,
            )
        except ProviderError as error:
            if error.code not in _NOT_HELD:
                raise

    def block(self, provider_worker_id: str, reason: str) -> None:
        self._call("create_worker_block", WorkerId=provider_worker_id, Reason=reason)

    def unblock(self, provider_worker_id: str, reason: str) -> None:
        self._call("delete_worker_block", WorkerId=provider_worker_id, Reason=reason)

    def notify(self, provider_worker_ids: Sequence[str], subject: str, text: str) -> dict[str, str]:
        reply = self._call(
            "notify_workers",
            Subject=subject,
            MessageText=text,
            WorkerIds=list(provider_worker_ids),
        )
        return {
            str(one.get("WorkerId", "")): (
                f"{one.get('NotifyWorkersFailureCode', '')}: "
                f"{one.get('NotifyWorkersFailureMessage', '')}"
            )
            for one in reply.get("NotifyWorkersFailureStatuses", ())
        }

    def subscribe(self, provider_hit_type_id: str, queue_url: str) -> bool:
        if is_this_machine(queue_url) != self._is_local:
            return False
        self._call(
            "update_notification_settings",
            HITTypeId=provider_hit_type_id,
            Notification={
                "Destination": queue_url,
                "Transport": "SQS",
                "Version": "2014-08-15",
                "EventTypes": _EVENTS,
            },
            Active=True,
        )
        return True
