"""The requester's door: POST / with an X-Amz-Target, as boto3 sends it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from webapp.marketplace import signing
from webapp.marketplace.accounts import INHOUSE_KEY, LOCAL_KEY, find_requester, requester_for
from webapp.marketplace.dispatch import OPERATIONS, only_reads
from webapp.marketplace.encoding import encoded
from webapp.marketplace.faults import Fault
from webapp.marketplace.market import Market, current_market
from webapp.marketplace.operations.call import Call, Members
from webapp.marketplace.pace import current_paces
from webapp.marketplace.refusals import Refusal, service_fault, throttled
from webapp.marketplace.service_model import TARGET_PREFIX, operation
from webapp.marketplace.store import reading, write
from webapp.marketplace.tables.people import Requester
from webapp.marketplace.validation import validated

CONTENT_TYPE = "application/x-amz-json-1.1"

blueprint = Blueprint("rpc", __name__)


@blueprint.post("/")
def answer() -> Response:
    """Answer one API request; its caller is whom the Authorization header names."""
    market = current_market()
    try:
        name = _operation_name(request.headers.get("X-Amz-Target", ""))
        return _struck(market, name, lambda: _answered(market, name))
    except Refusal as refusal:
        return _json(refusal.body(_suffix(market)), refusal.status)


@blueprint.errorhandler(413)
def too_large(_error: HTTPException) -> Response:
    """The refusal of a request larger than the server reads."""
    return _json({"__type": "RequestEntityTooLarge", "message": "Request is too large."}, 413)


@blueprint.errorhandler(500)
def failed(_error: HTTPException) -> Response:
    """What a requester sees of a failure of ours: the service's own fault, nothing of its cause."""
    refusal = service_fault()
    return _json(refusal.body(_suffix(current_market())), refusal.status)


def _operation_name(target: str) -> str:
    prefix, _, name = target.partition(".")
    if prefix != TARGET_PREFIX or name not in OPERATIONS:
        raise Refusal(f"Unknown operation {target[:100]!r}", kind="UnknownOperationException")
    return name


def _answered(market: Market, name: str) -> Response:
    body = request.get_data()
    requester = _caller(market, body)
    if not current_paces().calls.take(str(requester)):
        raise throttled()
    model = operation(name)
    args = validated(model.input_shape, _parsed(body))
    members = _performed(market, requester, name, args)
    if model.output_shape is None or not model.output_shape.members:
        return _json({}, 200)
    return _json(encoded(model.output_shape, members), 200)


def _performed(market: Market, requester_id: int, name: str, args: Members) -> Members:
    now, writes = market.dial.now(), not only_reads(name)

    def perform(session: Session) -> Members:
        requester = session.get_one(Requester, requester_id)
        return OPERATIONS[name](Call(session, requester, market, name, now, writes), args)

    if writes:
        return write(market.sessions, perform)
    with reading(market.sessions) as session:
        return perform(session)


def _caller(market: Market, body: bytes) -> int:
    """The row id of the account that sends this request; new keys open one unless strict."""
    credential = signing.claimed(request)
    with reading(market.sessions) as session:
        requester = find_requester(session, credential.access_key)
    if market.options.strict:
        secret_key = _secret_key(market, requester)
        if requester is None or not secret_key:
            raise Refusal(
                "The security token included in the request is invalid.",
                kind="UnrecognizedClientException",
            )
        signing.verify(request, body, credential, secret_key)
    if requester is None:
        now = market.dial.now()
        requester = write(
            market.sessions,
            lambda session: requester_for(session, credential.access_key, market.options, now),
        )
    return requester.id


def _secret_key(market: Market, requester: Requester | None) -> str:
    """What signs for the account; for the installation's own two it is in the secret file."""
    if requester is None:
        return ""
    is_ours = requester.access_key in (LOCAL_KEY, INHOUSE_KEY)
    return requester.secret_key or (market.secrets.requester_key if is_ours else "")


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}", parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal("The request is not valid JSON.", kind="SerializationException") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _struck(market: Market, name: str, respond: Callable[[], Response]) -> Response:
    """The response, after the faults that an admin has planned for this call."""
    faults = {fault.effect: fault for fault in _faults_met(market, name)}
    _delay(faults.get("delay_before"))
    if "throttle" in faults:
        raise throttled()
    if "fault_before" in faults:
        raise service_fault()
    if "drop_before" in faults:
        return _dropped()
    response = respond()
    _delay(faults.get("delay_after"))
    if "fault_after" in faults:
        raise service_fault()
    if "drop_after" in faults:
        return _dropped()
    return response


def _faults_met(market: Market, name: str) -> tuple[Fault, ...]:
    header = request.headers.get("Authorization", "")
    access_key = signing.claimed(request).access_key if header else ""
    attempt = dict(
        part.strip().partition("=")[::2]
        for part in request.headers.get("amz-sdk-request", "").split(";")
    ).get("attempt", "")
    return market.faults.meet(
        name,
        access_key,
        invocation_id=request.headers.get("amz-sdk-invocation-id", ""),
        attempt=attempt,
    )


def _delay(fault: Fault | None) -> None:
    if fault:
        time.sleep(fault.seconds)


def _dropped() -> Response:
    """Cut the connection without an answer, as far as the web server lets us."""
    still_there = request.environ.get("waitress.client_disconnected")
    if still_there is None:
        raise ConnectionAbortedError("told to drop this request")
    channel = still_there.__self__
    channel.socket.shutdown(2)
    channel.will_close = True
    return Response(b"", 500)


def _json(body: Any, status: int) -> Response:
    response = Response(json.dumps(body), status, content_type=CONTENT_TYPE)
    response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
    return response


def _suffix(market: Market) -> str:
    unit = "" if market.options.production_message_suffix else " s"
    return f"({market.dial.now()}{unit})"
