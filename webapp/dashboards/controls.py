"""Switches that stop and start spending."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from jobs import intents, pausing, stopping
from jobs.errors import InvalidInput
from jobs.reports.heads import job_head
from webapp.auth import actor, allow
from webapp.installation import now, reading, writing

blueprint = Blueprint("controls", __name__)


@blueprint.post("/jobs/<int:job_id>/state")
@allow("manager")
def switch(job_id: int) -> Response:
    """Pause or resume one job; what is out keeps coming in."""
    wanted = request.form.get("to", "")
    if wanted not in ("paused", "running"):
        raise InvalidInput(f"to: expected paused or running, got {wanted!r:.40}")
    with writing() as session:
        if wanted == "paused":
            pausing.pause_job(session, job_id)
        else:
            pausing.resume_job(session, job_id, now())
    flash("Paused: nothing new is posted or paid." if wanted == "paused" else "Running again.")
    return redirect(url_for("jobs.job", job_id=job_id))


@blueprint.get("/jobs/<int:job_id>/stop")
@allow("manager")
def stop_preview(job_id: int) -> str:
    """What stopping the job for good would do."""
    with reading() as session:
        return render_template("jobs/stop.html", job=job_head(session, job_id))


@blueprint.post("/jobs/<int:job_id>/stop")
@allow("manager")
def stop(job_id: int) -> Response:
    """Stop one job for good: what is out is called in, submitted work is paid."""
    with writing() as session:
        stopping.stop_job(session, job_id, now())
    flash("Stopped. HITs are called in; what was submitted is paid, the rest given back.")
    return redirect(url_for("jobs.job", job_id=job_id))


@blueprint.post("/health/pause")
@allow("manager")
def pause_everything() -> Response:
    """Turn every paid call off or on."""
    is_on = request.form.get("pause") == "yes"
    reason = request.form.get("reason", "").strip()[:500]
    with writing() as session:
        intents.set_pause(session, is_on, reason=reason, actor=actor(), now=now())
    flash("Every paid call is paused." if is_on else "Paid calls go on.")
    is_from_findings = request.form.get("back") == "findings"
    return redirect(url_for("findings.index" if is_from_findings else "health.page"))
