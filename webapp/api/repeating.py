"""``Idempotency-Key``: a POST that is sent again gets its first reply and does nothing more."""

from __future__ import annotations

import hashlib

from flask import Response, g, request

from jobs import kept_replies
from jobs.kept_replies import Reply
from webapp.auth import person
from webapp.installation import now, writing

HEADER = "Idempotency-Key"


def look_up() -> Response | None:
    """Before the view: the reply of the first call, or the right to make this one."""
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST":
        return None
    with writing() as session:
        found = kept_replies.begin(session, person().id, key, _fingerprint(), now())
    if isinstance(found, Reply):
        again = Response(found.body, status=found.status, mimetype="application/json")
        again.headers["Idempotent-Replayed"] = "true"
        return again
    g.ticket = found
    return None


def keep(response: Response) -> Response:
    """After the view: keep what went well, forget what failed.

    ``g.kept_body`` stands in for a body with a secret that is shown once only.
    """
    ticket = g.pop("ticket", None)
    if ticket is None:
        return response
    with writing() as session:
        if response.status_code < 400:
            body = g.get("kept_body", response.get_data(as_text=True))
            kept_replies.keep(session, ticket, Reply(response.status_code, body))
        else:
            kept_replies.forget(session, ticket)
    return response


def give_up(_error: BaseException | None) -> None:
    """Free the key of a call that broke off without any reply."""
    ticket = g.pop("ticket", None)
    if ticket is not None:
        with writing() as session:
            kept_replies.forget(session, ticket)


def _fingerprint() -> str:
    said = f"{request.method} {request.full_path}\n".encode()
    return hashlib.sha256(said + request.get_data()).hexdigest()
