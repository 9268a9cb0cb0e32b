"""What the worker has done, earned and been told."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from werkzeug import Response as BaseResponse

from webapp.marketplace import books
from webapp.marketplace.market import current_market
from webapp.marketplace.pages.session import needs_worker, signed_in_worker
from webapp.marketplace.store import reading, write
from webapp.marketplace.tables.money import Bonus, Entry
from webapp.marketplace.tables.people import Worker, WorkerMessage
from webapp.marketplace.tables.work import Assignment, Hit, HitType

blueprint = Blueprint("history", __name__)

_PAGE = 50


@blueprint.get("/worker/work")
@needs_worker
def work_done() -> str:
    """The worker's own submissions, newest first, with decisions, reasons and earnings."""
    market, worker = current_market(), signed_in_worker()
    before = request.args.get("before", type=int)
    with reading(market.sessions) as session:
        rows = _submissions(session, worker, before)
        shown = {
            "rows": rows[:_PAGE],
            "older": rows[_PAGE - 1].id if len(rows) > _PAGE else None,
            "bonuses": _bonuses(session, [row.id for row in rows[:_PAGE]]),
            "earned": _earned(session, worker),
            "waiting": _waiting(session, worker),
            "states": _states(session, worker),
        }
    return render_template("work_done.html", **shown)


@blueprint.get("/worker/messages")
@needs_worker
def messages() -> str:
    """Letters to the worker, newest first."""
    market, worker = current_market(), signed_in_worker()
    with reading(market.sessions) as session:
        rows = session.scalars(
            select(WorkerMessage)
            .where(WorkerMessage.worker_id == worker.worker_id)
            .order_by(WorkerMessage.id.desc())
            .limit(200)
        ).all()
    return render_template("messages.html", rows=rows)


@blueprint.post("/worker/messages/read")
@needs_worker
def mark_read() -> BaseResponse:
    """Mark all of one's own letters as read."""
    market, worker = current_market(), signed_in_worker()
    write(
        market.sessions,
        lambda session: session.execute(
            update(WorkerMessage)
            .where(WorkerMessage.worker_id == worker.worker_id)
            .values(is_read=True)
        ),
    )
    return redirect(url_for(".messages"), 303)


def _submissions(session: Session, worker: Worker, before: int | None) -> list[Assignment]:
    query = select(Assignment).where(
        Assignment.worker_id == worker.id,
        Assignment.state.in_(("Submitted", "Approved", "Rejected")),
    )
    if before is not None:
        query = query.where(Assignment.id < before)
    return list(session.scalars(query.order_by(Assignment.id.desc()).limit(_PAGE + 1)))


def _bonuses(session: Session, pks: list[int]) -> dict[int, int]:
    rows = session.execute(
        select(Bonus.assignment_id, func.sum(Bonus.amount_cents))
        .where(Bonus.assignment_id.in_(pks))
        .group_by(Bonus.assignment_id)
    )
    return {pk: int(cents) for pk, cents in rows.all()}


def _earned(session: Session, worker: Worker) -> int:
    account = books.wages(worker.id)
    total = select(func.sum(Entry.amount_cents)).where(Entry.account == account)
    return int(session.scalar(total) or 0)


def _waiting(session: Session, worker: Worker) -> int:
    """What the worker gets when everything submitted is approved."""
    total = (
        select(func.sum(HitType.reward_cents))
        .select_from(Assignment)
        .join(Hit, Assignment.hit_id == Hit.id)
        .join(HitType, Hit.type_id == HitType.id)
        .where(Assignment.worker_id == worker.id, Assignment.state == "Submitted")
    )
    return int(session.scalar(total) or 0)


def _states(session: Session, worker: Worker) -> dict[str, int]:
    rows = session.execute(
        select(Assignment.state, func.count())
        .where(Assignment.worker_id == worker.id)
        .group_by(Assignment.state)
    )
    return dict(rows.all())
