"""The second origin: requesters' HTML runs here, where there is no cookie to steal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from webapp.marketplace.market import Market, current_market
from webapp.marketplace.questions.asked import stored_question
from webapp.marketplace.questions.forms import read_form
from webapp.marketplace.store import reading
from webapp.marketplace.tables.work import Assignment, Hit

NOT_ACCEPTED = "ASSIGNMENT_ID_NOT_AVAILABLE"
STATIC = Path(__file__).parent / "static"

blueprint = Blueprint("content", __name__)

_HIT = select(Hit).where(Hit.hit_id == bindparam("id"))
_ACCEPTED = select(Assignment.id).where(
    Assignment.hit_id == bindparam("hit"),
    Assignment.assignment_id == bindparam("id"),
    Assignment.state == "Accepted",
)

_AMAZON_ADDRESSES = (
    (
        re.compile(r"(?:https?:)?//assets\.crowd\.aws/crowd-html-elements(?:\.min)?\.js"),
        "/static/crowd/crowd-html-elements.js",
    ),
    (
        re.compile(
            r"(?:https?:)?//(?:s3(?:\.us-east-1)?\.amazonaws\.com/mturk-public|"
            r"mturk-public\.s3(?:\.us-east-1)?\.amazonaws\.com)/externalHIT_v1\.js"
        ),
        "/static/frame/externalHIT_v1.js",
    ),
)
_SUBMIT_ADDRESS = re.compile(
    r"https?://(?:www|workersandbox|worker)\.mturk\.com/mturk/externalSubmit"
)


@blueprint.get("/dynamic/hit")
def hit_page() -> Response:
    """A HIT's page with the service's four parameters; only for addresses sealed by us."""
    market = current_market()
    assignment_id, hit_id = request.args.get("assignmentId", ""), request.args.get("hitId", "")
    worker_id, ticket = request.args.get("workerId", ""), request.args.get("ticket", "")
    if ticket != frame_ticket(market, assignment_id, hit_id, worker_id):
        abort(403, "This page opens from the worker's list of HITs only.")
    if request.args.get("turkSubmitTo", "") != market.worker_origin:
        abort(400, "turkSubmitTo must be this marketplace's own address.")
    with reading(market.sessions) as session:
        hit = _served_hit(session, hit_id, assignment_id)
    asked = stored_question(hit.question, hit.question_kind)
    if asked.kind == "external":
        abort(404, "This HIT's page lies elsewhere.")
    if asked.kind == "form":
        return _framed(market, _form_page(market, hit, assignment_id))
    return _framed(market, rewritten(asked.content, market.worker_origin))


@blueprint.get("/")
def front() -> str:
    """What this origin is for."""
    return render_template("content_front.html")


@dataclass(frozen=True)
class Frame:
    """What a worker's page puts in its frame; a height of 0 leaves it to the page."""

    address: str
    height: int


def frame_of(
    market: Market, hit: Hit, *, assignment_id: str = NOT_ACCEPTED, worker_id: str = ""
) -> Frame:
    """The frame of a HIT, in preview or accepted; ``turkSubmitTo`` is a host root.

    An ExternalQuestion's own address keeps its query and gets the four parameters.
    """
    parameters = {
        "assignmentId": assignment_id,
        "hitId": hit.hit_id,
        "workerId": worker_id,
        "turkSubmitTo": market.worker_origin,
    }
    asked = stored_question(hit.question, hit.question_kind)
    if asked.kind == "external":
        address, mark, fragment = asked.content.partition("#")
        joint = "&" if "?" in address else "?"
        given = f"{address}{joint}{urlencode(parameters)}{mark}{fragment}"
        return Frame(given, asked.frame_height)
    query = {**parameters, "ticket": frame_ticket(market, assignment_id, hit.hit_id, worker_id)}
    return Frame(f"{market.content_origin}/dynamic/hit?{urlencode(query)}", asked.frame_height)


def frame_ticket(market: Market, assignment_id: str, hit_id: str, worker_id: str) -> str:
    """Proof that a worker's page of ours led here."""
    return market.seal("frame", assignment_id, hit_id, worker_id)


def rewritten(html: str, worker_origin: str) -> str:
    """The page with Amazon's script addresses and submit address replaced by our own."""
    for pattern, ours in _AMAZON_ADDRESSES:
        html = pattern.sub(ours, html)
    return _SUBMIT_ADDRESS.sub(f"{worker_origin}/mturk/externalSubmit", html)


def _served_hit(session: Session, hit_id: str, assignment_id: str) -> Hit:
    hit = session.scalar(_HIT, {"id": hit_id})
    if hit is None or hit.status == "Disposed":
        abort(404, "There is no such HIT.")
    if assignment_id != NOT_ACCEPTED:
        held = session.scalar(_ACCEPTED, {"hit": hit.id, "id": assignment_id})
        if held is None:
            abort(410, "This HIT is not in your hands any more.")
    return hit


def _form_page(market: Market, hit: Hit, assignment_id: str) -> str:
    return render_template(
        "question_form.html",
        form=read_form(hit.question),
        title=hit.hit_type.title,
        submit_to=market.worker_origin,
        assignment_id=assignment_id,
        preview=assignment_id == NOT_ACCEPTED,
    )


def _framed(market: Market, html: str) -> Response:
    response = Response(html, content_type="text/html; charset=utf-8")
    policy = [f"frame-ancestors {market.worker_origin}"]
    if market.options.offline_frames:
        policy += [
            "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
            "style-src 'self' 'unsafe-inline'",
            "font-src 'self' data:",
            "connect-src 'self'",
        ]
    response.headers["Content-Security-Policy"] = "; ".join(policy)
    response.headers["Referrer-Policy"] = "strict-origin"
    response.headers["Cache-Control"] = "no-store"
    return response
