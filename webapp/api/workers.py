"""Workers of a job over the API: their habits, their standing, and what is done about them."""

from __future__ import annotations

from flask import Blueprint, Response

from jobs.reports.habits import worker_habits
from jobs.workers import letters, standing
from webapp.api.acts import Asked, Exclusion, NewLetter, Score, Standings, Why, WorkerHabits
from webapp.api.spec import endpoint, reply
from webapp.auth import actor
from webapp.installation import now, reading, writing

blueprint = Blueprint("workers", __name__, url_prefix="/jobs/<int:job_id>/workers/<int:worker_id>")


@blueprint.get("/habits")
@endpoint("manager", "read", WorkerHabits, tag="workers")
def habits(job_id: int, worker_id: int) -> Response:
    """Confusions, bias and jitter, and what speaks against their work, over their last answers."""
    with reading() as session:
        standing.find_worker(session, job_id, str(worker_id))
        return reply(WorkerHabits(rows=worker_habits(session, job_id, worker_id)))


@blueprint.get("/standing")
@endpoint("manager", "read", Standings, tag="workers")
def standings(job_id: int, worker_id: int) -> Response:
    """Qualifications and blocks, the newest change first."""
    with reading() as session:
        standing.find_worker(session, job_id, str(worker_id))
        return reply(Standings(rows=standing.standings(session, worker_id)))


@blueprint.get("/exclude")
@endpoint("manager", "read", Exclusion, tag="workers")
def exclude_preview(job_id: int, worker_id: int) -> Response:
    """What keeping the worker out would change."""
    with reading() as session:
        return reply(Exclusion(standing.preview_exclusion(session, job_id, worker_id)))


@blueprint.post("/exclude")
@endpoint("manager", "write", Exclusion, tag="workers")
def exclude(job_id: int, worker_id: int, json: Why) -> Response:
    """Keep the worker out of HITs posted from now on; a repeat changes nothing."""
    with writing() as session:
        standing.exclude(session, job_id, worker_id, reason=json.reason, actor=actor(), now=now())
        return reply(Exclusion(standing.preview_exclusion(session, job_id, worker_id)))


@blueprint.post("/readmit")
@endpoint("manager", "write", Exclusion, tag="workers")
def readmit(job_id: int, worker_id: int, json: Why) -> Response:
    """Let the worker in again; 409 when they are not excluded."""
    with writing() as session:
        standing.readmit(session, job_id, worker_id, reason=json.reason, actor=actor(), now=now())
        return reply(Exclusion(standing.preview_exclusion(session, job_id, worker_id)))


@blueprint.post("/qualify")
@endpoint("manager", "write", Standings, tag="workers")
def qualify(job_id: int, worker_id: int, json: Score) -> Response:
    """Give the worker a score in a qualification of your own; the same score changes nothing."""
    with writing() as session:
        standing.grant(
            session, job_id, worker_id, json.name, json.value,
            reason=json.reason, actor=actor(), now=now(),
        )  # fmt: skip
        return reply(Standings(rows=standing.standings(session, worker_id)))


@blueprint.post("/letters")
@endpoint("manager", "write", Asked, status=202, tag="workers")
def write(job_id: int, worker_id: int, json: NewLetter) -> Response:
    """Write to the worker; the same words are sent once."""
    with writing() as session:
        letters.warn(
            session, job_id, [worker_id],
            subject=json.subject, text=json.text, actor=actor(), now=now(),
        )  # fmt: skip
    return reply(Asked(asked="letter", n=1), 202)
