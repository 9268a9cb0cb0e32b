"""The worker's qualifications: those held, those that can be asked for, and their tests."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug import Response as BaseResponse

from webapp.marketplace import qualifying
from webapp.marketplace.dial import SECOND
from webapp.marketplace.market import current_market
from webapp.marketplace.pages.frames import allow_media
from webapp.marketplace.pages.session import needs_worker, signed_in_worker
from webapp.marketplace.questions.forms import read_form
from webapp.marketplace.questions.replies import read_replies
from webapp.marketplace.refusals import Declined
from webapp.marketplace.standing import N_APPROVED, PERCENT_APPROVED, standing_of
from webapp.marketplace.store import reading, write
from webapp.marketplace.tables.people import Worker
from webapp.marketplace.tables.qualifications import (
    Qualification,
    QualificationRequest,
    QualificationType,
)

blueprint = Blueprint("qualifications", __name__)

_MOST_LISTED = 200


@blueprint.get("/worker/qualifications")
@needs_worker
def mine() -> str:
    """What the worker holds, has asked for, and may ask for."""
    market, worker = current_market(), signed_in_worker()
    search = request.args.get("search", "").strip()[:200]
    with reading(market.sessions) as session:
        standing = standing_of(session, worker)
        held = _held(session, worker)
        requests = _requests(session, worker)
        over = {row.id for row in requests if qualifying.is_over(row, market.dial.now())}
        ended = over | {row.id for row in requests if row.state == "Rejected"}
        asked = {r.type_id for r in requests if r.id not in ended or not _may_be_repeated(r)}
        offered = _offered(session, asked | {row.type_id for row in held}, search)
    return render_template(
        "qualifications.html",
        held=held,
        requests=requests,
        over=over,
        offered=offered,
        search=search,
        n_approved=standing[N_APPROVED],
        percent_approved=standing[PERCENT_APPROVED],
    )


@blueprint.post("/worker/qualifications/<type_id>/request")
@needs_worker
def ask(type_id: str) -> BaseResponse:
    """Ask for a qualification; one with a test leads to the test."""
    market, worker = current_market(), signed_in_worker()
    now = market.dial.now()

    def do(session: Session) -> QualificationRequest:
        row = _type(session, type_id)
        return qualifying.ask(session, row, session.get_one(Worker, worker.id), now)

    made = write(market.sessions, do)
    if made.state == "Testing":
        return redirect(url_for(".test", request_id=made.request_id), 303)
    return redirect(url_for(".mine"), 303)


@blueprint.get("/worker/tests/<request_id>")
@needs_worker
def test(request_id: str) -> str:
    """A test under way, with the time left; for who asked for it only."""
    market, worker = current_market(), signed_in_worker()
    with reading(market.sessions) as session:
        made = _own_request(session, worker, request_id)
    if made.state != "Testing":
        raise Declined("This test was handed in before.")
    allow_media()
    return render_template(
        "test.html",
        made=made,
        form=read_form(made.test, "Test"),
        seconds_left=max(0, qualifying.deadline_of(made) - market.dial.now()) // SECOND,
    )


@blueprint.post("/worker/tests/<request_id>")
@needs_worker
def hand_in(request_id: str) -> BaseResponse:
    """Hand in a test; for who asked for it only."""
    market, worker = current_market(), signed_in_worker()
    fields = request.form.to_dict(flat=False)

    def do(session: Session) -> None:
        made = _own_request(session, worker, request_id, lock=True)
        answer, replies = read_replies(read_form(made.test, "Test"), fields)
        qualifying.hand_in(session, made, answer, replies, market.dial.now())

    write(market.sessions, do)
    return redirect(url_for(".mine"), 303)


def _type(session: Session, type_id: str) -> QualificationType:
    found = session.scalar(
        select(QualificationType).where(QualificationType.qualification_type_id == type_id)
    )
    if found is None:
        raise Declined("There is no such qualification.", status=404, title="Not found")
    return found


def _own_request(
    session: Session, worker: Worker, request_id: str, *, lock: bool = False
) -> QualificationRequest:
    query = select(QualificationRequest).where(
        QualificationRequest.request_id == request_id, QualificationRequest.worker_id == worker.id
    )
    found = session.scalar(query.with_for_update(of=QualificationRequest) if lock else query)
    if found is None or not found.test:
        raise Declined("There is no such test.", status=404, title="Not found")
    return found


def _held(session: Session, worker: Worker) -> list[Qualification]:
    return list(
        session.scalars(
            select(Qualification)
            .where(Qualification.worker_id == worker.id)
            .order_by(Qualification.id.desc())
        )
    )


def _requests(session: Session, worker: Worker) -> list[QualificationRequest]:
    return list(
        session.scalars(
            select(QualificationRequest)
            .where(
                QualificationRequest.worker_id == worker.id,
                QualificationRequest.state.in_(("Testing", "Submitted", "Rejected")),
            )
            .order_by(QualificationRequest.id.desc())
            .limit(50)
        )
    )


def _may_be_repeated(request: QualificationRequest) -> bool:
    return request.type.retry_delay_seconds is not None


def _offered(session: Session, known: set[int], search: str) -> list[QualificationType]:
    rows = session.scalars(
        select(QualificationType)
        .where(QualificationType.status == "Active", QualificationType.for_staff.is_(False))
        .order_by(QualificationType.id.desc())
        .limit(1000)
    )
    words = search.lower().split()
    return [
        row
        for row in rows
        if row.id not in known
        and all(word in f"{row.name} {row.description} {row.keywords}".lower() for word in words)
    ][:_MOST_LISTED]
