"""All rows tried in a headless browser, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from flask import Blueprint, jsonify, render_template, request, url_for
from werkzeug.wrappers import Response

from jobs.authoring import samples, saved_trials
from jobs.errors import InvalidInput, NotFound
from jobs.settings import Settings
from webapp.auth import actor, allow, limiter
from webapp.installation import installation, now, reading, writing
from webapp.stack import environment_of
from webapp.studio.forms import shown_of, source_of

blueprint = Blueprint("studio_trying", __name__, url_prefix="/templates/trials")

_running = threading.Semaphore(2)  # browsers at once; the others wait


@blueprint.post("")
@allow("manager")
@limiter.limit("20 per minute")
def start() -> Response | tuple[Response, int]:
    """Begin a trial of the first twenty rows; the answer says where to look for its results."""
    try:
        pages = _pages()
        with writing() as session:
            trial_id = saved_trials.plan_trial(
                session, request.form.get("name", ""), pages, actor=actor(), now=now()
            )
    except (InvalidInput, NotFound) as error:
        return jsonify(problem=str(error)), 422
    threading.Thread(target=_run, args=(installation().settings, trial_id), daemon=True).start()
    return jsonify(problem="", address=url_for("studio_trying.results", trial_id=trial_id))


@blueprint.get("/<int:trial_id>")
@allow("manager")
def results(trial_id: int) -> str:
    """What has come of a trial so far, as a part of the studio's page."""
    with reading() as session:
        trial = saved_trials.saved_trial(session, trial_id, now())
    return render_template("studio/_trial.html", trial=trial)


def _pages() -> list[str]:
    source, blobs = source_of(request.form), installation().blobs
    with reading() as session:
        first = shown_of(session, blobs, request.form, 1)
        n_pages = min(first.n_pages, saved_trials.MOST_PAGES)
        numbers = range(2, n_pages + 1)
        shown = [first, *(shown_of(session, blobs, request.form, n) for n in numbers)]
    return [samples.page_of(source, one.filling, f"row {one.number}") for one in shown]


def _run(settings: Settings, trial_id: int) -> None:
    """The command that does the trial; its row in the database says what came of it."""
    command = [sys.executable, "-m", "webapp.cli", "template", "finish-trial", str(trial_id)]
    with _running:
        subprocess.run(  # noqa: S603 - our own program with our own arguments
            command,
            env={**os.environ, **environment_of(settings)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
