"""Who answers a job, how well, how fast and for what wage."""

from __future__ import annotations

from flask import Blueprint, render_template

from jobs.reports import worker_table
from jobs.reports.heads import job_head
from webapp.auth import allow
from webapp.installation import reading

blueprint = Blueprint("workers", __name__)


@blueprint.get("/jobs/<int:job_id>/workers")
@allow("manager")
def index(job_id: int) -> str:
    """The workers of a job with intervals."""
    with reading() as session:
        summary = job_head(session, job_id)
        rows = worker_table(session, job_id)
    return render_template("workers/index.html", job=summary, rows=rows)
