"""Sign in and out. Anyone may ask; failures are counted and, past a limit, refused for a minute."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, session, url_for
from werkzeug import Response as BaseResponse

from webapp.marketplace import accounts
from webapp.marketplace.market import current_market
from webapp.marketplace.pace import current_paces
from webapp.marketplace.pages.session import (
    needs_worker,
    present_worker,
    sign_in,
    sign_out,
    signed_in_worker,
)
from webapp.marketplace.store import reading

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/worker/sign-in")
def form() -> str | BaseResponse:
    """The form, or the list of HITs for who is signed in."""
    if present_worker():
        return redirect(url_for("browse.groups"), 303)
    return render_template("sign_in.html", next=_safe_next(), problem="")


@blueprint.post("/worker/sign-in")
def enter() -> BaseResponse:
    """Sign in with name and password."""
    market = current_market()
    failures = current_paces().failed_sign_ins
    name = request.form.get("name", "").strip()[:100]
    keys = (f"name:{name.lower()}", f"address:{request.remote_addr}")
    if any(failures.is_used_up(key) for key in keys):
        return _refused("Too many attempts. Wait a minute, then try again.", 429)
    with reading(market.sessions) as rows:
        worker = accounts.signed_in(rows, name, request.form.get("password", "")[:1000])
    if worker is None:
        for key in keys:
            failures.take(key)
        return _refused("This name and password do not fit.", 422)
    sign_in(worker)
    return redirect(_safe_next() or url_for("browse.groups"), 303)


@blueprint.post("/worker/sign-out")
@needs_worker
def leave() -> BaseResponse:
    """End every session of the worker."""
    sign_out(current_market(), signed_in_worker())
    return redirect(url_for(".form"), 303)


def _refused(problem: str, status: int) -> Response:
    session.pop("worker", None)
    page = render_template("sign_in.html", next=_safe_next(), problem=problem)
    return Response(page, status)


def _safe_next() -> str:
    """Where to go after signing in: a path of this site, never another host."""
    target = request.values.get("next", "")
    starts_well = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if starts_well and target.isprintable() and "\\" not in target else ""
