"""Who is signed in. The cookie names a worker and an epoch; signing out ends every older cookie."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import g, redirect, request, session, url_for
from werkzeug import Response as BaseResponse

from webapp.marketplace.market import Market, current_market
from webapp.marketplace.store import reading, write
from webapp.marketplace.tables.people import Worker

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def sign_in(worker: Worker) -> None:
    """Start a fresh session for the worker: nothing of an older one survives."""
    session.clear()
    session["worker"] = worker.id
    session["epoch"] = worker.epoch
    session.permanent = True


def sign_out(market: Market, worker: Worker) -> None:
    """End this and every other session of the worker."""
    write(market.sessions, lambda rows: _next_epoch(rows.get_one(Worker, worker.id)))
    session.clear()


def present_worker() -> Worker | None:
    """The worker whose valid cookie came with the request."""
    if "present_worker" not in g:
        g.present_worker = _read_worker()
    found: Worker | None = g.present_worker
    return found


def signed_in_worker() -> Worker:
    """The worker of a page that asks for one."""
    worker = present_worker()
    assert worker is not None  # noqa: S101 - needs_worker has seen to it
    return worker


def needs_worker(view: Callable[Arguments, Answer]) -> Callable[Arguments, Answer | BaseResponse]:
    """The view, for signed-in workers; others are sent to sign in and come back after it."""

    @wraps(view)
    def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer | BaseResponse:
        if present_worker() is None:
            back = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("sign_in.form", next=back), 303)
        return view(*args, **kwargs)

    return guarded


def _next_epoch(worker: Worker) -> None:
    worker.epoch += 1


def _read_worker() -> Worker | None:
    if "worker" not in session:
        return None
    with reading(current_market().sessions) as rows:
        worker = rows.get(Worker, session["worker"])
    if worker is None or worker.is_disabled or worker.epoch != session.get("epoch"):
        return None
    return worker
