"""The money of a job, transaction by transaction."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import date

from flask import Blueprint, Response, render_template, request, stream_with_context

from jobs.errors import InvalidInput
from jobs.money import MICROS_PER_DOLLAR
from jobs.reports import LedgerLine, ledger_page
from jobs.reports.heads import job_head, route_names
from jobs.reports.money import LedgerFilter, cost_by_route
from jobs.reports.totals import day_totals, worker_totals
from webapp.auth import allow
from webapp.installation import reading
from webapp.requests import cursor

blueprint = Blueprint("ledger", __name__)

N_LINES = 100
N_AT_A_TIME = 1000  # of the file
ACCOUNTS = ("budget", "available", "held", "reward", "fee", "bonus")
FILTERS = ("route", "worker", "from", "to")
# In full width too, or what hides one from the eye and not from the program.
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", re.ASCII)
_COLUMNS = ("id", "at", "kind", "key", "route", "worker", "actor", *ACCOUNTS)


@blueprint.get("/jobs/<int:job_id>/ledger")
@allow("manager")
def index(job_id: int) -> str:
    """Newest transactions first, a page at a time."""
    after, only = cursor(), _wanted()
    with reading() as session:
        head = job_head(session, job_id)
        routes = route_names(session, job_id)
        lines = ledger_page(session, job_id, after=after or None, limit=N_LINES + 1, only=only)
    return render_template(
        "ledger/index.html",
        job=head,
        lines=lines[:N_LINES],
        accounts=ACCOUNTS,
        older=lines[N_LINES - 1].id if len(lines) > N_LINES else None,
        is_first=after == 0,
        routes=routes,
        only=only,
        query={name: request.args[name] for name in FILTERS if request.args.get(name)},
    )


@blueprint.get("/jobs/<int:job_id>/ledger/totals")
@allow("manager")
def totals_part(job_id: int) -> str:
    """The job's money by route, day and worker, fetched after the page."""
    with reading() as session:
        head = job_head(session, job_id)
        return render_template(
            "ledger/_totals.html",
            job=head,
            routes=cost_by_route(session, job_id),
            days=day_totals(session, job_id),
            workers=worker_totals(session, job_id),
        )


@blueprint.get("/jobs/<int:job_id>/ledger.csv")
@allow("manager")
def download(job_id: int) -> Response:
    """The ledger, filtered as on its page, as CSV that is safe to open in a spreadsheet."""
    only = _wanted()
    with reading() as session:
        job_head(session, job_id)
    response = Response(stream_with_context(_rows(job_id, only)), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="ledger-job-{job_id}.csv"'
    return response


def _rows(job_id: int, only: LedgerFilter) -> Iterator[str]:
    """The file piece by piece: however long the ledger, a page of it is held at a time."""
    yield _csv((_COLUMNS,))
    after: int | None = None
    while True:
        with reading() as session:
            lines = ledger_page(session, job_id, after=after, limit=N_AT_A_TIME, only=only)
        if not lines:
            return
        yield _csv(map(_cells, lines))
        after = lines[-1].id


def _cells(line: LedgerLine) -> tuple[str, ...]:
    amounts = (_dollars(line.legs.get(account, 0)) for account in ACCOUNTS)
    words = (line.kind, line.key, line.provider, line.worker, line.actor)
    return (str(line.id), line.at.isoformat(), *(plain_cell(word) for word in words), *amounts)


def _wanted() -> LedgerFilter:
    """The filters of the address; nothing given leaves out nothing."""
    worker = request.args.get("worker", "").strip()
    if len(worker) > 255:
        raise InvalidInput(f"worker: expected at most 255 characters, got {len(worker)}")
    return LedgerFilter(cursor("route") or None, worker, _day("from"), _day("to"))


def _day(name: str) -> date | None:
    text = request.args.get(name, "").strip()
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # refused below, with the words of every other such text
    raise InvalidInput(f"{name}: expected a day such as 2026-03-01, got {text!r:.40}")


def plain_cell(text: str) -> str:
    """Text that no spreadsheet runs as a formula: a quote is put before what could start one."""
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS_A_FORMULA) else text


def _dollars(micros: int) -> str:
    sign, whole = "-" if micros < 0 else "", abs(micros)
    return f"{sign}{whole // MICROS_PER_DOLLAR}.{whole % MICROS_PER_DOLLAR:06d}"


def _csv(rows: Iterable[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
