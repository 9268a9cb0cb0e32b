"""The page on which a template is written: its editor, its preview, its answer."""

from __future__ import annotations

import dataclasses
import importlib.util
from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.authoring import samples
from jobs.authoring.lint import lint, lint_filled
from jobs.authoring.starters import STARTERS, starter
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.pages.page_size import LARGEST_QUESTION_BYTES, question_bytes
from jobs.records import PageSource
from jobs.reports.datasets import dataset_list, schema_list
from jobs.specs import saved_templates
from webapp.auth import actor, allow, limiter
from webapp.installation import installation, now, reading
from webapp.installation import writing as changing
from webapp.studio import frames
from webapp.studio.forms import Shown, columns_of, shown_of, source_of, whole

blueprint = Blueprint("studio_writing", __name__, url_prefix="/templates")

SAMPLE_ROW = "image_url,question\nhttps://example.org/1.jpg,Is this a cat?\n"


@blueprint.get("/new")
@allow("manager")
def new() -> Response:
    """A template that is not kept yet, begun from a starter."""
    name = request.args.get("from", "box-page")
    begun = starter(name)
    form = {"name": "", "source": begun.text, "language": begun.language, "after": "0"}
    return _page(form | ({"data": "rows"} if name == "row-page" else {}))


@blueprint.get("/<name>/edit")
@allow("manager")
def edit(name: str) -> Response:
    """The newest version of a template in the editor, or the one that is asked for."""
    wanted = request.args.get("version", "")
    with reading() as session:
        saved = saved_templates.find(session, f"{name}@{wanted}" if wanted else name)
    form = {
        "name": saved.name,
        "source": saved.source,
        "language": saved.language,
        "after": str(saved.n_versions),
        "version": str(saved.version),
    }
    return _page(form)


@blueprint.post("/save")
@allow("manager")
@limiter.limit("60 per minute")
def save() -> Response | tuple[Response, int]:
    """Keep what the editor holds as a new version."""
    form = request.form
    try:
        source = source_of(form)
        after = form.get("after", "")
        with changing() as session:
            kept = saved_templates.save(
                session,
                form.get("name", "").strip(),
                source,
                actor=actor(),
                now=now(),
                note=form.get("note", ""),
                after=int(after) if after.isdecimal() and len(after) < 10 else None,
            )
    except (InvalidInput, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _page(form.to_dict(), error=str(error)), status
    return redirect(url_for("studio_writing.edit", name=kept.name, saved=kept.version))


@blueprint.post("/preview")
@allow("manager")
@limiter.limit("240 per minute")
def preview() -> Response:
    """What the editor's page looks like now: findings, size, and the frame's sealed page."""
    place, form = installation(), request.form
    said: dict[str, Any] = {"problem": "", "frame": None, "findings": [], "number": 1, "n_pages": 0}
    source, shown, html = PageSource("", "fields"), None, ""
    try:
        source = source_of(form)
        with reading() as session:
            shown = shown_of(session, place.blobs, form)
        html = samples.page_of(source, shown.filling, f"row {shown.number}")
        said["frame"] = frames.frame_of(
            place.settings, html, is_accepted=form.get("accepted") == "yes"
        )
        said["size"] = _size(html)
    except (InvalidInput, NotFound) as error:
        said["problem"] = str(error)
    if shown:
        said |= {"number": shown.number, "n_pages": shown.n_pages}
    said["findings"] = _findings(source, shown, html)
    return jsonify(said)


@blueprint.post("/answer")
@allow("manager")
def answer() -> Response:
    """The answer that the frame has sent: its XML, and what would be read from it."""
    shown: Shown | None = None
    problem = ""
    try:
        with reading() as session:
            shown = shown_of(session, installation().blobs, request.form)
    except (InvalidInput, NotFound) as error:
        problem = str(error)
    found = samples.parsed(request.form.get("document", ""), shown.asked if shown else None)
    return jsonify(
        fields=found.fields,
        value=found.value,
        problem=found.problem or problem,
        is_asked=bool(shown and shown.asked),
    )


def _findings(source: PageSource, shown: Shown | None, html: str) -> list[dict[str, Any]]:
    columns = columns_of(request.form, shown) if shown and source.language == "fields" else None
    is_job = bool(shown and shown.asked)  # a job's page need not use each of its many fields
    found = [
        one for one in lint(source.text, columns) if not (is_job and one.rule == "extra-variable")
    ]
    found += lint_filled(source.text, html) if html else ()
    return [dataclasses.asdict(one) for one in found]


def _size(html: str) -> str:
    return f"{question_bytes(html):,} of {LARGEST_QUESTION_BYTES:,} bytes"


def _page(form: dict[str, str], error: str = "") -> Response:
    place = installation()
    with reading() as session:
        offered = _offered(session)
    page = render_template(
        "studio/edit.html",
        form={"rows": SAMPLE_ROW, "data": "dataset" if offered["datasets"] else "rows", **form},
        error=error,
        starters=STARTERS,
        has_browser=importlib.util.find_spec("playwright") is not None,
        saved=whole(request.args, "saved", 0),
        content_url=place.settings.content_url(),
        own_url=frames.own_origin(place.settings),
        **offered,
    )
    return frames.allow_frame(page, place.settings)


def _offered(session: Session) -> dict[str, Any]:
    """What a page can be filled from."""
    questions = schema_list(session)
    datasets = [one for one in dataset_list(session) if one.n_items] if questions else []
    return {"datasets": datasets, "questions": questions}
