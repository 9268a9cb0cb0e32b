"""Labels out as files: made here, kept, downloaded again later."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, send_from_directory, url_for
from werkzeug.wrappers import Response

from jobs import exports, formats
from jobs.errors import InvalidInput, NotFound
from jobs.reports.datasets import export_list, export_row
from jobs.reports.heads import job_head
from webapp.auth import actor, allow, limiter
from webapp.installation import installation, now, reading, writing

blueprint = Blueprint("exports", __name__, url_prefix="/jobs/<int:job_id>/exports")

FORMAT_WORDS = {
    "coco": "COCO JSON: boxes, for most training code",
    "voc": "Pascal VOC: one XML file an image",
    "yolo": "YOLO: one text file an image, and the class list",
    "csv_tags": "CSV: one row an item and attribute",
    "csv_spreadsheet": "CSV for spreadsheets: text that starts like a formula is quoted",
    "jsonl": "JSON lines: everything, with votes, weights and provenance",
}


@blueprint.get("")
@allow("manager")
def index(job_id: int) -> str:
    """The exports of a job, and the form for another."""
    return _page(job_id)


@blueprint.post("")
@allow("manager")
@limiter.limit("30 per minute")
def make(job_id: int) -> Response | tuple[str, int]:
    """Write the newest labels as one file; the same labels give the same file."""
    place = installation()
    wanted = request.form.get("format", "")
    try:
        with reading() as session:
            file = exports.write_file(
                session,
                place.blobs,
                job_id,
                wanted,
                exports.exports_folder(place.settings),
                with_images="with_images" in request.form,
            )
    except InvalidInput as error:
        return _page(job_id, error=str(error)), 422
    with writing() as session:
        exports.record_export(session, job_id, wanted, file, actor=actor(), now=now())
    flash(f"{file.n_labels:,} labels written to {file.file_name}.")
    return redirect(url_for("exports.index", job_id=job_id))


@blueprint.get("/<int:export_id>/file")
@allow("manager")
def download(job_id: int, export_id: int) -> Response:
    """The file of a finished export."""
    with reading() as session:
        return send_export(job_id, export_row(session, job_id, export_id).file_name)


def send_export(job_id: int, file_name: str) -> Response:
    """A file of the exports folder as a download whose type no browser guesses."""
    if not file_name:
        raise NotFound(f"job {job_id}: this export is not written yet")
    folder = exports.exports_folder(installation().settings)
    return send_from_directory(
        folder, file_name, as_attachment=True, mimetype="application/octet-stream"
    )


def _page(job_id: int, error: str = "") -> str:
    with reading() as session:
        summary = job_head(session, job_id)
        rows = export_list(session, job_id)
    return render_template(
        "exports/index.html",
        job=summary,
        rows=rows,
        formats=formats.names_with("write"),
        words=FORMAT_WORDS,
        chosen=request.form.get("format", "coco"),
        error=error,
    )
