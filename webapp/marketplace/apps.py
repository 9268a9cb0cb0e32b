"""The two apps that share one ``Market``.

The first is the API with the workers' pages, the second the origin on which requesters'
HTML runs in a frame.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, render_template, request
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from werkzeug import Response as BaseResponse
from werkzeug.exceptions import HTTPException, SecurityError

from webapp.marketplace import admin, content, rpc, trials
from webapp.marketplace.market import Market, current_market
from webapp.marketplace.pace import Pace, Paces
from webapp.marketplace.pages import (
    browse,
    doors,
    frames,
    history,
    layout,
    qualifications,
    session,
    sign_in,
    work,
)
from webapp.marketplace.refusals import Declined
from webapp.marketplace.settling import Sweeper

MOST_BYTES = 8 * 1024 * 1024
"""Largest request: answers may carry pictures as base64."""

_LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"]


def worker_app(market: Market) -> Flask:
    """The API and the workers' pages of ``market``."""
    app = _bare_app(market, market.worker_origin)
    app.config.update(
        SECRET_KEY=market.secrets.session_key,
        SESSION_COOKIE_NAME="hitworks_marketplace",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=market.worker_origin.startswith("https:"),
        PERMANENT_SESSION_LIFETIME=timedelta(days=7),
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.extensions["marketplace_paces"] = Paces(
        Pace(market.options.call_rates),
        Pace(market.options.form_rates),
        Pace(f"{market.options.login_attempts_per_minute}/minute"),
    )
    csrf = CSRFProtect(app)
    for open_blueprint in (rpc.blueprint, work.submissions, admin.blueprint):
        csrf.exempt(open_blueprint)
        app.register_blueprint(open_blueprint)
    for blueprint in (
        sign_in.blueprint,
        browse.blueprint,
        work.blueprint,
        history.blueprint,
        qualifications.blueprint,
        doors.blueprint,
    ):
        app.register_blueprint(blueprint)
    layout.install(app)
    sweeper = Sweeper(market)
    app.before_request(_to_own_address)
    app.before_request(sweeper.sweep_if_due)
    app.before_request(session.check_pace)
    app.after_request(session.count_form)
    app.after_request(frames.guard)
    app.register_error_handler(Declined, _declined)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http_error)
    app.add_url_rule("/", view_func=_front, methods=["GET"])
    return app


def content_app(market: Market) -> Flask:
    """The second origin of ``market``: HIT pages and crowd elements, no session, no cookie."""
    app = _bare_app(market, market.content_origin)
    app.register_blueprint(content.blueprint)
    app.register_blueprint(trials.blueprint)
    app.after_request(_guard_content)
    return app


def _bare_app(market: Market, origin: str) -> Flask:
    app = Flask(__name__)
    host = urlsplit(origin).hostname or ""
    app.config.update(
        MAX_CONTENT_LENGTH=MOST_BYTES,
        MAX_FORM_MEMORY_SIZE=MOST_BYTES,
        MAX_FORM_PARTS=2000,
        TRUSTED_HOSTS=[*_LOOPBACK_NAMES, f"[{host}]" if ":" in host else host],
    )
    app.extensions["marketplace"] = market
    return app


def _to_own_address() -> BaseResponse | None:
    """Send a browser that came by another name of this machine to the one cookies belong to."""
    market = current_market()
    own = urlsplit(market.worker_origin).netloc
    path = request.path
    is_page = path.startswith(("/worker", "/projects", "/mturk/preview", "/study", "/join"))
    if request.method == "GET" and is_page and request.host != own:
        return redirect(market.worker_origin + request.full_path.rstrip("?"), 307)
    return None


def _front() -> BaseResponse:
    return redirect("/worker", 303)


def _declined(declined: Declined) -> Response:
    return _told(declined.title, declined.message, declined.status)


def _told(title: str, message: str, status: int) -> Response:
    """A page of its own, or one for the frame in which the form was."""
    page = render_template(
        "declined.html", title=title, message=message, in_frame=frames.is_in_frame()
    )
    return Response(page, status)


def _stale_form(_error: CSRFError) -> Response:
    message = (
        "The form was not sent from a fresh page of ours. Go back, reload the page, try again."
    )
    return _told("Please try again", message, 400)


def _http_error(error: HTTPException) -> BaseResponse:
    if error.response is not None or (error.code or 500) < 400:
        return error.get_response()
    if isinstance(error, SecurityError):
        return Response("This address is not one of this server's.\n", 400, mimetype="text/plain")
    return _told(error.name, error.description or "", error.code or 500)


def _guard_content(response: Response) -> Response:
    response.headers.setdefault(
        "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.path.startswith("/static/"):
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response
