"""Switches that stop and start spending."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs import intents, work
from jobs.errors import Conflict, InvalidInput
from jobs.hits import extending, orders, stopping
from jobs.hits.orders import OrderPreview
from jobs.money import format_usd
from jobs.reports.batches import BatchRow, batch_list
from jobs.reports.heads import job_head
from jobs.specs.hit_specs import batch_context
from jobs.spending import pausing
from webapp import confirming
from webapp.auth import actor, allow
from webapp.confirming import Field, Step, typed
from webapp.installation import installation, now, reading, writing
from webapp.requests import whole_number

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
            pausing.pause_job(session, job_id, actor(), now())
        else:
            pausing.resume_job(session, job_id, actor(), now())
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
        stopping.stop_job(session, job_id, actor(), now())
    flash("Stopped. HITs are called in; what was submitted is paid, the rest given back.")
    return redirect(url_for("jobs.job", job_id=job_id))


@blueprint.get("/jobs/<int:job_id>/batches")
@allow("manager")
def batches(job_id: int) -> str:
    """The HITs of a job by batch, with what can be done about those that are out."""
    with reading() as session:
        head = job_head(session, job_id)
        rows = batch_list(session, job_id)
    return render_template("jobs/batches.html", job=head, rows=rows)


@blueprint.get("/batches/<int:batch_id>/expire")
@allow("manager")
def expire_preview(batch_id: int) -> str:
    """What calling a batch in would do."""
    with reading() as session:
        row = _batch(session, batch_id)
    told = (
        f"{row.n_posted:,} of its {row.n_hits:,} HITs are out: nobody new can accept them. "
        f"{row.n_assignments:,} of {row.n_wanted:,} answers have come.",
        "Who has accepted one can finish it, and is paid. What was held for answers that do not "
        "come goes back to the budget.",
        "Further answers can be asked for later, which opens the HITs again.",
    )
    return confirming.show(
        Step(
            f"Call in {row.name}?",
            _batches_of(batch_id),
            "Batches",
            "Call it in",
            told,
            is_danger=True,
            is_possible=row.n_posted > 0,
        )
    )


@blueprint.post("/batches/<int:batch_id>/expire")
@allow("manager")
def expire(batch_id: int) -> Response:
    """Close a batch's HITs to new workers; a second press closes nothing more."""
    with writing() as session:
        batch_context(session, batch_id)  # NotFound for an unknown batch
        work.enqueue(session, "expire_batch", batch_id, now())
    flash("The background calls the batch in.")
    return redirect(_batches_of(batch_id))


@blueprint.get("/batches/<int:batch_id>/extend")
@allow("manager")
def extend_form(batch_id: int) -> str:
    """How many further people are asked by each HIT."""
    with reading() as session:
        return confirming.show(_extension(_batch(session, batch_id)))


@blueprint.post("/batches/<int:batch_id>/extend")
@allow("manager")
def extend(batch_id: int) -> Response | str | tuple[str, int]:
    """Show the highest cost, then ask further people; one page's order is made once."""
    with reading() as session:
        asked = _extension(_batch(session, batch_id))
    try:
        n_more = whole_number("n_more", low=1, high=1000)
        with reading() as session:
            n_before = sum(extending.n_done(session, batch_id).values())
            seen = orders.preview_orders(session, batch_id, n_more, installation().venues)
        if confirming.is_confirmed():
            if typed("after") != str(n_before):
                raise Conflict(f"batch {batch_id} has been extended since this page was shown")
            with writing() as session:
                orders.order_batch(session, batch_id, n_more, actor(), now())
            flash(f"{n_more:,} more from each HIT are asked for, in the background.")
            return redirect(_batches_of(batch_id))
    except InvalidInput as error:
        return confirming.show_again(asked, error)
    step = confirming.second(
        asked, "Ask for them", _cost(seen), n_more=str(n_more), after=str(n_before)
    )
    lacks = seen.worst_micros > seen.budget_left_micros
    return confirming.show(replace(step, is_possible=bool(seen.hit_ids) and not lacks))


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


def _cost(seen: OrderPreview) -> tuple[str, ...]:
    """What further answers cost at most, what is left, and which HITs cannot grow."""
    told = [
        f"{seen.n_more:,} more from each of {len(seen.hit_ids):,} HITs, of people who have not "
        f"done them: at most {format_usd(seen.worst_micros)} with the fees, of "
        f"{format_usd(seen.budget_left_micros)} left in the budget.",
        "HITs that have ended are opened again for their full time.",
    ]
    lacking = seen.worst_micros - seen.budget_left_micros
    if lacking > 0:
        told.append(f"The budget lacks {format_usd(lacking)}: raise it first.")
    if seen.refused:
        first = next(iter(seen.refused.values()))
        told.append(f"{len(seen.refused):,} HITs stay as they are. The first of them: {first}.")
    return tuple(told)


def _extension(row: BatchRow) -> Step:
    told = (
        f"{row.name}: {row.n_hits:,} HITs, {row.n_assignments:,} of {row.n_wanted:,} answers "
        "have come.",
    )
    fields = (Field("n_more", "Further answers from each HIT", "", "1", 4, mode="numeric"),)
    return Step(
        "Ask for more answers", _batches_of(row.id), "Batches",
        "Look at the cost first", told, fields,
    )  # fmt: skip


def _batch(session: Session, batch_id: int) -> BatchRow:
    job_id = batch_context(session, batch_id).job.id
    return next(row for row in batch_list(session, job_id) if row.id == batch_id)


def _batches_of(batch_id: int) -> str:
    with reading() as session:
        job_id = batch_context(session, batch_id).job.id
    return url_for("controls.batches", job_id=job_id)
