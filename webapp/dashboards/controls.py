"""Switches that stop and start spending."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from jobs import intents, pausing
from jobs.errors import InvalidInput
from webapp.auth import actor, allow
from webapp.installation import now, writing

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


@blueprint.post("/health/pause")
@allow("manager")
def pause_everything() -> Response:
    """Turn every paid call off or on."""
    is_on = request.form.get("pause") == "yes"
    reason = request.form.get("reason", "").strip()[:500]
    with writing() as session:
        intents.set_pause(session, is_on, reason=reason, actor=actor(), now=now())
    flash("Every paid call is paused." if is_on else "Paid calls go on.")
    return redirect(url_for("health.page"))
