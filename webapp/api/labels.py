"""Final labels over the API."""

from __future__ import annotations

from flask import Blueprint, Response

from jobs.labels import adjudicate
from jobs.reports.labels import label_page
from webapp.api.shapes import Label, LabelPage, NewLabel, PageQuery
from webapp.api.spec import endpoint, reply
from webapp.auth import actor
from webapp.installation import now, reading, writing

blueprint = Blueprint("labels", __name__, url_prefix="/jobs/<int:job_id>")


@blueprint.get("/labels")
@endpoint("adjudicator", "read", LabelPage, tag="labels")
def index(job_id: int, query: PageQuery) -> Response:
    """Newest labels by id; going on from the last id also brings what changed since."""
    with reading() as session:
        rows = label_page(session, job_id, after=query.after, limit=query.limit + 1)
    page = rows[: query.limit]
    return reply(LabelPage(rows=page, next=page[-1].id if len(rows) > query.limit else None))


@blueprint.post("/items/<int:item_id>/labels/<any(boxes, tags):kind>")
@endpoint("adjudicator", "write", Label, status=201, tag="labels")
def decide(job_id: int, item_id: int, kind: str, json: NewLabel) -> Response:
    """Write a decision as a new version; 409 when somebody decided in between."""
    with writing() as session:
        label = adjudicate(
            session,
            job_id=job_id,
            item_id=item_id,
            kind=kind,
            value=json.value,
            reason=json.reason,
            actor=actor(),
            expected_version=json.expected_version,
            now=now(),
        )
        session.flush()
        row = label_page(session, job_id, after=label.id - 1, limit=1)[0]
    return reply(Label(row), 201)
