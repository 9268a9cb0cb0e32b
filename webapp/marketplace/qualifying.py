"""Qualifications given, taken and asked for."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.marketplace.dial import SECOND
from webapp.marketplace.identifiers import new_id
from webapp.marketplace.questions.answer_key import read_answer_key, score
from webapp.marketplace.questions.replies import Replies
from webapp.marketplace.refusals import Declined
from webapp.marketplace.tables.people import Worker, WorkerMessage
from webapp.marketplace.tables.qualifications import (
    Qualification,
    QualificationRequest,
    QualificationType,
)
from webapp.marketplace.tables.work import Hit, HitType


def grant(
    session: Session, qualification_type: QualificationType, worker: Worker, value: int, now: int,
    *, tell: bool = True,
) -> Qualification:  # fmt: skip
    """The worker's qualification with this score; a repeat overwrites, a revoked one comes back."""
    row = session.scalar(
        select(Qualification)
        .where(Qualification.type_id == qualification_type.id, Qualification.worker_id == worker.id)
        .with_for_update(of=Qualification)
    )
    if row is None:
        row = Qualification(type=qualification_type, worker=worker, value=value, granted_at=now)
        session.add(row)
    row.value, row.status, row.granted_at, row.reason = value, "Granted", now, ""
    qualification_type.used_at = now
    if tell:
        session.add(
            WorkerMessage(
                worker_id=worker.worker_id,
                subject=f"You now have the qualification “{qualification_type.name}”",
                text=f"Your score is {value}.",
                sent_at=now,
            )
        )
    session.flush()
    return row


def start_disposing(session: Session, row: QualificationType, now: int) -> None:
    """Begin the end of a type: nobody can ask for it, pending requests are rejected."""
    row.status = "Disposing"
    for request in session.scalars(
        select(QualificationRequest).where(
            QualificationRequest.type_id == row.id,
            QualificationRequest.state.in_(("Testing", "Submitted")),
        )
    ):
        request.state = "Rejected"
        request.reason = "The qualification no longer exists."
    finish_disposing(session, row, now)


def finish_disposing(session: Session, row: QualificationType, now: int) -> bool:
    """End the type and idle HIT types that ask for it, unless a living HIT still does."""
    asking = [
        hit_type
        for hit_type in session.scalars(select(HitType).where(HitType.is_deleted.is_(False)))
        if any(one["QualificationTypeId"] == row.qualification_type_id
               for one in hit_type.requirements)
    ]  # fmt: skip
    n_alive = session.scalar(
        select(func.count())
        .select_from(Hit)
        .where(Hit.type_id.in_([one.id for one in asking]), Hit.status != "Disposed")
    )
    if n_alive:
        return False
    for hit_type in asking:
        hit_type.is_deleted = True
    row.status, row.living_name = "Deleted", None
    row.used_at = now
    return True


def ask(session: Session, row: QualificationType, worker: Worker, now: int) -> QualificationRequest:
    """The worker's request: granted at once, a test begun, or waiting for the requester.

    Raises:
        Declined: it cannot be asked for, or was asked for too recently.

    """
    if row.status != "Active" or row.for_staff:
        raise Declined("This qualification cannot be asked for.", status=404, title="Not found")
    under_way = _latest(session, row, worker)
    if under_way and under_way.state == "Testing" and not is_over(under_way, now):
        return under_way
    _check_retry(row, under_way, now)
    request = QualificationRequest(
        request_id=new_id(), type=row, worker=worker, state="Testing" if row.test else "Submitted",
        test=row.test, answer="", started_at=now, submitted_at=None if row.test else now,
    )  # fmt: skip
    session.add(request)
    row.used_at = now
    if row.auto_granted:
        request.state = "Accepted"
        grant(session, row, worker, row.auto_granted_value, now)
    session.flush()
    return request


def deadline_of(request: QualificationRequest) -> int:
    """When the time for the request's test ends."""
    return request.started_at + (request.type.test_duration_seconds or 0) * SECOND


def is_over(request: QualificationRequest, now: int) -> bool:
    """Whether the request's test was begun and not handed in while there was time."""
    return request.state == "Testing" and now > deadline_of(request)


def hand_in(
    session: Session, request: QualificationRequest, answer: str, replies: Replies, now: int
) -> None:
    """Take a test's answers; with a key they are scored and the qualification granted at once.

    Raises:
        Declined: handed in before, or after its time.

    """
    if request.state != "Testing":
        raise Declined("This test was handed in before.")
    if is_over(request, now):
        raise Declined("The time for this test is over.", status=410, title="Too late")
    request.answer, request.submitted_at, request.state = answer, now, "Submitted"
    if request.type.answer_key:
        value = score(read_answer_key(request.type.answer_key), replies)
        request.state = "Accepted"
        grant(session, request.type, request.worker, value, now)


def _latest(
    session: Session, row: QualificationType, worker: Worker
) -> QualificationRequest | None:
    return session.scalars(
        select(QualificationRequest)
        .where(QualificationRequest.type_id == row.id, QualificationRequest.worker_id == worker.id)
        .order_by(QualificationRequest.id.desc())
        .limit(1)
    ).first()


def _check_retry(row: QualificationType, last: QualificationRequest | None, now: int) -> None:
    if last is None:
        return
    if last.state == "Submitted":
        raise Declined("You have asked for this qualification; the requester has yet to decide.")
    if row.retry_delay_seconds is None:
        raise Declined("This qualification can be asked for once only.")
    ready_at = (last.submitted_at or last.started_at) + row.retry_delay_seconds * SECOND
    if now < ready_at:
        raise Declined(f"You can ask again in {(ready_at - now) // SECOND + 1} seconds.")
