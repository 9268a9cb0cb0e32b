"""Jobs over the API."""

from __future__ import annotations

from flask import Blueprint, Response

from jobs.background import wake_now
from jobs.hits import stopping
from jobs.money import parse_usd
from jobs.planning import launch_gate, launching, planning
from jobs.reports import job_list, job_report, ledger_page, worker_page
from jobs.reports.heads import job_head
from jobs.spending import ledger, pausing
from jobs.spending.ledger import Reason
from webapp.api.shapes import (
    Cost,
    Job,
    JobPage,
    Launch,
    LedgerPage,
    NewBudget,
    NewJob,
    PageQuery,
    Workers,
)
from webapp.api.spec import endpoint, reply
from webapp.auth import actor
from webapp.installation import installation, now, reading, writing

blueprint = Blueprint("jobs", __name__, url_prefix="/jobs")


@blueprint.get("")
@endpoint("adjudicator", "read", JobPage, tag="jobs")
def index(query: PageQuery) -> Response:
    """Jobs, newest first; ``after`` is the id of the last one seen."""
    with reading() as session:
        rows = job_list(session, before=query.after or None, limit=query.limit + 1)
    page = rows[: query.limit]
    more = page[-1].id if len(rows) > query.limit else None
    return reply(JobPage(rows=page, next=more))


@blueprint.post("")
@endpoint("manager", "write", Job, status=201, tag="jobs")
def create(json: NewJob) -> Response:
    """Make a draft. Nothing is posted and nothing held."""
    with writing() as session:
        job_id = planning.create_job(session, json.root, now(), actor()).id
        report = job_report(session, job_id)
    return reply(Job(report), 201)


@blueprint.get("/<int:job_id>")
@endpoint("adjudicator", "read", Job, tag="jobs")
def show(job_id: int) -> Response:
    """One job: progress, money, quality."""
    with reading() as session:
        return reply(Job(job_report(session, job_id)))


@blueprint.get("/<int:job_id>/estimate")
@endpoint("manager", "read", Cost, tag="jobs")
def estimate(job_id: int) -> Response:
    """What the job will likely cost and can cost at most."""
    place = installation()
    with reading() as session:
        return reply(Cost(planning.estimate(session, job_id, place.venues, place.blobs)))


@blueprint.post("/<int:job_id>/launch")
@endpoint("manager", "spend", Job, status=202, tag="jobs")
def launch(job_id: int, json: Launch) -> Response:
    """Launch the job in the background. A repeat is refused with 409: a job launches once.

    A job in production is launched only with its name in ``confirm``. A budget, cap or balance
    that is too small refuses with 422, and so does an account nobody can name in production;
    while paid calls are paused it is a 409. The job is ``launching`` until its HITs are
    prepared. What speaks against it by then makes it a draft again: ``launch`` says why.
    """
    place = installation()
    with reading() as session:
        launch_gate.judge(session, job_id, place.venues, place.blobs, now(), confirmed=json.confirm)
    with writing() as session:
        launching.ask(session, job_id, now(), confirmed=json.confirm)
        report = job_report(session, job_id)
    wake_now(place)
    return reply(Job(report), 202)


@blueprint.post("/<int:job_id>/pause")
@endpoint("manager", "spend", Job, tag="jobs")
def pause(job_id: int) -> Response:
    """Make no paid call for the job from now on."""
    with writing() as session:
        pausing.pause_job(session, job_id, actor(), now())
        return reply(Job(job_report(session, job_id)))


@blueprint.post("/<int:job_id>/resume")
@endpoint("manager", "spend", Job, tag="jobs")
def resume(job_id: int) -> Response:
    """Let paid calls go on."""
    with writing() as session:
        pausing.resume_job(session, job_id, actor(), now())
        return reply(Job(job_report(session, job_id)))


@blueprint.post("/<int:job_id>/stop")
@endpoint("manager", "spend", Job, tag="jobs")
def stop(job_id: int) -> Response:
    """Stop the job for good: what is out is called in, submitted work is paid."""
    with writing() as session:
        stopping.stop_job(session, job_id, actor(), now())
        return reply(Job(job_report(session, job_id)))


@blueprint.put("/<int:job_id>/budget")
@endpoint("manager", "spend", Job, tag="jobs")
def budget(job_id: int, json: NewBudget) -> Response:
    """Change the cap; the same key changes it once."""
    amount = parse_usd(json.budget, name="budget")
    key = f"budget:job:{job_id}:api:{json.key}"
    with writing() as session:
        ledger.set_budget(session, job_id, amount, key=key, reason=Reason(actor()), now=now())
        return reply(Job(job_report(session, job_id)))


@blueprint.get("/<int:job_id>/workers")
@endpoint("manager", "read", Workers, tag="jobs")
def workers(job_id: int, query: PageQuery) -> Response:
    """Who answers, how well, how fast and for what wage, most answers first.

    ``after`` is the id of the last worker seen; ``limit`` counts workers, not their rows.
    """
    with reading() as session:
        job_head(session, job_id)
        page = worker_page(session, job_id, after=query.after or None, limit=query.limit)
        return reply(Workers(rows=page.rows, next=page.next))


@blueprint.get("/<int:job_id>/ledger")
@endpoint("manager", "read", LedgerPage, tag="jobs")
def entries(job_id: int, query: PageQuery) -> Response:
    """Transactions, newest first; ``after`` is the id of the last one seen."""
    with reading() as session:
        job_head(session, job_id)
        rows = ledger_page(session, job_id, after=query.after or None, limit=query.limit + 1)
    page = rows[: query.limit]
    return reply(LedgerPage(rows=page, next=page[-1].id if len(rows) > query.limit else None))
