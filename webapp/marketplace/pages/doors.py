"""How an outside crowd comes in: /join by invitation, /study from another platform."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask import session as cookie
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug import Response as BaseResponse

from webapp.marketplace import accounts, invitations
from webapp.marketplace.market import current_market
from webapp.marketplace.pages.session import needs_worker, sign_in, signed_in_worker
from webapp.marketplace.refusals import Declined
from webapp.marketplace.store import reading, write
from webapp.marketplace.tables.people import Invitation, Worker
from webapp.marketplace.tables.work import HitType

blueprint = Blueprint("doors", __name__)


@blueprint.get("/join/<token>")
def invited(token: str) -> str:
    """The form of an invitation: choose a name and password. Anyone with the link."""
    market = current_market()
    with reading(market.sessions) as session:
        invitations.find(session, token, "account", market.dial.now())
    return render_template("join.html", token=token, problem="")


@blueprint.post("/join/<token>")
def join(token: str) -> BaseResponse:
    """Make the account and sign in. Anyone with a link that has a use left."""
    market = current_market()
    now = market.dial.now()

    def do(session: Session) -> Worker:
        row = invitations.find(session, token, "account", now)
        worker = accounts.create_worker(
            session, name=request.form.get("name", "").strip(),
            password=request.form.get("password", ""), now=now,
        )  # fmt: skip
        invitations.use(row)
        invitations.endow(session, row, worker, now)
        return worker

    try:
        worker = write(market.sessions, do)
    except Declined as declined:
        if declined.status not in (409, 422):
            raise
        page = render_template("join.html", token=token, problem=declined.message)
        return Response(page, declined.status)
    sign_in(worker)
    return redirect(url_for("browse.groups"), 303)


@blueprint.get("/study/<token>")
def welcome(token: str) -> str:
    """The first page of a study; the visitor's id comes in the address. Anyone with the link."""
    market = current_market()
    with reading(market.sessions) as session:
        row = invitations.find(session, token, "study", market.dial.now())
        hit_type = session.scalars(
            select(HitType).where(HitType.hit_type_id == row.settings["hit_type_id"])
        ).one()
    visitor = request.args.get(row.settings["visitor_parameter"], "")
    if not visitor:
        raise Declined("The link lacks the participant's id.", status=400, title="Not complete")
    return render_template(
        "study.html", token=token, visitor=visitor, hit_type=hit_type, settings=row.settings
    )


@blueprint.post("/study/<token>")
def begin(token: str) -> BaseResponse:
    """Start as the visitor's guest. The id is the other platform's; it is no proof of a person."""
    market = current_market()
    now = market.dial.now()

    def do(session: Session) -> tuple[Invitation, Worker]:
        row = invitations.find(session, token, "study", now)
        return row, invitations.guest(session, row, request.form.get("visitor", ""), now)

    row, worker = write(market.sessions, do)
    sign_in(worker)
    cookie["study"] = token
    worker_path = url_for("browse.preview", hit_type_id=row.settings["hit_type_id"])
    with reading(market.sessions) as session:
        left, _, _ = invitations.completion(session, row, worker)
    return redirect(worker_path if left else url_for(".finished", token=token), 303)


@blueprint.get("/study/<token>/finished")
@needs_worker
def finished(token: str) -> str:
    """The completion code, or how much is still to do; for the study's guest."""
    market, worker = current_market(), signed_in_worker()
    with reading(market.sessions) as session:
        row = invitations.find(session, token, "study", market.dial.now())
        if not worker.name.startswith(f"study-{row.id}:"):
            raise Declined("This is another study.", status=404, title="Not found")
        left, code, address = invitations.completion(session, row, worker)
    return render_template(
        "finished.html", left=left, code=code, address=address, settings=row.settings
    )
