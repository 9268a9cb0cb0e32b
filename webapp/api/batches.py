"""Batches over the API: called in, asked for more answers, kept open for longer."""

from __future__ import annotations

from flask import Blueprint, Response

from jobs import work
from jobs.hits import orders, prolonging
from jobs.reports.batches import batch_list
from jobs.specs.hit_specs import batch_context
from webapp.api.acts import Asked, Batches, Longer, More, MoreQuery, Order
from webapp.api.spec import endpoint, reply
from webapp.auth import actor
from webapp.installation import installation, now, reading, writing

blueprint = Blueprint("batches", __name__)


@blueprint.get("/jobs/<int:job_id>/batches")
@endpoint("manager", "read", Batches, tag="batches")
def index(job_id: int) -> Response:
    """The HITs of a job by batch."""
    with reading() as session:
        return reply(Batches(rows=batch_list(session, job_id)))


@blueprint.post("/batches/<int:batch_id>/expire")
@endpoint("manager", "spend", Asked, status=202, tag="batches")
def expire(batch_id: int) -> Response:
    """Close the batch's HITs to new workers; a repeat closes nothing more."""
    with writing() as session:
        job_id = batch_context(session, batch_id).job.id
        work.enqueue(session, "expire_batch", batch_id, now())
        row = next(row for row in batch_list(session, job_id) if row.id == batch_id)
    return reply(Asked(asked="expire", n=row.n_posted), 202)


@blueprint.get("/batches/<int:batch_id>/extend")
@endpoint("manager", "read", Order, tag="batches")
def extend_preview(batch_id: int, query: MoreQuery) -> Response:
    """What further answers would cost at most, and which HITs cannot grow."""
    with reading() as session:
        return reply(
            Order(orders.preview_orders(session, batch_id, query.n_more, installation().venues))
        )


@blueprint.post("/batches/<int:batch_id>/extend")
@endpoint("manager", "spend", Asked, status=202, tag="batches")
def extend(batch_id: int, json: More) -> Response:
    """Ask further people by each HIT; 409 while an earlier order is under way."""
    with writing() as session:
        n_hits = orders.order_batch(session, batch_id, json.n_more, actor(), now())
    return reply(Asked(asked="extend", n=n_hits), 202)


@blueprint.post("/batches/<int:batch_id>/prolong")
@endpoint("manager", "spend", Asked, status=202, tag="batches")
def prolong(batch_id: int, json: Longer) -> Response:
    """Show HITs that end sooner until then; 409 when none does."""
    with writing() as session:
        n_hits = prolonging.ask(session, batch_id, json.until, actor(), now())
    return reply(Asked(asked="prolong", n=n_hits), 202)
