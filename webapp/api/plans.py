"""A job's plan and terms over the API: a draft changed, terms amended, a rehearsal asked for."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response

from jobs.planning import amending, drafts
from jobs.rehearsals import saved
from jobs.reports import job_report
from jobs.reports.heads import job_head
from jobs.reports.history import job_changes
from jobs.reports.money import cost_by_route
from jobs.reports.pace import finish, throughput
from jobs.reports.spending import spending
from jobs.reports.totals import day_totals, worker_totals
from webapp.api.acts import (
    Amended,
    Changes,
    NewPlan,
    NewRehearsal,
    NewTerms,
    Plan,
    Progress,
    Rehearsal,
    Totals,
)
from webapp.api.shapes import Job, PageQuery
from webapp.api.spec import endpoint, reply
from webapp.auth import actor
from webapp.dashboards.rehearsing import begin
from webapp.installation import now, reading, writing

blueprint = Blueprint("plans", __name__, url_prefix="/jobs/<int:job_id>")


@blueprint.get("/plan")
@endpoint("manager", "read", Plan, tag="jobs")
def plan(job_id: int) -> Response:
    """The job as its job file would say it."""
    with reading() as session:
        found = drafts.read_draft(session, job_id)
    return reply(Plan(found.model_dump(mode="json", by_alias=True)))


@blueprint.put("/plan")
@endpoint("manager", "write", Job, tag="jobs")
def change_plan(job_id: int, json: NewPlan) -> Response:
    """Put another plan in a draft's place; 409 once it is launched."""
    with writing() as session:
        drafts.change_draft(session, job_id, json.root, now(), actor())
        return reply(Job(job_report(session, job_id)))


@blueprint.patch("")
@endpoint("manager", "spend", Amended, tag="jobs")
def amend(job_id: int, json: NewTerms) -> Response:
    """Change what may change of a job under way; the same terms again change nothing."""
    with writing() as session:
        before = amending.terms_of(session, job_id)
        given = {name: value for name, value in json.model_dump().items() if value is not None}
        wanted = replace(before, **given)
        seen = amending.preview(session, job_id, wanted)
        amending.amend(session, job_id, wanted, actor(), now())
    return reply(Amended(seen))


@blueprint.get("/changes")
@endpoint("adjudicator", "read", Changes, tag="jobs")
def changes(job_id: int, query: PageQuery) -> Response:
    """What was changed of the job while it was under way, oldest first."""
    with reading() as session:
        job_head(session, job_id)
        rows = job_changes(session, job_id, after=query.after, limit=query.limit + 1)
    page = rows[: query.limit]
    return reply(Changes(rows=page, next=page[-1].id if len(rows) > query.limit else None))


@blueprint.get("/progress")
@endpoint("adjudicator", "read", Progress, tag="jobs")
def progress(job_id: int) -> Response:
    """When the job will be done, how fast answers come, and how spending grew by route."""
    with reading() as session:
        job_head(session, job_id)
        return reply(
            Progress(
                finish=finish(session, job_id, now()),
                throughput=throughput(session, job_id),
                spending=spending(session, job_id),
            )
        )


@blueprint.get("/ledger/totals")
@endpoint("manager", "read", Totals, tag="jobs")
def totals(job_id: int) -> Response:
    """What the job spent by route, day and worker."""
    with reading() as session:
        job_head(session, job_id)
        return reply(
            Totals(
                routes=cost_by_route(session, job_id),
                days=day_totals(session, job_id),
                workers=worker_totals(session, job_id),
            )
        )


@blueprint.get("/rehearsal")
@endpoint("manager", "read", Rehearsal, tag="jobs")
def rehearsal(job_id: int) -> Response:
    """The draft's last rehearsal."""
    with reading() as session:
        job_head(session, job_id)
        return reply(Rehearsal(rehearsal=saved.newest(session, job_id, now())))


@blueprint.post("/rehearsal")
@endpoint("manager", "write", Rehearsal, status=202, tag="jobs")
def rehearse(job_id: int, json: NewRehearsal) -> Response:
    """Begin a rehearsal of the draft; while one is under way another call begins none."""
    begin(job_id, n_items=json.items or saved.N_ITEMS, n_runs=json.runs or saved.N_RUNS)
    with reading() as session:
        return reply(Rehearsal(rehearsal=saved.newest(session, job_id, now())), 202)
