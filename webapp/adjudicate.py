"""Adjudication: questions whose answers do not settle, worst first, decided by a person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from jobs import labels
from jobs.errors import InvalidInput, NotFound
from jobs.records import LabelSchema
from jobs.reports import ItemView, item_view
from jobs.reports.conflicts import ConflictRow, conflicts, n_conflicts
from jobs.reports.datasets import job_schema
from jobs.reports.heads import job_head
from jobs.strict_json import loads
from webapp.auth import actor, allow
from webapp.installation import now, reading, writing
from webapp.overlay import layers
from webapp.requests import cursor, whole_number

blueprint = Blueprint("adjudicate", __name__)

N_TILES = 60
REASONS = {
    "agreed": "The answers meant the same",
    "majority-wrong": "Most answers were wrong",
    "instructions-unclear": "The instructions were unclear",
    "image-unclear": "The image is unclear",
    "corrected": "Corrected after review",
}
_PLACE = re.compile(r"([01](?:\.[0-9]{1,20})?(?:e-[0-9]{1,3})?)~([0-9]{1,18})", re.ASCII)


@blueprint.get("/adjudicate")
@allow("adjudicator")
def queue() -> str:
    """Conflicts of every job, or of one, the least sure first."""
    job_id = cursor("job") or None
    with reading() as session:
        job = job_head(session, job_id) if job_id else None
        rows = conflicts(session, job_id=job_id, after=_place(), limit=N_TILES + 1)
        n = n_conflicts(session, job_id)
    more = rows[N_TILES - 1].place if len(rows) > N_TILES else None
    return render_template("adjudicate/queue.html", job=job, rows=rows[:N_TILES], n=n, more=more)


@blueprint.get("/jobs/<int:job_id>/items/<int:item_id>/decide/<any(boxes, tags):kind>")
@allow("adjudicator")
def decide(job_id: int, item_id: int, kind: str) -> str:
    """One question with every answer, to accept, correct or draw anew."""
    return _desk(job_id, item_id, kind)


@blueprint.post("/jobs/<int:job_id>/items/<int:item_id>/decide/<any(boxes, tags):kind>")
@allow("adjudicator")
def settle(job_id: int, item_id: int, kind: str) -> Response | tuple[str, int]:
    """Write the decision as a new label version and show the next conflict."""
    try:
        reason = request.form.get("reason", "")
        if reason not in REASONS:
            raise InvalidInput(f"reason: expected one of {', '.join(REASONS)}, got {reason!r:.40}")
        expected = whole_number("version", low=0, high=10**9)
        with writing() as session:
            view = item_view(session, job_id, item_id)
            value = _value(kind, job_schema(session, job_id))
            labels.adjudicate(
                session,
                job_id=job_id,
                item_id=item_id,
                kind=kind,
                value=value,
                reason=reason,
                actor=actor(),
                expected_version=expected,
                now=now(),
            )
    except InvalidInput as error:
        return _desk(job_id, item_id, kind, error=str(error)), 422
    with reading() as session:
        following = conflicts(session, job_id=job_id, limit=1)
    flash(f"Decided: {view.name}, {kind}. The earlier versions are kept.")
    return redirect(_address(following, job_id))


@blueprint.post("/jobs/<int:job_id>/items/<int:item_id>/revert/<any(boxes, tags):kind>")
@allow("adjudicator")
def revert(job_id: int, item_id: int, kind: str) -> Response:
    """Bring an older version back, as a new one."""
    with writing() as session:
        labels.revert(
            session,
            job_id=job_id,
            item_id=item_id,
            kind=kind,
            version=whole_number("version", low=1, high=10**9),
            actor=actor(),
            now=now(),
        )
    flash("The older version counts again, as a new one.")
    return redirect(url_for("items.item", job_id=job_id, item_id=item_id))


def _desk(job_id: int, item_id: int, kind: str, error: str = "") -> str:
    with reading() as session:
        job = job_head(session, job_id)
        view = item_view(session, job_id, item_id)
        schema = job_schema(session, job_id)
        ahead = conflicts(session, job_id=job_id, limit=2)
    question = next((found for found in view.questions if found.kind == kind), None)
    if question is None:
        raise NotFound(f"item {item_id} of job {job_id} has no question about {kind} yet")
    following = [row for row in ahead if (row.item_id, row.kind) != (item_id, kind)]
    newest = next((label for label in view.labels if label.kind == kind), None)
    asked = [each for each in schema.attributes if _is_asked(each.name, view, question.value)]
    return render_template(
        "adjudicate/desk.html",
        job=job,
        item=view,
        kind=kind,
        question=question,
        schema=schema,
        asked=asked,
        value=newest.value if newest else question.value,
        version=newest.version if newest else 0,
        layers=[layer for layer in layers(view) if layer.kind == kind],
        reasons=REASONS,
        image_url=url_for("media.whole", key=view.blob_key),
        next_key=following[0].blob_key if following else None,
        next_url=_address(following, job_id) if following else None,
        error=error,
    )


def _is_asked(name: str, view: ItemView, value: dict[str, Any]) -> bool:
    """Whether any answer or the consensus speaks of this attribute."""
    values = [value, *(answer.value for answer in view.answers)]
    return any(name in one.get("tags", {}) for one in values)


def _address(following: Sequence[ConflictRow], job_id: int) -> str:
    """The page of the next conflict, or of the empty queue."""
    if not following:
        return url_for("adjudicate.queue", job=job_id)
    row = following[0]
    return url_for("adjudicate.decide", job_id=row.job_id, item_id=row.item_id, kind=row.kind)


def _value(kind: str, schema: LabelSchema) -> dict[str, Any]:
    """The decision of the form as an answer's value; the service checks it like any answer."""
    if kind == "tags":
        return {"tags": _tags(schema)}
    try:
        return {"boxes": loads(request.form.get("boxes", ""))}
    except ValueError as error:
        raise InvalidInput(f"boxes: expected a JSON list of boxes: {error}") from error


def _tags(schema: LabelSchema) -> dict[str, Any]:
    """The tags of the form; an attribute that was not shown is not decided."""
    decided: dict[str, Any] = {}
    for each in schema.attributes:
        chosen = request.form.getlist(f"tag-{each.name}")
        if f"asked-{each.name}" in request.form:
            decided[each.name] = chosen if each.kind == "many" else "".join(chosen)
    if not decided:
        raise InvalidInput("tags: expected at least one attribute")
    return decided


def _place() -> tuple[float, int] | None:
    text = request.args.get("after", "")
    if not text:
        return None
    found = _PLACE.fullmatch(text)
    if found is None:
        raise InvalidInput(f"after: expected the mark of the previous page, got {text!r:.40}")
    return float(found[1]), int(found[2])
