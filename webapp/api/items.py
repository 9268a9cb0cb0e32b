"""Items over the API."""

from __future__ import annotations

from flask import Blueprint, Response

from jobs.adjudication.seeing import item_for
from jobs.reports import ItemFilter, item_page
from webapp.api.shapes import Item, ItemPage, ItemQuery
from webapp.api.spec import endpoint, reply
from webapp.auth import decider
from webapp.installation import reading

blueprint = Blueprint("items", __name__, url_prefix="/jobs/<int:job_id>/items")


@blueprint.get("")
@endpoint("adjudicator", "read", ItemPage, tag="items")
def index(job_id: int, query: ItemQuery) -> Response:
    """Items of a job by id, filtered."""
    filters = ItemFilter(
        kind=query.kind,
        state=query.state,
        most_confidence=query.most_confidence,
        most_agreement=query.most_agreement,
        worker_id=query.worker_id,
        route_id=query.route_id,
        class_name=query.class_name,
        tag=query.tag,
    )
    with reading() as session:
        rows = item_page(session, job_id, after=query.after, limit=query.limit + 1, filters=filters)
    page = rows[: query.limit]
    return reply(ItemPage(rows=page, next=page[-1].item_id if len(rows) > query.limit else None))


@blueprint.get("/<int:item_id>")
@endpoint("adjudicator", "read", Item, tag="items")
def show(job_id: int, item_id: int) -> Response:
    """One item: every answer, the consensus, the label's history.

    A first decision that waits for a second look is ``hidden`` to all but who made it.
    """
    with reading() as session:
        return reply(Item(item_for(session, job_id, item_id, decider().name)))
