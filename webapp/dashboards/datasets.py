"""Datasets: what there is to label, and the way in for more."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask import stream_with_context as within_request
from werkzeug.wrappers import Response

from jobs.background import wake_now
from jobs.errors import HitworksError, InvalidInput
from jobs.intake import intakes
from jobs.intake.facts import megapixel_labels
from jobs.reports.datasets import dataset_items, dataset_list, dataset_summary
from jobs.reports.intakes import (
    intake_report,
    intakes_of,
    n_refused_so_far,
    refusal_pages,
    refusals,
    unsettled,
)
from webapp import uploads
from webapp.auth import actor, allow, limiter
from webapp.dashboards.ledger import plain_cell
from webapp.installation import installation, now, reading, writing
from webapp.requests import cursor, takes_upload

blueprint = Blueprint("datasets", __name__, url_prefix="/datasets")

N_TILES = 60
N_REFUSALS = 100


@blueprint.get("")
@allow("manager")
def index() -> str:
    """Every dataset, and the way in for more."""
    return _page()


@blueprint.post("")
@allow("manager")
@limiter.limit("30 per minute")
@takes_upload
def upload() -> Response | tuple[str, int]:
    """Take in what the form sends, or the place it names; the background does the work."""
    try:
        is_elsewhere = bool(request.form.get("place", "").strip())
        intake_id = _begin_elsewhere() if is_elsewhere else _receive_all()
    except HitworksError as error:
        return _page(error=str(error)), 422
    wake_now(installation())
    return redirect(url_for("datasets.intake", intake_id=intake_id))


@blueprint.post("/imports")
@allow("manager")
@limiter.limit("60 per minute")
def begin() -> Response:
    """An import that waits for its files: where the page's script sends them."""
    intake_id = _begin_upload()
    return jsonify(
        files=url_for("datasets.receive", intake_id=intake_id),
        start=url_for("datasets.start", intake_id=intake_id),
        cancel=url_for("datasets.cancel", intake_id=intake_id),
    )


@blueprint.post("/imports/<int:intake_id>/files")
@allow("manager")
@takes_upload
def receive(intake_id: int) -> Response:
    """Whole files of a form, or with ``path`` and ``offset`` a piece of one as the body."""
    place = installation()
    if "path" in request.args:
        length = request.content_length or 0
        size = uploads.receive_piece(
            place, intake_id, request.args["path"], cursor("offset"), length, request.stream
        )
        return jsonify(size=size)
    n_kept = uploads.receive_files(place, intake_id, request.files.getlist("files"))
    return jsonify(kept=n_kept)


@blueprint.post("/imports/<int:intake_id>/start")
@allow("manager")
def start(intake_id: int) -> Response:
    """Everything was sent: the background takes it in from here."""
    place = installation()
    uploads.finish(place, intake_id, now())
    wake_now(place)
    return jsonify(page=url_for("datasets.intake", intake_id=intake_id))


@blueprint.post("/imports/<int:intake_id>/cancel")
@allow("manager")
def cancel(intake_id: int) -> Response:
    """Give an import up without a trace."""
    with writing() as session:
        intakes.cancel(session, intake_id, now())
    flash("The import was cancelled. Nothing of it is kept.")
    return redirect(url_for("datasets.index"))


@blueprint.get("/imports/<int:intake_id>")
@allow("manager")
def intake(intake_id: int) -> str:
    """One import: how far it is; at its end what was taken in, and what was not and why."""
    with reading() as session:
        report = intake_report(session, intake_id)
    return render_template("datasets/intake.html", intake=report)


@blueprint.get("/imports/<int:intake_id>/state")
@allow("manager")
def state(intake_id: int) -> str:
    """The part of an import's page that moves."""
    with reading() as session:
        report = intake_report(session, intake_id)
        n_refused = n_refused_so_far(session, intake_id)
        rows = () if report.is_under_way else refusals(session, intake_id, limit=N_REFUSALS)
    return render_template(
        "datasets/_intake.html",
        intake=report,
        n_refused=n_refused,
        refusals=rows,
        megapixel_labels=megapixel_labels(),
    )


@blueprint.get("/imports/<int:intake_id>/refused.csv")
@allow("manager")
def refused(intake_id: int) -> Response:
    """Every refused file with its reason, as CSV that is safe to open in a spreadsheet."""
    with reading() as session:
        intake_report(session, intake_id)
    response = Response(within_request(_refused_lines(intake_id)), mimetype="text/csv")
    name = f'attachment; filename="refused-import-{intake_id}.csv"'
    response.headers["Content-Disposition"] = name
    return response


@blueprint.get("/<int:dataset_id>")
@allow("manager")
def dataset(dataset_id: int) -> str:
    """One dataset: its imports, and its images."""
    with reading() as session:
        summary = dataset_summary(session, dataset_id)
        imports = intakes_of(session, dataset_id)
        rows = dataset_items(session, dataset_id, after=cursor(), limit=N_TILES + 1)
    return render_template(
        "datasets/dataset.html",
        dataset=summary,
        intakes=imports,
        rows=rows[:N_TILES],
        next_after=rows[N_TILES - 1].id if len(rows) > N_TILES else None,
    )


def _begin_upload() -> int:
    with writing() as session:
        return intakes.begin_upload(session, now=now(), actor=actor(), **_said()).id


def _begin_elsewhere() -> int:
    place = request.form["place"].strip()
    with writing() as session:
        return intakes.begin_elsewhere(
            session, installation().settings, place=place, now=now(), actor=actor(), **_said()
        ).id


def _said() -> dict[str, str]:
    """What the form says of the whole import."""
    return {
        "name": request.form.get("name", "").strip(),
        "licence": request.form.get("licence", "").strip(),
        "item_source": request.form.get("source", "").strip(),
    }


def _receive_all() -> int:
    """The import of the files of a form sent without the script; a faulty one ends it."""
    place, files = installation(), request.files.getlist("files")
    if not any(file.filename for file in files):
        raise InvalidInput("files: expected a zip archive, images, or a manifest; got none")
    intake_id = _begin_upload()
    try:
        uploads.receive_files(place, intake_id, files)
    except InvalidInput:
        with writing() as session:
            intakes.cancel(session, intake_id, now())
        raise
    uploads.finish(place, intake_id, now())
    return intake_id


def _refused_lines(intake_id: int) -> Iterator[str]:
    yield _line(("row", "file", "kind", "reason"))
    with reading() as session:
        for page in refusal_pages(session, intake_id):
            for one in page:
                yield _line((str(one.row), plain_cell(one.name), one.fault, plain_cell(one.reason)))


def _line(cells: tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _page(error: str = "") -> str:
    with reading() as session:
        rows = dataset_list(session)
        watched = unsettled(session)
    return render_template(
        "datasets/index.html",
        rows=rows,
        unsettled=watched,
        error=error,
        form=request.form,
        folders=intakes.allowed_folders(installation().settings),
    )
