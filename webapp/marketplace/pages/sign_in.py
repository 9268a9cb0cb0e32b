"""Sign in and out. Anyone may ask; failures are counted and, past a limit, refused for a minute."""

from __future__ import annotations

import time
from collections import deque
from threading import Lock

from flask import (
    Blueprint,
    Response,
    current_app,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug import Response as BaseResponse

from webapp.marketplace import accounts
from webapp.marketplace.market import current_market
from webapp.marketplace.pages.session import (
    needs_worker,
    present_worker,
    sign_in,
    sign_out,
    signed_in_worker,
)
from webapp.marketplace.store import reading

blueprint = Blueprint("sign_in", __name__)

_MINUTE = 60.0
_MOST_KEYS = 10_000


class Failures:
    """Failed sign-ins of the last minute, by name and by address."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._times: dict[str, deque[float]] = {}
        self._lock = Lock()

    def too_many(self, *keys: str) -> bool:
        """Whether any of the keys has failed too often."""
        with self._lock:
            return any(len(self._recent(key)) >= self._limit for key in keys)

    def add(self, *keys: str) -> None:
        """Count one failure for each key."""
        with self._lock:
            if len(self._times) > _MOST_KEYS:
                self._times.clear()
            for key in keys:
                self._recent(key).append(time.monotonic())

    def _recent(self, key: str) -> deque[float]:
        times = self._times.setdefault(key, deque())
        while times and times[0] < time.monotonic() - _MINUTE:
            times.popleft()
        return times


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
    failures = _failures()
    name = request.form.get("name", "").strip()[:100]
    keys = (f"name:{name.lower()}", f"address:{request.remote_addr}")
    if failures.too_many(*keys):
        return _refused("Too many attempts. Wait a minute, then try again.", 429)
    with reading(market.sessions) as rows:
        worker = accounts.signed_in(rows, name, request.form.get("password", "")[:1000])
    if worker is None:
        failures.add(*keys)
        return _refused("This name and password do not fit.", 422)
    sign_in(worker)
    return redirect(_safe_next() or url_for("browse.groups"), 303)


@blueprint.post("/worker/sign-out")
@needs_worker
def leave() -> BaseResponse:
    """End every session of the worker."""
    sign_out(current_market(), signed_in_worker())
    return redirect(url_for(".form"), 303)


def _failures() -> Failures:
    """The counter of the running app."""
    counter = current_app.extensions["marketplace_failures"]
    assert isinstance(counter, Failures)  # noqa: S101 - tells the type checker
    return counter


def _refused(problem: str, status: int) -> Response:
    session.pop("worker", None)
    page = render_template("sign_in.html", next=_safe_next(), problem=problem)
    return Response(page, status)


def _safe_next() -> str:
    """Where to go after signing in: a path of this site, never another host."""
    target = request.values.get("next", "")
    starts_well = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if starts_well and target.isprintable() and "\\" not in target else ""
