"""Errors as people and programs see them: what happened, what was kept, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from flask import Flask, current_app, g, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from jobs.db import BUSY
from jobs.errors import (
    BudgetExceeded,
    Conflict,
    HitworksError,
    InvalidInput,
    NotFound,
    Paused,
    ProviderError,
)

RETRY_AFTER_SECONDS = 5  # while the database does not answer
_STATUS: tuple[tuple[type[HitworksError], int, str], ...] = (
    (NotFound, 404, "not_found"),
    (Paused, 409, "paused"),
    (Conflict, 409, "conflict"),
    (BudgetExceeded, 422, "budget_exceeded"),
    (InvalidInput, 422, "invalid_input"),
    (ProviderError, 502, "provider_error"),
)
_TITLES = {
    400: "This request could not be read",
    401: "Sign in first",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This cannot be done here",
    409: "This is not possible now",
    413: "This is too large",
    415: "This kind of file is not taken",
    422: "Something is not as expected",
    429: "Too many requests",
    500: "Something went wrong here",
    502: "A venue did not do as asked",
    503: "Busy just now",
}
_ADVICE = {
    401: "Sign in, then try again.",
    403: "Ask an administrator if you should be able to do this.",
    404: "Check the address, or start again from the list of jobs.",
    405: "Go back and use the buttons of the page.",
    409: "Nothing was changed. Look at the current state and decide again.",
    413: "Nothing was kept. Send fewer or smaller files at a time.",
    422: "Nothing was changed. Go back, correct it and send it again.",
    429: "Wait a minute, then try again.",
    502: "What was already done is recorded. Look at the job's page before you repeat it.",
}


@dataclass(frozen=True)
class Problem:
    """One failed request."""

    status: int
    code: str
    message: str
    missing_micros: int | None = None

    @property
    def title(self) -> str:
        """What happened, in a person's words."""
        return _TITLES.get(self.status, HTTPStatus(self.status).phrase)

    @property
    def advice(self) -> str:
        """What the person can do next."""
        return _ADVICE.get(self.status, "What was already saved is safe. Try again.")


def install(app: Flask) -> None:
    """Translate every error into a page, or into the API's one envelope."""
    app.register_error_handler(HitworksError, _ours)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http)
    for kind in (DataError, OverflowError, UnicodeError, RecursionError):
        app.register_error_handler(kind, _unstorable)
    for busy in BUSY:
        app.register_error_handler(busy, _unanswered)


def respond(problem: Problem) -> Response:
    """The problem, as the asker reads it: a script of our pages asks for JSON alone."""
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        response = jsonify({"error": envelope(problem)})
    else:
        response = Response(render_template("error.html", problem=problem), mimetype="text/html")
    response.status_code = problem.status
    return response


def envelope(problem: Problem) -> dict[str, object]:
    """The API's error object."""
    return {
        "code": problem.code,
        "message": problem.message,
        "request_id": g.get("request_id", ""),
        **({"missing_micros": problem.missing_micros} if problem.missing_micros else {}),
    }


def _ours(error: HitworksError) -> Response:
    for kind, status, code in _STATUS:
        if isinstance(error, kind):
            missing = error.missing_micros if isinstance(error, BudgetExceeded) else None
            return respond(Problem(status, code, str(error), missing))
    return respond(Problem(500, "error", str(error)))


def _forged(_error: CSRFError) -> Response:
    message = "The form did not carry this session's token: it may be from an older session."
    return respond(Problem(403, "csrf", message))


def _http(error: HTTPException) -> Response:
    if error.response is not None:
        return Response.force_type(error.response)
    status = error.code or 500
    code = HTTPStatus(status).name.lower()
    message = error.description or HTTPStatus(status).phrase
    response = respond(Problem(status, code, message))
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after", "www-authenticate"):
            response.headers[name] = value
    return response


def _unstorable(_error: Exception) -> Response:
    message = "The request holds a number or text that cannot be stored."
    return respond(Problem(422, "invalid_input", message))


def _unanswered(error: Exception) -> Response:
    """The database is away, locked or full, or all its connections are in use."""
    current_app.logger.error("the database does not answer: %s", getattr(error, "orig", error))
    message = "The database does not answer just now. See whether a change is there already."
    response = respond(Problem(503, "unavailable", message))
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
