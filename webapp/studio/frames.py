"""The frame in which a page is seen: on the marketplace's second origin, never on ours."""

from __future__ import annotations

import hmac
from urllib.parse import urlencode

from flask import request
from werkzeug.wrappers import Response

from jobs.marketplace_accounts import read_admin_token
from jobs.settings import Settings
from webapp.headers import CONTENT_POLICY

NOT_ACCEPTED = "ASSIGNMENT_ID_NOT_AVAILABLE"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def frame_of(settings: Settings, html: str, *, is_accepted: bool) -> dict[str, str]:
    """The form that shows ``html`` in the frame: its address and its sealed fields.

    Raises:
        InvalidInput: when no marketplace has run on this machine's data folder.

    """
    studio = own_origin(settings)
    html = html.replace("\r\n", "\n").replace("\r", "\n")  # a form would change them
    message = f"trial\x1f{studio}\x1f{html}".encode("utf-8", "replace")
    secret = read_admin_token(settings.data_dir)
    parameters = {
        "assignmentId": "TRIAL" if is_accepted else NOT_ACCEPTED,
        "hitId": "TRIAL",
        "workerId": "TRIAL" if is_accepted else "",
        "turkSubmitTo": settings.content_url(),
    }
    return {
        "address": f"{settings.content_url()}/trial/page?{urlencode(parameters)}",
        "html": html,
        "studio": studio,
        "seal": hmac.new(secret.encode(), message, "sha256").hexdigest(),
    }


def own_origin(settings: Settings) -> str:
    """The web app's configured address: what a request calls its host is not to be trusted.

    Where that address is loopback, another of loopback's names may have been typed.
    """
    own, asked = settings.web_url(), request.host_url.rstrip("/")
    here = [f"http://{name}:{settings.web_port}" for name in LOOPBACK]
    return asked if own in here and asked in here else own


def allow_frame(page: str, settings: Settings) -> Response:
    """``page`` with leave to hold the frame and to post to it."""
    content = settings.content_url()
    policy = CONTENT_POLICY.replace("form-action 'self'", f"form-action 'self' {content}")
    response = Response(page, mimetype="text/html")
    response.headers["Content-Security-Policy"] = f"{policy}; frame-src {content}"
    return response
