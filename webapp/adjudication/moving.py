"""Moving through the queue: start, skip, take back, bring back, and who is looking."""

from __future__ import annotations

from flask import flash, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response

from jobs.adjudication import deciding, reserving
from jobs.errors import InvalidInput
from jobs.reports.conflicts import read_place
from jobs.reports.items import item_view
from webapp.adjudication.board import address_of, asked_queue, blueprint, words_of
from webapp.auth import allow, decider
from webapp.installation import now, writing
from webapp.requests import whole_number


@blueprint.post("/adjudicate/next")
@allow("adjudicator")
def start() -> Response:
    """Take the worst question that nobody looks at."""
    queue = asked_queue(request.form)
    with writing() as session:
        found = reserving.take_next(session, queue, by=decider(), now=now())
    if found is None:
        flash(
            "Nothing is left here that waits for you: others look at the rest, or must decide it."
        )
        return redirect(url_for("adjudicate.queue", **words_of(queue)))
    return redirect(address_of(found, queue))


@blueprint.post("/jobs/<int:job_id>/items/<int:item_id>/skip/<any(boxes, tags):kind>")
@allow("adjudicator")
def skip(job_id: int, item_id: int, kind: str) -> Response:
    """Leave a question as it is and go on to the one after it; after the last, to the first."""
    queue = asked_queue(request.form)
    after = read_place(request.form.get("after", ""))
    with writing() as session:
        reserving.release(session, job_id, item_id, kind, by=decider())
        found = reserving.take_next(session, queue, by=decider(), now=now(), after=after)
        if found is None and after is not None:
            found = reserving.take_next(session, queue, by=decider(), now=now())
    here = (job_id, item_id, kind)
    if found is None or (found.job_id, found.item_id, found.kind) == here:
        flash("This is the last one that waits for you.")
        return redirect(url_for("adjudicate.queue", **words_of(queue)))
    return redirect(address_of(found, queue))


@blueprint.post("/jobs/<int:job_id>/items/<int:item_id>/undo/<any(boxes, tags):kind>")
@allow("adjudicator")
def undo(job_id: int, item_id: int, kind: str) -> Response:
    """Take the last act on a question back and show it again."""
    with writing() as session:
        deciding.undo(
            session,
            job_id,
            item_id,
            kind,
            by=decider(),
            expected_version=whole_number("version", low=1, high=10**9),
            now=now(),
        )
        reserving.reserve(session, job_id, item_id, kind, by=decider(), now=now())
    flash("Taken back. The question is as it was before.")
    queue = asked_queue(request.form)
    address = {"job_id": job_id, "item_id": item_id, "kind": kind}
    return redirect(url_for("adjudicate.decide", **address, **words_of(queue)))


@blueprint.post("/jobs/<int:job_id>/items/<int:item_id>/revert/<any(boxes, tags):kind>")
@allow("adjudicator")
def revert(job_id: int, item_id: int, kind: str) -> Response:
    """Bring an older version back, as a new one."""
    with writing() as session:
        deciding.revert(
            session,
            job_id,
            item_id,
            kind,
            whole_number("version", low=1, high=10**9),
            by=decider(),
            now=now(),
        )
    flash("The older version counts again, as a new one.")
    return redirect(url_for("items.item", job_id=job_id, item_id=item_id))


@blueprint.post("/jobs/<int:job_id>/items/<int:item_id>/look/<any(boxes, tags):kind>")
@allow("adjudicator")
def look(job_id: int, item_id: int, kind: str) -> Response:
    """Say that a person looks at the question, took it over or left it; the page asks anew."""
    act = request.form.get("act", "look")
    if act not in ("look", "take_over", "leave"):
        raise InvalidInput(f"act: expected look, take_over or leave, got {act!r:.40}")
    with writing() as session:
        view = item_view(session, job_id, item_id)
        newest = max((one.version for one in view.labels if one.kind == kind), default=0)
        if act == "leave":
            reserving.release(session, job_id, item_id, kind, by=decider())
            return jsonify({"version": newest, "look": None})
        found = reserving.reserve(
            session,
            job_id,
            item_id,
            kind,
            by=decider(),
            now=now(),
            is_taken_over=act == "take_over",
        )
    return jsonify({"version": newest, "look": {"name": found.name, "is_mine": found.is_mine}})
