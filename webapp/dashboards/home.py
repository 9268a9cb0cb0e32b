"""The first page: how the jobs stand, and what needs a person now."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template
from werkzeug.wrappers import Response

from jobs.reports import health, job_list
from jobs.reports.attention import attention
from jobs.reports.campaigns import n_jobs
from webapp.auth import allow, person
from webapp.installation import installation, now, reading

blueprint = Blueprint("home", __name__)
N_JOBS = 8


@blueprint.get("/")
@allow("annotator")
def home() -> str | Response:
    """Home; an annotator, whose work lies in the marketplace, is shown the way there."""
    if not person().may("adjudicator"):
        address = f"http://{installation().settings.web_host}"
        worker_url = f"{address}:{installation().settings.marketplace_port}/worker"
        return render_template("home/annotator.html", worker_url=worker_url)
    with reading() as session:
        jobs = job_list(session, limit=N_JOBS)
        n_all = n_jobs(session)
        needs = attention(session, now())
        state = health(session, now())
    return render_template("home/home.html", jobs=jobs, n_jobs=n_all, needs=needs, health=state)


@blueprint.get("/healthz")
@allow("public")
def healthz() -> Response:
    """Whether this process answers and reaches its database; says nothing else."""
    with reading() as session:
        health(session, now())
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/favicon.ico")
@allow("public")
def favicon() -> Response:
    """The mark, for browsers that ask at the old address."""
    return redirect("/static/mark.svg", 308)
