"""What a draft will likely cost, yield and take, rehearsed in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from jobs.rehearsals import saved
from jobs.rehearsals.forecast import MOST_ITEMS, MOST_RUNS
from jobs.reports.heads import job_head
from jobs.settings import Settings
from webapp.auth import actor, allow, limiter
from webapp.installation import installation, now, reading, writing
from webapp.requests import whole_number
from webapp.stack import environment_of

blueprint = Blueprint("rehearsing", __name__)

_running = threading.Semaphore(1)  # each takes a processor for a while; the others wait


@blueprint.get("/jobs/<int:job_id>/rehearsal")
@allow("manager")
def newest(job_id: int) -> str:
    """Where the draft's last rehearsal stands, as a part of the review page."""
    with reading() as session:
        head = job_head(session, job_id)
        found = saved.newest(session, job_id, now())
    return render_template("new_job/_rehearsal.html", job=head, rehearsal=found)


@blueprint.post("/jobs/<int:job_id>/rehearse")
@allow("manager")
@limiter.limit("20 per minute")
def start(job_id: int) -> Response:
    """Begin a rehearsal of the draft; while one is under way another press begins none."""
    n_items = whole_number("items", low=1, high=MOST_ITEMS, default=saved.N_ITEMS)
    n_runs = whole_number("runs", low=2, high=MOST_RUNS, default=saved.N_RUNS)
    has_begun = begin(job_id, n_items=n_items, n_runs=n_runs)
    flash(
        "Rehearsing: nothing is posted and nobody is paid."
        if has_begun
        else "A rehearsal is under way already."
    )
    return redirect(url_for("draft_steps.rehearse", job_id=job_id))


def begin(job_id: int, *, n_items: int, n_runs: int) -> bool:
    """Rehearse the draft in a process of its own; False while another one is under way."""
    with writing() as session:
        rehearsal_id = saved.plan_rehearsal(
            session, job_id, actor=actor(), now=now(), n_items=n_items, n_runs=n_runs
        )
    if rehearsal_id is None:
        return False
    place = installation().settings
    threading.Thread(target=_run, args=(place, rehearsal_id), daemon=True).start()
    return True


def _run(settings: Settings, rehearsal_id: int) -> None:
    """The command that does it; its row in the database says what came of it."""
    command = [sys.executable, "-m", "webapp.cli", "batch", "finish-rehearsal", str(rehearsal_id)]
    with _running:
        subprocess.run(  # noqa: S603 - our own program with our own arguments
            command,
            env={**os.environ, **environment_of(settings)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
