"""Doing work: the page around an accepted HIT, its submission, its return."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug import Response as BaseResponse

from webapp.marketplace import assignments
from webapp.marketplace.content import NOT_ACCEPTED, frame_address
from webapp.marketplace.market import Market, current_market
from webapp.marketplace.pages.browse import accepted_in
from webapp.marketplace.pages.frames import allow_frame, allow_own_frame
from webapp.marketplace.pages.session import needs_worker, present_worker, signed_in_worker
from webapp.marketplace.questions.answers import RESERVED, free_text_answers
from webapp.marketplace.questions.asked import stored_question
from webapp.marketplace.questions.forms import read_form
from webapp.marketplace.questions.replies import read_replies
from webapp.marketplace.refusals import Declined
from webapp.marketplace.store import reading, write
from webapp.marketplace.tables.people import Worker
from webapp.marketplace.tables.work import ACTIVE_STATES, Assignment, Hit

blueprint = Blueprint("work", __name__)
submissions = Blueprint("submissions", __name__)


@dataclass(frozen=True)
class Outcome:
    """What became of a submission, for the page that tells of it."""

    assignment_id: str
    next_path: str


@blueprint.get("/worker/tasks/<assignment_id>")
@needs_worker
def task(assignment_id: str) -> str | Response:
    """The accepted HIT in its frame, with the time left; for its holder only."""
    market, worker = current_market(), signed_in_worker()
    now = market.dial.now()
    with reading(market.sessions) as session:
        assignment = _own_assignment(session, worker, assignment_id)
        hit = assignment.hit
    if assignment.state != "Accepted" or assignment.deadline <= now:
        return Response(render_template("task_over.html", assignment=assignment, hit=hit), 410)
    address = frame_address(market, hit, assignment_id=assignment_id, worker_id=worker.worker_id)
    allow_frame(market, address)
    return render_template(
        "task.html",
        assignment=assignment,
        hit=hit,
        address=address,
        height=stored_question(hit.question, hit.question_kind).frame_height,
        sandbox=market.options.frame_sandbox,
        seconds_left=(assignment.deadline - now) // 1000,
        accepts_next=worker.accepts_next,
    )


@blueprint.post("/worker/tasks/<assignment_id>/return")
@needs_worker
def give_back(assignment_id: str) -> BaseResponse:
    """Return the HIT; for its holder only."""
    market, worker = current_market(), signed_in_worker()

    def do(session: Session) -> None:
        assignment = _own_assignment(session, worker, assignment_id)
        assignments.give_back(session, worker, assignment.id, market.dial.now())

    write(market.sessions, do)
    return redirect(url_for("browse.groups"), 303)


@blueprint.post("/worker/accept-next")
@needs_worker
def prefer() -> BaseResponse:
    """Switch accepting the next HIT automatically on or off, for oneself."""
    market, worker = current_market(), signed_in_worker()
    accepts_next = request.form.get("accepts_next") == "yes"

    def do(session: Session) -> None:
        session.get_one(Worker, worker.id).accepts_next = accepts_next

    write(market.sessions, do)
    back = request.form.get("assignment_id", "")
    if back.isalnum() and back.isascii():
        return redirect(url_for(".task", assignment_id=back), 303)
    return redirect(url_for("browse.groups"), 303)


@submissions.post("/mturk/externalSubmit")
def external_submit() -> Response:
    """Take the answer of an accepted assignment, posted by the HIT's page in its frame.

    Who may: the holder of the assignment. The frame is another origin, so the session
    cookie may not come along; then the assignment's id, which only its holder has seen,
    stands for the holder, unless another worker has held the same id before.
    """
    market = current_market()
    allow_own_frame()
    fields = list(request.args.items(multi=True)) + list(request.form.items(multi=True))
    given = dict(reversed(fields))
    assignment_id = given.get("assignmentId", "")
    if assignment_id in ("", NOT_ACCEPTED):
        raise Declined(
            "You must accept the HIT before you can submit the results.",
            title="Not accepted yet",
            status=400,
        )
    if not any(name and name not in RESERVED for name, _ in fields):
        raise Declined("The form held no answer.", title="Nothing submitted", status=400)
    worker = present_worker()
    claimed = worker.worker_id if worker else given.get("workerId", "")
    outcome = write(
        market.sessions, lambda session: _taken(session, market, assignment_id, claimed, fields)
    )
    next_path = _next_task(market, outcome) or outcome.next_path
    page = render_template("submitted.html", outcome=outcome, next_path=next_path)
    return Response(page, 200)


def _taken(
    session: Session,
    market: Market,
    assignment_id: str,
    worker_id: str,
    fields: list[tuple[str, str]],
) -> Outcome:
    assignment = _addressed(session, assignment_id)
    _check_holder(session, assignment, worker_id)
    answer = _answer_document(market, assignment.hit, fields)
    assignments.submit(session, assignment.id, answer, market.dial.now())
    type_id = assignment.hit.hit_type.hit_type_id
    return Outcome(assignment_id, url_for("browse.preview", hit_type_id=type_id))


def _answer_document(market: Market, hit: Hit, fields: list[tuple[str, str]]) -> str:
    if hit.question_kind != "form":
        return free_text_answers(fields, market.options.repeated_fields)
    by_name: dict[str, list[str]] = {}
    for name, value in fields:
        by_name.setdefault(name, []).append(value)
    return read_replies(read_form(hit.question), by_name)[0]


def _next_task(market: Market, outcome: Outcome) -> str:
    """The work page of the next HIT, for a worker who has them accepted automatically."""

    def do(session: Session) -> str:
        done = _addressed(session, outcome.assignment_id)
        worker = session.get_one(Worker, done.worker_id)
        if not worker.accepts_next:
            return ""
        following = accepted_in(session, market, worker, done.hit.hit_type.hit_type_id)
        return url_for("work.task", assignment_id=following.assignment_id)

    try:
        return write(market.sessions, do)
    except Declined:
        return ""


def _addressed(session: Session, assignment_id: str) -> Assignment:
    """The living assignment of that id, or, where there is none, its last one."""
    found = session.scalars(
        select(Assignment).where(Assignment.assignment_id == assignment_id[:64])
        .order_by(Assignment.state.in_(ACTIVE_STATES).desc(), Assignment.id.desc()).limit(1)
    ).first()  # fmt: skip
    if found is None:
        raise Declined("There is no such assignment.", status=404, title="Not found")
    return found


def _check_holder(session: Session, assignment: Assignment, worker_id: str) -> None:
    holder = session.get_one(Worker, assignment.worker_id)
    if worker_id and worker_id != holder.worker_id:
        raise Declined("This HIT was accepted by another worker.", status=403, title="Not yours")
    if worker_id:
        return
    n_holders = session.scalar(
        select(func.count(func.distinct(Assignment.worker_id))).where(
            Assignment.assignment_id == assignment.assignment_id
        )
    )
    if (n_holders or 0) > 1:
        raise Declined("Sign in to submit this HIT.", status=403, title="Not signed in")


def _own_assignment(session: Session, worker: Worker, assignment_id: str) -> Assignment:
    found = session.scalars(
        select(Assignment)
        .where(Assignment.assignment_id == assignment_id, Assignment.worker_id == worker.id)
        .order_by(Assignment.id.desc()).limit(1)
    ).first()  # fmt: skip
    if found is None:
        raise Declined("You hold no such HIT.", status=404, title="Not found")
    return found
