"""A new job in four steps, each of which can be left and resumed: its address says it all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from jobs import drafts, launch_gate, ledger, planning, saved_templates, taggers
from jobs.errors import BudgetExceeded, HitworksError, InvalidInput
from jobs.estimating import estimate as price
from jobs.images import inspect_image
from jobs.intakes import allowed_folders
from jobs.job_specs import read_job_spec
from jobs.label_schemas import check_examples, parse_schema, save_schema
from jobs.ledger import Reason
from jobs.money import parse_usd
from jobs.reports.datasets import (
    DatasetSummary,
    SchemaRow,
    dataset_list,
    dataset_summary,
    job_material,
    schema_list,
    schema_row,
)
from jobs.reports.heads import job_head
from webapp.auth import actor, allow
from webapp.installation import installation, now, reading, writing
from webapp.job_forms import Offer, form_of, offers, plain_usd, plan_document, schema_text
from webapp.requests import cursor, takes_upload

blueprint = Blueprint("new_job", __name__)

N_BLANK_ATTRIBUTES = 3


@blueprint.get("/jobs/new")
@allow("manager")
def start() -> str:
    """Step 1: which images."""
    with reading() as session:
        rows = dataset_list(session)
    return render_template(
        "new_job/dataset.html",
        rows=rows,
        chosen=cursor("dataset"),
        folders=allowed_folders(installation().settings),
    )


@blueprint.get("/jobs/new/question")
@allow("manager")
def question() -> str:
    """Step 2: what is asked about each image."""
    return _question_page()


@blueprint.post("/jobs/new/question")
@allow("manager")
@takes_upload
def save_question() -> Response | tuple[str, int]:
    """Keep a new version of a question and go on with it."""
    try:
        schema = parse_schema(schema_text(request.form, _examples()), "question")
        check_examples(schema, installation().blobs)
        with writing() as session:
            dataset_id = dataset_summary(session, cursor("dataset")).id
            schema_id = save_schema(session, schema, now()).id
    except InvalidInput as error:
        return _question_page(error=str(error)), 422
    return redirect(url_for("new_job.plan", dataset=dataset_id, schema=schema_id))


@blueprint.get("/jobs/new/plan")
@allow("manager")
def plan() -> str:
    """Step 3: who is asked, how often, at what price, and how sure is sure enough."""
    return _plan_page()


@blueprint.post("/jobs/new/plan")
@allow("manager")
def save_plan() -> Response | tuple[str, int]:
    """Make the draft; nothing is posted and nothing held."""
    try:
        with writing() as session:
            dataset = dataset_summary(session, cursor("dataset"))
            schema = schema_row(session, cursor("schema"))
            document = plan_document(request.form, dataset.name, f"{schema.name}@{schema.version}")
            spec = read_job_spec(document, "plan")
            job_id = planning.create_job(session, spec, now(), actor()).id
    except HitworksError as error:
        return _plan_page(error=str(error)), 422
    return redirect(url_for("new_job.review", job_id=job_id))


@blueprint.get("/jobs/<int:job_id>/plan")
@allow("manager")
def draft_plan(job_id: int) -> str:
    """Step 3 again, for a draft."""
    return _draft_page(job_id)


@blueprint.post("/jobs/<int:job_id>/plan")
@allow("manager")
def change_plan(job_id: int) -> Response | tuple[str, int]:
    """Change a draft; its images and its environment stay."""
    try:
        with writing() as session:
            old = drafts.read_draft(session, job_id)
            form = {**request.form.to_dict(), "environment": old.environment}
            spec = read_job_spec(plan_document(form, old.dataset, old.schema_name), "plan")
            drafts.change_draft(session, job_id, spec, now(), actor())
    except (InvalidInput, BudgetExceeded) as error:
        return _draft_page(job_id, error=str(error)), 422
    return redirect(url_for("new_job.review", job_id=job_id))


@blueprint.get("/jobs/<int:job_id>/review")
@allow("manager")
def review(job_id: int) -> str:
    """Step 4: what it will cost, at most, and the launch."""
    return _review_page(job_id)


@blueprint.post("/jobs/<int:job_id>/budget")
@allow("manager")
def budget(job_id: int) -> Response | tuple[str, int]:
    """Change the cap of a job."""
    try:
        amount = parse_usd(request.form.get("budget", "").strip(), name="budget")
        with writing() as session:
            key = f"budget:job:{job_id}:{now().isoformat()}"
            ledger.set_budget(session, job_id, amount, key=key, reason=Reason(actor()), now=now())
            is_draft = job_head(session, job_id).state == "draft"
    except (InvalidInput, BudgetExceeded) as error:
        return _review_page(job_id, error=str(error)), 422
    flash("Budget changed.")
    where = "new_job.review" if is_draft else "jobs.job"
    return redirect(url_for(where, job_id=job_id))


@blueprint.post("/jobs/<int:job_id>/launch")
@allow("manager")
def launch(job_id: int) -> Response | tuple[str, int]:
    """Hand the job to the background; with real money only after its name was typed."""
    place, typed = installation(), request.form.get("confirm", "").strip()
    try:
        with reading() as session:
            launch_gate.judge(session, job_id, place.venues, place.blobs, now(), confirmed=typed)
        with writing() as session:
            planning.launch(
                session, job_id, place.venues, place.blobs, now(), actor(), confirmed=typed
            )
    except (InvalidInput, BudgetExceeded) as error:
        return _review_page(job_id, error=str(error)), 422
    flash("Launched. Answers appear below as they come in.")
    return redirect(url_for("jobs.job", job_id=job_id))


@blueprint.get("/jobs/<int:job_id>/gate")
@allow("manager")
def gate(job_id: int) -> str:
    """Who pays from which balance, and what speaks against a launch; asked after the page.

    It asks the venues, which may take seconds.
    """
    place = installation()
    found, problem = None, ""
    with reading() as session:
        summary = job_head(session, job_id)
        if summary.state == "draft":
            try:
                found = launch_gate.preview(session, job_id, place.venues, place.blobs, now())
            except InvalidInput as error:
                problem = str(error)
    payers = [payer for payer in found.payers if payer.identity] if found else []
    lines = [launch_gate.describe(payer) for payer in payers]
    return render_template("new_job/_gate.html", found=found, lines=lines, problem=problem)


def _question_page(error: str = "") -> str:
    with reading() as session:
        dataset = dataset_summary(session, cursor("dataset"))
        rows = schema_list(session)
    return render_template(
        "new_job/question.html",
        dataset=dataset,
        rows=rows,
        form=request.form,
        n_attributes=max(N_BLANK_ATTRIBUTES, _n_attributes() + 1),
        error=error,
    )


def _examples() -> list[dict[str, str]]:
    """The example pictures of the form, put into the store; each must be an image."""
    found = []
    for verdict in ("good", "bad"):
        for file in request.files.getlist(f"example-{verdict}"):
            if file.filename:
                data = file.stream.read()
                key = installation().blobs.put(data, inspect_image(data).media_type)
                text = request.form.get(f"example-text-{verdict}", "").strip()
                found.append({"image": key, "text": text, "verdict": verdict})
    return found


def _n_attributes() -> int:
    return sum(name.startswith("attribute-name-") for name in request.form)


def _plan_page(error: str = "") -> str:
    with reading() as session:
        dataset = dataset_summary(session, cursor("dataset"))
        schema = schema_row(session, cursor("schema"))
    return _plan_form(dataset, schema, request.form, error=error)


def _draft_page(job_id: int, error: str = "") -> str:
    with reading() as session:
        spec = drafts.read_draft(session, job_id)
        dataset, schema = job_material(session, job_id)
    form = request.form if error else form_of(spec)
    return _plan_form(dataset, schema, form, error=error, job_id=job_id)


def _plan_form(
    dataset: DatasetSummary,
    schema: SchemaRow,
    form: Mapping[str, str],
    *,
    error: str,
    job_id: int | None = None,
) -> str:
    with reading() as session:
        templates = saved_templates.newest_of_each(session)
    return render_template(
        "new_job/plan.html",
        dataset=dataset,
        schema=schema,
        offers=_offers(schema.body),
        taggers=taggers.names(),
        templates=templates,
        form=form,
        error=error,
        job_id=job_id,
    )


def _offers(body: dict[str, Any]) -> tuple[Offer, ...]:
    return offers(has_boxes=bool(body.get("classes")), has_tags=bool(body.get("attributes")))


def _review_page(job_id: int, error: str = "") -> str:
    place = installation()
    estimate, problem = None, ""
    with reading() as session:
        summary = job_head(session, job_id)
        if summary.state == "draft":
            try:
                estimate = price(session, job_id, place.venues, place.blobs)
            except InvalidInput as found:
                problem = str(found)
    enough = (
        estimate.worst_micros if estimate and estimate.missing_micros else summary.budget_micros
    )
    return render_template(
        "new_job/review.html",
        job=summary,
        estimate=estimate,
        problem=problem,
        error=error,
        suggested=plain_usd(enough),
    )
