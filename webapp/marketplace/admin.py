"""The operator's calls, from this machine only and with the installation's admin token."""

from __future__ import annotations

import hmac
from dataclasses import asdict
from ipaddress import ip_address
from typing import Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.marketplace import accounts, books, invitations
from webapp.marketplace.delivery import deliver
from webapp.marketplace.faults import parse_faults
from webapp.marketplace.identifiers import new_id
from webapp.marketplace.market import CLOCK_SETTING, Market, current_market
from webapp.marketplace.refusals import Declined
from webapp.marketplace.settling import sweep
from webapp.marketplace.store import reading, write
from webapp.marketplace.tables.traffic import Notice, Setting
from webapp.marketplace.tables.work import Layout

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

_MOST_ADVANCE_SECONDS = 10 * 366 * 86_400


@blueprint.before_request
def check() -> Response | None:
    """Refuse whoever is not on this machine or does not hold the token."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    expected = current_market().secrets.admin_token
    if not _from_here() or not hmac.compare_digest(token.encode(), expected.encode()):
        return _problem("The admin token of this installation is needed.", 403)
    return None


@blueprint.errorhandler(Declined)
def declined(error: Declined) -> Response:
    """The refusal as JSON."""
    return _problem(error.message, error.status)


@blueprint.post("/workers")
def add_worker() -> Response:
    """Make a worker's account from ``name``, ``password`` and, perhaps, ``staff``."""
    market, given = current_market(), _given({"name": str, "password": str})
    worker = write(
        market.sessions,
        lambda session: accounts.create_worker(
            session,
            name=given["name"],
            password=given["password"],
            staff=given.get("staff") is True,
            country=str(given.get("country", "US"))[:2],
            subdivision=str(given.get("subdivision", ""))[:2],
            is_master=given.get("is_master") is True,
            now=market.dial.now(),
        ),
    )
    return _made({"worker_id": worker.worker_id, "name": worker.name, "kind": worker.kind})


@blueprint.get("/clock")
def read_clock() -> Response:
    """The marketplace's time."""
    return jsonify(_time_told(current_market()))


@blueprint.post("/clock")
def advance_clock() -> Response:
    """Turn the clock forward by ``advance_seconds``; what becomes due is done before the answer."""
    market, given = current_market(), _given({})
    seconds = given.get("advance_seconds")
    if (
        not isinstance(seconds, int | float)
        or isinstance(seconds, bool)
        or not 0 <= seconds <= _MOST_ADVANCE_SECONDS
    ):
        return _problem("advance_seconds is a number from 0 to ten years.", 422)
    market.dial.advance(round(seconds * 1000))
    write(market.sessions, lambda session: _keep_clock(session, market.dial.ahead))
    n_done = sweep(market)
    return jsonify({**_time_told(market), "n_done": n_done})


@blueprint.get("/faults")
def read_faults() -> Response:
    """Faults in force and calls seen since they were set."""
    plan = current_market().faults
    return jsonify({"faults": [asdict(one) for one in plan.faults()], "calls": plan.calls()})


@blueprint.put("/faults")
def replace_faults() -> Response:
    """Put a list of faults in force; an empty list ends them."""
    try:
        faults = parse_faults(request.get_json(silent=True))
    except ValueError as error:
        return _problem(str(error), 422)
    current_market().faults.replace(faults)
    return jsonify({"n_faults": len(faults)})


@blueprint.get("/books/<access_key>")
def read_books(access_key: str) -> Response:
    """An account's money in cents, summed from its entries."""
    with reading(current_market().sessions) as session:
        requester = accounts.find_requester(session, access_key)
        if requester is None:
            return _problem(f"There is no account {access_key!r}.", 404)
        told = books.statement(session, requester.id)
    return jsonify({**asdict(told), "spent_cents": told.spent_cents})


@blueprint.post("/requesters")
def add_requester() -> Response:
    """Open an account for ``access_key``, with a ``secret_key`` for strict mode."""
    market, given = current_market(), _given({"access_key": str})
    cents = given.get("balance_cents")
    if cents is not None and (not isinstance(cents, int) or cents < 0):
        return _problem("balance_cents is a whole number of cents.", 422)

    def do(session: Session) -> str:
        if accounts.find_requester(session, given["access_key"]):
            raise Declined(f"The account {given['access_key']!r} is there already.")
        requester = accounts.add_requester(
            session, given["access_key"], market.options, market.dial.now(),
            secret_key=str(given.get("secret_key", "")), balance_cents=cents,
        )  # fmt: skip
        return requester.customer_id

    return _made({"customer_id": write(market.sessions, do)})


@blueprint.post("/invitations")
def add_invitation() -> Response:
    """Make a link for an outside crowd: see ``invitations.invite`` for its settings."""
    market, given = current_market(), _given({})
    token = write(
        market.sessions, lambda session: invitations.invite(session, given, market.dial.now())
    )
    if given.get("kind") == "study":
        parameter = str(given.get("visitor_parameter", "PROLIFIC_PID"))
        return _made({"url": f"{market.worker_origin}/study/{token}?{parameter}="})
    return _made({"url": f"{market.worker_origin}/join/{token}"})


@blueprint.post("/layouts")
def add_layout() -> Response:
    """Register an ``html`` page with placeholders; its id serves every account."""
    market, given = current_market(), _given({"html": str})
    layout_id = new_id()
    row = Layout(layout_id=layout_id, html=given["html"], created_at=market.dial.now())

    def do(session: Session) -> None:
        session.add(row)

    write(market.sessions, do)
    return _made({"layout_id": layout_id})


@blueprint.get("/notices")
def read_notices() -> Response:
    """Event messages, newest first, with what became of them."""
    with reading(current_market().sessions) as session:
        rows = session.scalars(select(Notice).order_by(Notice.id.desc()).limit(500)).all()
    members = (
        "transport",
        "destination",
        "event_type",
        "state",
        "n_attempts",
        "last_error",
        "body",
    )
    return jsonify({"notices": [{name: getattr(row, name) for name in members} for row in rows]})


@blueprint.post("/notices/deliver")
def deliver_notices() -> Response:
    """Send waiting messages now."""
    return jsonify({"n_sent": deliver(current_market())})


def _from_here() -> bool:
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _given(needed: dict[str, type]) -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Declined("Send a JSON object.", status=422)
    for name, kind in needed.items():
        if not isinstance(body.get(name), kind) or not body[name]:
            raise Declined(f"{name} is needed.", status=422)
    return body


def _keep_clock(session: Session, ahead: int) -> None:
    row = session.get(Setting, CLOCK_SETTING)
    if row:
        row.value = ahead
    else:
        session.add(Setting(name=CLOCK_SETTING, value=ahead))


def _time_told(market: Market) -> dict[str, Any]:
    return {"now": market.dial.now() / 1000, "ahead_seconds": market.dial.ahead / 1000}


def _made(body: dict[str, Any]) -> Response:
    response = jsonify(body)
    response.status_code = 201
    return response


def _problem(message: str, status: int) -> Response:
    response = jsonify({"problem": message})
    response.status_code = status
    return response
