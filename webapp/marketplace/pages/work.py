"""Doing work: the page around an accepted HIT, its submission, its return."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, redirect, render_template, request, url_for
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session
from werkzeug import Response as BaseResponse

from webapp.marketplace import assignments
from webapp.marketplace.content import NOT_ACCEPTED, frame_of
from webapp.marketplace.lifecycle import locked_assignment
from webapp.marketplace.market import Market, current_market
from webapp.marketplace.pages.browse import accepted_in
from webapp.marketplace.pages.frames import allow_frame
from webapp.marketplace.pages.session import needs_worker, present_worker, signed_in_worker
from webapp.marketplace.questions.answers import RESERVED, free_text_answers
from webapp.marketplace.questions.forms import read_form
from webapp.marketplace.questions.replies import read_replies
from webapp.marketplace.refusals import Declined
from webapp.marketplace.store import reading, write
from webapp.marketplace.tables.people import Worker
from webapp.marketplace.tables.work import ACTIVE_STATES, Assignment, Hit

blueprint = Blueprint("work", __name__)
submissions = Blueprint("submissions", __name__)

_ADDRESSED = (
    select(Assignment.id, Worker)
    .join(Worker, Assignment.worker_id == Worker.id)
    .where(Assignment.assignment_id == bindparam("id"))
    .order_by(Assignment.state.in_(ACTIVE_STATES).desc(), Assignment.id.desc())
    .limit(1)
)
_OWN = (
    select(Assignment)
    .where(Assignment.assignment_id == bindparam("id"), Assignment.worker_id == bindparam("worker"))
    .order_by(Assignment.id.desc())
    .limit(1)
)


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
    frame = frame_of(market, hit, assignment_id=assignment_id, worker_id=worker.worker_id)
    allow_frame(market, frame.address)
    return render_template(
        "task.html",
        assignment=assignment,
        hit=hit,
        frame=frame,
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
    return Response(render_template("submitted.html", outcome=outcome), 200)


def _taken(
    session: Session,
    market: Market,
    assignment_id: str,
    worker_id: str,
    fields: list[tuple[str, str]],
) -> Outcome:
    found = _addressed(session, assignment_id)
    _check_holder(session, found, worker_id)
    assignment = locked_assignment(session, found.pk)
    answer = _answer_document(market, assignment.hit, fields)
    assignments.submit(session, assignment, answer, market.dial.now())
    type_id = assignment.hit.hit_type.hit_type_id
    following = _next_task(session, market, found.worker, type_id)
    return Outcome(assignment_id, following or url_for("browse.preview", hit_type_id=type_id))


def _answer_document(market: Market, hit: Hit, fields: list[tuple[str, str]]) -> str:
    if hit.question_kind != "form":
        return free_text_answers(fields, market.options.repeated_fields)
    by_name: dict[str, list[str]] = {}
    for name, value in fields:
        by_name.setdefault(name, []).append(value)
    return read_replies(read_form(hit.question), by_name)[0]


def _next_task(session: Session, market: Market, worker: Worker, hit_type_id: str) -> str:
    """The work page of the next HIT, for a worker who has them accepted automatically."""
    if not worker.accepts_next:
        return ""
    try:
        with session.begin_nested():
            following = accepted_in(session, market, worker, hit_type_id)
    except Declined:
        return ""
    return url_for("work.task", assignment_id=following.assignment_id)


@dataclass(frozen=True)
class _Addressed:
    """Which row a submission means, and whose it is."""

    pk: int
    assignment_id: str
    worker: Worker


def _addressed(session: Session, assignment_id: str) -> _Addressed:
    """The living assignment of that id, or, where there is none, its last one."""
    found = session.execute(_ADDRESSED, {"id": assignment_id[:64]}).first()
    if found is None:
        raise Declined("There is no such assignment.", status=404, title="Not found")
    return _Addressed(found[0], assignment_id[:64], found[1])


def _check_holder(session: Session, found: _Addressed, worker_id: str) -> None:
    if worker_id and worker_id != found.worker.worker_id:
        raise Declined("This HIT was accepted by another worker.", status=403, title="Not yours")
    if worker_id:
        return
    n_holders = session.scalar(
        select(func.count(func.distinct(Assignment.worker_id))).where(
            Assignment.assignment_id == found.assignment_id
        )
    )
    if (n_holders or 0) > 1:
        raise Declined("Sign in to submit this HIT.", status=403, title="Not signed in")


def _own_assignment(session: Session, worker: Worker, assignment_id: str) -> Assignment:
    found = session.scalars(_OWN, {"id": assignment_id[:64], "worker": worker.id}).first()
    if found is None:
        raise Declined("You hold no such HIT.", status=404, title="Not found")
    return found
