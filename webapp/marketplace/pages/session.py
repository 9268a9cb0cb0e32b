"""Who is signed in. The cookie names a worker and an epoch; signing out ends every older cookie."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Response, g, redirect, request, session, url_for
from sqlalchemy import bindparam, func, select
from werkzeug import Response as BaseResponse

from webapp.marketplace.market import Market, current_market
from webapp.marketplace.pace import current_paces
from webapp.marketplace.refusals import Declined
from webapp.marketplace.store import reading, write
from webapp.marketplace.tables.people import Worker, WorkerMessage

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_N_UNREAD = (
    select(func.count())
    .select_from(WorkerMessage)
    .where(WorkerMessage.worker_id == Worker.worker_id, WorkerMessage.is_read.is_(False))
    .scalar_subquery()
)
_WORKER_AND_UNREAD = select(Worker, _N_UNREAD).where(Worker.id == bindparam("id"))


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
        g.present_worker, g.n_unread = _read_worker()
    found: Worker | None = g.present_worker
    return found


def n_unread_messages() -> int:
    """How many letters the present worker has not read; 0 for a stranger."""
    return int(g.n_unread) if present_worker() else 0


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


def check_pace() -> None:
    """Refuse the form of a sender who has sent too many.

    Raises:
        Declined: 429.

    """
    if _is_form() and current_paces().forms.is_used_up(_sender()):
        raise Declined("That was too fast. Wait a minute, then try again.", status=429)


def count_form(response: Response) -> Response:
    """Count a worker's form, and a stranger's that was refused: many may share an address."""
    if _is_form() and (present_worker() or response.status_code >= 400):
        current_paces().forms.take(_sender())
    return response


def _is_form() -> bool:
    return request.method == "POST" and request.blueprint not in ("rpc", "admin", None)


def _sender() -> str:
    worker = present_worker()
    return f"worker:{worker.id}" if worker else f"address:{request.remote_addr}"


def _next_epoch(worker: Worker) -> None:
    worker.epoch += 1


def _read_worker() -> tuple[Worker | None, int]:
    """The cookie's worker and the number of unread letters, in one look."""
    if "worker" not in session:
        return None, 0
    with reading(current_market().sessions) as rows:
        found = rows.execute(_WORKER_AND_UNREAD, {"id": session["worker"]}).one_or_none()
    if found is None:
        return None, 0
    worker, n_unread = found
    if worker.is_disabled or worker.epoch != session.get("epoch"):
        return None, 0
    return worker, n_unread
