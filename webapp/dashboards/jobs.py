"""Jobs: the list, one job's page with its live part, and its switches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import BoundedSemaphore

from flask import Blueprint, Response, current_app, render_template, stream_with_context

from jobs.reports import job_list, job_report
from jobs.reports.disagreements import disagreements
from jobs.reports.heads import job_head
from jobs.reports.history import newest_changes
from jobs.reports.pace import finish, throughput
from jobs.reports.spending import spending
from webapp.auth import allow
from webapp.installation import now, reading
from webapp.term_words import told

blueprint = Blueprint("jobs", __name__, url_prefix="/jobs")

N_CONTESTED = 8
MAX_STREAMS = 8  # half of the server's threads
open_streams = BoundedSemaphore(MAX_STREAMS)
_SOON, _LATER = 1000, 5000  # milliseconds until a browser asks for an ended stream again


@blueprint.get("")
@allow("adjudicator")
def job_index() -> str:
    """Every job with progress, money and agreement."""
    with reading() as session:
        return render_template("jobs/index.html", jobs=job_list(session))


@blueprint.get("/<int:job_id>")
@allow("adjudicator")
def job(job_id: int) -> str:
    """One job: progress, money, quality."""
    with reading() as session:
        report = job_report(session, job_id)
        ending = finish(session, job_id, now())
        contested = disagreements(session, job_id, N_CONTESTED)
        changes = newest_changes(session, job_id)
    return render_template(
        "jobs/job.html",
        report=report,
        job=report.summary,
        finish=ending,
        contested=contested,
        changes=[(one, *told(one)) for one in changes],
    )


@blueprint.get("/<int:job_id>/launching")
@allow("adjudicator")
def launching_part(job_id: int) -> Response:
    """How far a launch is; past it, the whole page is asked for again."""
    with reading() as session:
        report = job_report(session, job_id)
    job = report.summary
    response = Response(render_template("jobs/_launching.html", job=job, launch=report.launch))
    if job.state != "launching":
        response.headers["HX-Refresh"] = "true"
    return response


@blueprint.get("/<int:job_id>/spending")
@allow("adjudicator")
def spending_part(job_id: int) -> str:
    """The plot of spending, fetched after the page."""
    with reading() as session:
        head = job_head(session, job_id)
        growth = spending(session, job_id)
    return render_template("jobs/_spending.html", job=head, growth=growth)


@blueprint.get("/<int:job_id>/throughput")
@allow("adjudicator")
def throughput_part(job_id: int) -> str:
    """The plot of answers over time, fetched after the page."""
    with reading() as session:
        head = job_head(session, job_id)
        found = throughput(session, job_id)
    return render_template("jobs/_throughput.html", job=head, found=found)


@blueprint.get("/<int:job_id>/events")
@allow("adjudicator")
def events(job_id: int) -> Response:
    """The live part as server-sent events, for half a minute; the browser then asks again.

    Where too many pages are open it is sent once, and asked for again a little later.
    """
    _live_html(job_id)  # a job that does not exist is a 404, not an empty stream
    is_free = open_streams.acquire(blocking=False)
    seconds = current_app.config["STREAM_SECONDS"] if is_free else 0.0
    response = Response(
        stream_with_context(_changes(job_id, seconds)), mimetype="text/event-stream"
    )
    if is_free:
        response.call_on_close(open_streams.release)
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _changes(job_id: int, seconds: float) -> Iterator[str]:
    """One event for each change; pauses grow with the cost of looking."""
    yield f"retry: {_SOON if seconds else _LATER}\n\n"
    shown, ends = "", time.monotonic() + seconds
    while True:
        began = time.monotonic()
        html, is_settled = _live_html(job_id)
        yield _event(html) if html != shown else ": the same\n\n"
        shown = html
        if is_settled:
            yield "event: settled\ndata: {}\n\n"
            return
        pause = max(1.0, 10 * (time.monotonic() - began))
        if time.monotonic() + pause >= ends:
            return
        time.sleep(pause)


def _event(html: str) -> str:
    lines = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"event: live\n{lines}\n"


def _live_html(job_id: int) -> tuple[str, bool]:
    """The live part, and whether nothing of it will change any more."""
    with reading() as session:
        report = job_report(session, job_id)
        ending = finish(session, job_id, now())
    html = render_template("jobs/_live.html", report=report, job=report.summary, finish=ending)
    job = report.summary
    return html, job.state in ("finished", "cancelled") and job.held_micros == 0
