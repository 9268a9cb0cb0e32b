"""Operations on requests for qualifications, and on types that change or end."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from webapp.marketplace import qualifying
from webapp.marketplace.hit_types import checked_number, checked_text
from webapp.marketplace.operations.call import Call, Members
from webapp.marketplace.operations.shapes import qualification_type_shape
from webapp.marketplace.paging import page
from webapp.marketplace.questions.answer_key import read_answer_key
from webapp.marketplace.questions.forms import read_form
from webapp.marketplace.refusals import (
    bad_value,
    missing,
    qualification_request_missing,
    qualification_request_state,
    qualification_type_state,
)
from webapp.marketplace.tables.people import WorkerMessage
from webapp.marketplace.tables.qualifications import QualificationRequest, QualificationType

_YEAR = 31_536_000
_LONGEST_REASON = 1024


def list_qualification_requests(call: Call, args: Members) -> Members:
    """ListQualificationRequests: pending ones, of one of the caller's types or of all."""
    query = (
        select(QualificationRequest)
        .join(QualificationType, QualificationRequest.type_id == QualificationType.id)
        .where(
            QualificationType.requester_id == call.requester.id,
            QualificationRequest.state == "Submitted",
        )
    )
    if "QualificationTypeId" in args:
        wanted = call.qualification_type(args["QualificationTypeId"])
        query = query.where(QualificationRequest.type_id == wanted.id)
    rows, members = page(call, args, query, [QualificationRequest.id], lambda row: (row.id,))
    return {**members, "QualificationRequests": [_request_shape(row) for row in rows]}


def accept_qualification_request(call: Call, args: Members) -> Members:
    """AcceptQualificationRequest: grants with the value, 1 by default."""
    row = _pending(call, args)
    row.state = "Accepted"
    value = args.get("IntegerValue", 1)
    qualifying.grant(call.session, row.type, row.worker, value, call.now)
    return {}


def reject_qualification_request(call: Call, args: Members) -> Members:
    """RejectQualificationRequest: the worker is told the reason."""
    row = _pending(call, args)
    row.state = "Rejected"
    row.reason = checked_text(args, "Reason", _LONGEST_REASON, blank=True)
    call.session.add(
        WorkerMessage(
            worker_id=row.worker.worker_id,
            subject=f"Your request for “{row.type.name}” was not granted",
            text=row.reason or "The requester gave no reason.",
            sent_at=call.now,
        )
    )
    return {}


def update_qualification_type(call: Call, args: Members) -> Members:
    """UpdateQualificationType: name and keywords stay; a test or retry delay cannot be removed."""
    row = call.qualification_type(args["QualificationTypeId"])
    if row.status not in ("Active", "Inactive"):
        raise qualification_type_state("Active,Inactive", row.status)
    if "Description" in args:
        row.description = checked_text(args, "Description", 2000)
    row.status = args.get("QualificationTypeStatus", row.status)
    apply_granting(row, args)
    return {"QualificationType": qualification_type_shape(row)}


def delete_qualification_type(call: Call, args: Members) -> Members:
    """DeleteQualificationType: gone once no HIT that asks for it is alive."""
    row = call.qualification_type(args["QualificationTypeId"], ended=True)
    if row.status not in ("Active", "Inactive"):
        raise qualification_type_state("Active,Inactive", "Disposing")
    qualifying.start_disposing(call.session, row, call.now)
    return {}


def apply_granting(row: QualificationType, args: dict[str, Any]) -> None:
    """Set how a type is granted: by hand, by itself, or by a test with a key.

    Raises:
        Refusal: a test together with AutoGranted, a test without its duration, a key without
            a test, or documents that do not parse.

    """
    if "RetryDelayInSeconds" in args:
        row.retry_delay_seconds = checked_number(args, "RetryDelayInSeconds", 0, _YEAR * 10)
    if "Test" in args:
        read_form(args["Test"], "Test")
        row.test = args["Test"]
    if "AnswerKey" in args:
        read_answer_key(args["AnswerKey"])
        row.answer_key = args["AnswerKey"]
    if "TestDurationInSeconds" in args:
        row.test_duration_seconds = checked_number(args, "TestDurationInSeconds", 1, _YEAR)
    row.auto_granted = args.get("AutoGranted", row.auto_granted)
    row.auto_granted_value = args.get("AutoGrantedValue", row.auto_granted_value)
    if row.test and row.auto_granted:
        raise bad_value("AutoGranted", "true")
    if row.test and row.test_duration_seconds is None:
        raise missing("TestDurationInSeconds", "A Test needs TestDurationInSeconds.")
    if row.answer_key and not row.test:
        raise missing("Test", "An AnswerKey needs a Test.")


def _pending(call: Call, args: Members) -> QualificationRequest:
    row = call.session.scalar(
        select(QualificationRequest)
        .join(QualificationType, QualificationRequest.type_id == QualificationType.id)
        .where(
            QualificationRequest.request_id == args["QualificationRequestId"],
            QualificationType.requester_id == call.requester.id,
        )
        .with_for_update(of=QualificationRequest)
    )
    if row is None or row.state in ("Testing", "Expired"):
        raise qualification_request_missing(args["QualificationRequestId"])
    if row.state != "Submitted":
        raise qualification_request_state(row.state)
    return row


def _request_shape(row: QualificationRequest) -> Members:
    return {
        "QualificationRequestId": row.request_id,
        "QualificationTypeId": row.type.qualification_type_id,
        "WorkerId": row.worker.worker_id,
        "Test": row.test or None,
        "Answer": row.answer or None,
        "SubmitTime": row.submitted_at,
    }
