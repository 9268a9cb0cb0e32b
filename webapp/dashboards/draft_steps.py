"""The later steps of a new job, about a draft: money, the page as workers see it, rehearsal."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from jobs.errors import BudgetExceeded, Conflict, InvalidInput
from jobs.planning import drafts
from jobs.planning.estimating import estimate as price
from jobs.planning.estimating import sample_page
from jobs.reports.datasets import job_material
from jobs.reports.heads import JobHead, job_head
from jobs.reports.pace_of_work import pace_of
from jobs.specs.job_specs import read_job_spec
from webapp.auth import actor, allow
from webapp.installation import installation, now, reading, writing
from webapp.job_faults import Faults, plan_faults
from webapp.job_forms import money_document, plain_usd
from webapp.studio.frames import allow_frame, frame_of

blueprint = Blueprint("draft_steps", __name__)


@blueprint.get("/jobs/<int:job_id>/money")
@allow("manager")
def money(job_id: int) -> str | Response:
    """Step 4: rewards and the wage they amount to, the budget, and what it can cost by line."""
    return _money_page(job_id, {}, Faults())


@blueprint.post("/jobs/<int:job_id>/money")
@allow("manager")
def save_money(job_id: int) -> Response | tuple[str | Response, int]:
    """Change what a draft pays and may spend; nothing is posted and nothing held."""
    try:
        with writing() as session:
            old = drafts.draft_document(session, job_id)
            spec = read_job_spec(money_document(request.form, old), "plan")
            drafts.change_draft(session, job_id, spec, now(), actor())
    except (InvalidInput, BudgetExceeded) as error:
        keys = [str(number) for number in range(20)]
        return _money_page(job_id, request.form, plan_faults(str(error), request.form, keys)), 422
    if request.form.get("then") == "rehearse":
        return redirect(url_for("draft_steps.rehearse", job_id=job_id))
    flash("Kept. The cost below is that of the new amounts.")
    return redirect(url_for("draft_steps.money", job_id=job_id))


@blueprint.get("/jobs/<int:job_id>/rehearse")
@allow("manager")
def rehearse(job_id: int) -> str:
    """Step 5: robots do a sample of the work, on a marketplace that is thrown away."""
    with reading() as session:
        job = _draft(job_head(session, job_id))
        dataset, schema = job_material(session, job_id)
    return render_template("new_job/rehearse.html", job=job, dataset=dataset, schema=schema)


@blueprint.get("/jobs/<int:job_id>/preview/<int:number>")
@allow("manager")
def preview(job_id: int, number: int) -> Response:
    """The page of a route as a worker sees it, on the marketplace's second origin."""
    place = installation()
    frame, problem = None, ""
    with reading() as session:
        job = _draft(job_head(session, job_id))
        html = sample_page(session, job_id, number - 1, place.blobs)
    try:
        frame = frame_of(place.settings, html, is_accepted=True)
    except InvalidInput as error:
        problem = str(error)
    page = render_template("new_job/preview.html", job=job, frame=frame, problem=problem)
    return allow_frame(page, place.settings)


def _money_page(job_id: int, form: Mapping[str, str], faults: Faults) -> str:
    place = installation()
    estimate, problem = None, ""
    with reading() as session:
        job = _draft(job_head(session, job_id))
        dataset, schema = job_material(session, job_id)
        document = drafts.draft_document(session, job_id)
        paces = {kind: pace_of(session, kind, schema.name) for kind in ("boxes", "tags")}
        try:
            estimate = price(session, job_id, place.venues, place.blobs)
        except InvalidInput as error:
            problem = str(error)
    return render_template(
        "new_job/money.html",
        job=job,
        dataset=dataset,
        schema=schema,
        document=document,
        paces=paces,
        estimate=estimate,
        problem=problem,
        form=form,
        faults=faults,
        enough=plain_usd(estimate.worst_micros) if estimate else "",
    )


def _draft(job: JobHead) -> JobHead:
    if job.state != "draft":
        raise Conflict(f"job {job.id} is {job.state}: only a draft can be changed here")
    return job
