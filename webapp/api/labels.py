"""Final labels over the API, and the questions that people decide."""

from __future__ import annotations

from flask import Blueprint, Response

from jobs.adjudication import deciding, reserving
from jobs.adjudication.deciding import Verdict
from jobs.adjudication.seeing import decided_for, decisions_for
from jobs.reports.conflicts import Queue, conflicts, read_place
from jobs.reports.decisions import set_aside_reasons, set_asides
from jobs.reports.heads import job_head
from jobs.reports.labels import label_page
from webapp.api.shapes import (
    BroughtBack,
    ConflictQuery,
    Conflicts,
    Decisions,
    Label,
    LabelPage,
    NewLabel,
    NewReservation,
    NewSecondLook,
    NewSetAside,
    Next,
    NextQuestion,
    PageQuery,
    Reservation,
    SetAsideQuery,
    SetAsides,
    TakenBack,
)
from webapp.api.spec import endpoint, reply
from webapp.auth import decider
from webapp.installation import now, reading, writing

blueprint = Blueprint("labels", __name__)
_QUESTION = "/jobs/<int:job_id>/items/<int:item_id>"
_KIND = "<any(boxes, tags):kind>"


@blueprint.get("/jobs/<int:job_id>/labels")
@endpoint("adjudicator", "read", LabelPage, tag="labels")
def index(job_id: int, query: PageQuery) -> Response:
    """Newest labels by id; going on from the last id also brings what changed since."""
    with reading() as session:
        rows = label_page(session, job_id, after=query.after, limit=query.limit + 1)
    page = rows[: query.limit]
    return reply(LabelPage(rows=page, next=page[-1].id if len(rows) > query.limit else None))


@blueprint.get("/conflicts")
@endpoint("adjudicator", "read", Conflicts, tag="labels")
def waiting(query: ConflictQuery) -> Response:
    """Questions that want a person, worst first: the least sure answer before all others."""
    queue = Queue(query.job_id, query.kind, query.state, query.about)
    with reading() as session:
        if query.job_id is not None:
            job_head(session, query.job_id)
        rows = conflicts(
            session, queue, after=read_place(query.after), limit=query.limit + 1, now=now()
        )
    page = rows[: query.limit]
    return reply(Conflicts(rows=page, next=page[-1].place if len(rows) > query.limit else None))


@blueprint.post("/conflicts/next")
@endpoint("adjudicator", "write", Next, tag="labels")
def take_next(json: NextQuestion) -> Response:
    """The worst question that nobody looks at and you may decide; it is yours for three minutes."""
    queue = Queue(json.job_id, json.kind, json.state, json.about)
    with writing() as session:
        after = read_place(json.after)
        found = reserving.take_next(session, queue, by=decider(), now=now(), after=after)
    return reply(Next(question=found))


@blueprint.post(f"{_QUESTION}/labels/{_KIND}")
@endpoint("adjudicator", "write", Label, status=201, tag="labels")
def decide(job_id: int, item_id: int, kind: str, json: NewLabel) -> Response:
    """Write a decision as a new version; 409 when somebody decided in between."""
    sources = None if json.sources is None else [one.model_dump() for one in json.sources]
    verdict = Verdict(json.value, json.reason, json.note, sources)
    return _decide(job_id, item_id, kind, verdict, json.expected_version)


@blueprint.post(f"{_QUESTION}/set-aside/{_KIND}")
@endpoint("adjudicator", "write", Label, status=201, tag="labels")
def set_aside(job_id: int, item_id: int, kind: str, json: NewSetAside) -> Response:
    """Give a question no label, with a reason; 409 when somebody decided in between."""
    verdict = Verdict(None, json.reason, json.note)
    return _decide(job_id, item_id, kind, verdict, json.expected_version)


@blueprint.post(f"{_QUESTION}/second-look/{_KIND}")
@endpoint("adjudicator", "write", Label, status=201, tag="labels")
def second_look(job_id: int, item_id: int, kind: str, json: NewSecondLook) -> Response:
    """Leave a question to another person; it has no label until they have decided."""
    with writing() as session:
        made = deciding.ask(
            session,
            job_id,
            item_id,
            kind,
            note=json.note,
            value=json.value,
            by=decider(),
            expected_version=json.expected_version,
            now=now(),
        )
        session.flush()
        row = decided_for(session, job_id, made.id, decider().name)
    return reply(Label(row), 201)


@blueprint.post(f"{_QUESTION}/undo/{_KIND}")
@endpoint("adjudicator", "write", Label, status=201, tag="labels")
def undo(job_id: int, item_id: int, kind: str, json: TakenBack) -> Response:
    """Take the last act on a question back: your own, or as a manager anybody's."""
    with writing() as session:
        made = deciding.undo(
            session,
            job_id,
            item_id,
            kind,
            by=decider(),
            expected_version=json.expected_version,
            now=now(),
        )
        session.flush()
        row = decided_for(session, job_id, made.id, decider().name)
    return reply(Label(row), 201)


@blueprint.post(f"{_QUESTION}/revert/{_KIND}")
@endpoint("adjudicator", "write", Label, status=201, tag="labels")
def revert(job_id: int, item_id: int, kind: str, json: BroughtBack) -> Response:
    """Bring the value of an older version back, as a new one."""
    with writing() as session:
        made = deciding.revert(
            session,
            job_id,
            item_id,
            kind,
            json.version,
            by=decider(),
            now=now(),
            expected_version=json.expected_version,
        )
        session.flush()
        row = decided_for(session, job_id, made.id, decider().name)
    return reply(Label(row), 201)


@blueprint.get(f"{_QUESTION}/decisions")
@endpoint("adjudicator", "read", Decisions, tag="labels")
def history(job_id: int, item_id: int) -> Response:
    """What people did about an item's questions, newest first."""
    with reading() as session:
        return reply(Decisions(rows=decisions_for(session, job_id, item_id, decider().name)))


@blueprint.get("/jobs/<int:job_id>/set-asides")
@endpoint("adjudicator", "read", SetAsides, tag="labels")
def put_aside(job_id: int, query: SetAsideQuery) -> Response:
    """Questions that were given no label, and why."""
    with reading() as session:
        job_head(session, job_id)
        by_reason = set_aside_reasons(session, job_id)
        rows = set_asides(
            session, job_id, reason=query.reason, after=query.after, limit=query.limit + 1
        )
    page = rows[: query.limit]
    more = page[-1].id if len(rows) > query.limit else None
    return reply(SetAsides(by_reason=by_reason, rows=page, next=more))


@blueprint.post(f"{_QUESTION}/reservation/{_KIND}")
@endpoint("adjudicator", "write", Reservation, tag="labels")
def reserve(job_id: int, item_id: int, kind: str, json: NewReservation) -> Response:
    """Say that you look at a question, for three minutes; the reply says who has it."""
    with writing() as session:
        if json.act == "leave":
            reserving.release(session, job_id, item_id, kind, by=decider())
            return reply(Reservation(look=None))
        found = reserving.reserve(
            session,
            job_id,
            item_id,
            kind,
            by=decider(),
            now=now(),
            is_taken_over=json.act == "take_over",
        )
    return reply(Reservation(look=found))


def _decide(
    job_id: int, item_id: int, kind: str, verdict: Verdict, expected_version: int
) -> Response:
    with writing() as session:
        made = deciding.decide(
            session,
            job_id,
            item_id,
            kind,
            verdict,
            by=decider(),
            expected_version=expected_version,
            now=now(),
        )
        session.flush()
        row = decided_for(session, job_id, made.id, decider().name)
    return reply(Label(row), 201)
