"""One's own password, API tokens and appearance."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from jobs import accounts
from jobs.errors import InvalidInput
from webapp.auth import allow, limiter, person, start_session
from webapp.installation import installation, now, reading, writing
from webapp.requests import is_own_path

blueprint = Blueprint("account", __name__, url_prefix="/account")

_A_YEAR = 365 * 24 * 3600


@blueprint.get("")
@allow("annotator")
def page() -> str:
    """One's own account."""
    return _page()


@blueprint.post("/password")
@allow("annotator")
@limiter.limit("10 per minute")
def password() -> Response | tuple[str, int]:
    """Change one's password; every other session ends."""
    try:
        with writing() as session:
            changed = accounts.change_password(
                session,
                person().id,
                old=request.form.get("old", ""),
                new=request.form.get("new", ""),
            )
    except InvalidInput as error:
        return _page(password_error=str(error)), 422
    start_session(changed)
    flash("Password changed. Other sessions have ended.")
    return redirect(url_for("account.page"))


@blueprint.post("/tokens")
@allow("manager")
def add_token() -> str | tuple[str, int]:
    """Make an API token; its secret is shown once, here."""
    try:
        with writing() as session:
            made = accounts.issue_token(
                session,
                person().id,
                name=request.form.get("name", ""),
                scopes=tuple(request.form.getlist("scopes")),
                now=now(),
            )
    except InvalidInput as error:
        return _page(token_error=str(error)), 422
    return _page(secret=made.secret)


@blueprint.post("/tokens/<int:token_id>/revoke")
@allow("manager")
def revoke(token_id: int) -> Response:
    """End one of one's own tokens."""
    with writing() as session:
        accounts.revoke_token(session, person().id, token_id, now())
    flash("Token revoked: it stops working at once.")
    return redirect(url_for("account.page"))


@blueprint.post("/appearance")
@allow("annotator")
def appearance() -> Response:
    """Keep the choice of colours in this browser and go back."""
    chosen = request.form.get("appearance", "")
    if chosen not in ("auto", "light", "dark"):
        raise InvalidInput(f"appearance: expected auto, light or dark, got {chosen!r:.40}")
    response = redirect(_back())
    response.set_cookie(
        "appearance",
        chosen,
        max_age=_A_YEAR,
        httponly=True,
        samesite="Lax",
        secure=installation().settings.web_url().startswith("https://"),
    )
    return response


def _back() -> str:
    """The page the form was on, when it was one of ours."""
    host = request.host_url
    came_from = request.referrer or ""
    path = came_from[len(host) - 1 :] if came_from.startswith(host) else "/"
    return path if is_own_path(path) else "/"


def _page(**extra: str) -> str:
    with reading() as session:
        rows = accounts.tokens(session, person().id)
    return render_template("account/page.html", tokens=rows, scopes=accounts.SCOPES, **extra)
