"""A new job step by step: images, question, routes; each can be left, resumed and gone back to.

From the third step on there is a draft, and the steps after it are in ``draft_steps``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from jobs import taggers
from jobs.background import wake_now
from jobs.errors import BudgetExceeded, HitworksError, InvalidInput, Paused
from jobs.images import bare_copy
from jobs.intake.intakes import allowed_folders
from jobs.money import parse_usd
from jobs.planning import drafts, launch_gate, launching, planning, sketches
from jobs.planning.estimating import estimate as price
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
from jobs.specs import saved_templates
from jobs.specs.job_specs import read_job_spec
from jobs.specs.label_schemas import check_examples, parse_schema, save_schema
from jobs.spending import ledger
from jobs.spending.ledger import Reason
from webapp.auth import actor, allow
from webapp.installation import installation, now, reading, writing
from webapp.job_faults import Faults, plan_faults, question_faults
from webapp.job_forms import (
    DISPUTES,
    SECOND_LOOKS,
    Offer,
    carried_over,
    form_of,
    form_of_question,
    kept_examples,
    keys_of,
    offers,
    plain_usd,
    plan_document,
    schema_text,
)
from webapp.requests import cursor, takes_upload

blueprint = Blueprint("new_job", __name__)

N_BLANK_ATTRIBUTES = 3
EXAMPLE_SIDE = 1280  # pixels; an example stands beside the instructions
_EXAMPLE = re.compile(r"example-image-[0-9]{1,4}", re.ASCII)
_NOT_KEPT = ("csrf_token",)


@blueprint.get("/jobs/new")
@allow("manager")
def start() -> str:
    """Step 1: which images; and what was begun before."""
    with reading() as session:
        rows = dataset_list(session)
        begun = sketches.begun_by(session, actor())
        planned = drafts.drafts_there(session)
    return render_template(
        "new_job/dataset.html",
        rows=rows,
        chosen=cursor("dataset"),
        folders=allowed_folders(installation().settings),
        sketches=begun,
        drafts=planned,
    )


@blueprint.post("/jobs/new/sketches")
@allow("manager")
@takes_upload
def keep_sketch() -> Response:
    """Keep the question as far as it is written, to go on with it another time."""
    form = {name: text for name, text in request.form.items() if name not in _NOT_KEPT}
    with writing() as session:
        dataset_id = dataset_summary(session, cursor("dataset")).id
        found = sketches.keep(session, cursor("sketch"), actor(), dataset_id, form, now())
    if request.accept_mimetypes.best == "application/json":
        return jsonify(sketch=found)
    flash("Kept as it is. Go on with it from the first step of a new job.")
    return redirect(url_for("new_job.start"))


@blueprint.post("/jobs/new/sketches/<int:sketch_id>/drop")
@allow("manager")
def drop_sketch(sketch_id: int) -> Response:
    """Throw away a question that was begun."""
    with writing() as session:
        sketches.drop(session, sketch_id, actor())
    flash("Thrown away.")
    return redirect(url_for("new_job.start"))


@blueprint.get("/jobs/new/question")
@allow("manager")
def question() -> str:
    """Step 2: what is asked about each image; as it was saved, or as far as it was written."""
    form: dict[str, str] = {}
    with reading() as session:
        if cursor("sketch"):
            form = sketches.form_of(session, cursor("sketch"), actor())
        elif cursor("schema"):
            form = form_of_question(schema_row(session, cursor("schema")).body)
    return _question_page(form, Faults())


@blueprint.post("/jobs/new/question")
@allow("manager")
@takes_upload
def save_question() -> Response | tuple[str, int]:
    """Keep a new version of a question and go on with it."""
    form = request.form.to_dict()
    try:
        form = _with_examples(form)
        schema = parse_schema(schema_text(form, kept_examples(form)), "question")
        check_examples(schema, installation().blobs)
        with writing() as session:
            dataset_id = dataset_summary(session, cursor("dataset")).id
            schema_id = save_schema(session, schema, now()).id
            sketches.drop(session, cursor("sketch"), actor())
            draft_id = cursor("draft")
            if draft_id:
                drafts.ask(session, draft_id, schema_id, now(), actor())
    except InvalidInput as error:
        return _question_page(form, question_faults(str(error), form)), 422
    if draft_id:
        return redirect(url_for("new_job.draft_plan", job_id=draft_id))
    return redirect(url_for("new_job.plan", dataset=dataset_id, schema=schema_id))


@blueprint.get("/jobs/new/plan")
@allow("manager")
def plan() -> str:
    """Step 3: who is asked, how often, at what price, and how sure is sure enough."""
    return _plan_page(Faults())


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
        return _plan_page(_plan_faults(str(error))), 422
    return redirect(url_for("draft_steps.money", job_id=job_id))


@blueprint.get("/jobs/<int:job_id>/plan")
@allow("manager")
def draft_plan(job_id: int) -> str:
    """Step 3 again, for a draft."""
    return _draft_page(job_id, Faults())


@blueprint.post("/jobs/<int:job_id>/plan")
@allow("manager")
def change_plan(job_id: int) -> Response | tuple[str, int]:
    """Change a draft; its images, its environment and its amounts stay."""
    try:
        with writing() as session:
            old = drafts.draft_document(session, job_id)
            form = {**request.form.to_dict(), "environment": old["environment"]}
            document = plan_document(form, old["dataset"], old["schema"])
            spec = read_job_spec(carried_over(form, document, old), "plan")
            drafts.change_draft(session, job_id, spec, now(), actor())
    except (InvalidInput, BudgetExceeded) as error:
        return _draft_page(job_id, _plan_faults(str(error))), 422
    return redirect(url_for("draft_steps.money", job_id=job_id))


@blueprint.get("/jobs/<int:job_id>/review")
@allow("manager")
def review(job_id: int) -> str:
    """The last step: all of it at a glance, who pays, and the launch."""
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
            launching.ask(session, job_id, now(), confirmed=typed)
    except (InvalidInput, BudgetExceeded) as error:
        return _review_page(job_id, error=str(error)), 422
    except Paused as error:
        return _review_page(job_id, error=str(error)), 409
    wake_now(place)
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


def _question_page(form: dict[str, str], faults: Faults) -> str:
    with reading() as session:
        dataset = dataset_summary(session, cursor("dataset"))
        rows = schema_list(session)
    n_attributes = sum(name.startswith("attribute-name-") for name in form)
    return render_template(
        "new_job/question.html",
        dataset=dataset,
        rows=rows,
        form=form,
        examples=kept_examples(form),
        n_attributes=max(N_BLANK_ATTRIBUTES, n_attributes + 1),
        faults=faults,
        sketch=cursor("sketch"),
        draft=cursor("draft"),
    )


def _with_examples(form: dict[str, str]) -> dict[str, str]:
    """The form with its new example pictures in the store, as it carries those of before.

    Only their pixels are kept: workers see no place, no camera and no name of a file.
    """
    number = 1 + max((int(n.rpartition("-")[2]) for n in form if _EXAMPLE.fullmatch(n)), default=-1)
    for verdict in ("good", "bad"):
        for file in request.files.getlist(f"example-{verdict}"):
            if not file.filename:
                continue
            try:
                key = installation().blobs.put(*bare_copy(file.stream.read(), EXAMPLE_SIDE))
            except InvalidInput as error:
                raise InvalidInput(f"example-{verdict}: {error}") from error
            form |= {
                f"example-image-{number}": key,
                f"example-verdict-{number}": verdict,
                f"example-note-{number}": form.get(f"example-text-{verdict}", "").strip(),
            }
            number += 1
    return form


def _plan_faults(message: str) -> Faults:
    return plan_faults(message, request.form, keys_of(request.form))


def _plan_page(faults: Faults) -> str:
    with reading() as session:
        dataset = dataset_summary(session, cursor("dataset"))
        schema = schema_row(session, cursor("schema"))
    return _plan_form(dataset, schema, request.form, faults)


def _draft_page(job_id: int, faults: Faults) -> str:
    with reading() as session:
        spec = drafts.read_draft(session, job_id)
        dataset, schema = job_material(session, job_id)
    form = request.form if faults.message else form_of(spec)
    return _plan_form(dataset, schema, form, faults, job_id=job_id)


def _plan_form(
    dataset: DatasetSummary,
    schema: SchemaRow,
    form: Mapping[str, str],
    faults: Faults,
    *,
    job_id: int | None = None,
) -> str:
    with reading() as session:
        templates = saved_templates.newest_of_each(session)
    return render_template(
        "new_job/plan.html",
        dataset=dataset,
        schema=schema,
        offers=_offers(schema.body),
        second_looks=SECOND_LOOKS,
        disputes=DISPUTES,
        taggers=taggers.names(),
        templates=templates,
        form=form,
        faults=faults,
        job_id=job_id,
    )


def _offers(body: dict[str, Any]) -> tuple[Offer, ...]:
    return offers(has_boxes=bool(body.get("classes")), has_tags=bool(body.get("attributes")))


def _review_page(job_id: int, error: str = "") -> str:
    place = installation()
    estimate, problem = None, ""
    with reading() as session:
        summary = job_head(session, job_id)
        dataset, schema = job_material(session, job_id)
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
        dataset=dataset,
        schema=schema,
        estimate=estimate,
        problem=problem,
        error=error,
        suggested=plain_usd(enough),
    )
