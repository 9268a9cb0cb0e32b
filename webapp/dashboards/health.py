"""Whether the machinery runs."""

from __future__ import annotations

from flask import Blueprint, render_template

from jobs.installation.queue_server import is_answering, queue_url
from jobs.reports import health
from jobs.work import unfinished
from webapp.auth import allow
from webapp.installation import installation, now, reading

blueprint = Blueprint("health", __name__)

N_WORK = 20


@blueprint.get("/health")
@allow("manager")
def page() -> str:
    """Background work, unknown outcomes, the pause switch, and what waits longest."""
    with reading() as session:
        state = health(session, now())
        waiting = unfinished(session)[:N_WORK]
    return render_template("health/page.html", health=state, waiting=waiting)


@blueprint.get("/health/queue")
@allow("manager")
def queue_part() -> str:
    """Whether the queue server answers, asked now and after the page."""
    answers = is_answering(queue_url(installation().settings))
    return render_template("health/_queue.html", answers=answers)
